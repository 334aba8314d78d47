//! Errors that visitors met, one row for all that are the same.

use askama::Template;

use super::{
    Error,
    date::Today,
    dates::Dates,
    layout::Frame,
    link::{self, Link, Way},
    number,
    svg::{Svg, sparkline},
};
use crate::{
    report::answer::{ErrorGroup, Errors},
    store::errors::State,
};

/// The list.
#[derive(Debug, Template)]
#[template(path = "errors.html")]
pub struct ErrorsPage<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// Today.
    pub today: Today,
    /// The groups.
    pub errors: &'a Errors,
    /// Only those in this state; all for none.
    pub state: Option<State>,
    /// The words that were searched for; empty for none.
    pub search: &'a str,
    /// The line that makes pages tell of their errors.
    pub snippet: &'a str,
}

/// A group as the template shows it.
#[derive(Debug, Clone, PartialEq)]
struct Row<'a> {
    href: String,
    name: &'a str,
    words: String,
    mark: Option<&'static str>,
    trend: Svg,
    count: String,
    visitors: String,
}

impl ErrorsPage<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    /// When the template can't be written out.
    pub fn render(&self) -> Result<String, Error> {
        Ok(Template::render(self)?)
    }

    fn dates(&self) -> Dates<'_> {
        Dates {
            path: link::ERRORS,
            kept: vec![(link::STATE, self.state_word().to_owned())],
            range: self.errors.scope.range,
            today: self.today.date,
            search: self.search,
            example: "TypeError",
        }
    }

    fn range_name(&self) -> String {
        self.today.name(self.errors.scope.range)
    }

    fn rows(&self) -> Vec<Row<'_>> {
        self.errors.groups.iter().map(|group| self.row(group)).collect()
    }

    fn row<'g>(&self, group: &'g ErrorGroup) -> Row<'g> {
        Row {
            href: href(&self.frame.way, &self.errors.scope, &group.name),
            name: &group.name,
            words: words(group),
            mark: mark(group),
            trend: sparkline(&group.by_day),
            count: number::thousands(group.figures.count),
            visitors: number::thousands(group.figures.visitors),
        }
    }

    /// The states as links, with all of them first.
    fn states(&self) -> Vec<Link> {
        let link = |state: Option<State>| {
            let word = state.map_or("", State::as_str);
            let name = match state {
                None => "All",
                Some(State::Open) => "Open",
                Some(State::Resolved) => "Resolved",
                Some(State::Muted) => "Muted",
            };
            let pairs = [(link::STATE, word), (link::SEARCH, self.search)];
            let href = self.frame.way.to_range(link::ERRORS, self.errors.scope.range, &pairs);
            Link { name: name.to_owned(), href, current: state == self.state }
        };
        [None].into_iter().chain(State::ALL.map(Some)).map(link).collect()
    }

    fn ranges(&self) -> Vec<Link> {
        let pairs = [(link::STATE, self.state_word()), (link::SEARCH, self.search)];
        self.today.links(self.errors.scope.range, |range| {
            self.frame.way.to_range(link::ERRORS, range, &pairs)
        })
    }

    fn state_word(&self) -> &'static str {
        self.state.map_or("", State::as_str)
    }

    const fn is_filtered(&self) -> bool {
        self.state.is_some() || !self.search.is_empty()
    }
}

/// Where everything about one group is.
fn href(way: &Way, scope: &crate::report::answer::Scope, name: &str) -> String {
    let event = link::event_value(&scope.event_type);
    way.to_range(link::ERRORS, scope.range, &[(link::EVENT, event), (link::IDENTIFIER, name)])
}

/// `3 pages, 2 browsers · first met 3 Nov 2026, 09:12, last 24 Nov 2026, 12:03`.
pub(super) fn words(group: &ErrorGroup) -> String {
    let counted = |count: u64, one, many| {
        number::counted(i64::try_from(count).unwrap_or(i64::MAX), one, many)
    };
    let [first, last] = &group.local;
    format!(
        "{}, {} · first met {first}, last {last}",
        counted(group.pages, "page", "pages"),
        counted(group.browsers, "browser", "browsers"),
    )
}

/// What was decided, or what happened to it, in a word.
pub(super) const fn mark(group: &ErrorGroup) -> Option<&'static str> {
    match group.state {
        State::Open if group.returned => Some("came back"),
        State::Open => None,
        State::Resolved => Some("resolved"),
        State::Muted => Some("muted"),
    }
}
