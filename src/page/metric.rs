//! Which figure a chart or a card shows.

use super::{link::PAGE_VIEW, number};
use crate::report::answer::{Figures, Scope};

/// One figure of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Metric {
    /// Visitors, counted by the day.
    #[default]
    Visitors,
    /// Visits.
    Visits,
    /// Page views, or events of another type.
    Count,
    /// Page views of a visit.
    ViewsPerVisit,
    /// The share of visits that have seen one page only.
    BounceRate,
    /// How long a visit was.
    VisitDuration,
}

impl Metric {
    /// What adds up and can be ranked, in the order in which it is shown.
    pub const SUMS: [Self; 3] = [Self::Visitors, Self::Visits, Self::Count];

    /// What follows from visits, in the order in which it is shown.
    pub const MEANS: [Self; 3] = [Self::ViewsPerVisit, Self::BounceRate, Self::VisitDuration];

    /// Its name in URLs.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Visitors => "visitors",
            Self::Visits => "visits",
            Self::Count => "count",
            Self::ViewsPerVisit => "views_per_visit",
            Self::BounceRate => "bounce_rate",
            Self::VisitDuration => "visit_duration",
        }
    }

    /// Its name in URLs, empty where it needs none.
    pub fn value(self) -> &'static str {
        if self == Self::default() { "" } else { self.slug() }
    }

    /// The metric that `slug` names, or `None`.
    pub fn from_slug(slug: &str) -> Option<Self> {
        let mut all = Self::SUMS.into_iter().chain(Self::MEANS);
        all.find(|metric| metric.slug() == slug)
    }

    /// What cards are ranked by while a chart shows it.
    #[must_use]
    pub fn ranked(self) -> Self {
        if Self::SUMS.contains(&self) { self } else { Self::Visitors }
    }

    /// Its value as a whole number: tenths of views per visit, percent, seconds.
    pub fn of(self, figures: &Figures) -> i64 {
        let per_visit = |part: i64| number::whole(number::ratio(part, figures.visits));
        match self {
            Self::Visitors => figures.visitors,
            Self::Visits => figures.visits,
            Self::Count => figures.count,
            Self::ViewsPerVisit => per_visit(figures.count.saturating_mul(10)),
            Self::BounceRate => per_visit(figures.bounces.saturating_mul(100)),
            Self::VisitDuration => per_visit(figures.seconds),
        }
    }

    /// Its value as it is read: `1,846`, `2.3`, `46 %`, `1 m 52 s`.
    pub fn written(self, value: i64) -> String {
        match self {
            Self::Visitors | Self::Visits | Self::Count => number::thousands(value),
            Self::ViewsPerVisit => number::decimal(number::float(value) / 10.0),
            Self::BounceRate => number::percent(value, 100),
            Self::VisitDuration => number::duration(value),
        }
    }

    /// Its value with what it is of: `1,846 visitors`, `46 % bounced`.
    pub fn told(self, value: i64, scope: &Scope) -> String {
        let (one, many) = self.nouns(scope);
        match self {
            Self::Visitors | Self::Visits | Self::Count => number::counted(value, one, many),
            _ => format!("{} {many}", self.written(value)),
        }
    }

    /// How far apart two values are: `+242`, `−3 points`.
    pub fn difference(self, value: i64, before: i64) -> String {
        let difference = value - before;
        let sign = if difference > 0 { "+" } else { "−" };
        let written = match self {
            Self::BounceRate if difference.abs() == 1 => "1 point".to_owned(),
            Self::BounceRate => format!("{} points", difference.abs()),
            _ => self.written(difference.abs()),
        };
        format!("{sign}{written}")
    }

    /// What one and what many are called. A single page's visits are those that began there.
    pub fn nouns(self, scope: &Scope) -> (&'static str, &'static str) {
        match self {
            Self::Visitors => ("visitor", "visitors"),
            Self::Visits if scope.identifier.is_some() => ("entry", "entries"),
            Self::Visits => ("visit", "visits"),
            Self::Count if scope.event_type == PAGE_VIEW => ("page view", "page views"),
            Self::Count => ("event", "events"),
            Self::ViewsPerVisit => ("view per visit", "views per visit"),
            Self::BounceRate => ("bounced", "bounced"),
            Self::VisitDuration => ("a visit", "a visit"),
        }
    }

    /// What heads a column of it.
    pub fn title(self, scope: &Scope) -> &'static str {
        match self {
            Self::Visitors => "Visitors",
            Self::Visits if scope.identifier.is_some() => "Entries",
            Self::Visits => "Visits",
            Self::Count if scope.event_type == PAGE_VIEW => "Page views",
            Self::Count => "Events",
            Self::ViewsPerVisit => "Views per visit",
            Self::BounceRate => "Bounce rate",
            Self::VisitDuration => "Visit duration",
        }
    }
}
