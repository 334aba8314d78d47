//! Sums that are on their way into the tables: added part by part, so that no transaction is long and
//! the journal, which the same file has, never waits for them for long.

use std::borrow::Cow;

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use serde::{Deserialize, Serialize};
use tracing::error;

use super::{Error, events, tallies};
use crate::model::{
    kept::KeptBeacon,
    tally::{AggregateKey, BreakdownKey, Counters},
};

/// How parts are encoded now.
const FORMAT: i64 = 1;

/// How many rows a part adds at most.
const ROWS_MAX: usize = 1_000;

/// Rows that are added in one transaction, or some of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part<'a> {
    /// Sums of totals and identifiers, sorted.
    pub aggregates: Cow<'a, [(AggregateKey, Counters)]>,
    /// Titles of aggregates that are there or come in this part.
    pub titles: Cow<'a, [(AggregateKey, String)]>,
    /// Sums of values, sorted.
    pub breakdowns: Cow<'a, [(BreakdownKey, Counters)]>,
    /// Beacons that are kept singly.
    pub kept: Cow<'a, [KeptBeacon]>,
}

impl Part<'_> {
    /// The same rows in their order, in parts of which none is long.
    pub fn split(&self) -> Vec<Part<'_>> {
        let (mut aggregates, mut titles) = (&*self.aggregates, &*self.titles);
        let (mut breakdowns, mut kept) = (&*self.breakdowns, &*self.kept);
        let mut parts = Vec::new();
        loop {
            let mut room = ROWS_MAX;
            let part = Part {
                aggregates: first_of(&mut aggregates, &mut room),
                titles: first_of(&mut titles, &mut room),
                breakdowns: first_of(&mut breakdowns, &mut room),
                kept: first_of(&mut kept, &mut room),
            };
            if room < ROWS_MAX || parts.is_empty() {
                parts.push(part);
            }
            if room > 0 {
                return parts;
            }
        }
    }

    /// Adds its rows.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn add(&self, transaction: &Transaction<'_>) -> Result<(), Error> {
        tallies::add_aggregates(transaction, &self.aggregates)?;
        for (key, title) in &*self.titles {
            tallies::set_title(transaction, key, title)?;
        }
        tallies::add_breakdowns(transaction, &self.breakdowns)?;
        events::add(transaction, &self.kept)
    }
}

/// As many of the first rows as there is room for, which are not among the rest any more.
fn first_of<'a, T: Clone>(rest: &mut &'a [T], room: &mut usize) -> Cow<'a, [T]> {
    let (first, further) = rest.split_at(rest.len().min(*room));
    *rest = further;
    *room -= first.len();
    Cow::Borrowed(first)
}

/// Lets a part wait in the file.
///
/// # Errors
/// When the file can't be written.
pub fn put_off(transaction: &Transaction<'_>, part: &Part<'_>) -> Result<(), Error> {
    let unusable = |error| Error::Damaged(format!("a part of the sums: {error}"));
    let encoded = postcard::to_stdvec(part).map_err(unusable)?;
    let mut statement =
        transaction.prepare_cached("INSERT INTO tally_part (format, part) VALUES (?1, ?2)")?;
    statement.execute(params![FORMAT, encoded])?;
    Ok(())
}

/// Whether any part waits, so that the sums of the file don't agree with each other yet.
///
/// # Errors
/// When the file can't be read.
pub fn any(connection: &Connection) -> Result<bool, Error> {
    Ok(first(connection)?.is_some())
}

/// Adds the rows of the first part that waits, which it does no longer, and commits. One that can't be decoded is set
/// aside. Says whether there was one.
///
/// # Errors
/// When the file can't be written; then the part still waits.
pub fn add_next(transaction: Transaction<'_>) -> Result<bool, Error> {
    let Some((id, encoded)) = first(&transaction)? else { return Ok(false) };
    let done = match postcard::from_bytes::<Part<'_>>(&encoded) {
        Ok(part) => {
            part.add(&transaction)?;
            "DELETE FROM tally_part WHERE id = ?1"
        }
        Err(error) => {
            error!(part = id, %error, "a part of the sums is set aside, not added");
            "UPDATE tally_part SET unreadable = 1 WHERE id = ?1"
        }
    };
    transaction.prepare_cached(done)?.execute([id])?;
    transaction.commit()?;
    Ok(true)
}

