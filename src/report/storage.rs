//! How large the file is, what makes it so, how it grows, and for how long the disk is enough.

use std::collections::BTreeMap;

use super::{
    answer::{SizedPart, Storage},
    contract::{Answer, Report},
    question::Question,
};
use crate::store::{Error, Transaction, sizes, upkeep};

/// How many days of growth are told.
const DAYS: u32 = 90;

/// From how many days of growth on a forecast is made.
const FORECAST_DAYS_MIN: i64 = 7;

const DAY_SECONDS: i64 = 86_400;

/// The report.
pub(super) const REPORT: Report = Report {
    slug: "storage",
    title: "Storage",
    answer: |_: &Question, file| Ok(Answer::Storage(answer(file)?)),
};

/// The file as it is.
///
/// # Errors
/// When the file can't be read.
pub fn answer(file: &Transaction<'_>) -> Result<Storage, Error> {
    let tables = sizes::tables(file)?;
    let parts = sizes::parts(file)?;
    let counted = ["beacon_aggregate", "beacon_breakdown", "beacon_histogram", "beacon_event"];
    let counted = tables.iter().filter(|table| counted.contains(&table.name.as_str()));
    let counted: i64 = counted.map(|table| table.bytes).sum();
    let history = sizes::history(file, DAYS)?;
    let mut by_site: BTreeMap<String, i64> = BTreeMap::new();
    let mut by_event: BTreeMap<String, i64> = BTreeMap::new();
    for part in &parts {
        *by_site.entry(part.site.clone()).or_default() += part.rows;
        *by_event.entry(part.event_type.clone()).or_default() += part.rows;
    }
    Ok(Storage {
        file_bytes: upkeep::file_bytes(file)?,
        unused_bytes: upkeep::unused_bytes(file)?,
        tables: tables
            .into_iter()
            .map(|table| SizedPart { name: table.name, bytes: table.bytes })
            .collect(),
        sites: shares(by_site, counted),
        event_types: shares(by_event, counted),
        bytes_a_day: growth(&history),
        history,
    })
}

/// Each part's share of `bytes`, by its rows: rows of all kinds are about as long. The largest first.
fn shares(rows: BTreeMap<String, i64>, bytes: i64) -> Vec<SizedPart> {
    let all: i64 = rows.values().sum();
    let share = |rows: i64| {
        let share = i128::from(bytes) * i128::from(rows) / i128::from(all.max(1));
        i64::try_from(share).unwrap_or(i64::MAX)
    };
    let mut parts: Vec<SizedPart> =
        rows.into_iter().map(|(name, rows)| SizedPart { name, bytes: share(rows) }).collect();
    parts.sort_by_key(|part| std::cmp::Reverse(part.bytes));
    parts
}

/// How many bytes the file has grown by each day, over all that is known; `None` for too few days.
fn growth(history: &[(i64, i64)]) -> Option<i64> {
    let (first, last) = (history.first()?, history.last()?);
    let days = (last.0 - first.0) / DAY_SECONDS;
    (days >= FORECAST_DAYS_MIN).then(|| (last.1 - first.1) / days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_told_once_a_week_is_known() {
        let day = |day: i64, bytes: i64| (day * DAY_SECONDS, bytes);
        assert_eq!(growth(&[]), None);
        assert_eq!(growth(&[day(0, 0), day(6, 600)]), None);
        assert_eq!(growth(&[day(0, 100), day(3, 9), day(10, 1100)]), Some(100));
        assert_eq!(growth(&[day(0, 100), day(10, 0)]), Some(-10));
    }

    #[test]
    fn shares_add_up_to_what_is_shared() {
        let rows = BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 3)]);
        let shares = shares(rows, 1000);
        let found: Vec<_> = shares.iter().map(|part| (part.name.as_str(), part.bytes)).collect();
        assert_eq!(found, [("b", 750), ("a", 250)]);
    }
}
