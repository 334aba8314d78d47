//! Reading whole rows of the file in order, to move, compare or write them elsewhere.

use rusqlite::{Connection, Row, named_params, params_from_iter};

use super::{Error, keys};
use crate::model::{
    delta::KnownName,
    period::Granularity,
    rejection::{Reason, RefusalKey},
    tally::{AggregateKey, Bar, BreakdownKey, Counters, HistogramKey, TextId},
    text::NameScope,
};

/// Which rows; every one by default.
#[derive(Debug, Clone, Copy)]
pub struct Which {
    /// Of this site alone.
    pub site: Option<TextId>,
    /// Of this event type alone.
    pub event_type: Option<TextId>,
    /// Of this identifier alone; [`TextId::TOTAL`] for the totals.
    pub identifier: Option<TextId>,
    /// Of this dimension alone, where there are dimensions.
    pub dimension: Option<TextId>,
    /// Of this value alone, where there are values.
    pub value: Option<TextId>,
    /// In buckets of this granularity and coarser ones.
    pub finest: Granularity,
    /// In buckets of this granularity and finer ones.
    pub coarsest: Granularity,
    /// In buckets that begin at this instant or later, UTC seconds.
    pub from: i64,
    /// In buckets that begin before this instant, UTC seconds.
    pub to: i64,
}

impl Default for Which {
    fn default() -> Self {
        Self {
            site: None,
            event_type: None,
            identifier: None,
            dimension: None,
            value: None,
            finest: Granularity::Second,
            coarsest: Granularity::Year,
            from: i64::MIN,
            to: i64::MAX,
        }
    }
}

impl Which {
    fn granularities(&self) -> impl Iterator<Item = Granularity> {
        let (finest, coarsest) = (self.finest, self.coarsest);
        let within = move |granularity: &Granularity| (finest..=coarsest).contains(granularity);
        Granularity::ALL.into_iter().filter(within)
    }
}

/// Tells `each` the wanted aggregates, with their titles.
///
/// # Errors
/// When the file can't be read, or `each` fails.
pub fn aggregates(
    connection: &Connection,
    which: &Which,
    mut each: impl FnMut(AggregateKey, Counters, Option<String>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut statement = connection.prepare_cached(
        "SELECT granularity, period_start, site, event_type, identifier,
             count, visitors, visits, bounces, seconds, meta ->> 'title'
         FROM beacon_aggregate
         WHERE granularity = :granularity
             AND period_start >= :from AND period_start < :to
             AND (:site IS NULL OR site = :site)
             AND (:event_type IS NULL OR event_type = :event_type)
             AND (:identifier IS NULL OR identifier = :identifier)",
    )?;
    for granularity in which.granularities() {
        let mut rows = statement.query(named_params! {
            ":granularity": granularity.code(),
            ":from": which.from,
            ":to": which.to,
            ":site": which.site.map(|id| id.0),
            ":event_type": which.event_type.map(|id| id.0),
            ":identifier": which.identifier.map(|id| id.0),
        })?;
        while let Some(row) = rows.next()? {
            each(aggregate_key(row)?, counters(row, 5)?, row.get(10)?)?;
        }
    }
    Ok(())
}

/// Whether anything was counted for `site`.
///
/// # Errors
/// When the file can't be read.
pub fn has_site(connection: &Connection, site: TextId) -> Result<bool, Error> {
    let mut statement =
        connection.prepare_cached("SELECT 1 FROM beacon_aggregate WHERE site = ?1")?;
    Ok(statement.exists([site.0])?)
}

/// Whether the bucket of an aggregate is split by `dimension`.
///
/// # Errors
/// When the file can't be read.
pub fn has_split(
    connection: &Connection,
    key: &AggregateKey,
    dimension: TextId,
) -> Result<bool, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT 1 FROM beacon_breakdown
         WHERE granularity = ?1 AND period_start = ?2 AND site = ?3 AND event_type = ?4
             AND identifier = ?5 AND dimension = ?6",
    )?;
    let row = keys::of_aggregate(key).into_iter().chain([dimension.0.into()]);
    Ok(statement.exists(params_from_iter(row))?)
}

