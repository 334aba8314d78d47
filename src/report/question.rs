//! What is asked: read from the parameters of an address, checked once, with defaults filled in.

use std::{borrow::Cow, ops::RangeInclusive, str::FromStr as _, sync::Arc};

use jiff::civil::Date;

use super::{
    dates::{Compare, Dates},
    filters,
};
use crate::{
    config::{
        registry::{EventType, Registry, Site},
        wanted::Goal,
    },
    model::{
        dimension::Dimension,
        filter::Filter,
        interval::Interval,
        period::{DateRange, Granularity, Period, date_at},
    },
    store::{errors::State, figures::Order},
};

/// The most rows that one answer has.
pub const ROWS_MAX: u32 = 1_000;

/// The longest range of dates: about ten years.
pub const DAYS_MAX: i32 = 3_660;

/// The years that can be asked about: those in which days are cut in every time zone.
const YEARS: RangeInclusive<i16> = 1970..=9996;

/// The most points that one course has: a month by the hour is drawn, a year is not.
pub const POINTS_MAX: i32 = 760;

/// The event type that is asked about when none is named.
pub const PAGE_VIEW: &str = "page_view";

/// A question that can be answered.
#[derive(Debug, Clone)]
pub struct Question {
    /// The site.
    pub site: Arc<Site>,
    /// The event type.
    pub event: Arc<EventType>,
    /// Every declared event type.
    pub events: Vec<Arc<EventType>>,
    /// Every declared goal.
    pub goals: Vec<Goal>,
    /// One identifier, or all.
    pub identifier: Option<String>,
    /// The dates, if any were named.
    pub range: Option<DateRange>,
    /// The name by which the dates were asked for, if it was one.
    pub dates: Option<Dates>,
    /// What the dates are compared with.
    pub compare: Compare,
    /// How long the points shall be, if that was named.
    pub granularity: Option<Interval>,
    /// What is ranked: a dimension, or identifiers.
    pub dimension: Option<Dimension>,
    /// Only names that hold this text.
    pub search: String,
    /// Which of what was counted it is about; all of them are to be met.
    pub filters: Vec<Filter>,
    /// What is ranked by.
    pub order: Order,
    /// How many rows at most.
    pub limit: u32,
    /// How many rows to leave out before.
    pub offset: u32,
    /// Of single beacons, only those before this number; 0 for the newest.
    pub before: i64,
    /// Only errors in this state.
    pub state: Option<State>,
    /// When it is asked, UTC seconds.
    pub now: i64,
}

/// A parameter that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{parameter}={value:?} {why}")]
pub struct Wrong {
    /// The parameter.
    pub parameter: String,
    /// What it was set to.
    pub value: String,
    /// What is wrong with it, and what would be right.
    pub why: String,
}

impl Question {
    /// The question with every default: page views of the first site, the last 30 days.
    pub fn about(site: Arc<Site>, registry: &Registry, now: i64) -> Self {
        let event = registry.event(PAGE_VIEW).or_else(|| registry.events.first());
        Self {
            site,
            event: event.cloned().unwrap_or_else(|| Arc::new(EventType::bare(PAGE_VIEW))),
            events: registry.events.clone(),
            goals: registry.goals.clone(),
            identifier: None,
            range: None,
            dates: None,
            compare: Compare::default(),
            granularity: None,
            dimension: None,
            search: String::new(),
            filters: Vec::new(),
            order: Order::Count,
            limit: 100,
            offset: 0,
            before: 0,
            state: None,
            now,
        }
    }

