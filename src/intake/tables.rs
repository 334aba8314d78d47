//! Exports of other products: read row by row, hits like beacons, sums as they are.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use jiff::civil::Date;

use super::{
    Error, Scratch, Watch,
    lines::{LineReader, Prefix, open},
    logs::{self, FILES_MAX, Known, TOLD_EVERY, TOO_LONG},
    scratch::{CUSTOM_EVENT, PAGE_VIEW},
};
use crate::{
    amend::Source,
    config::registry::Registry,
    fold::OTHER,
    import::{
        columns::ColumnMap,
        table::{Of, Product, Row, Rows, Sum, Told, columns, is_whole},
    },
    ingest::identifier,
    model::{day_sum::DaySum, tally::Counters},
};

/// How many sums are written in one transaction.
const SUMS_MAX: usize = 10_000;

/// How many lines a record may have, so that a lost quote does not swallow the whole file.
const RECORD_LINES_MAX: usize = 64;

/// Of how many days totals and pages are kept in balance.
const DAYS_MAX: usize = 200_000;

/// What is to be imported.
#[derive(Debug, Clone)]
pub struct Tables {
    /// The exports; each is one table.
    pub files: Vec<PathBuf>,
    /// How they are read.
    pub by: By,
}

/// How tables are read.
#[derive(Debug, Clone)]
pub enum By {
    /// As this product has written them.
    Product(Product),
    /// By the names of their columns.
    Columns(ColumnMap),
}

/// What was summed up of a day and an event type: in all, and by name.
#[derive(Debug, Default)]
struct Balance(BTreeMap<(Date, String), (Counters, Option<Counters>)>);

struct Reading<'a> {
    registry: &'a Registry,
    scratch: &'a mut Scratch,
    watch: &'a mut dyn Watch,
    sums: Vec<DaySum>,
    balance: Balance,
}

/// Reads the tables into `scratch`. Says what was read, by which it is known when it comes again; nothing
/// if there was nothing new.
///
/// # Errors
/// When a table can't be read or is none of the product's, or the scratch not be written.
pub fn import_tables(
    tables: &Tables,
    registry: &Registry,
    scratch: &mut Scratch,
    watch: &mut dyn Watch,
) -> Result<Vec<Source>, Error> {
    if tables.files.len() > FILES_MAX {
        return Err(Error::Unclear(format!("at most {FILES_MAX} files are taken in at once")));
    }
    scratch.expect_disorder();
    let Known { prefixes, last } = logs::known(registry)?;
    scratch.knows_through = last;
    let read = Arc::new(AtomicU64::new(0));
    let mut reading =
        Reading { registry, scratch, watch, sums: Vec::new(), balance: Balance::default() };
    let mut sources: Vec<Source> = Vec::new();
    for path in &tables.files {
        let found = reading.file(path, &tables.by, &prefixes, &read)?;
        let is_new = |found: &Source| !sources.iter().any(|own| own.digest == found.digest);
        if let Some(found) = found.filter(is_new) {
            sources.push(found);
        }
    }
    reading.settle()?;
    Ok(sources)
}

