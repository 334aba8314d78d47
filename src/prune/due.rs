//! What is older than it is kept, and how it is found in the file.

use std::{path::Path, sync::Arc};

use jiff::{ToSpan as _, tz::TimeZone};

use super::{Error, SLICE_ROWS, archive::Place};
use crate::{
    config::registry::{EventType, Registry, Site},
    model::period::{Granularity, Period, date_at, first_instant},
    store::{
        self, Transaction,
        aging::{self, ArchivedMonth},
        events::{self, Wanted},
        figures::{self, Bucket, Subject},
        names,
    },
};

/// What pairs of days are called in the file while they are archived: no granularity has this code.
const PAIRS_CODE: i64 = 100;

/// For how many days single beacons are kept of an event type that nobody declares any more.
const UNDECLARED_RAW_DAYS: u32 = 30;

/// For how many days refusals are kept.
const REFUSAL_DAYS: i64 = 400;

/// Something that is older than it is kept.
#[derive(Debug, Clone)]
pub struct Due {
    /// The site; none for refusals, which go for all sites at once.
    pub site: Option<Arc<Site>>,
    /// The event type; none for refusals.
    pub event: Option<Arc<EventType>>,
    /// What it is.
    pub what: What,
    /// All of it from this instant on goes, UTC seconds: what lies before goes with something else.
    pub from: i64,
    /// All of it before this instant goes, UTC seconds.
    pub before: i64,
}

/// What may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Buckets of a granularity.
    Buckets(Granularity),
    /// Pairs of days, which months have too.
    Pairs,
    /// Single beacons.
    Events,
    /// What was not counted.
    Refusals,
}

impl What {
    /// What it is, in a word.
    const fn word(self) -> &'static str {
        match self {
            Self::Buckets(granularity) => granularity.as_str(),
            Self::Pairs => "day-pairs",
            Self::Events => "event",
            Self::Refusals => "refusal",
        }
    }

    /// What it is, in the plural.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Buckets(Granularity::Second) => "seconds",
            Self::Buckets(Granularity::Minute) => "minutes",
            Self::Buckets(Granularity::Hour) => "hours",
            Self::Buckets(Granularity::Day) => "days",
            Self::Buckets(Granularity::Month) => "months",
            Self::Buckets(Granularity::Year) => "years",
            Self::Pairs => "pairs by day",
            Self::Events => "single beacons",
            Self::Refusals => "refusals",
        }
    }

    /// The granularity of the buckets that it goes from, and its number in the file while it is archived.
    pub(super) const fn of_buckets(self) -> Option<(Granularity, i64)> {
        match self {
            Self::Buckets(granularity) => Some((granularity, granularity.code())),
            Self::Pairs => Some((Granularity::Day, PAIRS_CODE)),
            Self::Events | Self::Refusals => None,
        }
    }
}

/// Everything that is not kept any longer at `now` (UTC seconds), whether the file has any of it or not. Where there is
/// an archive, only whole months go.
///
/// # Errors
/// When it can't be read what the file has beside what `registry` declares.
pub fn due(
    file: &Transaction<'_>,
    registry: &Registry,
    now: i64,
) -> Result<Vec<Due>, store::Error> {
    let by_month = registry.server.archive.is_some();
    let sites = registry.sites.iter();
    let declared = sites.flat_map(|site| registry.events.iter().map(move |event| (site, event)));
    let mut all = Vec::new();
    for (site, event) in declared {
        all.extend(due_of(site, event, by_month, now));
    }
    for (site, event) in aging::subjects(file)? {
        let Some((declared, event)) = undeclared(&site, &event, registry) else { continue };
        let of_it = due_of(&declared, &event, by_month, now).into_iter();
        // In which time zone the days of a site are cut that is not declared, nobody tells: its sums stay.
        let goes = |due: &Due| due.what == What::Events || registry.site(&site).is_some();
        all.extend(of_it.filter(goes));
    }
    let before = now - REFUSAL_DAYS * 86_400;
    all.push(Due { site: None, event: None, what: What::Refusals, from: i64::MIN, before });
    Ok(all)
}