    /// The question that `parameters` ask at `now` (UTC seconds).
    ///
    /// # Errors
    /// When a parameter is unknown, given twice, or makes no sense.
    pub fn parse<'p>(
        parameters: impl Iterator<Item = (Cow<'p, str>, Cow<'p, str>)>,
        registry: &Registry,
        now: i64,
    ) -> Result<Self, Wrong> {
        let mut given: Vec<(Cow<'p, str>, Cow<'p, str>)> = Vec::new();
        for (parameter, value) in parameters {
            let is_again = given.iter().any(|(known, _)| *known == parameter);
            if is_again && parameter != filters::FILTER {
                return Err(wrong(&parameter, &value, "stands twice in the address"));
            }
            given.push((parameter, value));
        }
        let of =
            |name: &str| given.iter().find(|(known, _)| known == name).map(|(_, value)| &**value);
        let site = match of("site").filter(|name| !name.is_empty()) {
            Some(name) => registry.site(name).ok_or_else(|| {
                let known: Vec<&str> = registry.sites.iter().map(|site| &*site.name).collect();
                wrong("site", name, &format!("is no site; there are {}", known.join(", ")))
            })?,
            None => registry.sites.first().ok_or_else(|| wrong("site", "", "is not declared"))?,
        };
        let mut question = Self::about(Arc::clone(site), registry, now);
        let (mut from, mut to) = (None, None);
        let mut compared = (None, None);
        for (parameter, value) in given.iter().filter(|(_, value)| !value.is_empty()) {
            match &**parameter {
                "site" | "filter" | "by" | "how" | "what" => {}
                "event_type" => question.event = event(value, registry)?,
                "identifier" => question.identifier = Some(value.to_string()),
                "from" => from = Some(date(parameter, value)?),
                "to" => to = Some(date(parameter, value)?),
                "period" => question.dates = Some(dates(value)?),
                "compare" => question.compare = compare(value)?,
                "compare_from" => compared.0 = Some(date(parameter, value)?),
                "compare_to" => compared.1 = Some(date(parameter, value)?),
                "month" => question.range = Some(month(value)?),
                "granularity" => question.granularity = Some(granularity(value)?),
                "dimension" => question.dimension = dimension(value)?,
                "search" => question.search = value.to_string(),
                "order" => question.order = order(value)?,
                "before" => {
                    question.before = i64::from_str(value)
                        .map_err(|_| wrong(parameter, value, "is not a whole number"))?
                }
                "state" => question.state = Some(state(value)?),
                "limit" => question.limit = number(parameter, value)?.clamp(1, ROWS_MAX),
                "offset" => question.offset = number(parameter, value)?,
                _ => return Err(wrong(parameter, value, "is not a parameter of this report")),
            }
        }
        let whole: Vec<&str> = given
            .iter()
            .filter(|(name, value)| name == filters::FILTER && !value.is_empty())
            .map(|(_, value)| &**value)
            .collect();
        let parts = filters::PARTS.map(|name| of(name).unwrap_or_default());
        question.filters = filters::parse(&whole, parts, &question.event)?;
        if let Compare::With(_) = question.compare {
            let (Some(first), Some(last)) = compared else {
                return Err(wrong("compare", "dates", "needs compare_from and compare_to as well"));
            };
            let dates = DateRange::between(first, last);
            check_length("compare_from", dates)?;
            question.compare = Compare::With(dates);
        }
        if let Some(dates) = question.dates {
            let today = question.today();
            let earliest = DateRange::ending(today, DAYS_MAX).first;
            question.range = Some(dates.range(today, earliest));
        } else if from.is_some() || to.is_some() {
            let today = question.today();
            let last = to.unwrap_or(today);
            question.range = Some(DateRange::between(from.unwrap_or(last), last));
        }
        if let Some(range) = question.range {
            check_length("from", range)?;
        }
        Ok(question)
    }

    /// Today, in the site's zone.
    pub fn today(&self) -> Date {
        date_at(self.now, &self.site.zone)
    }

    /// The dates that are asked about, or the last `days` of them.
    pub fn range_or_last(&self, days: i32) -> DateRange {
        self.range.unwrap_or_else(|| DateRange::ending(self.today(), days))
    }

    /// The dates that are asked about, or this week up to today.
    pub fn range_or_this_week(&self) -> DateRange {
        self.range.unwrap_or_else(|| {
            let today = self.today();
            let since = today.weekday().since(self.site.week_starts);
            DateRange::ending(today, i32::from(since) + 1)
        })
    }

    /// How long the points may be over `range`: of each length there must be at least two points and
    /// at most [`POINTS_MAX`], made of buckets that are kept for that long.
    pub fn intervals(&self, range: &DateRange) -> Vec<Interval> {
        let days = range.days();
        let fits = |interval: &Interval| {
            let least = match interval {
                Interval::Hour => 1,
                Interval::Day => 2,
                Interval::Week => 14,
                Interval::Month => 32,
                Interval::Year => 366,
            };
            days >= least && self.can_have(*interval, range)
        };
        Interval::ALL.into_iter().filter(fits).collect()
    }

    /// The length asked for, or one that suits `range`: hours for up to two days, days for up to
    /// about three months, weeks for up to about six, months beyond; or the next one that fits.
    pub fn interval_for(&self, range: &DateRange) -> Interval {
        let wanted = self.granularity.unwrap_or(match range.days() {
            ..=2 => Interval::Hour,
            3..=100 => Interval::Day,
            101..=190 => Interval::Week,
            _ => Interval::Month,
        });
        let fitting = self.intervals(range);
        let next = fitting.iter().copied().find(|interval| *interval >= wanted);
        let next = next.or_else(|| fitting.last().copied());
        next.unwrap_or_else(|| {
            let kept = |interval: &Interval| self.is_kept(*interval, range);
            Interval::ALL.into_iter().find(kept).unwrap_or(Interval::Year)
        })
    }

    /// Whether a course over `range` may have points of `interval`: they are kept for that long, and not too many.
    pub(super) fn can_have(&self, interval: Interval, range: &DateRange) -> bool {
        interval.points_max(range.days()) <= POINTS_MAX && self.is_kept(interval, range)
    }

    /// Whether buckets that make up `interval` are kept for as long as `range` goes back.
    pub(super) fn is_kept(&self, interval: Interval, range: &DateRange) -> bool {
        let age = DateRange::between(range.first, self.today()).days();
        let event = &self.event;
        event.granularities.iter().filter(|kept| **kept <= interval.granularity()).any(|kept| {
            let days = event.retention_days.iter().find(|(aging, _)| aging == kept);
            days.is_none_or(|(_, days)| i64::from(age) <= i64::from(*days))
        })
    }
}

