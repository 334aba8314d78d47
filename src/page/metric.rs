//! Which figure a chart or a card shows.

use super::link::PAGE_VIEW;
use crate::report::answer::{Figures, Scope};

/// One figure of an answer that adds up and can be ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Metric {
    /// Visitors, counted by the day.
    #[default]
    Visitors,
    /// Visits.
    Visits,
    /// Page views, or events of another type.
    Count,
}

impl Metric {
    /// Every metric, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Visitors, Self::Visits, Self::Count];

    /// Its name in URLs.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Visitors => "visitors",
            Self::Visits => "visits",
            Self::Count => "count",
        }
    }

    /// Its name in URLs, empty where it needs none.
    pub fn value(self) -> &'static str {
        if self == Self::default() { "" } else { self.slug() }
    }

    /// The metric that `slug` names, or `None`.
    pub fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.slug() == slug)
    }

    /// Its value.
    pub const fn of(self, figures: &Figures) -> i64 {
        match self {
            Self::Visitors => figures.visitors,
            Self::Visits => figures.visits,
            Self::Count => figures.count,
        }
    }

    /// What one and what many are called. A single page's visits are those that began there.
    pub fn nouns(self, scope: &Scope) -> (&'static str, &'static str) {
        match self {
            Self::Visitors => ("visitor", "visitors"),
            Self::Visits if scope.identifier.is_some() => ("entry", "entries"),
            Self::Visits => ("visit", "visits"),
            Self::Count if scope.event_type == PAGE_VIEW => ("page view", "page views"),
            Self::Count => ("event", "events"),
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
        }
    }
}
