//! Any table, whose columns somebody has named: rows with a time are hits, rows with a day and a count
//! are sums.

use std::collections::BTreeMap;

use super::{
    contract::stand_in,
    names,
    table::{Hit, Of, Row, Rows, Sum, Told},
    time,
};
use crate::model::{dimension::Dimension, tally::Counters};

/// What a column may hold.
pub const FIELDS: [&str; 16] = [
    "time",
    "path",
    "host",
    "event",
    "title",
    "referrer",
    "user_agent",
    "language",
    "country",
    "browser",
    "os",
    "device",
    "visitor",
    "count",
    "visitors",
    "visits",
];

/// Which column holds what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnMap(BTreeMap<&'static str, String>);

impl ColumnMap {
    /// Reads `time=Date,path=URL,count=Hits`.
    ///
    /// # Errors
    /// When something else is named, or the time is not.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut map = BTreeMap::new();
        for part in text.split(',') {
            let (field, column) = part.split_once('=').unwrap_or((part, part));
            let field =
                FIELDS.into_iter().find(|known| *known == field.trim()).ok_or_else(|| {
                    format!(
                        "{:?} is nothing that a column may hold; there are {}",
                        field.trim(),
                        FIELDS.join(", ")
                    )
                })?;
            map.insert(field, column.trim().to_lowercase());
        }
        if !map.contains_key("time") {
            return Err("no column is named that holds the time: time=COLUMN".to_owned());
        }
        Ok(Self(map))
    }

    /// A reader for a table with `columns`.
    ///
    /// # Errors
    /// When one is missing.
    pub fn open(&self, columns: &[String]) -> Result<Box<dyn Rows>, String> {
        if let Some(missing) = self.0.values().find(|name| !columns.contains(name)) {
            return Err(format!("it has no column {missing:?}, only {}", columns.join(", ")));
        }
        Ok(Box::new(self.clone()))
    }
}

impl Rows for ColumnMap {
    fn read<'r>(&self, row: &Row<'r>) -> Result<Told<'r>, &'static str> {
        let cell = |field: &str| row.get(self.0.get(field)?);
        let moment = cell("time").ok_or("it has no time")?;
        let mut values = Vec::new();
        values.extend(cell("browser").map(|name| names::browser(name, None)).into_iter().flatten());
        values.extend(cell("os").map(|name| names::system(name, None)).into_iter().flatten());
        values.extend(cell("device").map(names::device));
        if let Some(count) = self.0.get("count") {
            let date = moment.get(..10).and_then(|day| day.parse().ok());
            let date = date.ok_or("its day is not one like 2015-05-17")?;
            let number = |field| self.0.get(field).map_or(Ok(0), |column| row.number(column));
            let (visitors, visits) = (number("visitors")?, number("visits")?);
            let counters =
                Counters { count: row.number(count)?, visitors, visits, ..Counters::default() };
            values.extend(cell("country").map(|code| (Dimension::Country, code)));
            values.extend(cell("referrer").map(|name| (Dimension::Source, name)));
            let sum = |of, value| Sum { date, of, value, counters };
            let whole = match (cell("event"), cell("path")) {
                (Some(name), _) => return Ok(Told::Sums(vec![sum(Of::Event(name), None)])),
                (None, Some(path)) => Some(sum(Of::Page(path), None)),
                (None, None) => None,
            };
            let split = values.into_iter().map(|value| sum(Of::Pages, Some(value)));
            return Ok(Told::Sums(
                [sum(Of::Pages, None)].into_iter().chain(whole).chain(split).collect(),
            ));
        }
        Ok(Told::Hit(Box::new(Hit {
            at_ms: time::any(&moment).ok_or("its time is none that is known")?,
            visitor: cell("visitor").map(|visitor| stand_in(&visitor)),
            host: cell("host"),
            target: cell("path").unwrap_or("/".into()),
            event: cell("event"),
            title: cell("title"),
            referrer: cell("referrer"),
            user_agent: cell("user_agent"),
            language: cell("language"),
            country: cell("country"),
            values,
            ..Hit::default()
        })))
    }
}