/// An event type at a site, one of which `registry` does not declare, with the rules by which what is left of it goes:
/// those of the registry as far as it has any. `None` if both are declared.
fn undeclared(site: &str, event: &str, registry: &Registry) -> Option<(Arc<Site>, Arc<EventType>)> {
    let declared = registry.events.iter().find(|declared| declared.name == event);
    let known = registry.site(site);
    if known.is_some() && declared.is_some() {
        return None;
    }
    // As it is counted: in the time zone of the first.
    let first = registry.sites.first()?;
    let named = || Arc::new(Site { name: site.to_owned(), ..Site::clone(first) });
    let rules = registry.event(event).map_or_else(
        || EventType { raw_days: UNDECLARED_RAW_DAYS, ..EventType::bare(event) },
        |rules| EventType { name: event.to_owned(), ..EventType::clone(rules) },
    );
    Some((known.cloned().unwrap_or_else(named), Arc::new(rules)))
}

/// What of one event type at one site is not kept any longer.
fn due_of(site: &Arc<Site>, event: &Arc<EventType>, by_month: bool, now: i64) -> Vec<Due> {
    let today = date_at(now, &site.zone);
    let due = |what, before| Due {
        site: Some(Arc::clone(site)),
        event: Some(Arc::clone(event)),
        what,
        from: i64::MIN,
        before,
    };
    let mut all = Vec::new();
    let mut days_from = i64::MIN;
    for (granularity, before) in event.buckets_due(today, &site.zone, by_month) {
        all.push(due(What::Buckets(granularity), before));
        if granularity == Granularity::Day {
            days_from = before;
        }
    }
    let from = event.pairs_by_day_from(today, &site.zone);
    let pairs = from.map(|before| due(What::Pairs, before));
    all.extend(pairs.map(|due| Due { from: days_from, ..due }));
    // Where single beacons are no longer kept, those that were go at once.
    let first = today.saturating_sub(i64::from(event.raw_days).days());
    let before = if event.raw_days == 0 { i64::MAX } else { first_instant(first, &site.zone) };
    all.push(due(What::Events, before));
    all
}

impl Due {
    /// The site and the event type in the numbers of the file; `None` when it knows neither.
    fn subject(&self, file: &Transaction<'_>) -> Result<Option<Subject>, store::Error> {
        let (Some(site), Some(event)) = (&self.site, &self.event) else { return Ok(None) };
        let site = names::find(file, &site.name)?;
        let event_type = names::find(file, &event.name)?;
        Ok(site.zip(event_type).map(|(site, event_type)| Subject { site, event_type }))
    }

    /// Whether any of it is in `bucket`.
    fn is_in(
        &self,
        file: &Transaction<'_>,
        subject: Subject,
        bucket: Bucket,
    ) -> Result<bool, store::Error> {
        match self.what {
            What::Pairs => aging::has_pairs(file, subject, bucket),
            _ => figures::has_bucket(file, subject, bucket),
        }
    }

    /// The buckets that go, or that it goes from, the oldest first.
    fn buckets(
        &self,
        file: &Transaction<'_>,
        subject: Subject,
        granularity: Granularity,
    ) -> Result<Vec<Bucket>, store::Error> {
        let mut own = Vec::new();
        for bucket in figures::buckets(file, granularity, self.from, self.before)? {
            if self.is_in(file, subject, bucket)? {
                own.push(bucket);
            }
        }
        Ok(own)
    }

    /// The same, where it has any.
    pub(super) fn buckets_of(
        &self,
        file: &Transaction<'_>,
        subject: Subject,
    ) -> Result<Vec<Bucket>, store::Error> {
        match self.what.of_buckets() {
            Some((granularity, _)) => self.buckets(file, subject, granularity),
            None => Ok(Vec::new()),
        }
    }

