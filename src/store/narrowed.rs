//! Reading under filters: single beacons of any combination, and sums of the pairs that are kept.

use rusqlite::{CachedStatement, Connection, OptionalExtension as _, Row, params, types::Value};

use super::{
    Error,
    events::{COLUMNS, first_id, received_at},
    figures::{self, Bucket, Subject, Sums},
    names,
};
use crate::model::{
    country,
    dimension::Dimension,
    filter::{Filter, Operator},
    tally::{Counters, TextId},
};

/// The columns of a page view's own page, of the one that was left for it, and of the one on which
/// its visit began.
const PAGES: [&str; 3] = ["identifier", "left_page", "entry_page"];

/// Which single beacons are read.
#[derive(Debug, Clone, Copy)]
pub struct Scan<'a> {
    /// Of which site and event type.
    pub subject: Subject,
    /// From this instant on, UTC seconds.
    pub from: i64,
    /// Before this instant, UTC seconds.
    pub to: i64,
    /// What they must be.
    pub filters: &'a [Filter],
    /// Which of their values are read.
    pub columns: &'a [Dimension],
}

/// A single beacon, and what of it meets the filters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Single {
    /// When it was received, UTC seconds.
    pub at: i64,
    /// Who sent it, as the day's hash.
    pub visitor: Option<i64>,
    /// Whether it began a visit.
    pub began: bool,
    /// Whether it is what is asked about.
    pub own: bool,
    /// Whether the page view that was left for it is.
    pub left: bool,
    /// Whether the one that began its visit is.
    pub entry: bool,
    /// Seconds since the page view before, within the visit.
    pub gap: i64,
    /// Whether it is the second page view of its visit.
    pub second: bool,
    /// Seconds since the finest bucket in which the visit began.
    pub since: i64,
    /// The identifier, the page that was left, and the page on which the visit began.
    pub pages: [Option<TextId>; 3],
    /// The wanted values, in the order of the columns.
    pub values: Vec<Option<TextId>>,
}

/// Whether single beacons know the value of `dimension`. On which page a visit ends is not known when
/// its beacons are kept, and titles and keys of "meta" are no columns.
pub fn has_column(dimension: &Dimension) -> bool {
    COLUMNS.iter().any(|(known, _)| known == dimension)
}

/// Gives each single beacon that has to do with what is asked about to `each`, in the order of time,
/// until that says `false`.
///
/// # Errors
/// When the file can't be read.
pub fn scan(
    connection: &Connection,
    scan: &Scan<'_>,
    mut each: impl FnMut(&Single) -> bool,
) -> Result<(), Error> {
    let Some(mut statement) = prepare(connection, scan)? else { return Ok(()) };
    let mut rows = statement.raw_query();
    let mut single = Single { values: vec![None; scan.columns.len()], ..Single::default() };
    while let Some(row) = rows.next()? {
        read(row, &mut single)?;
        if !each(&single) {
            return Ok(());
        }
    }
    Ok(())
}

/// The statement with its parameters; `None` if a value is asked for that no row can have.
fn prepare<'c>(
    connection: &'c Connection,
    scan: &Scan<'_>,
) -> Result<Option<CachedStatement<'c>>, Error> {
    let mut values: Vec<Value> = vec![
        first_id(scan.from).into(),
        first_id(scan.to).into(),
        i64::from(scan.subject.site.0).into(),
        i64::from(scan.subject.event_type.0).into(),
    ];
    let mut always = String::new();
    let mut by_page = [String::new(), String::new(), String::new()];
    for filter in scan.filters {
        let Some(number) = bound(connection, filter, &mut values)? else { return Ok(None) };
        match &filter.dimension {
            None => {
                for (condition, column) in by_page.iter_mut().zip(PAGES) {
                    condition.push_str(&compared(column, filter.operator, number));
                }
            }
            Some(dimension) => {
                let Some(column) = column(dimension) else { return Ok(None) };
                always.push_str(&compared(column, filter.operator, number));
            }
        }
    }
    let [own, left, entry] = by_page.map(|conditions| format!("TRUE{conditions}"));
    let columns: String =
        scan.columns.iter().filter_map(column).map(|name| format!(", n.{name}")).collect();
    // Most of the rows of the time are read, one after the other: an index would only lead astray.
    let sql = format!(
        "SELECT n.id, n.visitor, n.began, {own}, n.left_page IS NOT NULL AND {left},
             n.entry_page IS NOT NULL AND {entry}, ifnull(n.gap, 0), n.second IS NOT NULL,
             ifnull(n.since, 0), n.identifier, n.left_page, n.entry_page{columns}
         FROM beacon_event AS n NOT INDEXED
         WHERE n.id >= ?1 AND n.id < ?2 AND n.site = ?3 AND n.event_type = ?4{always}
             AND ({own} OR n.left_page IS NOT NULL AND ({left} OR {entry}))
         ORDER BY n.id"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    for (at, value) in values.into_iter().enumerate() {
        statement.raw_bind_parameter(at + 1, value)?;
    }
    Ok(Some(statement))
}

