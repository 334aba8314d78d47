//! The truth that counting is held to: everything is counted anew, slowly and simply.
//!
//! It shares no code with what it checks but the plain values of `model` and the registry.

use std::collections::{BTreeMap, HashSet};

use jiff::{
    Timestamp, ZonedDateTime,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use trim_beacons::{
    config::registry::{EventType, Registry},
    model::{beacon::Beacon, dimension::Dimension, period::Granularity},
};

/// After so many idle seconds a visit is over.
pub(super) const IDLE: i64 = 1800;

/// A row's key as people read it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) site: String,
    pub(crate) event_type: String,
    pub(crate) identifier: Option<String>,
    pub(crate) granularity: &'static str,
    pub(crate) period_start: String,
    /// A dimension and its value, for rows of a breakdown.
    pub(crate) split: Option<(String, String)>,
}

/// Count, visitors, visits, bounces, seconds.
pub(crate) type Row = [i64; 5];

/// Every row that is not all zeros, and every bar of a histogram (count and sum in thousandths).
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Recount {
    pub(crate) rows: BTreeMap<Key, Row>,
    pub(crate) bars: BTreeMap<(Key, i64), [i64; 4]>,
}

/// A visit, once it is known as a whole: its page views as (when, page).
struct Visit<'b> {
    first: &'b Beacon<'b>,
    views: Vec<(i64, &'b str)>,
    last: i64,
}

/// Counts `beacons`, which were received in this order.
pub(crate) fn recount(beacons: &[Beacon<'_>], registry: &Registry) -> Recount {
    let mut counting = Counting { registry, seen: HashSet::new(), recount: Recount::default() };
    let mut visits: Vec<Visit<'_>> = Vec::new();
    for beacon in beacons {
        let at = second(beacon);
        let rules = registry.event(&beacon.event_type).unwrap();
        // Each event type that has visits has its own; others happen within the first that is live.
        let is_live = |visit: &Visit<'_>, event: &EventType| {
            visit.first.event_type == *event.name
                && visit.first.site == beacon.site
                && beacon.visitor.is_some()
                && visit.first.visitor == beacon.visitor
                && (at - visit.last).abs() <= IDLE
        };
        let mut with_visits = registry.events.iter().filter(|event| event.visits);
        let live = if rules.visits {
            visits.iter().rposition(|visit| is_live(visit, rules))
        } else {
            with_visits.find_map(|event| visits.iter().rposition(|visit| is_live(visit, event)))
        };
        let acquired = live.map(|live| visits[live].first);
        counting.beacon(beacon, rules, acquired);
        let (true, Some(page)) = (rules.visits && beacon.visitor.is_some(), &beacon.identifier)
        else {
            continue;
        };
        match live {
            Some(live) => {
                let visit = &mut visits[live];
                visit.last = visit.last.max(at);
                visit.views.push((at, page));
            }
            None => visits.push(Visit { first: beacon, views: vec![(at, page)], last: at }),
        }
    }
    for visit in &visits {
        counting.visit(visit);
    }
    counting.recount.rows.retain(|_, row| *row != Row::default());
    counting.recount
}

struct Counting<'r> {
    registry: &'r Registry,
    /// Who was seen where: the site, its local date, the visitor, and what was looked at.
    seen: HashSet<(String, Date, u64, String)>,
    recount: Recount,
}

