//! One slice of beacons: what each of them adds to which key.

use super::{
    Fold,
    limits::Newcomer,
    profile::Profile,
    rules::{DimensionRule, EventRules, Rules, SiteRules, Way},
    tallies::{Key, Sums},
    visits::{self, Step, Visit},
};
use crate::{
    config::registry::{IdentifierRule, Registry},
    model::{
        beacon::Beacon,
        dimension::Dimension,
        kept::{KeptBeacon, KeptStep},
        tally::{Counters, TextId},
        text::{NameScope, Names},
        visitor::Visitor,
    },
};

/// One run of [`Fold::gather`].
pub(super) struct Slice<'a, N> {
    pub(super) other: TextId,
    /// The event types that have visits.
    pub(super) with_visits: Vec<TextId>,
    pub(super) rules: &'a mut Rules,
    pub(super) sums: &'a mut Sums,
    pub(super) fold: &'a mut Fold,
    pub(super) registry: &'a Registry,
    pub(super) names: &'a mut N,
    /// What the visit of the beacon that is being counted is split by: (dimension, value).
    pub(super) split_by: Vec<(TextId, TextId)>,
}

/// A beacon with its strings turned into numbers.
struct Counted<'a> {
    site: &'a SiteRules,
    event: &'a EventRules,
    /// When it was received, UTC seconds.
    at: i64,
    /// The first instant of its finest bucket, UTC seconds.
    bucket: i64,
    /// The first instant of its day, UTC seconds.
    day: i64,
    identifier: Option<TextId>,
    visitor: Option<Visitor>,
    /// The values it is split by, each with the index of its rule.
    values: Vec<(usize, TextId)>,
}

