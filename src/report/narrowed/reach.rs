//! How far single beacons and pairs reach: what can be told under which filters, and why not the rest.

use jiff::civil::Date;

use super::super::{question::Question, reading};
use crate::{
    config::registry::EventType,
    model::{
        dimension::Dimension,
        filter::{Filter, Operator},
        period::{DateRange, Granularity, date_at, first_instant},
    },
    store::{
        Error, Transaction,
        events::{self, Wanted},
        figures::{self, Subject},
        narrowed::{self, has_column},
    },
};

/// What the file can tell under filters over a range of dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The range.
    pub range: DateRange,
    /// Whether all of its beacons are kept singly, so that everything can be combined.
    pub is_single: bool,
    /// From which date on that is so, if any beacon is.
    pub single_from: Option<Date>,
    /// Why pairs can't be told, if they can't.
    pub pairs_untold: Option<String>,
    /// Whether sums are read though single beacons are kept, because these are so many.
    pub is_quick: bool,
}

impl Reach {
    /// What the file can tell over `range`.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn read(
        question: &Question,
        range: DateRange,
        file: &Transaction<'_>,
    ) -> Result<Self, Error> {
        let pairs_untold = reading::pairs_untold(question, &range, file)?;
        let (is_single, single_from, is_quick) = (false, None, false);
        let none = Self { range, is_single, single_from, pairs_untold, is_quick };
        let Some(subject) = reading::subject(question, file)? else { return Ok(none) };
        if question.event.raw_days == 0 {
            return Ok(none);
        }
        let Some(oldest) = narrowed::oldest(file, subject)? else { return Ok(none) };
        let zone = &question.site.zone;
        let first = date_at(oldest, zone);
        // Of the first day some may be missing, unless it is the first of all, or has as many as were counted.
        let midnight = first_instant(first, zone);
        let kept = question.event.granularities.iter().copied();
        let days = kept.into_iter().find(|kept| *kept >= Granularity::Day);
        let is_first = match days {
            Some(days) => figures::last_bucket_before(file, subject, days, midnight)?.is_none(),
            None => false,
        };
        // They are counted only where that makes a difference: there may be many.
        let is_whole =
            is_first || range.first <= first && is_kept_whole(question, first, subject, file)?;
        let from = if is_whole { first } else { first.tomorrow().unwrap_or(first) };
        let is_single = range.first >= from || is_first;
        Ok(Self { is_single, single_from: Some(from), ..none })
    }

    /// The same without single beacons if more than `most` were counted, so that an answer does not take
    /// longer the more there are.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn quick(
        &self,
        most: i64,
        question: &Question,
        file: &Transaction<'_>,
    ) -> Result<Self, Error> {
        let is_quick =
            self.is_single && reading::total_of_all(question, &self.range, file)?.count > most;
        Ok(Self { is_single: self.is_single && !is_quick, is_quick, ..self.clone() })
    }

    /// What the file can tell over other dates in the same way.
    pub(super) fn over(
        &self,
        range: DateRange,
        question: &Question,
        file: &Transaction<'_>,
    ) -> Result<Self, Error> {
        let other = Self::read(question, range, file)?;
        Ok(Self { is_single: other.is_single && !self.is_quick, is_quick: self.is_quick, ..other })
    }

    /// Why `filters` can't be answered; `None` if they can.
    pub fn obstacle(&self, event: &EventType, filters: &[Filter]) -> Option<String> {
        let unknown = filters.iter().filter_map(|filter| filter.dimension.as_ref());
        if let Some(dimension) = unknown.into_iter().find(|dimension| !has_column(dimension)) {
            return Some(never(dimension));
        }
        if self.is_single {
            return None;
        }
        let told = match filters {
            [] => true,
            [filter] => match (&filter.dimension, filter.operator) {
                (None, Operator::Is) => true,
                (Some(dimension), Operator::Is) => is_summed(event, dimension),
                _ => false,
            },
            [one, other] => match pair(one, other) {
                Some(dimension) if event.pairs.contains(dimension) => {
                    return self.pairs_untold.clone();
                }
                _ => false,
            },
            _ => false,
        };
        (!told).then(|| self.why(event))
    }

    /// Why values of `dimension` can't be ranked under `filters`; `None` if they can.
    pub fn obstacle_to_ranking(
        &self,
        event: &EventType,
        filters: &[Filter],
        dimension: Option<&Dimension>,
    ) -> Option<String> {
        if let Some(dimension) = dimension.filter(|dimension| !has_column(dimension)) {
            return Some(never(dimension));
        }
        if self.is_single || filters.iter().any(|filter| filter.dimension.as_ref() == dimension) {
            return None;
        }
        let told = match (filters, dimension) {
            ([filter], Some(dimension)) => {
                filter.dimension.is_none() && event.pairs.contains(dimension)
            }
            ([filter], None) => {
                filter.dimension.as_ref().is_some_and(|own| event.pairs.contains(own))
            }
            _ => false,
        };
        if told { self.pairs_untold.clone() } else { Some(self.why(event)) }
    }

    /// Whether a further filter that `dimension` is something can be answered, and why not.
    pub fn obstacle_to_adding(
        &self,
        event: &EventType,
        filters: &[Filter],
        dimension: Option<&Dimension>,
    ) -> Option<String> {
        let others = filters.iter().filter(|filter| filter.dimension.as_ref() != dimension);
        let mut all: Vec<Filter> = others.cloned().collect();
        all.push(Filter::is(dimension.cloned(), ""));
        self.obstacle(event, &all)
    }

    /// How many of the beacons are not kept singly, if any, as a sentence.
    pub(super) fn note(
        &self,
        question: &Question,
        file: &Transaction<'_>,
    ) -> Result<Option<String>, Error> {
        let (true, Some(subject)) = (self.is_single, reading::subject(question, file)?) else {
            return Ok(None);
        };
        let (from, to) = self.range.instants(&question.site.zone);
        let counted = reading::total_of_all(question, &self.range, file)?.count;
        let wanted = Wanted {
            site: subject.site,
            event_type: subject.event_type,
            from,
            to,
            ..Wanted::default()
        };
        let kept = events::count(file, &wanted)?;
        Ok((kept < counted).then(|| {
            format!(
                "Filters look at the {kept} of {counted} that are kept singly in these days; the others came \
                 while there was no room, or before “raw” was set."
            )
        }))
    }

    /// Why not everything can be combined.
    fn why(&self, event: &EventType) -> String {
        let pairs: Vec<String> = event.pairs.iter().map(|own| format!("page and {own}")).collect();
        let pairs = match pairs.as_slice() {
            [] => "nothing is kept together".to_owned(),
            pairs => format!("only these are kept together: {}", pairs.join(", ")),
        };
        match self.single_from {
            _ if self.is_quick => format!(
                "So many were counted in these days that they are not looked at one by one here, and \
                 {pairs}. An overview with filters shows every combination."
            ),
            Some(from) => format!(
                "Before {} {pairs}. From then on every combination can be shown.",
                from.strftime("%-d %B %Y")
            ),
            None if event.raw_days > 0 => {
                format!("Nothing has been kept singly yet, and of sums {pairs}.")
            }
            None => format!(
                "Single events of this type are not kept (“raw” in beacons.toml), and of sums {pairs}."
            ),
        }
    }
}