/// The whole buckets that make up `range`, as large as they may be and fit: spans of one granularity,
/// from an instant to before another (UTC seconds).
pub fn tiles(
    range: &DateRange,
    largest: Granularity,
    site: &Site,
    event: &EventType,
) -> Vec<(Granularity, i64, i64)> {
    let (from, to) = range.instants(&site.zone);
    let kept = event.granularities.iter().rev().copied();
    let kept: Vec<Granularity> = kept.filter(|granularity| *granularity <= largest).collect();
    let mut spans = Vec::new();
    cover(from, to, &kept, site, &mut spans);
    spans
}

fn cover(
    from: i64,
    to: i64,
    kept: &[Granularity],
    site: &Site,
    spans: &mut Vec<(Granularity, i64, i64)>,
) {
    let Some((&coarsest, finer)) = kept.split_first() else { return };
    if finer.is_empty() {
        spans.push((coarsest, from, to));
        return;
    }
    let mut at = from;
    while at < to {
        let period = Period::containing(coarsest, at, &site.zone);
        // Beyond the last instant that periods are cut for, there is nothing.
        if period.end <= at {
            return;
        }
        let end = period.end.min(to);
        if period.start >= from && period.end <= to {
            match spans.last_mut() {
                Some((granularity, _, until)) if *granularity == coarsest && *until == at => {
                    *until = end
                }
                _ => spans.push((coarsest, at, end)),
            }
        } else {
            cover(at, end, finer, site, spans);
        }
        at = end;
    }
}

fn wrong(parameter: &str, value: &str, why: &str) -> Wrong {
    Wrong { parameter: parameter.to_owned(), value: value.to_owned(), why: why.to_owned() }
}

fn event(value: &str, registry: &Registry) -> Result<Arc<EventType>, Wrong> {
    registry.event(value).cloned().ok_or_else(|| {
        let known: Vec<&str> = registry.events.iter().map(|event| &*event.name).collect();
        wrong("event_type", value, &format!("is no event type; there are {}", known.join(", ")))
    })
}

fn date(parameter: &str, value: &str) -> Result<Date, Wrong> {
    let date: Option<Date> = value.parse().ok();
    let date = date.filter(|date| YEARS.contains(&date.year()));
    date.ok_or_else(|| wrong(parameter, value, "is not a date; write it as 2026-01-31"))
}

/// Refuses dates that are more than can be asked about; `parameter` is what names the first of them.
fn check_length(parameter: &str, range: DateRange) -> Result<(), Wrong> {
    let days = range.days();
    if days <= DAYS_MAX {
        return Ok(());
    }
    let why = format!("is {days} days before the end; {DAYS_MAX} are allowed");
    Err(wrong(parameter, &range.first.to_string(), &why))
}

fn month(value: &str) -> Result<DateRange, Wrong> {
    let first = date("month", &format!("{value}-01"))
        .map_err(|_| wrong("month", value, "is not a month; write it as 2026-01"))?;
    Ok(DateRange { first, last: first.last_of_month() })
}

fn granularity(value: &str) -> Result<Interval, Wrong> {
    Interval::from_word(value)
        .ok_or_else(|| wrong("granularity", value, "is none of hour, day, week, month, year"))
}

fn dates(value: &str) -> Result<Dates, Wrong> {
    Dates::from_slug(value).ok_or_else(|| {
        let known = Dates::OFFERED.map(Dates::slug).join(", ");
        wrong("period", value, &format!("is none of {known}"))
    })
}

/// What to compare with; dates that are wanted are still to be named.
fn compare(value: &str) -> Result<Compare, Wrong> {
    match value {
        "previous" => Ok(Compare::Previous),
        "year" => Ok(Compare::LastYear),
        "dates" => Ok(Compare::With(DateRange { first: Date::MIN, last: Date::MIN })),
        "none" => Ok(Compare::Nothing),
        _ => Err(wrong("compare", value, "is none of previous, year, dates, none")),
    }
}

fn dimension(value: &str) -> Result<Option<Dimension>, Wrong> {
    if value == "identifier" {
        return Ok(None);
    }
    let dimension = Dimension::from_name(value);
    dimension.map(Some).ok_or_else(|| wrong("dimension", value, "is not a dimension"))
}

fn state(value: &str) -> Result<State, Wrong> {
    State::from_word(value).ok_or_else(|| wrong("state", value, "is none of open, resolved, muted"))
}

fn order(value: &str) -> Result<Order, Wrong> {
    match value {
        "count" => Ok(Order::Count),
        "visitors" => Ok(Order::Visitors),
        "visits" => Ok(Order::Visits),
        _ => Err(wrong("order", value, "is none of count, visitors, visits")),
    }
}

fn number(parameter: &str, value: &str) -> Result<u32, Wrong> {
    value.parse().map_err(|_| wrong(parameter, value, "is not a whole number"))
}
