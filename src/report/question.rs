//! What is asked: read from the parameters of an address, checked once, with defaults filled in.

use std::{borrow::Cow, str::FromStr as _, sync::Arc};

use jiff::civil::Date;

use super::filters;
use crate::{
    config::{
        registry::{EventType, Registry, Site},
        wanted::Goal,
    },
    model::{
        dimension::Dimension,
        filter::Filter,
        period::{DateRange, Granularity, Period, date_at},
    },
    store::{errors::State, figures::Order},
};

/// The most rows that one answer has.
pub const ROWS_MAX: u32 = 1_000;

/// The longest range of dates: about ten years.
pub const DAYS_MAX: i32 = 3_660;

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
    /// How long the buckets shall be, if that was named.
    pub granularity: Option<Granularity>,
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
        for (parameter, value) in given.iter().filter(|(_, value)| !value.is_empty()) {
            match &**parameter {
                "site" | "filter" | "by" | "how" | "what" => {}
                "event_type" => question.event = event(value, registry)?,
                "identifier" => question.identifier = Some(value.to_string()),
                "from" => from = Some(date(parameter, value)?),
                "to" => to = Some(date(parameter, value)?),
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
        if from.is_some() || to.is_some() {
            let today = question.today();
            let last = to.unwrap_or(today);
            question.range = Some(DateRange::between(from.unwrap_or(last), last));
        }
        match question.range {
            Some(range) if range.days() > DAYS_MAX => {
                let why =
                    format!("is {} days before the end; {DAYS_MAX} are allowed", range.days());
                Err(wrong("from", &range.first.to_string(), &why))
            }
            _ => Ok(question),
        }
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

    /// The granularity asked for, or one that suits `range`: hours for up to two days, days for up
    /// to about three months, months beyond; always one that the event type keeps.
    pub fn granularity_for(&self, range: &DateRange) -> Granularity {
        let wanted = self.granularity.unwrap_or(match range.days() {
            ..=2 => Granularity::Hour,
            3..=100 => Granularity::Day,
            _ => Granularity::Month,
        });
        let kept = &self.event.granularities;
        let next = kept.iter().copied().find(|granularity| *granularity >= wanted);
        next.unwrap_or_else(|| self.event.coarsest())
    }
}

/// The whole buckets that make up `range`, the largest ones first asked: spans of one granularity,
/// from an instant to before another (UTC seconds).
pub fn tiles(range: &DateRange, site: &Site, event: &EventType) -> Vec<(Granularity, i64, i64)> {
    let (from, to) = range.instants(&site.zone);
    let kept: Vec<Granularity> = event.granularities.iter().rev().copied().collect();
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
        at = end.max(at + 1);
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
    let date = date.filter(|date| (1970..=9998).contains(&date.year()));
    date.ok_or_else(|| wrong(parameter, value, "is not a date; write it as 2026-01-31"))
}

fn month(value: &str) -> Result<DateRange, Wrong> {
    let first = date("month", &format!("{value}-01"))
        .map_err(|_| wrong("month", value, "is not a month; write it as 2026-01"))?;
    Ok(DateRange { first, last: first.last_of_month() })
}

fn granularity(value: &str) -> Result<Granularity, Wrong> {
    Granularity::from_word(value)
        .filter(|granularity| *granularity >= Granularity::Hour)
        .ok_or_else(|| wrong("granularity", value, "is none of hour, day, month, year"))
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