/// Binds what a filter compares with, and says as which parameter; `None` if nothing can be equal.
fn bound(
    connection: &Connection,
    filter: &Filter,
    values: &mut Vec<Value>,
) -> Result<Option<usize>, Error> {
    let value = match filter.operator {
        Operator::Contains => ids_with(connection, filter)?.into(),
        Operator::Is | Operator::IsNot => match names::find(connection, &filter.value)? {
            Some(id) => i64::from(id.0).into(),
            None if filter.operator == Operator::Is => return Ok(None),
            // No row has it, so that every row is something else.
            None => Value::Integer(-1),
        },
    };
    values.push(value);
    Ok(Some(values.len()))
}

/// The numbers of all names that hold the text of `filter`, whatever its case, as a list in JSON. A country is
/// met by its name as well as by its code.
fn ids_with(connection: &Connection, filter: &Filter) -> Result<String, Error> {
    let text = filter.value.to_lowercase();
    let holds = |name: &str| name.to_lowercase().contains(&text);
    let is_country = filter.dimension == Some(Dimension::Country);
    let mut ids = Vec::new();
    let mut statement = connection.prepare_cached("SELECT id, value FROM text")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let name = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        let country = if is_country && name.len() == 2 { country::name(name) } else { None };
        if holds(name) || country.is_some_and(holds) {
            ids.push(row.get::<_, u32>(0)?);
        }
    }
    Ok(serde_json::Value::from(ids).to_string())
}

fn compared(column: &str, operator: Operator, number: usize) -> String {
    match operator {
        Operator::Is => format!(" AND n.{column} = ?{number}"),
        Operator::IsNot => format!(" AND n.{column} IS NOT ?{number}"),
        Operator::Contains => {
            format!(" AND n.{column} IN (SELECT value FROM json_each(?{number}))")
        }
    }
}

fn column(dimension: &Dimension) -> Option<&'static str> {
    COLUMNS.iter().find(|(known, _)| known == dimension).map(|(_, name)| *name)
}

fn read(row: &Row<'_>, single: &mut Single) -> Result<(), rusqlite::Error> {
    let text = |at| Ok::<_, rusqlite::Error>(row.get::<_, Option<u32>>(at)?.map(TextId));
    single.at = received_at(row.get(0)?).div_euclid(1000);
    single.visitor = row.get(1)?;
    single.began = row.get(2)?;
    single.own = row.get::<_, Option<bool>>(3)?.unwrap_or(false);
    single.left = row.get::<_, Option<bool>>(4)?.unwrap_or(false);
    single.entry = row.get::<_, Option<bool>>(5)?.unwrap_or(false);
    single.gap = row.get(6)?;
    single.second = row.get(7)?;
    single.since = row.get(8)?;
    single.pages = [text(9)?, text(10)?, text(11)?];
    for (at, value) in single.values.iter_mut().enumerate() {
        *value = text(12 + at)?;
    }
    Ok(())
}

/// When the oldest single beacon of `subject` was received, UTC seconds.
///
/// # Errors
/// When the file can't be read.
pub fn oldest(connection: &Connection, subject: Subject) -> Result<Option<i64>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM beacon_event WHERE site = ?1 AND event_type = ?2 ORDER BY id LIMIT 1",
    )?;
    let key = params![subject.site.0, subject.event_type.0];
    let id: Option<i64> = statement.query_row(key, |row| row.get(0)).optional()?;
    Ok(id.map(|id| received_at(id).div_euclid(1000)))
}

/// The sums of one value of a dimension, of all of `subject` or of one identifier, in each of `buckets`
/// that has any.
///
/// # Errors
/// When the file can't be read.
pub fn value_series(
    connection: &Connection,
    subject: Subject,
    identifier: TextId,
    (dimension, value): (TextId, TextId),
    buckets: &[Bucket],
) -> Result<Vec<(i64, Counters)>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT count, visitors, visits, bounces, seconds FROM beacon_breakdown
         WHERE granularity = ?1 AND period_start = ?2 AND site = ?3 AND event_type = ?4
             AND identifier = ?5 AND dimension = ?6 AND value = ?7",
    )?;
    let mut sums = Vec::new();
    for bucket in buckets {
        let key = params![
            bucket.granularity.code(),
            bucket.start,
            subject.site.0,
            subject.event_type.0,
            identifier.0,
            dimension.0,
            value.0
        ];
        let sum = statement.query_row(key, |row| figures::counters(row, 0)).optional()?;
        sums.extend(sum.map(|sum| (bucket.start, sum)));
    }
    Ok(sums)
}

/// The sums of each identifier with a value of a dimension with which it is kept as a pair.
///
/// # Errors
/// When the file can't be read.
pub fn identifiers_with(
    connection: &Connection,
    subject: Subject,
    (dimension, value): (TextId, TextId),
    buckets: &[Bucket],
) -> Result<Sums, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT a.identifier, a.count, a.visitors, a.visits, a.bounces, a.seconds
         FROM json_each(?1) AS b CROSS JOIN beacon_breakdown AS a
         WHERE a.granularity = b.value ->> 0 AND a.period_start = b.value ->> 1
             AND a.site = ?2 AND a.event_type = ?3 AND a.identifier > 0
             AND a.dimension = ?4 AND a.value = ?5",
    )?;
    let (site, event_type) = (subject.site.0, subject.event_type.0);
    let key = params![figures::as_json(buckets), site, event_type, dimension.0, value.0];
    figures::added_up(statement.query(key)?)
}
