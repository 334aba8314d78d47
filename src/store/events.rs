//! Single beacons: written by the fold, read by pages, gone after their time.

use rusqlite::{CachedStatement, Connection, Row, Statement, Transaction, named_params, params};

use super::{Error, figures::Subject};
use crate::model::{
    delta::KeptName,
    dimension::Dimension,
    kept::{KeptBeacon, KeptStep},
    tally::TextId,
    visitor::Visitor,
};

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
    let mut rows = NewRows::new(transaction)?;
    kept.iter().try_for_each(|beacon| rows.add(beacon).map(|_id| ()))
}

/// Adds a kept beacon, and says which number it has got.
///
/// # Errors
/// When the file can't be written.
pub fn add_one(transaction: &Transaction<'_>, beacon: &KeptBeacon) -> Result<i64, Error> {
    NewRows::new(transaction)?.add(beacon)
}

/// What adds rows. Nearly all are later than whatever is there, so that their numbers need no look.
struct NewRows<'t> {
    insert: CachedStatement<'t>,
    next: CachedStatement<'t>,
    /// The largest number there is.
    largest: i64,
}

impl<'t> NewRows<'t> {
    fn new(transaction: &'t Transaction<'_>) -> Result<Self, Error> {
        let insert = transaction.prepare_cached(
            "INSERT INTO beacon_event (id, site, event_type, identifier, visitor, began, payload,
                 left_page, gap, second, since,
                 hostname, page, entry_page, source, channel, referrer, utm_source, utm_medium,
                 utm_campaign, utm_content, utm_term, country, region, city, browser,
                 browser_version, os, os_version, device, screen, language)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,
                 ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32)",
        )?;
        let next = transaction.prepare_cached(
            "SELECT ifnull(max(id) + 1, ?1) FROM beacon_event WHERE id BETWEEN ?1 AND ?2",
        )?;
        let largest = "SELECT ifnull(max(id), 0) FROM beacon_event";
        let largest = transaction.prepare_cached(largest)?.query_row([], |row| row.get(0))?;
        Ok(Self { insert, next, largest })
    }

    /// Adds one; its number is the next that is free within its millisecond.
    fn add(&mut self, beacon: &KeptBeacon) -> Result<i64, Error> {
        let first = beacon.received_at * NUMBERS;
        // The last number stays free.
        let most = first + NUMBERS - 2;
        let id = if self.largest < first {
            first
        } else if self.largest < most {
            self.largest + 1
        } else {
            let free: i64 = self.next.query_row([first, most], |row| row.get(0))?;
            // By a clock that stands still a millisecond gets full; what comes then stands after all.
            if free <= most { free } else { self.largest + 1 }
        };
        bind(&mut self.insert, id, beacon)?;
        self.insert.raw_execute()?;
        self.largest = self.largest.max(id);
        Ok(id)
    }
}

fn bind(statement: &mut Statement<'_>, id: i64, beacon: &KeptBeacon) -> Result<(), Error> {
    let step = beacon.step;
    statement.raw_bind_parameter(1, id)?;
    statement.raw_bind_parameter(2, beacon.site.0)?;
    statement.raw_bind_parameter(3, beacon.event_type.0)?;
    statement.raw_bind_parameter(4, beacon.identifier.map(|id| id.0))?;
    statement.raw_bind_parameter(5, beacon.visitor.map(|visitor| visitor.0.cast_signed()))?;
    statement.raw_bind_parameter(6, beacon.began)?;
    statement.raw_bind_parameter(7, beacon.payload.as_deref())?;
    statement.raw_bind_parameter(8, step.map(|step| step.left.0))?;
    statement.raw_bind_parameter(9, step.map(|step| step.gap))?;
    statement.raw_bind_parameter(10, step.filter(|step| step.second).map(|_| 1))?;
    statement.raw_bind_parameter(11, step.map(|step| step.since))?;
    for (at, (dimension, _)) in COLUMNS.iter().enumerate() {
        let value = match dimension {
            Dimension::EntryPage => beacon.entry_page,
            dimension => {
                let found = beacon.values.iter().find(|(known, _)| known == dimension);
                found.map(|(_, value)| *value)
            }
        };
        statement.raw_bind_parameter(12 + at, value.map(|value| value.0))?;
    }
    Ok(())
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
             page = iif(page = ?2, ?3, page), left_page = iif(left_page = ?2, ?3, left_page),
             entry_page = iif(entry_page = ?2, ?3, entry_page)
         WHERE id = ?1",
    )?;
    statement.execute(params![id, from.0, to.0])?;
    Ok(())
}