/// Whether every beacon of `date` is kept singly.
fn is_kept_whole(
    question: &Question,
    date: Date,
    Subject { site, event_type }: Subject,
    file: &Transaction<'_>,
) -> Result<bool, Error> {
    let day = DateRange { first: date, last: date };
    let (from, to) = day.instants(&question.site.zone);
    let kept = events::count(file, &Wanted { site, event_type, from, to, ..Wanted::default() })?;
    Ok(kept >= reading::total_of_all(question, &day, file)?.count)
}

/// Whether sums tell page views, visitors, visits and seconds of a dimension's values. Of where visits
/// begin and end they tell visits alone.
fn is_summed(event: &EventType, dimension: &Dimension) -> bool {
    event.dimensions.contains(dimension)
        && !matches!(dimension, Dimension::EntryPage | Dimension::ExitPage | Dimension::Title)
}

/// The dimension of two filters that ask for a page and something else.
fn pair<'f>(one: &'f Filter, other: &'f Filter) -> Option<&'f Dimension> {
    if one.operator != Operator::Is || other.operator != Operator::Is {
        return None;
    }
    match (&one.dimension, &other.dimension) {
        (None, Some(dimension)) | (Some(dimension), None) => Some(dimension),
        _ => None,
    }
}

fn never(dimension: &Dimension) -> String {
    match dimension {
        Dimension::ExitPage => {
            "Where a visit ends is known only once it is over, so page views can’t be told apart by it."
                .to_owned()
        }
        other => format!("Single events don’t keep their {other} apart, so they can’t be told by it."),
    }
}
