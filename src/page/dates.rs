//! The form of a list: dates and words.

use jiff::civil::Date;

use crate::model::period::DateRange;

/// A form that asks the same list for other dates or words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dates<'a> {
    /// The list's path.
    pub(super) path: &'static str,
    /// What else goes along, as names and values.
    pub(super) kept: Vec<(&'static str, String)>,
    /// The dates that are shown.
    pub(super) range: DateRange,
    /// Today: no date lies after it.
    pub(super) today: Date,
    /// The words that are searched for; empty for none.
    pub(super) search: &'a str,
    /// What might be searched for.
    pub(super) example: &'static str,
}
