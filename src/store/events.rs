//! Single beacons: written by the fold, read by pages, gone after their time.

use rusqlite::{
    Connection, Row, Transaction, named_params, params, params_from_iter, types::Value,
};

use super::{Error, figures::Subject};
use crate::model::{dimension::Dimension, kept::KeptBeacon, tally::TextId, visitor::Visitor};

/// How many beacons one millisecond has numbers for.
const NUMBERS: i64 = 1 << 16;

/// The columns of what a beacon is split by.
pub const COLUMNS: [(Dimension, &str); 21] = [
    (Dimension::Hostname, "hostname"),
    (Dimension::Page, "page"),
    (Dimension::EntryPage, "entry_page"),
    (Dimension::Source, "source"),
    (Dimension::Channel, "channel"),
    (Dimension::Referrer, "referrer"),
    (Dimension::UtmSource, "utm_source"),
    (Dimension::UtmMedium, "utm_medium"),
    (Dimension::UtmCampaign, "utm_campaign"),
    (Dimension::UtmContent, "utm_content"),
    (Dimension::UtmTerm, "utm_term"),
    (Dimension::Country, "country"),
    (Dimension::Region, "region"),
    (Dimension::City, "city"),
    (Dimension::Browser, "browser"),
    (Dimension::BrowserVersion, "browser_version"),
    (Dimension::Os, "os"),
    (Dimension::OsVersion, "os_version"),
    (Dimension::Device, "device"),
    (Dimension::Screen, "screen"),
    (Dimension::Language, "language"),
];

/// Adds kept beacons.
///
/// # Errors
/// When the file can't be written.
pub fn add(transaction: &Transaction<'_>, kept: &[KeptBeacon]) -> Result<(), Error> {
    kept.iter().try_for_each(|beacon| add_one(transaction, beacon).map(|_| ()))
}

/// Adds a kept beacon, and says which number it has got.
///
/// # Errors
/// When the file can't be written.
pub fn add_one(transaction: &Transaction<'_>, beacon: &KeptBeacon) -> Result<i64, Error> {
    // The number within the millisecond is the next that is free.
    let mut statement = transaction.prepare_cached(
        "INSERT INTO beacon_event (id, site, event_type, identifier, visitor, began, payload,
             hostname, page, entry_page, source, channel, referrer, utm_source, utm_medium, utm_campaign,
             utm_content, utm_term, country, region, city, browser, browser_version, os, os_version,
             device, screen, language)
         SELECT ifnull(max(id) + 1, ?1), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,
             ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29
         FROM beacon_event WHERE id BETWEEN ?1 AND ?2",
    )?;
    let first = beacon.received_at * NUMBERS;
    let number = |id: Option<TextId>| id.map_or(Value::Null, |id| i64::from(id.0).into());
    let visitor = beacon.visitor.map(|visitor| visitor.0.cast_signed());
    let mut row: Vec<Value> = vec![
        first.into(),
        // The last number stays free: whoever comes then takes the next millisecond's first.
        (first + NUMBERS - 2).into(),
        i64::from(beacon.site.0).into(),
        i64::from(beacon.event_type.0).into(),
        number(beacon.identifier),
        visitor.map_or(Value::Null, Value::from),
        i64::from(beacon.began).into(),
        beacon.payload.clone().map_or(Value::Null, Value::from),
    ];
    row.extend(COLUMNS.iter().map(|(dimension, _)| match dimension {
        Dimension::EntryPage => number(beacon.entry_page),
        dimension => {
            let found = beacon.values.iter().find(|(known, _)| known == dimension);
            number(found.map(|(_, value)| *value))
        }
    }));
    Ok(statement.insert(params_from_iter(row))?)
}

/// Removes the kept beacon with this number. Says whether there was one.
///
/// # Errors
/// When the file can't be written.
pub fn remove(transaction: &Transaction<'_>, id: i64) -> Result<bool, Error> {
    let mut statement = transaction.prepare_cached("DELETE FROM beacon_event WHERE id = ?1")?;
    Ok(statement.execute([id])? > 0)
}

/// Lets the kept beacon with this number name the page `to` wherever it names `from`.
///
/// # Errors
/// When the file can't be written.
pub fn rename_page(
    transaction: &Transaction<'_>,
    id: i64,
    from: TextId,
    to: TextId,
) -> Result<(), Error> {
    let mut statement = transaction.prepare_cached(
        "UPDATE beacon_event SET identifier = iif(identifier = ?2, ?3, identifier),
             page = iif(page = ?2, ?3, page), entry_page = iif(entry_page = ?2, ?3, entry_page)
         WHERE id = ?1",
    )?;
    statement.execute(params![id, from.0, to.0])?;
    Ok(())
}

/// Which kept beacons are wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted<'a> {
    /// The site.
    pub site: TextId,
    /// The event type.
    pub event_type: TextId,
    /// From this instant on, UTC seconds.
    pub from: i64,
    /// Before this instant, UTC seconds.
    pub to: i64,
    /// Of this identifier alone.
    pub identifier: Option<TextId>,
    /// Only those whose identifier or payload holds this text, whatever its case; empty for all.
    pub search: &'a str,
    /// Only those before this one; 0 for the newest.
    pub before: i64,
    /// How many at most.
    pub limit: u32,
}

/// A kept beacon as it is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Its number.
    pub id: i64,
    /// When it was received, UTC milliseconds.
    pub received_at: i64,
    /// What it was counted as.
    pub identifier: Option<String>,
    /// Who sent it, as the day's hash.
    pub visitor: Option<u64>,
    /// What else was sent, as JSON.
    pub payload: Option<String>,
    /// What it is split by: (dimension's name, value).
    pub values: Vec<(&'static str, String)>,
}