/// Tells `each` the wanted breakdowns.
///
/// # Errors
/// When the file can't be read, or `each` fails.
pub fn breakdowns(
    connection: &Connection,
    which: &Which,
    mut each: impl FnMut(BreakdownKey, Counters) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut statement = connection.prepare_cached(
        "SELECT granularity, period_start, site, event_type, identifier, dimension, value,
             count, visitors, visits, bounces, seconds
         FROM beacon_breakdown
         WHERE granularity = :granularity
             AND period_start >= :from AND period_start < :to
             AND (:site IS NULL OR site = :site)
             AND (:event_type IS NULL OR event_type = :event_type)
             AND (:identifier IS NULL OR identifier = :identifier)
             AND (:dimension IS NULL OR dimension = :dimension)
             AND (:value IS NULL OR value = :value)",
    )?;
    for granularity in which.granularities() {
        let mut rows = statement.query(named_params! {
            ":granularity": granularity.code(),
            ":from": which.from,
            ":to": which.to,
            ":site": which.site.map(|id| id.0),
            ":event_type": which.event_type.map(|id| id.0),
            ":identifier": which.identifier.map(|id| id.0),
            ":dimension": which.dimension.map(|id| id.0),
            ":value": which.value.map(|id| id.0),
        })?;
        while let Some(row) = rows.next()? {
            let (dimension, value) = (TextId(row.get(5)?), TextId(row.get(6)?));
            let key = BreakdownKey { aggregate: aggregate_key(row)?, dimension, value };
            each(key, counters(row, 7)?)?;
        }
    }
    Ok(())
}

/// Tells `each` the wanted bars of histograms; a dimension or a value is not asked for.
///
/// # Errors
/// When the file can't be read, or `each` fails.
pub fn bars(
    connection: &Connection,
    which: &Which,
    mut each: impl FnMut(HistogramKey, Bar) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut statement = connection.prepare_cached(
        "SELECT granularity, period_start, site, event_type, identifier, measure, bound,
             count, sum, least, most
         FROM beacon_histogram
         WHERE granularity = :granularity
             AND period_start >= :from AND period_start < :to
             AND (:site IS NULL OR site = :site)
             AND (:event_type IS NULL OR event_type = :event_type)
             AND (:identifier IS NULL OR identifier = :identifier)",
    )?;
    for granularity in which.granularities() {
        let mut rows = statement.query(named_params! {
            ":granularity": granularity.code(),
            ":from": which.from,
            ":to": which.to,
            ":site": which.site.map(|id| id.0),
            ":event_type": which.event_type.map(|id| id.0),
            ":identifier": which.identifier.map(|id| id.0),
        })?;
        while let Some(row) = rows.next()? {
            let (measure, bound) = (TextId(row.get(5)?), row.get(6)?);
            let key = HistogramKey { aggregate: aggregate_key(row)?, measure, bound };
            let bar = Bar {
                count: row.get(7)?,
                sum: row.get(8)?,
                // Rows of an early schema do not know their least and most.
                least: row.get::<_, Option<i64>>(9)?.unwrap_or(i64::MAX),
                most: row.get::<_, Option<i64>>(10)?.unwrap_or(i64::MIN),
            };
            each(key, bar)?;
        }
    }
    Ok(())
}

/// Tells `each` what was not counted, of `site` or of all.
///
/// # Errors
/// When the file can't be read, or `each` fails.
pub fn refusals(
    connection: &Connection,
    site: Option<TextId>,
    mut each: impl FnMut(RefusalKey, i64) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut statement = connection.prepare_cached(
        "SELECT hour, site, reason, agent, count FROM rejected WHERE ?1 IS NULL OR site = ?1",
    )?;
    let mut rows = statement.query([site.map(|id| id.0)])?;
    while let Some(row) = rows.next()? {
        // A reason that a newer release knows is not one of this schema.
        let Some(reason) = Reason::from_code(row.get(2)?) else { continue };
        let (hour, site, agent) = (row.get(0)?, TextId(row.get(1)?), TextId(row.get(3)?));
        each(RefusalKey { hour, site, reason, agent }, row.get(4)?)?;
    }
    Ok(())
}

