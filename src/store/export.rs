//! Whole tables in the words of the documented views, row by row.

use rusqlite::{Connection, named_params, types::ValueRef};

use super::Error;

/// A table that can be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// The counters of each bucket.
    Aggregates,
    /// The same, split by the values of dimensions.
    Breakdowns,
    /// How the numbers of beacons are spread.
    Histograms,
    /// Beacons that are kept singly.
    Events,
    /// What was not counted, by hour and reason.
    Refusals,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 5] =
        [Self::Aggregates, Self::Breakdowns, Self::Histograms, Self::Events, Self::Refusals];

    /// The word that stands for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aggregates => "aggregates",
            Self::Breakdowns => "breakdowns",
            Self::Histograms => "histograms",
            Self::Events => "events",
            Self::Refusals => "refusals",
        }
    }

    /// Its columns are named in the statement; times are ISO 8601, UTC.
    const fn statement(self) -> &'static str {
        match self {
            Self::Aggregates => {
                "SELECT s.value AS site, e.value AS event_type, i.value AS identifier,
                     CASE a.granularity WHEN 1 THEN 'second' WHEN 2 THEN 'minute' WHEN 3 THEN 'hour'
                         WHEN 4 THEN 'day' WHEN 5 THEN 'month' ELSE 'year' END AS granularity,
                     strftime('%Y-%m-%dT%H:%M:%SZ', a.period_start, 'unixepoch') AS period_start,
                     a.count, a.visitors, a.visits, a.bounces, a.seconds,
                     a.meta ->> 'title' AS title
                 FROM beacon_aggregate AS a JOIN text AS s ON s.id = a.site
                 JOIN text AS e ON e.id = a.event_type LEFT JOIN text AS i ON i.id = a.identifier
                 WHERE (:site IS NULL OR s.value = :site) AND (:event IS NULL OR e.value = :event)
                     AND (:granularity IS NULL OR a.granularity = :granularity)
                     AND a.period_start >= :from AND a.period_start < :to"
            }
            Self::Breakdowns => {
                "SELECT s.value AS site, e.value AS event_type, i.value AS identifier,
                     CASE b.granularity WHEN 1 THEN 'second' WHEN 2 THEN 'minute' WHEN 3 THEN 'hour'
                         WHEN 4 THEN 'day' WHEN 5 THEN 'month' ELSE 'year' END AS granularity,
                     strftime('%Y-%m-%dT%H:%M:%SZ', b.period_start, 'unixepoch') AS period_start,
                     d.value AS dimension, v.value AS value,
                     b.count, b.visitors, b.visits, b.bounces, b.seconds
                 FROM beacon_breakdown AS b JOIN text AS s ON s.id = b.site
                 JOIN text AS e ON e.id = b.event_type LEFT JOIN text AS i ON i.id = b.identifier
                 JOIN text AS d ON d.id = b.dimension JOIN text AS v ON v.id = b.value
                 WHERE (:site IS NULL OR s.value = :site) AND (:event IS NULL OR e.value = :event)
                     AND (:granularity IS NULL OR b.granularity = :granularity)
                     AND b.period_start >= :from AND b.period_start < :to"
            }
            Self::Histograms => {
                "SELECT s.value AS site, e.value AS event_type, i.value AS identifier,
                     CASE h.granularity WHEN 1 THEN 'second' WHEN 2 THEN 'minute' WHEN 3 THEN 'hour'
                         WHEN 4 THEN 'day' WHEN 5 THEN 'month' ELSE 'year' END AS granularity,
                     strftime('%Y-%m-%dT%H:%M:%SZ', h.period_start, 'unixepoch') AS period_start,
                     m.value AS measure, iif(h.bound = 1 << 53, NULL, h.bound / 1000.0) AS up_to,
                     h.count, h.sum / 1000.0 AS sum, h.least / 1000.0 AS least,
                     h.most / 1000.0 AS most
                 FROM beacon_histogram AS h JOIN text AS s ON s.id = h.site
                 JOIN text AS e ON e.id = h.event_type LEFT JOIN text AS i ON i.id = h.identifier
                 JOIN text AS m ON m.id = h.measure
                 WHERE (:site IS NULL OR s.value = :site) AND (:event IS NULL OR e.value = :event)
                     AND (:granularity IS NULL OR h.granularity = :granularity)
                     AND h.period_start >= :from AND h.period_start < :to"
            }
            Self::Events => {
                "SELECT received_at, site, event_type, identifier, visitor, began, hostname, page,
                     entry_page, source, channel, referrer, utm_source, utm_medium, utm_campaign,
                     utm_content, utm_term, country, region, city, browser, browser_version, os,
                     os_version, device, screen, language, payload
                 FROM beacon_events
                 WHERE (:site IS NULL OR site = :site) AND (:event IS NULL OR event_type = :event)
                     AND :granularity IS NULL
                     AND id >= max(:from, -140000000000) * 65536000
                     AND id < min(:to, 140000000000) * 65536000
                 ORDER BY id"
            }
            Self::Refusals => {
                "SELECT strftime('%Y-%m-%dT%H:%M:%SZ', r.hour, 'unixepoch') AS hour, s.value AS site,
                     r.reason, a.value AS agent, r.count
                 FROM rejected AS r LEFT JOIN text AS s ON s.id = r.site
                 LEFT JOIN text AS a ON a.id = r.agent
                 WHERE (:site IS NULL OR s.value = :site) AND :event IS NULL
                     AND :granularity IS NULL AND r.hour >= :from AND r.hour < :to"
            }
        }
    }
}