/// The kept beacons that are wanted, the newest first.
///
/// # Errors
/// When the file can't be read.
pub fn find(connection: &Connection, wanted: &Wanted<'_>) -> Result<Vec<Found>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT n.id, n.visitor, n.payload, (SELECT value FROM text WHERE id = n.identifier) AS name,
             n.hostname, n.page, n.entry_page, n.source, n.channel, n.referrer, n.utm_source, n.utm_medium,
             n.utm_campaign, n.utm_content, n.utm_term, n.country, n.region, n.city, n.browser,
             n.browser_version, n.os, n.os_version, n.device, n.screen, n.language
         FROM beacon_event AS n
         WHERE n.id >= :from AND n.id < :to AND n.site = :site AND n.event_type = :event_type
             AND (:identifier IS NULL OR n.identifier = :identifier)
             AND (:search = '' OR instr(lower(ifnull(name, '')), lower(:search))
                 OR instr(lower(ifnull(n.payload, '')), lower(:search)))
         ORDER BY n.id DESC LIMIT :limit",
    )?;
    let from = first_id(wanted.from);
    let to = first_id(wanted.to);
    let parameters = named_params! {
        ":from": from,
        ":to": if wanted.before > 0 { to.min(wanted.before) } else { to },
        ":site": wanted.site.0,
        ":event_type": wanted.event_type.0,
        ":identifier": wanted.identifier.map(|identifier| identifier.0),
        ":search": wanted.search,
        ":limit": wanted.limit,
    };
    let mut text = connection.prepare_cached("SELECT value FROM text WHERE id = ?1")?;
    let mut found = Vec::new();
    let mut rows = statement.query(parameters)?;
    while let Some(row) = rows.next()? {
        found.push(read(row, &mut text)?);
    }
    Ok(found)
}

/// Tells `each` the kept beacons of `site`, or of all, in the numbers of the file.
///
/// # Errors
/// When the file can't be read, or `each` fails.
pub fn each(
    connection: &Connection,
    site: Option<TextId>,
    mut each: impl FnMut(i64, KeptBeacon) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut statement = connection.prepare_cached(
        "SELECT id, site, event_type, identifier, visitor, began, payload,
             hostname, page, entry_page, source, channel, referrer, utm_source, utm_medium, utm_campaign,
             utm_content, utm_term, country, region, city, browser, browser_version, os, os_version,
             device, screen, language
         FROM beacon_event WHERE ?1 IS NULL OR site = ?1 ORDER BY id",
    )?;
    let mut rows = statement.query([site.map(|id| id.0)])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let mut beacon = KeptBeacon {
            received_at: id.div_euclid(NUMBERS),
            site: TextId(row.get(1)?),
            event_type: TextId(row.get(2)?),
            identifier: row.get::<_, Option<u32>>(3)?.map(TextId),
            visitor: row.get::<_, Option<i64>>(4)?.map(|hash| Visitor(hash.cast_unsigned())),
            began: row.get(5)?,
            payload: row.get(6)?,
            entry_page: None,
            values: Vec::new(),
        };
        for (at, (dimension, _)) in COLUMNS.iter().enumerate() {
            let Some(value) = row.get::<_, Option<u32>>(7 + at)?.map(TextId) else { continue };
            match dimension {
                Dimension::EntryPage => beacon.entry_page = Some(value),
                dimension => beacon.values.push((dimension.clone(), value)),
            }
        }
        each(id, beacon)?;
    }
    Ok(())
}

fn read(row: &Row<'_>, text: &mut rusqlite::CachedStatement<'_>) -> Result<Found, Error> {
    let id: i64 = row.get(0)?;
    let mut values = Vec::new();
    for (at, (_, name)) in COLUMNS.iter().enumerate() {
        if let Some(value) = row.get::<_, Option<i64>>(4 + at)? {
            values.push((*name, text.query_row([value], |row| row.get(0))?));
        }
    }
    Ok(Found {
        id,
        received_at: id.div_euclid(NUMBERS),
        identifier: row.get(3)?,
        visitor: row.get::<_, Option<i64>>(1)?.map(i64::cast_unsigned),
        payload: row.get(2)?,
        values,
    })
}

/// How many beacons of an event type are kept from one instant to before another (UTC seconds).
///
/// # Errors
/// When the file can't be read.
pub fn count(connection: &Connection, wanted: &Wanted<'_>) -> Result<i64, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT count(*) FROM beacon_event
         WHERE id >= ?1 AND id < ?2 AND site = ?3 AND event_type = ?4
             AND (?5 IS NULL OR identifier = ?5)",
    )?;
    let identifier = wanted.identifier.map(|identifier| identifier.0);
    let (from, to) = (first_id(wanted.from), first_id(wanted.to));
    let parameters = params![from, to, wanted.site.0, wanted.event_type.0, identifier];
    Ok(statement.query_row(parameters, |row| row.get(0))?)
}

/// Removes at most `limit` beacons of `subject` that came before `before` (UTC seconds). Says how many.
///
/// # Errors
/// When the file can't be written.
pub fn remove_before(
    transaction: &Transaction<'_>,
    subject: Subject,
    before: i64,
    limit: u32,
) -> Result<usize, Error> {
    let mut statement = transaction.prepare_cached(
        "DELETE FROM beacon_event WHERE id IN (
             SELECT id FROM beacon_event
             WHERE id < ?1 AND site = ?2 AND event_type = ?3 ORDER BY id LIMIT ?4)",
    )?;
    let Subject { site, event_type } = subject;
    Ok(statement.execute(params![first_id(before), site.0, event_type.0, limit])?)
}

/// The first number of what was received at or after an instant (UTC seconds).
const fn first_id(at: i64) -> i64 {
    at.saturating_mul(1000).saturating_mul(NUMBERS)
}