impl Counting<'_> {
    fn beacon(&mut self, beacon: &Beacon<'_>, rules: &EventType, within: Option<&Beacon<'_>>) {
        let at = second(beacon);
        let pages = [None, beacon.identifier.as_deref()];
        let pages = &pages[..1 + usize::from(beacon.identifier.is_some())];
        for page in pages {
            let visitors = self.first(beacon, *page, "");
            self.add(beacon, rules, at, *page, None, [1, visitors, 0, 0, 0]);
            for dimension in &rules.dimensions {
                let Some(value) = value(beacon, rules, dimension, within, self.registry) else {
                    continue;
                };
                if page.is_some() && !rules.pairs.contains(dimension) {
                    continue;
                }
                let visitors = self.first(beacon, *page, &format!("{dimension}={value}"));
                let split = Some((dimension, value.as_str()));
                self.add(beacon, rules, at, *page, split, [1, visitors, 0, 0, 0]);
            }
            for measure in &beacon.measures {
                let rule = rules.measures.iter().find(|rule| rule.name == measure.name).unwrap();
                #[expect(clippy::cast_possible_truncation, reason = "the tests' values are small")]
                let value = (measure.value * 1000.0).round() as i64;
                let bound = rule.bounds.iter().find(|bound| value <= **bound);
                let bound = bound.copied().unwrap_or(1 << 53);
                for granularity in &rules.granularities {
                    let split = Some((measure.name.to_string(), String::new()));
                    let key = self.key(beacon, *granularity, at, *page, split);
                    let bars = &mut self.recount.bars;
                    let bar = bars.entry((key, bound)).or_insert([0, 0, value, value]);
                    bar[0] += 1;
                    bar[1] += value;
                    bar[2] = bar[2].min(value);
                    bar[3] = bar[3].max(value);
                }
            }
        }
    }

    /// All that a visit adds, to the buckets in which it began.
    fn visit(&mut self, visit: &Visit<'_>) {
        let beacon = visit.first;
        let rules = self.registry.event(&beacon.event_type).unwrap().clone();
        let at = second(beacon);
        let (entry, exit) = (visit.views[0].1, visit.views[visit.views.len() - 1].1);
        let bounces = i64::from(visit.views.len() == 1);
        self.of_visit(beacon, &rules, entry, [0, 0, 1, bounces, 0]);
        let mut latest = visit.views[0].0;
        for pair in visit.views.windows(2) {
            let ((_, left), (next, _)) = (pair[0], pair[1]);
            self.of_visit(beacon, &rules, left, [0, 0, 0, 0, (next - latest).max(0)]);
            latest = latest.max(next);
        }
        for (dimension, page, bounces) in
            [(Dimension::EntryPage, entry, bounces), (Dimension::ExitPage, exit, 0)]
        {
            if rules.dimensions.contains(&dimension) {
                let split = Some((&dimension, page));
                self.add(beacon, &rules, at, None, split, [1, 0, 1, bounces, 0]);
            }
        }
    }

    fn of_visit(&mut self, first: &Beacon<'_>, rules: &EventType, page: &str, row: Row) {
        for page in [None, Some(page)] {
            self.add(first, rules, second(first), page, None, row);
            for dimension in &rules.dimensions {
                let value = value(first, rules, dimension, None, self.registry);
                let kept = page.is_none() || rules.pairs.contains(dimension);
                if let (true, Some(value)) = (kept, &value) {
                    self.add(first, rules, second(first), page, Some((dimension, value)), row);
                }
            }
        }
    }

    /// 1 if the visitor has not been seen there on that local day.
    fn first(&mut self, beacon: &Beacon<'_>, page: Option<&str>, split: &str) -> i64 {
        let Some(visitor) = beacon.visitor else { return 0 };
        let local = local(second(beacon), self.zone(&beacon.site));
        let what = format!("{} {page:?} {split}", beacon.event_type);
        let key = (beacon.site.to_string(), local.date(), visitor.0, what);
        i64::from(self.seen.insert(key))
    }

    fn add(
        &mut self,
        beacon: &Beacon<'_>,
        rules: &EventType,
        at: i64,
        page: Option<&str>,
        split: Option<(&Dimension, &str)>,
        row: Row,
    ) {
        for granularity in &rules.granularities {
            if page.is_some() && split.is_some() && *granularity < Granularity::Day {
                continue;
            }
            // A day is split as a whole; an event type without days, in what its days are made of.
            let is_finer =
                |other: &&Granularity| granularity < *other && **other <= Granularity::Day;
            if split.is_some() && rules.granularities.iter().any(|other| is_finer(&other)) {
                continue;
            }
            let split = split.map(|(dimension, value)| (dimension.to_string(), value.to_owned()));
            let key = self.key(beacon, *granularity, at, page, split);
            let sum = self.recount.rows.entry(key).or_default();
            for (sum, more) in sum.iter_mut().zip(row) {
                *sum += more;
            }
        }
    }

    fn key(
        &self,
        beacon: &Beacon<'_>,
        granularity: Granularity,
        at: i64,
        page: Option<&str>,
        split: Option<(String, String)>,
    ) -> Key {
        let start = bucket(at, granularity, self.zone(&beacon.site));
        Key {
            site: beacon.site.to_string(),
            event_type: beacon.event_type.to_string(),
            identifier: page.map(str::to_owned),
            granularity: granularity.as_str(),
            period_start: Timestamp::from_second(start).unwrap().to_string(),
            split,
        }
    }

    fn zone(&self, site: &str) -> &TimeZone {
        &self.registry.site(site).unwrap().zone
    }
}

pub(super) fn second(beacon: &Beacon<'_>) -> i64 {
    beacon.received_at.div_euclid(1000)
}

pub(super) fn local(at: i64, zone: &TimeZone) -> ZonedDateTime {
    Timestamp::from_second(at).unwrap().to_zoned_datetime(zone.clone())
}

/// The first instant of the bucket that holds `at`.
pub(super) fn bucket(at: i64, granularity: Granularity, zone: &TimeZone) -> i64 {
    let now = local(at, zone);
    let midnight = |date: Date| {
        let midnight: DateTime = date.into();
        midnight.to_zoned_datetime(zone.clone()).unwrap().timestamp().as_second()
    };
    match granularity {
        Granularity::Second => at,
        // No zone has changed its offset within a minute since it kept standard time.
        Granularity::Minute => at - i64::from(now.second()),
        Granularity::Hour => {
            // Back, minute by minute, as long as it is the same hour under the same offset.
            let mut start = at - i64::from(now.second());
            loop {
                let before = local(start - 60, zone);
                if before.offset() != now.offset()
                    || (before.date(), before.hour()) != (now.date(), now.hour())
                {
                    return start;
                }
                start -= 60;
            }
        }
        Granularity::Day => now.start_of_day().unwrap().timestamp().as_second(),
        Granularity::Month => midnight(now.date().first_of_month()),
        Granularity::Year => midnight(now.date().first_of_year()),
    }
}

/// What a beacon is split by: how somebody came is as it was when the visit began.
pub(super) fn value(
    beacon: &Beacon<'_>,
    rules: &EventType,
    dimension: &Dimension,
    within: Option<&Beacon<'_>>,
    registry: &Registry,
) -> Option<String> {
    let source = match dimension {
        Dimension::EntryPage => {
            let entry = within.filter(|_| !rules.visits)?.identifier.as_deref()?;
            return Some(entry.to_owned());
        }
        Dimension::ExitPage | Dimension::Title => return None,
        Dimension::Source
        | Dimension::Channel
        | Dimension::Referrer
        | Dimension::UtmSource
        | Dimension::UtmMedium
        | Dimension::UtmCampaign
        | Dimension::UtmContent
        | Dimension::UtmTerm => within.unwrap_or(beacon),
        _ => beacon,
    };
    // What the visit's own event type is not split by, the visit does not know.
    registry.event(&source.event_type).filter(|rules| rules.dimensions.contains(dimension))?;
    let own = source.dimensions.iter().find(|own| own.dimension == *dimension)?;
    Some(own.value.to_string())
}