/// Tells `each` since which day (its first instant, UTC seconds) names are known, of `site` or of all.
///
/// # Errors
/// When the file can't be read, or `each` fails.
pub fn known_names(
    connection: &Connection,
    site: Option<TextId>,
    mut each: impl FnMut(KnownName, i64) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut statement = connection.prepare_cached(
        "SELECT site, event_type, dimension, value, first_day FROM name
         WHERE ?1 IS NULL OR site = ?1",
    )?;
    let mut rows = statement.query([site.map(|id| id.0)])?;
    while let Some(row) = rows.next()? {
        let (site, event_type) = (TextId(row.get(0)?), TextId(row.get(1)?));
        let scope = NameScope { site, event_type, dimension: TextId(row.get(2)?) };
        each(KnownName { scope, value: TextId(row.get(3)?) }, row.get(4)?)?;
    }
    Ok(())
}

/// Tells `each` which errors were met, and when first and last (UTC seconds), of `site` or of all.
///
/// # Errors
/// When the file can't be read, or `each` fails.
pub fn errors(
    connection: &Connection,
    site: Option<TextId>,
    mut each: impl FnMut([TextId; 3], (i64, i64)) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut statement = connection.prepare_cached(
        "SELECT site, event_type, identifier, first_at, last_at FROM error_group
         WHERE ?1 IS NULL OR site = ?1",
    )?;
    let mut rows = statement.query([site.map(|id| id.0)])?;
    while let Some(row) = rows.next()? {
        let key = [TextId(row.get(0)?), TextId(row.get(1)?), TextId(row.get(2)?)];
        each(key, (row.get(3)?, row.get(4)?))?;
    }
    Ok(())
}

/// The counters of one row; zeros where there is none.
///
/// # Errors
/// When the file can't be read.
pub fn aggregate(connection: &Connection, key: &AggregateKey) -> Result<Counters, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT count, visitors, visits, bounces, seconds FROM beacon_aggregate
         WHERE granularity = ?1 AND period_start = ?2 AND site = ?3 AND event_type = ?4
             AND identifier = ?5",
    )?;
    let mut rows = statement.query(keys::of_aggregate(key))?;
    rows.next()?.map_or(Ok(Counters::default()), |row| counters(row, 0))
}

/// The counters of one row of a breakdown; zeros where there is none.
///
/// # Errors
/// When the file can't be read.
pub fn breakdown(connection: &Connection, key: &BreakdownKey) -> Result<Counters, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT count, visitors, visits, bounces, seconds FROM beacon_breakdown
         WHERE granularity = ?1 AND period_start = ?2 AND site = ?3 AND event_type = ?4
             AND identifier = ?5 AND dimension = ?6 AND value = ?7",
    )?;
    let mut rows = statement.query(keys::of_breakdown(key))?;
    rows.next()?.map_or(Ok(Counters::default()), |row| counters(row, 0))
}

fn aggregate_key(row: &Row<'_>) -> Result<AggregateKey, Error> {
    let code = row.get(0)?;
    let granularity = Granularity::from_code(code)
        .ok_or_else(|| Error::Damaged(format!("there is no granularity {code}")))?;
    Ok(AggregateKey {
        granularity,
        period_start: row.get(1)?,
        site: TextId(row.get(2)?),
        event_type: TextId(row.get(3)?),
        identifier: TextId(row.get(4)?),
    })
}

fn counters(row: &Row<'_>, first: usize) -> Result<Counters, Error> {
    Ok(Counters {
        count: row.get(first)?,
        visitors: row.get(first + 1)?,
        visits: row.get(first + 2)?,
        bounces: row.get(first + 3)?,
        seconds: row.get(first + 4)?,
    })
}
