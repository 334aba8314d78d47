//! Single beacons, the newest first: what each was counted as, and what else it told.

use askama::Template;

use super::{
    Error,
    date::Today,
    dates::Dates,
    layout::Frame,
    link::{self, Link},
    number,
};
use crate::report::{
    answer::{Event, Events},
    question::ROWS_MAX,
};

/// The list.
#[derive(Debug, Template)]
#[template(path = "events.html")]
pub struct EventsPage<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// Today.
    pub today: Today,
    /// The beacons.
    pub events: &'a Events,
    /// The names of the event types that are kept singly.
    pub kept_types: &'a [String],
    /// The words that were searched for; empty for none.
    pub search: &'a str,
    /// Where the same is to be had as CSV and as JSON.
    pub downloads: [&'a str; 2],
}

/// A beacon as the template shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row<'a> {
    time: &'a str,
    name: &'a str,
    about: String,
    payload: String,
}

impl EventsPage<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    /// When the template can't be written out.
    pub fn render(&self) -> Result<String, Error> {
        Ok(Template::render(self)?)
    }

    fn dates(&self) -> Dates<'_> {
        Dates {
            path: link::EVENTS,
            kept: vec![(link::EVENT, self.event_type().to_owned())],
            range: self.events.scope.range,
            today: self.today.date,
            search: self.search,
            example: "what it was counted as, or what it told",
        }
    }

    fn range_name(&self) -> String {
        self.today.name(self.events.scope.range)
    }

    /// What the link to the table says: how many of them it has, if not all.
    fn download(&self) -> String {
        if self.events.kept <= i64::from(ROWS_MAX) {
            return "Download as CSV".to_owned();
        }
        format!("Download the newest {} as CSV", number::thousands(i64::from(ROWS_MAX)))
    }

    fn event_type(&self) -> &str {
        &self.events.scope.event_type
    }

    fn types(&self) -> Vec<Link> {
        let link = |name: &String| Link {
            name: name.clone(),
            href: self.frame.way.to_range(
                link::EVENTS,
                self.events.scope.range,
                &[(link::EVENT, name)],
            ),
            current: name == self.event_type(),
        };
        self.kept_types.iter().map(link).collect()
    }

    /// How many of those that were counted stand here singly, and why not all, if so.
    fn summary(&self) -> String {
        let Events { kept_days, counted, kept, .. } = self.events;
        let name = self.event_type();
        if *kept_days == 0 {
            return format!(
                "Beacons of the type {name} are not kept singly: set “raw” in beacons.toml."
            );
        }
        let days = number::counted(i64::from(*kept_days), "day", "days");
        let kept_words = number::counted(*kept, "beacon", "beacons");
        if kept >= counted {
            return format!("{kept_words}, kept singly for {days}.");
        }
        format!(
            "{kept_words} of the {} that were counted. The others are older than {days}, came before “raw” \
             was set, or while more came than could be kept: what is counted goes first then.",
            number::thousands(*counted)
        )
    }

    fn rows(&self) -> Vec<Row<'_>> {
        self.events.rows.iter().map(row).collect()
    }

    fn older(&self) -> Option<String> {
        let before = self.events.next_before?.to_string();
        let pairs = [
            (link::EVENT, self.event_type()),
            (link::SEARCH, self.search),
            (link::BEFORE, before.as_str()),
        ];
        Some(self.frame.way.to_range(link::EVENTS, self.events.scope.range, &pairs))
    }
}

fn row(event: &Event) -> Row<'_> {
    let told = event.dimensions.iter().filter_map(|(name, value)| Some((name, value.as_str()?)));
    let about: Vec<String> = told.map(|(name, value)| format!("{name}: {value}")).collect();
    let has_payload = event.payload.as_object().is_none_or(|facts| !facts.is_empty());
    Row {
        time: &event.local,
        name: event.identifier.as_deref().unwrap_or("(as a whole)"),
        about: about.join(" · "),
        payload: if has_payload {
            serde_json::to_string_pretty(&event.payload).unwrap_or_default()
        } else {
            String::new()
        },
    }
}
