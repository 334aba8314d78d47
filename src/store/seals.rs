//! Seals: a digest of what was counted in a closed span, which must read the same for ever.

use rusqlite::{Connection, Transaction, params};

use super::{Error, names, rows, rows::Which};
use crate::model::{
    period::Granularity,
    tally::{AggregateKey, Counters, TextId},
};

/// How many bytes of the digest are kept.
const DIGEST_BYTES: usize = 16;

/// What is sealed: all buckets of a granularity at a site, from one instant to before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The site.
    pub site: TextId,
    /// The buckets.
    pub granularity: Granularity,
    /// UTC seconds.
    pub start: i64,
    /// The first instant after it, UTC seconds.
    pub end: i64,
}

/// What a span holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// How many rows of aggregates, breakdowns and histograms.
    pub rows: i64,
    /// Their digest.
    pub digest: Vec<u8>,
}

/// What `span` holds now: every key, by its strings, and every counter.
///
/// # Errors
/// When the file can't be read.
pub fn taken(connection: &Connection, span: &Span) -> Result<Seal, Error> {
    let mut digest = Digest { connection, hasher: blake3::Hasher::new(), rows: 0 };
    let which = Which {
        site: Some(span.site),
        finest: span.granularity,
        coarsest: span.granularity,
        from: span.start,
        to: span.end,
        ..Which::default()
    };
    // A title may change later, and what is not counted is not sealed.
    rows::aggregates(connection, &which, |key, counters, _| {
        digest.key(&key)?;
        digest.counters(&counters);
        Ok(())
    })?;
    rows::breakdowns(connection, &which, |key, counters| {
        digest.key(&key.aggregate)?;
        digest.name(key.dimension)?;
        digest.name(key.value)?;
        digest.counters(&counters);
        Ok(())
    })?;
    rows::bars(connection, &which, |key, bar| {
        digest.key(&key.aggregate)?;
        digest.name(key.measure)?;
        for number in [key.bound, bar.count, bar.sum, bar.least, bar.most] {
            digest.number(number);
        }
        Ok(())
    })?;
    let Digest { hasher, rows, .. } = digest;
    let digest = hasher.finalize();
    Ok(Seal { rows, digest: digest.as_bytes().iter().copied().take(DIGEST_BYTES).collect() })
}

/// How many rows of aggregates `span` has now.
///
/// # Errors
/// When the file can't be read.
pub fn taken_rows(connection: &Connection, span: &Span) -> Result<i64, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT count(*) FROM beacon_aggregate
         WHERE granularity = ?1 AND period_start >= ?2 AND period_start < ?3 AND site = ?4",
    )?;
    let key = params![span.granularity.code(), span.start, span.end, span.site.0];
    Ok(statement.query_row(key, |row| row.get(0))?)
}

struct Digest<'c> {
    connection: &'c Connection,
    hasher: blake3::Hasher,
    rows: i64,
}

impl Digest<'_> {
    fn number(&mut self, number: i64) {
        self.hasher.update(&number.to_le_bytes());
    }

    /// The number of a string and the string: rows are read in the order of the numbers, and a string
    /// that has changed is a mistake as well.
    fn name(&mut self, id: TextId) -> Result<(), Error> {
        self.number(i64::from(id.0));
        if id == TextId::TOTAL {
            return Ok(());
        }
        let name = names::text(self.connection, id)?;
        self.hasher.update(name.unwrap_or_default().as_bytes());
        Ok(())
    }

    fn key(&mut self, key: &AggregateKey) -> Result<(), Error> {
        self.rows += 1;
        self.number(key.period_start);
        self.name(key.event_type)?;
        self.name(key.identifier)
    }

    fn counters(&mut self, counters: &Counters) {
        let Counters { count, visitors, visits, bounces, seconds } = *counters;
        for number in [count, visitors, visits, bounces, seconds] {
            self.number(number);
        }
    }
}

/// Seals `span` as it is.
///
/// # Errors
/// When the file can't be written.
pub fn put(transaction: &Transaction<'_>, span: &Span, seal: &Seal) -> Result<(), Error> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO seal (site, granularity, span_start, span_end, row_count, digest)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET span_end = excluded.span_end, row_count = excluded.row_count,
             digest = excluded.digest",
    )?;
    let Span { site, granularity, start, end } = span;
    statement.execute(params![site.0, granularity.code(), start, end, seal.rows, seal.digest])?;
    Ok(())
}

/// Whether a seal of this granularity begins at `start` (UTC seconds).
///
/// # Errors
/// When the file can't be read.
pub fn is_sealed(connection: &Connection, span: &Span) -> Result<bool, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT 1 FROM seal WHERE site = ?1 AND granularity = ?2 AND span_start = ?3",
    )?;
    let key = params![span.site.0, span.granularity.code(), span.start];
    Ok(statement.exists(key)?)
}

/// Removes the seals under which a bucket lies, because it changes: two, where days of two time zones overlap.
///
/// # Errors
/// When the file can't be written.
pub fn remove(
    transaction: &Transaction<'_>,
    granularity: Granularity,
    period_start: i64,
    site: TextId,
) -> Result<(), Error> {
    let mut statement = transaction.prepare_cached(
        "DELETE FROM seal
         WHERE site = ?1 AND granularity = ?2 AND span_start BETWEEN ?3 - ?4 AND ?3 AND span_end > ?3",
    )?;
    let longest = Granularity::Year.seconds_max();
    statement.execute(params![site.0, granularity.code(), period_start, longest])?;
    Ok(())
}

/// Every seal, by site, granularity and time.
///
/// # Errors
/// When the file can't be read.
pub fn all(connection: &Connection) -> Result<Vec<(Span, Seal)>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT site, granularity, span_start, span_end, row_count, digest FROM seal",
    )?;
    let rows = statement.query_map([], |row| {
        let granularity = Granularity::from_code(row.get(1)?).unwrap_or(Granularity::Year);
        let (site, start, end) = (TextId(row.get(0)?), row.get(2)?, row.get(3)?);
        let span = Span { site, granularity, start, end };
        Ok((span, Seal { rows: row.get(4)?, digest: row.get(5)? }))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