/// Lets the kept beacon with this number have the second name where it has the first.
///
/// # Errors
/// When the file can't be written.
pub fn change_name(
    transaction: &Transaction<'_>,
    id: i64,
    name: KeptName,
    [from, to]: [TextId; 2],
) -> Result<(), Error> {
    let sql = match name {
        KeptName::Site => "UPDATE beacon_event SET site = ?3 WHERE id = ?1 AND site = ?2",
        KeptName::Identifier => {
            "UPDATE beacon_event SET identifier = ?3 WHERE id = ?1 AND identifier = ?2"
        }
        KeptName::Page => "UPDATE beacon_event SET page = ?3 WHERE id = ?1 AND page = ?2",
        KeptName::EntryPage => {
            "UPDATE beacon_event SET entry_page = ?3 WHERE id = ?1 AND entry_page = ?2"
        }
        KeptName::LeftPage => {
            "UPDATE beacon_event SET left_page = ?3 WHERE id = ?1 AND left_page = ?2"
        }
    };
    transaction.prepare_cached(sql)?.execute(params![id, from.0, to.0])?;
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
             device, screen, language, left_page, gap, second, since
         FROM beacon_event WHERE ?1 IS NULL OR site = ?1 ORDER BY id",
    )?;
    let mut rows = statement.query([site.map(|id| id.0)])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let mut beacon = KeptBeacon {
            received_at: received_at(id),
            site: TextId(row.get(1)?),
            event_type: TextId(row.get(2)?),
            identifier: row.get::<_, Option<u32>>(3)?.map(TextId),
            visitor: row.get::<_, Option<i64>>(4)?.map(|hash| Visitor(hash.cast_unsigned())),
            began: row.get(5)?,
            payload: row.get(6)?,
            entry_page: None,
            step: read_step(row)?,
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

fn read_step(row: &Row<'_>) -> Result<Option<KeptStep>, Error> {
    let first = 7 + COLUMNS.len();
    let Some(left) = row.get::<_, Option<u32>>(first)?.map(TextId) else { return Ok(None) };
    Ok(Some(KeptStep {
        left,
        gap: row.get::<_, Option<i64>>(first + 1)?.unwrap_or(0),
        second: row.get::<_, Option<i64>>(first + 2)?.is_some(),
        since: row.get::<_, Option<i64>>(first + 3)?.unwrap_or(0),
    }))
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
        received_at: received_at(id),
        identifier: row.get(3)?,
        visitor: row.get::<_, Option<i64>>(1)?.map(i64::cast_unsigned),
        payload: row.get(2)?,
        values,
    })
}

/// What single beacons of `subject`, or of one identifier, told from one instant to before another (UTC
/// seconds): a fact's name and value, how often and by how many visitors, the most frequent first.
///
/// # Errors
/// When the file can't be read.
pub fn properties(
    connection: &Connection,
    subject: Subject,
    identifier: TextId,
    (from, to): (i64, i64),
    limit: u32,
) -> Result<Vec<(String, String, i64, i64)>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT j.key, CAST(j.atom AS TEXT), count(*), count(DISTINCT n.visitor)
         FROM beacon_event AS n, json_each(n.payload) AS j
         WHERE n.id >= ?1 AND n.id < ?2 AND n.site = ?3 AND n.event_type = ?4
             AND (?5 = 0 OR n.identifier = ?5) AND n.payload IS NOT NULL AND j.atom IS NOT NULL
         GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT ?6",
    )?;
    let Subject { site, event_type } = subject;
    let key = params![first_id(from), first_id(to), site.0, event_type.0, identifier.0, limit];
    let rows =
        statement.query_map(key, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
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
pub(super) const fn first_id(at: i64) -> i64 {
    at.saturating_mul(1000).saturating_mul(NUMBERS)
}

/// When the beacon with this number was received, UTC milliseconds.
pub(super) const fn received_at(id: i64) -> i64 {
    id.div_euclid(NUMBERS)
}