/// Which rows of a table.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this site alone.
    pub site: Option<String>,
    /// Of this event type alone.
    pub event_type: Option<String>,
    /// In buckets of this granularity alone, by its number.
    pub granularity: Option<i64>,
    /// From this instant on, UTC seconds.
    pub from: Option<i64>,
    /// Before this instant, UTC seconds.
    pub to: Option<i64>,
}

/// A cell of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// A number.
    Real(f64),
    /// A text.
    Text(&'a str),
}

/// The columns of `table`.
///
/// # Errors
/// When the file can't be read.
pub fn columns(connection: &Connection, table: Table) -> Result<Vec<String>, Error> {
    let statement = connection.prepare_cached(table.statement())?;
    Ok(statement.column_names().map(str::to_owned).collect())
}

/// Tells `each` the wanted rows of `table`, one by one.
///
/// # Errors
/// When the file can't be read, or `each` fails.
pub fn each<E: From<Error>>(
    connection: &Connection,
    table: Table,
    filter: &Filter,
    mut each: impl FnMut(&[Cell<'_>]) -> Result<(), E>,
) -> Result<(), E> {
    let mut statement = connection.prepare_cached(table.statement()).map_err(Error::from)?;
    let columns = statement.column_count();
    let parameters = named_params! {
        ":site": filter.site,
        ":event": filter.event_type,
        ":granularity": filter.granularity,
        ":from": filter.from.unwrap_or(i64::MIN),
        ":to": filter.to.unwrap_or(i64::MAX),
    };
    let mut rows = statement.query(parameters).map_err(Error::from)?;
    while let Some(row) = rows.next().map_err(Error::from)? {
        let mut cells = Vec::with_capacity(columns);
        for at in 0..columns {
            cells.push(match row.get_ref(at).map_err(Error::from)? {
                ValueRef::Null => Cell::Null,
                ValueRef::Integer(number) => Cell::Integer(number),
                ValueRef::Real(number) => Cell::Real(number),
                text @ (ValueRef::Text(_) | ValueRef::Blob(_)) => {
                    Cell::Text(text.as_str().map_err(|error| Error::Damaged(error.to_string()))?)
                }
            });
        }
        each(&cells)?;
    }
    Ok(())
}
