//! Exports of other products are tables: a row tells of one hit, or of the sums of a day.

use std::{borrow::Cow, net::IpAddr};

use jiff::civil::Date;

use crate::model::{dimension::Dimension, tally::Counters};

/// The most that a row may count: more than any site had in a day, and so little that millions of such rows still
/// have a sum.
const COUNT_MAX: i64 = 1 << 40;

/// One hit that another product has kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hit<'r> {
    /// When, UTC milliseconds.
    pub at_ms: i64,
    /// A stand-in for who, where visitors are told apart.
    pub visitor: Option<IpAddr>,
    /// The host of the page, where it is told.
    pub host: Option<Cow<'r, str>>,
    /// Path and query of the page.
    pub target: Cow<'r, str>,
    /// The name of what happened, if that was no page view.
    pub event: Option<Cow<'r, str>>,
    /// The title of the page.
    pub title: Option<Cow<'r, str>>,
    /// The address of the page before, or the name of a source.
    pub referrer: Option<Cow<'r, str>>,
    /// The user agent, where it is told.
    pub user_agent: Option<Cow<'r, str>>,
    /// The language.
    pub language: Option<Cow<'r, str>>,
    /// The country, as an ISO 3166 code.
    pub country: Option<Cow<'r, str>>,
    /// The width of the screen, in CSS pixels.
    pub width: Option<Cow<'r, str>>,
    /// Whether the other product has taken it for a program's.
    pub is_bot: bool,
    /// Values that it tells outright.
    pub values: Vec<(Dimension, Cow<'r, str>)>,
}

/// The sum of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum<'r> {
    /// The day.
    pub date: Date,
    /// What it is a sum of.
    pub of: Of<'r>,
    /// The value that it is about; `None` for all.
    pub value: Option<(Dimension, Cow<'r, str>)>,
    /// The sum.
    pub counters: Counters,
}

/// What a sum counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Of<'r> {
    /// All page views.
    Pages,
    /// Views of the page at this path.
    Page(Cow<'r, str>),
    /// Events of this name.
    Event(Cow<'r, str>),
}

/// What a row tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told<'r> {
    /// One hit.
    Hit(Box<Hit<'r>>),
    /// Sums; none, if nothing of it is counted here.
    Sums(Vec<Sum<'r>>),
}

/// A row, with the names of its columns.
#[derive(Debug, Clone)]
pub struct Row<'r> {
    columns: &'r [String],
    cells: Vec<Cow<'r, str>>,
}

/// Reads the rows of one table.
pub trait Rows {
    /// What `row` tells.
    ///
    /// # Errors
    /// With what is wrong, in words that quote nothing of the row.
    fn read<'r>(&self, row: &Row<'r>) -> Result<Told<'r>, &'static str>;
}

/// A product whose exports are read.
#[derive(Debug, Clone, Copy)]
pub struct Product {
    /// Its name on the command line.
    pub name: &'static str,
    /// A reader for a table with these columns, in lower case; `None` if it is none of the product's.
    pub open: fn(&[String]) -> Option<Box<dyn Rows>>,
    /// A table of every kind, for whoever wonders and for the tests.
    pub examples: &'static [&'static str],
}

impl<'r> Row<'r> {
    /// The row that `record` is, in a table with `columns`.
    ///
    /// # Errors
    /// When it has not as many cells.
    pub fn new(columns: &'r [String], record: &'r str) -> Result<Self, &'static str> {
        let cells = cells(record);
        if cells.len() != columns.len() {
            return Err("it has not as many cells as the first row has names");
        }
        Ok(Self { columns, cells })
    }

    /// The cell of the column called `name`, if it is there and not empty.
    pub fn get(&self, name: &str) -> Option<Cow<'r, str>> {
        let at = self.columns.iter().position(|column| column == name)?;
        let cell = self.cells.get(at)?;
        (!cell.trim().is_empty()).then(|| cell.clone())
    }

    /// The number in the column called `name`; 0 if there is none.
    ///
    /// # Errors
    /// When it is no whole number, negative, or larger than any that is meant.
    pub fn number(&self, name: &str) -> Result<i64, &'static str> {
        let Some(cell) = self.get(name) else { return Ok(0) };
        let number = cell.trim().parse::<i64>().ok().filter(|number| *number >= 0);
        let number = number.ok_or("a count is no whole number")?;
        if number > COUNT_MAX { Err("a count is larger than 2^40") } else { Ok(number) }
    }

    /// The day in the column called `name`.
    ///
    /// # Errors
    /// When there is none, or it is not one like `2015-05-17`.
    pub fn date(&self, name: &str) -> Result<Date, &'static str> {
        let cell = self.get(name).ok_or("it has no date")?;
        cell.trim().parse().map_err(|_| "its date is not one like 2015-05-17")
    }
}