impl Reading<'_> {
    fn file(
        &mut self,
        path: &Path,
        by: &By,
        prefixes: &[Prefix],
        read: &Arc<AtomicU64>,
    ) -> Result<Option<Source>, Error> {
        let unread = |source| Error::Read { path: path.to_owned(), source };
        let unclear = |why: String| Error::Unclear(format!("{}: {why}", path.display()));
        if path.as_os_str() == "-" {
            return Err(Error::Unclear("exports are read from files, not from stdin".to_owned()));
        }
        let known = logs::known_of(path, prefixes)?;
        let mut lines = LineReader::new(open(path, read).map_err(unread)?, Vec::new());
        let mut table: Option<(Vec<String>, Box<dyn Rows>)> = None;
        let (mut record, mut record_lines) = (String::new(), 0);
        while let Some(line) = lines.next().map_err(unread)? {
            if line.number % TOLD_EVERY == 0 {
                self.watch.read(read.load(Relaxed));
            }
            record.push_str(&String::from_utf8_lossy(line.bytes));
            record_lines += 1;
            let is_last = line.is_too_long || record_lines >= RECORD_LINES_MAX;
            if !is_whole(&record) && line.is_ended && !is_last {
                record.push('\n');
                continue;
            }
            let is_known = line.begins < known;
            let (is_too_long, number) = (line.is_too_long, line.number);
            match &table {
                None => table = Some(opened(&record, by).map_err(unclear)?),
                Some(_) if is_known => self.scratch.summary.known += 1,
                Some(_) if record.trim().is_empty() => self.scratch.summary.empty += 1,
                Some((names, rows)) => {
                    let told =
                        if is_too_long { Err(TOO_LONG) } else { told(names, &**rows, &record) };
                    match told {
                        Ok(told) => self.take(told, path, number)?,
                        Err(why) => self.refuse(path, number, why),
                    }
                }
            }
            record.clear();
            record_lines = 0;
        }
        self.watch.read(read.load(Relaxed));
        let whole = lines.so_far();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bytes = i64::try_from(whole.bytes).unwrap_or(i64::MAX);
        Ok((whole.bytes > known).then_some(Source { name, digest: whole.digest, bytes }))
    }

    fn refuse(&mut self, path: &Path, number: u64, why: &str) {
        self.scratch.summary.bad += 1;
        self.watch.bad(&format!("{}:{number}: {why}", path.display()));
    }

    fn take(&mut self, told: Told<'_>, path: &Path, number: u64) -> Result<(), Error> {
        match told {
            Told::Hit(hit) if hit.host.is_none() && self.scratch.asked.host.is_none() => {
                self.scratch.asked.refuse_unknown(path, self.registry)
            }
            Told::Hit(hit) if self.scratch.can_have_been(hit.at_ms) => self.scratch.count(&hit),
            Told::Hit(_) => {
                self.refuse(path, number, "its time is not of the past");
                Ok(())
            }
            Told::Sums(sums) if sums.iter().any(|sum| !self.scratch.can_have_begun(sum.date)) => {
                self.refuse(path, number, "its day is not of the past");
                Ok(())
            }
            Told::Sums(sums) => {
                if sums.is_empty() {
                    self.scratch.summary.empty += 1;
                } else {
                    self.scratch.summary.sums += 1;
                }
                sums.into_iter().try_for_each(|sum| self.add(sum))
            }
        }
    }

    fn add(&mut self, sum: Sum<'_>) -> Result<(), Error> {
        let Sum { date, of, value, counters } = sum;
        let declared = |name: &str| self.registry.events.iter().any(|event| event.name == name);
        let (event_type, identifier) = match of {
            Of::Pages => (PAGE_VIEW.to_owned(), None),
            Of::Page(path) => (PAGE_VIEW.to_owned(), Some(path.into_owned())),
            Of::Event(name) if declared(&name) => (name.into_owned(), None),
            Of::Event(name) => (CUSTOM_EVENT.to_owned(), Some(name.into_owned())),
        };
        let identifier = identifier.map(|name| self.identifier(&event_type, &name));
        if value.is_none() {
            self.balance.note(date, &event_type, identifier.is_some(), counters);
        }
        let site = self.scratch.asked.only_site(self.registry)?;
        let value = value.map(|(dimension, value)| (dimension, value.into_owned()));
        self.sums.push(DaySum { site, date, event_type, identifier, value, counters });
        if self.sums.len() < SUMS_MAX { Ok(()) } else { self.write() }
    }

    /// The identifier as a beacon would have it.
    fn identifier(&self, event_type: &str, name: &str) -> String {
        let event = self.registry.event(event_type);
        let read = event.and_then(|event| identifier::as_sent(name.trim(), event).ok());
        let most = event.map_or(usize::MAX, |event| event.limits.identifier_bytes);
        read.filter(|name| name.len() <= most).unwrap_or_else(|| OTHER.to_owned())
    }

    fn write(&mut self) -> Result<(), Error> {
        let sums = std::mem::take(&mut self.sums);
        self.scratch.add(&sums)
    }

    /// Writes what is left, and what totals and pages need to agree: reports of others are rounded, cut
    /// off, or were made at different times.
    fn settle(&mut self) -> Result<(), Error> {
        let balance = std::mem::take(&mut self.balance.0);
        if balance.is_empty() {
            return self.write();
        }
        let site = self.scratch.asked.only_site(self.registry)?;
        for ((date, event_type), (total, named)) in balance {
            let Some(named) = named else { continue };
            let lack = |more: i64, less: i64| (more - less).max(0);
            let rest = |more: &Counters, less: &Counters| Counters {
                count: lack(more.count, less.count),
                visitors: 0,
                visits: lack(more.visits, less.visits),
                bounces: lack(more.bounces, less.bounces),
                seconds: lack(more.seconds, less.seconds),
            };
            let unnamed = (Some(OTHER.to_owned()), rest(&total, &named));
            let untold = (None, rest(&named, &total));
            for (identifier, counters) in [unnamed, untold] {
                if !counters.is_zero() {
                    let (site, event_type) = (site.clone(), event_type.clone());
                    self.sums.push(DaySum {
                        site,
                        date,
                        event_type,
                        identifier,
                        value: None,
                        counters,
                    });
                }
            }
            if self.sums.len() >= SUMS_MAX {
                self.write()?;
            }
        }
        self.write()
    }
}

impl Balance {
    fn note(&mut self, date: Date, event_type: &str, is_named: bool, counters: Counters) {
        if self.0.len() >= DAYS_MAX {
            return;
        }
        let (total, named) = self.0.entry((date, event_type.to_owned())).or_default();
        if is_named {
            *named.get_or_insert_default() += counters;
        } else {
            *total += counters;
        }
    }
}

/// The reader for a table that begins with `first`.
fn opened(first: &str, by: &By) -> Result<(Vec<String>, Box<dyn Rows>), String> {
    let names = columns(first);
    let rows = match by {
        By::Columns(map) => map.open(&names)?,
        By::Product(product) => (product.open)(&names).ok_or_else(|| {
            format!("it is no table that {} exports and that is counted here", product.name)
        })?,
    };
    Ok((names, rows))
}

fn told<'r>(
    names: &'r [String],
    rows: &dyn Rows,
    record: &'r str,
) -> Result<Told<'r>, &'static str> {
    rows.read(&Row::new(names, record)?)
}
