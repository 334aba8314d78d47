//! Backups by the calendar: one a day, of which some are kept.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use jiff::civil::Date;

use crate::{config::registry::BackupRule, store};

/// What the name of a backup begins with; a date and `.db` follow.
const PREFIX: &str = "trim-beacons-";

/// How many names of the folder are looked at.
const NAMES_MAX: usize = 100_000;

/// Where the backup of `today` goes, unless it is there already.
pub fn due(rule: &BackupRule, today: Date) -> Option<PathBuf> {
    let path = rule.folder.join(format!("{PREFIX}{today}.db"));
    (!path.exists()).then_some(path)
}

/// The last backup in the folder, by its name.
///
/// # Errors
/// When the folder can't be read.
pub fn last(folder: &Path) -> Result<Option<Date>, store::Error> {
    Ok(dates(folder)?.last().copied())
}

/// Removes the backups that `rule` does not keep, and says which. Nothing else in the folder is touched.
///
/// # Errors
/// When the folder can't be read, or one of them not be removed.
pub fn rotate(rule: &BackupRule) -> Result<Vec<PathBuf>, store::Error> {
    let mut removed = Vec::new();
    for date in let_go(&dates(&rule.folder)?, rule) {
        let path = rule.folder.join(format!("{PREFIX}{date}.db"));
        fs::remove_file(&path)
            .map_err(|source| store::Error::Write { path: path.clone(), source })?;
        removed.push(path);
    }
    Ok(removed)
}

/// The dates of the backups in the folder.
fn dates(folder: &Path) -> Result<BTreeSet<Date>, store::Error> {
    let unreadable = |source| store::Error::Open { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut dates = BTreeSet::new();
    for entry in entries.take(NAMES_MAX) {
        let name = entry.map_err(unreadable)?.file_name();
        let date = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(".db"));
        dates.extend(date.and_then(|date| date.parse::<Date>().ok()));
    }
    Ok(dates)
}

/// Those of `dates` that are not kept: the last ones are, and the last of each of the last weeks (ISO) and
/// months that have any.
fn let_go(dates: &BTreeSet<Date>, rule: &BackupRule) -> Vec<Date> {
    let week = |date: Date| {
        let week = date.iso_week_date();
        (i32::from(week.year()), i32::from(week.week()))
    };
    let month = |date: Date| (i32::from(date.year()), i32::from(date.month()));
    let mut kept: BTreeSet<Date> = dates.iter().rev().take(rule.daily).copied().collect();
    kept.extend(last_of_each(dates, week, rule.weekly));
    kept.extend(last_of_each(dates, month, rule.monthly));
    dates.difference(&kept).copied().collect()
}

/// The last date of each of the last `count` groups.
fn last_of_each(
    dates: &BTreeSet<Date>,
    group: impl Fn(Date) -> (i32, i32),
    count: usize,
) -> Vec<Date> {
    let mut found: Vec<Date> = Vec::new();
    for &date in dates.iter().rev() {
        if found.last().is_none_or(|last| group(*last) != group(date)) {
            found.push(date);
        }
    }
    found.truncate(count);
    found
}

#[cfg(test)]
mod tests {
    use jiff::{ToSpan as _, civil::date};

    use super::*;

    #[test]
    fn the_last_days_weeks_and_months_are_kept() {
        let rule = BackupRule { folder: PathBuf::new(), daily: 3, weekly: 2, monthly: 2 };
        // A Tuesday, and the hundred days before it.
        let today = date(2026, 11, 24);
        let all: BTreeSet<Date> = (0..100).map(|days| today.saturating_sub(days.days())).collect();
        let gone: BTreeSet<Date> = let_go(&all, &rule).into_iter().collect();
        let kept: Vec<String> = all.difference(&gone).map(Date::to_string).collect();
        let expected = ["2026-10-31", "2026-11-22", "2026-11-23", "2026-11-24"];
        assert_eq!(kept, expected, "the Sunday ends the week before, October the month before");
        assert!(let_go(&BTreeSet::from([today]), &rule).is_empty());
    }
}
