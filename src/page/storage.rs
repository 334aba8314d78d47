//! The file: how large it is, what makes it so, how it grows, and what goes next.

use askama::Template;

use jiff::civil::Date;

use super::{
    Error, date,
    layout::Frame,
    link, number,
    svg::{Svg, sparkline},
};
use crate::report::answer::{SizedPart, Storage};

/// The page.
#[derive(Debug, Template)]
#[template(path = "storage.html")]
pub struct StoragePage<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// The figures.
    pub storage: &'a Storage,
    /// How many bytes the disk has free, if that can be told.
    pub disk_free: Option<i64>,
    /// Where the file is.
    pub path: &'a str,
    /// The date of the last backup that was made by the calendar, if any are.
    pub last_backup: Option<Option<Date>>,
    /// How long each event type is kept, in words.
    pub kept: &'a [(String, String)],
}

/// A part as the template shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row<'a> {
    name: &'a str,
    width: String,
    share: String,
    bytes: String,
}

impl StoragePage<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    /// When the template can't be written out.
    pub fn render(&self) -> Result<String, Error> {
        Ok(Template::render(self)?)
    }

    fn size(&self) -> String {
        number::bytes(self.storage.file_bytes)
    }

    fn unused(&self) -> Option<String> {
        (self.storage.unused_bytes > 0).then(|| number::bytes(self.storage.unused_bytes))
    }

    /// Where a form asks for a backup.
    fn download(&self) -> String {
        self.frame.action(link::DOWNLOAD)
    }

    fn backups(&self) -> String {
        match self.last_backup {
            None => {
                "One a day is made for you once [server.backup] in beacons.toml names a folder."
                    .to_owned()
            }
            Some(None) => "The first one by the calendar is still to be made.".to_owned(),
            Some(Some(date)) => {
                format!("The last one by the calendar: {}.", date::date_words(date))
            }
        }
    }

    fn trend(&self) -> Svg {
        let sizes: Vec<i64> = self.storage.history.iter().map(|(_, bytes)| *bytes).collect();
        sparkline(&sizes)
    }

    /// How it grows, and for how long the disk is enough.
    fn forecast(&self) -> String {
        let free =
            self.disk_free.map(|free| format!("; the disk has {} free", number::bytes(free)));
        let free = free.unwrap_or_default();
        match self.storage.bytes_a_day {
            None => format!("How it grows can be told after a week{free}."),
            Some(bytes) if bytes <= 0 => format!("It does not grow{free}."),
            Some(bytes) => {
                let month = number::bytes(bytes.saturating_mul(30));
                let enough = self.disk_free.map(|free| enough(free / bytes));
                format!("It grows by {month} a month{free}{}.", enough.unwrap_or_default())
            }
        }
    }

    fn lists(&self) -> [(&'static str, &'static str, Vec<Row<'_>>); 3] {
        [
            ("tables", "Tables", self.rows(&self.storage.tables)),
            ("event-types", "Event types", self.rows(&self.storage.event_types)),
            ("sites", "Sites", self.rows(&self.storage.sites)),
        ]
    }

    fn rows<'r>(&self, parts: &'r [SizedPart]) -> Vec<Row<'r>> {
        let largest = parts.iter().map(|part| part.bytes).max().unwrap_or(0).max(1);
        let row = |part: &'r SizedPart| Row {
            name: &part.name,
            width: format!("{:.1}%", 100.0 * number::ratio(part.bytes, largest)),
            share: number::percent(part.bytes, self.storage.file_bytes.max(1)),
            bytes: number::bytes(part.bytes),
        };
        parts.iter().map(row).collect()
    }
}

/// For how long, in words that promise no more than they can.
fn enough(days: i64) -> String {
    match days {
        days if days > 20 * 365 => ", enough for decades".to_owned(),
        days if days > 2 * 365 => format!(", enough for about {} years", days / 365),
        days if days > 60 => format!(", enough for about {} months", days / 30),
        days => format!(", enough for {} only", number::counted(days, "day", "days")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forecast_is_in_plain_words() {
        let found = [9_000, 1_000, 100, 1].map(enough);
        let expected = [
            ", enough for decades",
            ", enough for about 2 years",
            ", enough for about 3 months",
            ", enough for 1\u{a0}day only",
        ];
        assert_eq!(found, expected);
    }
}