impl<N: Names> Slice<'_, N> {
    /// Counts a beacon, unless it repeats one.
    pub(super) fn count(&mut self, beacon: &Beacon<'_>) -> Result<(), N::Error> {
        let site = self.rules.site(&beacon.site, self.registry, self.names)?;
        let event = self.rules.event(&beacon.event_type, self.registry, self.names)?;
        let at = beacon.received_second();
        let window = i64::from(event.rules.dedupe_seconds) * 1000;
        if window > 0 && self.fold.repeats.is_repeat(beacon.once, beacon.received_at, window) {
            *self.sums.repeats.entry((site.id, at - at.rem_euclid(3600))).or_default() += 1;
            return Ok(());
        }
        let calendar = &mut self.fold.calendar;
        let day = calendar.day(site.id, &site.zone, at).start;
        let bucket = calendar.period(site.id, &site.zone, event.rules.finest(), at).start;
        let newcomer = Newcomer { network: beacon.network, day };
        let identifier = match &beacon.identifier {
            Some(identifier) => {
                Some(self.admit(&site, &event, TextId::TOTAL, identifier, newcomer)?)
            }
            None => None,
        };
        let step = match (beacon.visitor, identifier) {
            (Some(visitor), Some(page)) if event.rules.visits => {
                let key = visits::Key { site: site.id, event_type: event.id, visitor };
                self.fold.visits.step(key, at, page, Way::of(&site, &event))
            }
            (Some(visitor), _) => {
                let key = |event_type: &TextId| visits::Key {
                    site: site.id,
                    event_type: *event_type,
                    visitor,
                };
                self.fold.visits.peek(self.with_visits.iter().map(key), at)
            }
            (None, _) => Step::Outside,
        };
        self.split_by.clear();
        if let Step::Continued(visit, _) | Step::Inside(visit) = &step {
            self.split_by.extend(visit.split_by());
        }
        let values = self.values(beacon, &site, &event, &step, newcomer)?;
        if let (Some(identifier), Some(title)) = (identifier, title(beacon, &event)) {
            self.sums.title(Key::of(&site, &event, bucket).identifier(identifier), title);
        }
        let counted = Counted {
            site: &site,
            event: &event,
            at,
            bucket,
            day,
            identifier,
            visitor: beacon.visitor,
            values,
        };
        self.keep(beacon, &counted, &step);
        self.note_error(&counted);
        self.count_beacon(&counted);
        if event.rules.visits {
            self.count_visit(&counted, step);
        }
        self.count_measures(beacon, &counted);
        Ok(())
    }

    /// The values that the beacon is split by: its own, but for how the visit came.
    fn values(
        &mut self,
        beacon: &Beacon<'_>,
        site: &SiteRules,
        event: &EventRules,
        step: &Step,
        newcomer: Newcomer,
    ) -> Result<Vec<(usize, TextId)>, N::Error> {
        let mut values = Vec::with_capacity(event.dimensions.len());
        for (index, rule) in event.dimensions.iter().enumerate() {
            let going_on = match step {
                Step::Continued(visit, _) | Step::Inside(visit) => Some(visit),
                Step::Began | Step::Outside => None,
            };
            let value = match (&rule.dimension, going_on) {
                (Dimension::EntryPage, Some(visit)) if !event.rules.visits => Some(visit.entry),
                (Dimension::EntryPage | Dimension::ExitPage | Dimension::Title, _) => None,
                (dimension, Some(_)) if dimension.is_acquisition() => {
                    value_in(&self.split_by, rule)
                }
                (dimension, _) => match value_of(beacon, dimension) {
                    Some(value) => Some(self.admit(site, event, rule.id, value, newcomer)?),
                    None => None,
                },
            };
            values.extend(value.map(|value| (index, value)));
        }
        Ok(values)
    }

    fn admit(
        &mut self,
        site: &SiteRules,
        event: &EventRules,
        dimension: TextId,
        name: &str,
        newcomer: Newcomer,
    ) -> Result<TextId, N::Error> {
        let scope = NameScope { site: site.id, event_type: event.id, dimension };
        let limits = &event.rules.limits;
        let most = if dimension == TextId::TOTAL {
            limits.identifiers_per_day
        } else {
            limits.values_per_dimension
        };
        let admitted = self.fold.limits.admit(scope, name, newcomer, most, self.names)?;
        Ok(admitted.unwrap_or(self.other))
    }

    /// Keeps the beacon beside the sums, if it carries what for.
    fn keep(&mut self, beacon: &Beacon<'_>, counted: &Counted<'_>, step: &Step) {
        let Some(raw) = &beacon.raw else { return };
        let mut values = Vec::with_capacity(counted.values.len());
        for &(index, value) in &counted.values {
            let rule = counted.event.dimensions.get(index);
            values.extend(rule.map(|rule| (rule.dimension.clone(), value)));
        }
        self.sums.kept.push(KeptBeacon {
            received_at: beacon.received_at,
            site: counted.site.id,
            event_type: counted.event.id,
            identifier: counted.identifier,
            visitor: counted.visitor,
            began: matches!(step, Step::Began),
            entry_page: match step {
                Step::Began => counted.identifier,
                Step::Continued(visit, _) | Step::Inside(visit) => Some(visit.entry),
                Step::Outside => None,
            },
            step: match step {
                Step::Continued(visit, next) => Some(KeptStep {
                    left: next.left,
                    gap: next.gap,
                    second: next.unbounced,
                    since: counted.at - visit.bucket,
                }),
                Step::Began | Step::Inside(_) | Step::Outside => None,
            },
            values,
            payload: (raw != "{}").then(|| raw.to_string()),
        });
    }

    /// Notes when an error was met, if it has a name of its own.
    fn note_error(&mut self, counted: &Counted<'_>) {
        let is_error = counted.event.rules.identifier == IdentifierRule::Fingerprint;
        let Some(identifier) = counted.identifier.filter(|name| is_error && *name != self.other)
        else {
            return;
        };
        let key = [counted.site.id, counted.event.id, identifier];
        let (first, last) = self.sums.errors.entry(key).or_insert((counted.at, counted.at));
        (*first, *last) = ((*first).min(counted.at), (*last).max(counted.at));
    }

    /// Count and visitors, of the total, the identifier, the dimensions and the pairs.
    fn count_beacon(&mut self, counted: &Counted<'_>) {
        let key = Key::of(counted.site, counted.event, counted.bucket);
        let one =
            |first: bool| Counters { count: 1, visitors: i64::from(first), ..Counters::default() };
        let first_today = self.first(counted, TextId::TOTAL, TextId::TOTAL, TextId::TOTAL);
        self.sums.add(key, one(first_today));
        let mut first_here = false;
        if let Some(identifier) = counted.identifier {
            first_here = self.first(counted, identifier, TextId::TOTAL, TextId::TOTAL);
            self.sums.add(key.identifier(identifier), one(first_here));
        }
        for &(index, value) in &counted.values {
            let Some(rule) = counted.event.dimensions.get(index) else { continue };
            if rule.in_total {
                let first = self.first_value(counted, TextId::TOTAL, rule, value, first_today);
                self.sums.add(key.value(rule.id, value), one(first));
            }
            if let (true, Some(identifier)) = (rule.in_pairs, counted.identifier) {
                let first = self.first_value(counted, identifier, rule, value, first_here);
                self.sums.add(key.identifier(identifier).value(rule.id, value), one(first));
            }
        }
    }

    /// Whether the visitor is new to this value. What follows from the user agent is as new as the
    /// visitor, and need not be remembered.
    fn first_value(
        &mut self,
        counted: &Counted<'_>,
        identifier: TextId,
        rule: &DimensionRule,
        value: TextId,
        first: bool,
    ) -> bool {
        if rule.dimension.is_of_visitor() {
            return first;
        }
        self.first(counted, identifier, rule.id, value)
    }

    fn first(
        &mut self,
        counted: &Counted<'_>,
        identifier: TextId,
        dimension: TextId,
        value: TextId,
    ) -> bool {
        let Some(visitor) = counted.visitor else { return false };
        let key = [counted.event.id, identifier, dimension, value];
        self.fold.seen.first(counted.site.id, counted.day, visitor, key)
    }

    /// Visits, bounces, seconds, entry and exit pages.
    fn count_visit(&mut self, counted: &Counted<'_>, step: Step) {
        let (Some(page), Some(visitor)) = (counted.identifier, counted.visitor) else { return };
        match step {
            Step::Began => {
                let rules = &counted.event.dimensions;
                let values = counted.values.iter();
                let split_by =
                    values.filter_map(|&(index, value)| Some((rules.get(index)?.id, value)));
                self.split_by.extend(split_by);
                let profile = Profile::of(self.split_by.iter().copied());
                let way = Way::of(counted.site, counted.event);
                let visit = Visit::began(counted.bucket, counted.at, page, profile, way);
                let begun = Counters { visits: 1, bounces: 1, ..Counters::default() };
                self.add_to_visit(counted, &visit, page, begun);
                self.add_page(counted, &visit, &Dimension::EntryPage, page, 1, 1);
                self.add_page(counted, &visit, &Dimension::ExitPage, page, 1, 0);
                let (site, event_type) = (counted.site.id, counted.event.id);
                self.fold.visits.begin(visits::Key { site, event_type, visitor }, visit);
            }
            Step::Continued(visit, next) => {
                let seconds = Counters { seconds: next.gap, ..Counters::default() };
                self.add_to_visit(counted, &visit, next.left, seconds);
                if next.unbounced {
                    let taken = Counters { bounces: -1, ..Counters::default() };
                    self.add_to_visit(counted, &visit, visit.entry, taken);
                    self.add_page(counted, &visit, &Dimension::EntryPage, visit.entry, 0, -1);
                }
                if next.left != page {
                    self.add_page(counted, &visit, &Dimension::ExitPage, next.left, -1, 0);
                    self.add_page(counted, &visit, &Dimension::ExitPage, page, 1, 0);
                }
            }
            Step::Inside(_) | Step::Outside => {}
        }
    }

    /// Adds to the bucket in which the visit began: to the total, to `page`, and to what the visit
    /// is split by.
    fn add_to_visit(
        &mut self,
        counted: &Counted<'_>,
        visit: &Visit,
        page: TextId,
        delta: Counters,
    ) {
        if delta.is_zero() {
            return;
        }
        let key = Key::of(counted.site, counted.event, visit.bucket);
        self.sums.add(key, delta);
        self.sums.add(key.identifier(page), delta);
        for rule in &counted.event.dimensions {
            let Some(value) = value_in(&self.split_by, rule) else { continue };
            if rule.in_total {
                self.sums.add(key.value(rule.id, value), delta);
            }
            if rule.in_pairs {
                self.sums.add(key.identifier(page).value(rule.id, value), delta);
            }
        }
    }

    /// Adds to the visits that began or ended on `page`, if that dimension is declared.
    fn add_page(
        &mut self,
        counted: &Counted<'_>,
        visit: &Visit,
        dimension: &Dimension,
        page: TextId,
        visits: i64,
        bounces: i64,
    ) {
        let mut declared = counted.event.dimensions.iter();
        let Some(rule) = declared.find(|rule| rule.dimension == *dimension) else { return };
        let key = Key::of(counted.site, counted.event, visit.bucket).value(rule.id, page);
        self.sums.add(key, Counters { count: visits, visits, bounces, ..Counters::default() });
    }

    fn count_measures(&mut self, beacon: &Beacon<'_>, counted: &Counted<'_>) {
        for measure in &beacon.measures {
            let Some(rule) = counted.event.measures.iter().find(|rule| rule.name == measure.name)
            else {
                continue;
            };
            let key = Key::of(counted.site, counted.event, counted.bucket);
            self.sums.add_measure(key, rule, measure.value);
            if let Some(identifier) = counted.identifier {
                self.sums.add_measure(key.identifier(identifier), rule, measure.value);
            }
        }
    }
}

fn value_in(split_by: &[(TextId, TextId)], rule: &DimensionRule) -> Option<TextId> {
    split_by.iter().find(|(dimension, _)| *dimension == rule.id).map(|(_, value)| *value)
}

fn value_of<'b>(beacon: &'b Beacon<'_>, dimension: &Dimension) -> Option<&'b str> {
    let mut values = beacon.dimensions.iter();
    values.find(|own| own.dimension == *dimension).map(|own| &*own.value)
}

fn title<'b>(beacon: &'b Beacon<'_>, event: &EventRules) -> Option<&'b str> {
    event.titles.then(|| value_of(beacon, &Dimension::Title)).flatten()
}
