//! Everything about one error: how often and when, where and with what, and the last ones singly.

use askama::Template;

use super::{
    Error,
    card::{Card, View},
    chart::Chart,
    date::Today,
    errors,
    layout::Frame,
    link,
    metric::Metric,
    strip::{self, Stat},
};
use crate::{
    report::answer::{ErrorGroup, Event, Series},
    store::errors::State,
};

/// The page.
#[derive(Debug, Template)]
#[template(path = "one_error.html")]
pub struct OneErrorPage<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// Today.
    pub today: Today,
    /// The error.
    pub group: &'a ErrorGroup,
    /// How often it was met.
    pub series: &'a Series,
    /// On which pages, with what.
    pub cards: &'a [Card],
    /// The last ones that are kept singly.
    pub samples: &'a [Event],
}

/// A single one as the template shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sample<'a> {
    time: &'a str,
    about: String,
    message: String,
    stack: String,
}

/// What can be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Decision {
    state: &'static str,
    name: &'static str,
}

impl OneErrorPage<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    /// When the template can't be written out.
    pub fn render(&self) -> Result<String, Error> {
        Ok(Template::render(self)?)
    }

    fn words(&self) -> String {
        errors::words(self.group)
    }

    fn mark(&self) -> Option<&'static str> {
        errors::mark(self.group)
    }

    fn all_errors(&self) -> String {
        self.frame.way.to_range(link::ERRORS, self.series.scope.range, &[])
    }

    /// The stats without what errors don't have.
    fn stats(&self) -> Vec<Stat> {
        let stats = strip::stats(&self.series.scope, &self.series.total, None).into_iter();
        stats.filter(|stat| stat.metric != Some(Metric::Visits)).collect()
    }

    const fn chart(&self) -> Chart<'_> {
        Chart {
            id: "trend",
            series: self.series,
            before: None,
            metric: Metric::Count,
            links: &[],
            intervals: &[],
            annotations: &[],
            folded_table: true,
        }
    }

    fn views(&self) -> Vec<View> {
        let range = self.series.scope.range;
        self.cards.iter().map(|card| card.view(&self.frame.way, self.today, range)).collect()
    }

    fn decisions(&self) -> Vec<Decision> {
        let all = [
            (State::Resolved, Decision { state: "resolved", name: "Resolve" }),
            (State::Muted, Decision { state: "muted", name: "Mute" }),
            (State::Open, Decision { state: "open", name: "Reopen" }),
        ];
        let other = all.into_iter().filter(|(state, _)| *state != self.group.state);
        other.map(|(_, decision)| decision).collect()
    }

    fn samples(&self) -> Vec<Sample<'_>> {
        self.samples.iter().map(sample).collect()
    }
}

fn sample(event: &Event) -> Sample<'_> {
    let told = |key: &str| event.dimensions.get(key).and_then(|value| value.as_str());
    let fact = |key: &str| event.payload.get(key).and_then(|value| value.as_str());
    let about = ["page", "browser_version", "os_version", "os", "device", "country"];
    let about: Vec<&str> = about.into_iter().filter_map(told).collect();
    let place = match (fact("source"), event.payload.get("line")) {
        (Some(source), Some(line)) => format!(" ({source}:{line})"),
        (Some(source), None) => format!(" ({source})"),
        _ => String::new(),
    };
    Sample {
        time: &event.local,
        about: about.join(" · "),
        message: format!("{}{place}", fact("message").unwrap_or_default()),
        stack: fact("stack").unwrap_or_default().to_owned(),
    }
}
