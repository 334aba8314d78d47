//! What is collected, how, and for how long, in plain words from the settings that are in force.

use askama::Template;
use serde::Serialize;

use super::{Error, layout::Frame};

/// The statement of one site. It holds no figures, so anybody may see it.
#[derive(Debug, Template)]
#[template(path = "privacy.html")]
pub struct PrivacyPage<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// What is in force.
    pub facts: &'a Facts,
}

/// What the statement is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// The site's name.
    pub site: String,
    /// The time zone in which its days begin.
    pub time_zone: String,
    /// Whether browsers that send Global Privacy Control or Do Not Track are left out.
    pub honours_privacy_signals: bool,
    /// Whether the country is looked up from the address, in a file on this server.
    pub country_from_address: bool,
    /// After how many idle minutes a visit ends.
    pub visit_minutes: i64,
    /// What is counted.
    pub events: Vec<EventFacts>,
}

/// What is kept of one event type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventFacts {
    /// Its name: `page_view`.
    pub name: String,
    /// What is counted within it: `the page’s path`; empty for nothing.
    pub identifier: String,
    /// The dimensions that counts are split by, as they are named in the file.
    pub dimensions: Vec<String>,
    /// For each granularity (`hour`, `day` …), for how many days its counts are kept; `None` is for
    /// ever.
    pub kept: Vec<(String, Option<u32>)>,
    /// For how many days single events are kept; 0 keeps none.
    pub raw_days: u32,
}

impl PrivacyPage<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    /// When the template can't be written out.
    pub fn render(&self) -> Result<String, Error> {
        Ok(Template::render(self)?)
    }

    fn keeps_single_events(&self) -> bool {
        self.facts.events.iter().any(|event| event.raw_days > 0)
    }
}

impl EventFacts {
    /// `Page views` for `page_view`.
    fn title(&self) -> String {
        match self.name.as_str() {
            "page_view" => "Page views".to_owned(),
            name => {
                let words = name.replace(['_', '-', '.', ':'], " ");
                let mut letters = words.chars();
                let first = letters.next().into_iter().flat_map(char::to_uppercase);
                first.chain(letters).collect()
            }
        }
    }

    /// `source, country, browser`, spelt for people.
    fn splits(&self) -> String {
        let spelt = self.dimensions.iter().map(|name| {
            let name = name.strip_prefix("meta.").unwrap_or(name);
            match name {
                "os" => "operating system".to_owned(),
                "os_version" => "its version".to_owned(),
                name => name.replace('_', " ").replace("utm ", "UTM "),
            }
        });
        spelt.collect::<Vec<_>>().join(", ")
    }

    /// `by hour for 90 days, by day for 3 years, by month for ever`.
    fn kept_words(&self) -> String {
        let each = self.kept.iter().map(|(granularity, days)| {
            format!("by {granularity} {}", days.map_or("for ever".to_owned(), for_days))
        });
        each.collect::<Vec<_>>().join(", ")
    }

    fn raw_words(&self) -> String {
        if self.raw_days == 0 { "not kept".to_owned() } else { for_days(self.raw_days) }
    }
}

/// `for 90 days`, `for 3 years`.
fn for_days(days: u32) -> String {
    match days {
        0 => "not at all".to_owned(),
        1 => "for 1 day".to_owned(),
        365 | 366 => "for 1 year".to_owned(),
        // Leap days may be counted or not: three years are 1,095 or 1,096 days.
        days if days > 366 && days % 365 <= days / 1_460 + 1 => format!("for {} years", days / 365),
        days => format!("for {days} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_told_as_years_where_they_are() {
        let told = [1, 14, 90, 365, 1_095, 1_096, 1_000].map(for_days);
        let words = ["1 day", "14 days", "90 days", "1 year", "3 years", "3 years", "1000 days"];
        assert_eq!(told, words.map(|words| format!("for {words}")));
    }
}