/// Adds all that waits, as whoever opens the file for writing must do first.
///
/// # Errors
/// When the file can't be written.
pub fn add_all(connection: &mut Connection) -> Result<(), Error> {
    while add_next(connection.transaction_with_behavior(TransactionBehavior::Immediate)?)? {}
    Ok(())
}

fn first(connection: &Connection) -> Result<Option<(i64, Vec<u8>)>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT id, part FROM tally_part
         WHERE format = ?1 AND unreadable = 0 ORDER BY id LIMIT 1",
    )?;
    Ok(statement.query_row([FORMAT], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use crate::{
        model::{period::Granularity, tally::TextId},
        store::connection::open_writable,
    };

    const ONE: Counters = Counters { count: 1, visitors: 0, visits: 0, bounces: 0, seconds: 0 };

    fn key(identifier: u32) -> AggregateKey {
        AggregateKey {
            granularity: Granularity::Day,
            period_start: 0,
            site: TextId(1),
            event_type: TextId(2),
            identifier: TextId(identifier),
        }
    }

    /// `rows` aggregates, as many values, and a title of the last aggregate.
    fn part(rows: u32) -> Part<'static> {
        let value =
            |value| BreakdownKey { aggregate: key(0), dimension: TextId(3), value: TextId(value) };
        Part {
            aggregates: (0..rows).map(|row| (key(row), ONE)).collect(),
            titles: vec![(key(rows - 1), "Last".to_owned())].into(),
            breakdowns: (0..rows).map(|row| (value(row), ONE)).collect(),
            kept: Cow::default(),
        }
    }

    #[test]
    fn parts_are_the_same_rows_in_their_order() {
        let all = part(1_600);
        let split = all.split();
        let lengths: Vec<usize> = split
            .iter()
            .map(|part| part.aggregates.len() + part.titles.len() + part.breakdowns.len())
            .collect();
        assert_eq!(lengths, [1_000, 1_000, 1_000, 201]);
        let mut whole = Part::default();
        for part in &split {
            whole.aggregates.to_mut().extend_from_slice(&part.aggregates);
            whole.titles.to_mut().extend_from_slice(&part.titles);
            whole.breakdowns.to_mut().extend_from_slice(&part.breakdowns);
        }
        assert_eq!(whole, all);
        assert_eq!(Part::default().split(), [Part::default()]);
        assert_eq!(part(500).split().len(), 2, "a thousand rows and a title");
        let thousand = Part { titles: Cow::default(), ..part(500) };
        assert_eq!(thousand.split().len(), 1);
    }

    #[test]
    fn what_waits_is_added_when_the_file_is_opened_and_what_is_no_part_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        let mut writable = open_writable(&database).unwrap();
        let transaction = writable.transaction().unwrap();
        let no_part = "INSERT INTO tally_part (format, part) VALUES (1, x'ff')";
        transaction.execute(no_part, []).unwrap();
        for part in part(1_600).split() {
            put_off(&transaction, &part).unwrap();
        }
        transaction.commit().unwrap();
        assert!(any(&writable.connection).unwrap());
        writable.close().unwrap();
        let writable = open_writable(&database).unwrap();
        assert!(!any(&writable.connection).unwrap());
        let number =
            |sql: &str| writable.connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(number("SELECT sum(count) FROM beacon_aggregate"), 1_600);
        assert_eq!(number("SELECT sum(count) FROM beacon_breakdown"), 1_600);
        assert_eq!(number("SELECT count(*) FROM beacon_aggregate WHERE meta IS NOT NULL"), 1);
        assert_eq!(number("SELECT count(*) FROM tally_part WHERE unreadable = 1"), 1);
    }
}
