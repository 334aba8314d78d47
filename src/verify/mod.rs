//! Whether the file is what was counted: SQLite's own check, sums against their parts, sums against single
//! beacons, and closed spans against their seals.

mod parts;
mod recount;
mod repair;
pub mod seal;
mod totals;

use crate::{
    config::registry::{Registry, Site},
    model::{
        period::{Granularity, Period, date_at},
        tally::{BreakdownKey, HistogramKey, TextId},
    },
    store::{self, Transaction, names, seals},
};

pub use self::repair::repair;

/// How many findings are told one by one.
pub const FINDINGS_MAX: usize = 100;

/// What was looked at, and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What is wrong, each in a sentence, the first [`FINDINGS_MAX`].
    pub findings: Vec<String>,
    /// How many things are wrong.
    pub wrong: u64,
    /// What could not be looked at, each in a sentence.
    pub notes: Vec<String>,
    /// How many rows were compared with others.
    pub compared: u64,
    /// How many seals were looked at.
    pub seals: u64,
    /// The spans whose seals are broken.
    pub broken: Vec<seals::Span>,
}

impl Report {
    /// Whether nothing is wrong.
    pub const fn is_sound(&self) -> bool {
        self.wrong == 0
    }

    fn wrong(&mut self, what: String) {
        self.wrong += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(what);
        }
    }
}

/// A step of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// SQLite looks at its own structures.
    Structure,
    /// Totals against their identifiers.
    Totals,
    /// Longer buckets against shorter ones.
    Parts,
    /// Days against single beacons.
    Recount,
    /// Closed spans against their seals.
    Seals,
}

impl Step {
    /// What is done.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Structure => "SQLite looks at every page and every index",
            Self::Totals => "Totals against their parts",
            Self::Parts => "Years, months and days against what they hold",
            Self::Recount => "Days against single beacons",
            Self::Seals => "Closed days against their seals",
        }
    }
}

/// Looks at everything. `progress` is told each step as it begins.
///
/// # Errors
/// When the file can't be read. One that can't be read right is a finding instead.
pub fn verify(
    file: &Transaction<'_>,
    registry: &Registry,
    now: i64,
    progress: &mut dyn FnMut(Step),
) -> Result<Report, store::Error> {
    let mut report = Report::default();
    progress(Step::Structure);
    for found in store::copy::damages(file, FINDINGS_MAX)? {
        report.wrong(format!("the file: {found}"));
    }
    for found in store::migrate::schema_faults(file)? {
        report.wrong(format!("the file: {found}"));
    }
    if !report.is_sound() {
        let note = "SQLite can't read the file right, so the counts were not looked at: go back to a \
                    backup";
        report.notes.push(note.to_owned());
        return Ok(report);
    }
    progress(Step::Totals);
    totals::compare(file, registry, &mut report)?;
    progress(Step::Parts);
    let sites = parts::kept_by_site(file, registry, now)?;
    parts::compare(file, registry, &sites, &mut report)?;
    progress(Step::Recount);
    recount::compare(file, registry, now, &sites, &mut report)?;
    progress(Step::Seals);
    for (span, seal) in seals::all(file)? {
        report.seals += 1;
        let found = seals::taken(file, &span)?;
        if found != seal {
            let of = describe(file, registry, &span)?;
            report.wrong(format!("the seal of {of} is broken: a row has changed, gone or come"));
            report.broken.push(span);
        }
    }
    Ok(report)
}

/// What a span is, in words: `the hours of 2026-03-14, example.com`.
fn describe(
    file: &Transaction<'_>,
    registry: &Registry,
    span: &seals::Span,
) -> Result<String, store::Error> {
    let site = name(file, span.site)?;
    let date = day(registry, &site, span.start);
    let date = date.to_string();
    let when = match span.granularity {
        Granularity::Year => date.get(..4),
        Granularity::Month => date.get(..7),
        _ => None,
    };
    let when = when.unwrap_or(&date);
    let known = registry.site(&site);
    let zone = known.map_or(jiff::tz::TimeZone::UTC, |site| site.zone.clone());
    let whole = span.granularity.max(Granularity::Day);
    if !Period::is_cut_at(whole, span.start, &zone) {
        // It was cut in a time zone that the site had before.
        let begun = crate::model::period::timestamp(span.start);
        return Ok(format!("the {}s from {begun} on, {site},", span.granularity.as_str()));
    }
    Ok(match span.granularity {
        Granularity::Day | Granularity::Month | Granularity::Year => {
            format!("the {} {when}, {site},", span.granularity.as_str())
        }
        shorter => format!("the {}s of {when}, {site},", shorter.as_str()),
    })
}

fn day(registry: &Registry, site: &str, at: i64) -> jiff::civil::Date {
    let known = registry.site(site);
    date_at(at, known.map_or(&jiff::tz::TimeZone::UTC, |site| &site.zone))
}

fn name(file: &Transaction<'_>, id: TextId) -> Result<String, store::Error> {
    if id == TextId::TOTAL {
        return Ok("all".to_owned());
    }
    Ok(names::text(file, id)?.unwrap_or_else(|| format!("(name {} is missing)", id.0)))
}

/// A row of one of the tables, without its bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Row {
    event_type: TextId,
    identifier: TextId,
    /// Of a breakdown its dimension, of a histogram its measure.
    split: TextId,
    value: TextId,
    /// Of a histogram.
    bound: Option<i64>,
}

impl Row {
    const fn of_aggregate(event_type: TextId, identifier: TextId) -> Self {
        Self { event_type, identifier, split: TextId::TOTAL, value: TextId::TOTAL, bound: None }
    }

    const fn of_breakdown(key: &BreakdownKey) -> Self {
        let (event_type, identifier) = (key.aggregate.event_type, key.aggregate.identifier);
        Self { event_type, identifier, split: key.dimension, value: key.value, bound: None }
    }

    const fn of_bar(key: &HistogramKey) -> Self {
        let (event_type, identifier) = (key.aggregate.event_type, key.aggregate.identifier);
        let (split, value) = (key.measure, TextId::TOTAL);
        Self { event_type, identifier, split, value, bound: Some(key.bound) }
    }

    /// Whether it is of a breakdown.
    fn is_split(&self) -> bool {
        self.split != TextId::TOTAL && self.bound.is_none()
    }

    /// What it is, in words: `page_view /about, source Google`.
    fn describe(&self, file: &Transaction<'_>) -> Result<String, store::Error> {
        let mut words = name(file, self.event_type)?;
        words.push(' ');
        words.push_str(&name(file, self.identifier)?);
        if self.split != TextId::TOTAL {
            words.push_str(", ");
            words.push_str(&name(file, self.split)?);
        }
        if self.value != TextId::TOTAL {
            words.push(' ');
            words.push_str(&name(file, self.value)?);
        }
        if let Some(bound) = self.bound {
            words.push_str(&format!(" up to {bound} thousandths"));
        }
        Ok(words)
    }
}

/// The sites that the file and the registry both know; of others it is noted that their days can't be told.
fn sites<'r>(
    file: &Transaction<'_>,
    registry: &'r Registry,
) -> Result<Vec<(&'r Site, TextId)>, store::Error> {
    let mut known = Vec::new();
    for site in &registry.sites {
        known.extend(names::find(file, &site.name)?.map(|id| (site.as_ref(), id)));
    }
    Ok(known)
}
