//! What was filtered, and why: refused beacons by reason and day, in plain words.

use askama::Template;
use jiff::{ToSpan, civil::Date};

use super::{
    Error, date,
    layout::Frame,
    number,
    svg::{Svg, sparkline},
};
use crate::model::{period::DateRange, rejection};

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
        known(&self.slug).map_or_else(|| self.slug.replace('_', " "), |it| title(it).to_owned())
    }

    fn words(&self) -> &'static str {
        known(&self.slug).map_or("", explanation)
    }

    fn by_day(&self) -> Vec<String> {
        self.days.iter().rev().map(|count| number::thousands(*count)).collect()
    }
}

/// The reason that goes by this word; `None` for one that this release doesn't know.
fn known(slug: &str) -> Option<rejection::Reason> {
    rejection::Reason::ALL.into_iter().find(|reason| reason.as_str() == slug)
}

/// What a refusal for `reason` is called.
pub const fn title(reason: rejection::Reason) -> &'static str {
    use rejection::Reason;
    match reason {
        Reason::Bot => "Bots",
        Reason::Automated => "Driven by a program",
        Reason::Implausible => "Not a browser’s headers",
        Reason::Prefetch => "Loaded ahead",
        Reason::ReferrerSpam => "Referrer spam",
        Reason::PrivacySignal => "Asked not to be counted",
        Reason::OwnVisit => "Your own visits",
        Reason::Repeat => "Sent twice",
        Reason::TooMany => "Too many of one network",
        Reason::Overloaded => "Server was full",
        Reason::NotStored => "Could not be stored",
        Reason::BodyTooLarge => "Too large",
        Reason::MetaTooLarge => "Too much beside it",
        Reason::UnsupportedBody => "Not in a known form",
        Reason::NotUtf8 => "Not text",
        Reason::Malformed => "Not a beacon",
        Reason::UnknownEventType => "Unknown event type",
        Reason::UnknownSite => "Another site",
        Reason::OriginNotAllowed => "Origin not allowed",
        Reason::IdentifierMissing => "Identifier missing",
        Reason::IdentifierTooLong => "Identifier too long",
        Reason::IdentifierNotAllowed => "Identifier not allowed",
    }
}

/// Why that is so, in a sentence.
pub const fn explanation(reason: rejection::Reason) -> &'static str {
    use rejection::Reason;
    match reason {
        Reason::Bot => {
            "The user agent is that of a crawler, a monitor or a script, not of a person’s \
             browser."
        }
        Reason::Automated => {
            "The browser itself says that a program drives it, as browsers do in tests."
        }
        Reason::Implausible => "The request lacks what every browser sends, so a program made it.",
        Reason::Prefetch => {
            "The browser fetched the page in case somebody would want it; nobody has seen it yet."
        }
        Reason::ReferrerSpam => {
            "The visit claims to come from a site that fakes visits to be seen in statistics."
        }
        Reason::PrivacySignal => {
            "The browser sent Global Privacy Control or Do Not Track, which this site honours."
        }
        Reason::OwnVisit => "It came from a network that your settings leave out.",
        Reason::Repeat => {
            "The very same came moments before, as when a browser sends again what was not answered. \
             It was counted then."
        }
        Reason::TooMany => {
            "One network sent more than [server.limits] takes of it, and was told to try later."
        }
        Reason::Overloaded => {
            "The queue was full, so the server answered 503. These beacons are lost."
        }
        Reason::NotStored => {
            "The database file could not be written: the disk may be full. The log has the cause."
        }
        Reason::BodyTooLarge => "The request’s body is larger than a beacon may be.",
        Reason::MetaTooLarge => "The beacon’s “meta” is larger or more deeply nested than allowed.",
        Reason::UnsupportedBody => {
            "The request’s body is neither JSON nor a form, or its coding is unknown."
        }
        Reason::NotUtf8 => "The request’s body is not UTF-8.",
        Reason::Malformed => {
            "The request could not be read: a field is missing or has the wrong type."
        }
        Reason::UnknownEventType => {
            "beacons.toml declares no event type of that name, and unknown ones are refused."
        }
        Reason::UnknownSite => {
            "It came from a host that belongs to no configured site: a copy of your page, or a \
             missing entry under [[site]]."
        }
        Reason::OriginNotAllowed => {
            "The page’s origin is not among those that may send beacons for this site."
        }
        Reason::IdentifierMissing => {
            "Nothing says what the beacon counts, and its event type needs that."
        }
        Reason::IdentifierTooLong => "What the beacon counts has a longer name than allowed.",
        Reason::IdentifierNotAllowed => {
            "What the beacon counts is not on the list, or its name has control characters."
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_explained_in_a_sentence_of_its_own() {
        let mut titles = std::collections::HashSet::new();
        for reason in rejection::Reason::ALL {
            assert_eq!(known(reason.as_str()), Some(reason));
            let (title, words) = (title(reason), explanation(reason));
            assert!(titles.insert(title) && !title.is_empty(), "{reason:?}: {title}");
            assert!(words.len() > 20 && words.ends_with('.'), "{reason:?}: {words}");
        }
        assert_eq!(known("a_reason_of_tomorrow"), None);
    }
}