    /// The oldest bucket that goes, or that it goes from.
    fn first_bucket(
        &self,
        file: &Transaction<'_>,
        subject: Subject,
        granularity: Granularity,
    ) -> Result<Option<Bucket>, store::Error> {
        let mut from = self.from;
        while let Some(bucket) = figures::next_bucket(file, granularity, from, self.before)? {
            if self.is_in(file, subject, bucket)? {
                return Ok(Some(bucket));
            }
            from = bucket.start + 1;
        }
        Ok(None)
    }

    /// How many rows of the file go.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn rows(&self, file: &Transaction<'_>) -> Result<i64, store::Error> {
        if self.what == What::Refusals {
            return aging::refusals_before(file, self.before);
        }
        let Some(subject) = self.subject(file)? else { return Ok(0) };
        let Some((granularity, _)) = self.what.of_buckets() else {
            return events::count(file, &self.wanted(subject));
        };
        let rows_of = |bucket| match self.what {
            What::Pairs => aging::pairs_of(file, subject, bucket),
            _ => aging::rows_of(file, subject, bucket),
        };
        self.buckets(file, subject, granularity)?.into_iter().map(rows_of).sum()
    }

    /// Whether the file has any of it.
    pub(super) fn is_there(&self, file: &Transaction<'_>) -> Result<bool, store::Error> {
        match (self.what.of_buckets(), self.subject(file)?) {
            (Some((granularity, _)), Some(subject)) => {
                Ok(self.first_bucket(file, subject, granularity)?.is_some())
            }
            _ => Ok(self.rows(file)? > 0),
        }
    }

    fn wanted(&self, Subject { site, event_type }: Subject) -> Wanted<'static> {
        Wanted { site, event_type, to: self.before, ..Wanted::default() }
    }

    /// The month of the oldest bucket that goes, or that it goes from.
    pub(super) fn first_month(
        &self,
        file: &Transaction<'_>,
    ) -> Result<Option<ArchivedMonth>, Error> {
        let Some((granularity, kind)) = self.what.of_buckets() else { return Ok(None) };
        let Some(subject) = self.subject(file)? else { return Ok(None) };
        let first = self.first_bucket(file, subject, granularity)?;
        let start = |bucket: Bucket| self.month(bucket.start).start;
        Ok(first.map(|bucket| ArchivedMonth { subject, kind, start: start(bucket) }))
    }

    /// The month that `at` (UTC seconds) lies in.
    fn month(&self, at: i64) -> Period {
        let zone = self.site.as_ref().map_or(TimeZone::UTC, |site| site.zone.clone());
        Period::containing(Granularity::Month, at, &zone)
    }

    pub(super) fn month_end(&self, month: i64) -> i64 {
        self.month(month).end
    }

    pub(super) fn place(&self, archive: &Path, month: i64) -> Place {
        let (site, event) = (self.site.as_ref(), self.event.as_ref());
        let zone = site.map_or(TimeZone::UTC, |site| site.zone.clone());
        let month = date_at(month, &zone).strftime("%Y-%m").to_string();
        let site = site.map_or("", |site| &site.name);
        let event = event.map_or("", |event| &event.name);
        Place::new(archive, site, event, self.what.word(), &month)
    }

    /// Removes a slice of it. Says how many rows went: none when all of it has gone.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn remove_slice(&self, file: &Transaction<'_>) -> Result<usize, store::Error> {
        if self.what == What::Refusals {
            return aging::remove_refusals(file, self.before, SLICE_ROWS);
        }
        let Some(subject) = self.subject(file)? else { return Ok(0) };
        let Some((granularity, _)) = self.what.of_buckets() else {
            return events::remove_before(file, subject, self.before, SLICE_ROWS);
        };
        match self.first_bucket(file, subject, granularity)? {
            Some(bucket) if self.what == What::Pairs => {
                aging::remove_pairs(file, subject, bucket, SLICE_ROWS)
            }
            Some(bucket) => aging::remove_from_bucket(file, subject, bucket, SLICE_ROWS),
            None => Ok(0),
        }
    }
}