/// The names of the columns that the first row of a table tells, in lower case.
pub fn columns(first: &str) -> Vec<String> {
    let first = first.trim_start_matches('\u{feff}');
    cells(first).into_iter().map(|name| name.trim().to_lowercase()).collect()
}

/// Whether a record ends with this line, or goes on because a cell in quotes holds the line's end.
pub fn is_whole(record: &str) -> bool {
    record.bytes().filter(|byte| *byte == b'"').count() % 2 == 0
}

/// The cells of a record (RFC 4180).
fn cells(record: &str) -> Vec<Cow<'_, str>> {
    let mut cells = Vec::new();
    let mut rest = record;
    loop {
        let (cell, after) = match rest.strip_prefix('"') {
            Some(inside) => quoted(inside),
            None => match rest.find(',') {
                Some(end) => (rest[..end].into(), &rest[end..]),
                None => (rest.into(), ""),
            },
        };
        cells.push(cell);
        match after.split_once(',') {
            Some((_, next)) => rest = next,
            None => return cells,
        }
    }
}

/// A cell in quotes that begins with `inside`, and what comes after.
fn quoted(inside: &str) -> (Cow<'_, str>, &str) {
    let bytes = inside.as_bytes();
    let (mut at, mut doubled) = (0, false);
    while let Some(byte) = bytes.get(at) {
        if *byte == b'"' {
            if bytes.get(at + 1) != Some(&b'"') {
                break;
            }
            doubled = true;
            at += 1;
        }
        at += 1;
    }
    let at = at.min(inside.len());
    let (text, after) = (inside.get(..at).unwrap_or(inside), inside.get(at + 1..).unwrap_or(""));
    (if doubled { text.replace("\"\"", "\"").into() } else { text.into() }, after)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cells_are_read_as_spreadsheets_write_them() {
        for (record, expected) in [
            ("a,b", vec!["a", "b"]),
            ("", vec![""]),
            ("a,,", vec!["a", "", ""]),
            ("\"a,b\",c", vec!["a,b", "c"]),
            ("\"say \"\"hi\"\"\",\"\"", vec!["say \"hi\"", ""]),
            ("\"two\nlines\",x", vec!["two\nlines", "x"]),
            ("\"cut off", vec!["cut off"]),
        ] {
            assert_eq!(cells(record), expected, "{record}");
        }
        assert!(is_whole("a,\"b\"\"c\"") && !is_whole("a,\"b"));
    }

    #[test]
    fn a_row_has_as_many_cells_as_names() {
        let names = columns("\u{feff}Date, Count");
        assert_eq!(names, ["date", "count"]);
        let row = Row::new(&names, "2015-05-17,7").unwrap();
        assert_eq!((row.number("count"), row.number("other")), (Ok(7), Ok(0)));
        assert_eq!(row.date("date").unwrap(), Date::constant(2015, 5, 17));
        assert!(Row::new(&names, "2015-05-17").is_err());
        assert!(Row::new(&names, "x,-7").unwrap().number("count").is_err());
    }

    proptest! {
        #[test]
        fn what_our_own_tables_write_is_read(row in prop::collection::vec("[a-z,\"\n ]{0,8}", 1..5)) {
            let line = crate::csv::line(row.iter().map(String::as_str));
            prop_assert_eq!(cells(line.trim_end_matches("\r\n")), row);
        }
    }
}
