//! What was filtered, and why: refused beacons by reason and day, in plain words.

use askama::Template;
use jiff::{ToSpan, civil::Date};

use super::{
    Error, date,
    layout::Frame,
    number,
    svg::{Svg, sparkline},
};
use crate::model::period::DateRange;

/// Refused beacons of the last days.
#[derive(Debug, Template)]
#[template(path = "filtered.html")]
pub struct FilteredPage<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// The days that are covered, today the last.
    pub range: DateRange,
    /// How many beacons were counted in these days, for the proportion.
    pub accepted: i64,
    /// The reasons, the most frequent first.
    pub reasons: &'a [Reason],
    /// The most refused families of user agents, with their counts.
    pub agents: &'a [(String, i64)],
}

/// One reason for which beacons were refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Its name in the file: `bot`, `prefetch` …
    pub slug: String,
    /// How many were refused on each day of the range, in order.
    pub days: Vec<i64>,
}

impl Reason {
    fn total(&self) -> i64 {
        self.days.iter().sum()
    }

    fn total_words(&self) -> String {
        number::thousands(self.total())
    }

    fn today(&self) -> String {
        number::thousands(self.days.last().copied().unwrap_or(0))
    }

    fn trend(&self) -> Svg {
        sparkline(&self.days)
    }

    fn title(&self) -> String {
        match explanation(&self.slug) {
            Some((title, _)) => title.to_owned(),
            None => self.slug.replace('_', " "),
        }
    }

    fn words(&self) -> &'static str {
        explanation(&self.slug).map_or("", |(_, words)| words)
    }

    fn by_day(&self) -> Vec<String> {
        self.days.iter().rev().map(|count| number::thousands(*count)).collect()
    }
}

/// A reason's title and its explanation; `None` for one that is new here.
fn explanation(slug: &str) -> Option<(&'static str, &'static str)> {
    Some(match slug {
        "bot" => (
            "Bots",
            "The user agent is that of a crawler, a monitor or a script, not of a person’s browser.",
        ),
        "prefetch" => (
            "Loaded ahead",
            "The browser fetched the page in case somebody would want it; nobody has seen it yet.",
        ),
        "spam" => (
            "Referrer spam",
            "The visit claims to come from a site that fakes visits to be seen in statistics.",
        ),
        "privacy_signal" => (
            "Asked not to be counted",
            "The browser sent Global Privacy Control or Do Not Track, which this site honours.",
        ),
        "network" => ("Your own visits", "It came from a network that your settings leave out."),
        "host" => (
            "Another site",
            "It came from a host that belongs to no configured site: a copy of your page, or a \
             missing entry under [[site]].",
        ),
        "origin" => (
            "Origin not allowed",
            "The page’s origin is not among those that may send beacons for this site.",
        ),
        "event_type" => (
            "Unknown event type",
            "beacons.toml declares no event type of that name, and unknown ones are refused.",
        ),
        "identifier" => (
            "Identifier not allowed",
            "What the beacon counts is missing, too long, or matches no allowed pattern.",
        ),
        "invalid" => (
            "Not a beacon",
            "The request could not be read: it isn’t JSON, or a field has the wrong type.",
        ),
        "too_large" => ("Too large", "The request’s body is larger than a beacon may be."),
        "duplicate" => (
            "Sent twice",
            "The same visitor sent the same beacon again within a few seconds: a double click, a \
             script included twice.",
        ),
        "rate" => (
            "Too many at once",
            "One address sent more beacons than a person could; the rest was not counted.",
        ),
        "overload" => (
            "Server was full",
            "The queue was full, so the server answered 503. These beacons are lost.",
        ),
        _ => return None,
    })
}

impl FilteredPage<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    /// When the template can't be written out.
    pub fn render(&self) -> Result<String, Error> {
        Ok(Template::render(self)?)
    }

    fn range_words(&self) -> String {
        date::range_words(self.range)
    }

    fn dates(&self) -> Vec<Date> {
        let days = i64::from(self.range.days());
        (0..days).map(|back| self.range.last.saturating_sub(back.days())).collect()
    }

    fn day_names(&self) -> Vec<String> {
        self.dates().into_iter().map(date::day_short).collect()
    }

    fn refused(&self) -> i64 {
        self.reasons.iter().map(Reason::total).sum()
    }

    fn summary(&self) -> String {
        let refused = self.refused();
        let all = refused.saturating_add(self.accepted);
        match refused {
            0 => format!(
                "All {} of these days were counted.",
                number::counted(self.accepted, "beacon", "beacons")
            ),
            _ => format!(
                "Of {}, {} ({}) were not counted.",
                number::counted(all, "beacon", "beacons"),
                number::thousands(refused),
                number::percent(refused, all)
            ),
        }
    }

    /// The agents with their counts and the lengths of their bars.
    fn agent_rows(&self) -> Vec<(&str, String, String)> {
        let largest = self.agents.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
        let row = |(_, count): &(String, i64)| {
            let width = format!("{:.1}%", 100.0 * number::ratio(*count, largest));
            (number::thousands(*count), width)
        };
        self.agents
            .iter()
            .map(|agent| {
                let (count, width) = row(agent);
                (agent.0.as_str(), count, width)
            })
            .collect()
    }
}
