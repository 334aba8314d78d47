//! What goes by age: which buckets, single beacons and refusals are older than the registry keeps
//! them, and how they go.
//!
//! A finer bucket lives on in the coarser ones, which hold the same sums from the start, so that
//! nothing has to be rolled up before it goes. What goes, goes in slices: each is a transaction, and
//! whatever stops the process between two of them, the rest goes the next time.

mod archive;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::{ToSpan as _, tz::TimeZone};

use self::archive::Place;

use crate::{
    config::registry::{EventType, Registry, Site},
    model::{
        period::{Granularity, Period, date_at, first_instant},
        tally::TextId,
    },
    store::{
        self, Transaction,
        aging::{self, ArchivedMonth},
        events::{self, Wanted},
        figures::{self, Bucket, Subject},
        names,
    },
    writer::{Affects, changes::Changes},
};

/// How many rows of a table one slice removes at most.
pub const SLICE_ROWS: u32 = 5_000;

/// How many pages of the file are given back at once.
const SHRINK_PAGES: u32 = 500;

/// How often months are written anew because something was counted there meanwhile. What does not go then, goes the
/// next time.
const ANEW_MAX: u32 = 10;

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
    const fn of_buckets(self) -> Option<(Granularity, i64)> {
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
        if let Some((site, event)) = undeclared(&site, &event, registry) {
            all.extend(due_of(&site, &event, by_month, now));
        }
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
    let days_ago = |days: u32| {
        let date = date_at(now, &site.zone).saturating_sub(i64::from(days).days());
        first_instant(date, &site.zone)
    };
    let due = |what, before| Due {
        site: Some(Arc::clone(site)),
        event: Some(Arc::clone(event)),
        what,
        from: i64::MIN,
        before,
    };
    let mut all = Vec::new();
    let mut days_from = i64::MIN;
    for &(granularity, days) in &event.retention_days {
        let whole = if by_month { granularity.max(Granularity::Month) } else { granularity };
        // A bucket that reaches into what is kept stays whole.
        let before = Period::containing(whole, days_ago(days), &site.zone).start;
        all.push(due(What::Buckets(granularity), before));
        if granularity == Granularity::Day {
            days_from = before;
        }
    }
    let from = event.pairs_by_day_from(date_at(now, &site.zone), &site.zone);
    let pairs = from.map(|before| due(What::Pairs, before));
    all.extend(pairs.map(|due| Due { from: days_from, ..due }));
    // Where single beacons are no longer kept, those that were go at once.
    let before = if event.raw_days == 0 { i64::MAX } else { days_ago(event.raw_days) };
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
    fn buckets_of(
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
    fn is_there(&self, file: &Transaction<'_>) -> Result<bool, store::Error> {
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
    fn first_month(&self, file: &Transaction<'_>) -> Result<Option<ArchivedMonth>, Error> {
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

    fn month_end(&self, month: i64) -> i64 {
        self.month(month).end
    }

    fn place(&self, archive: &Path, month: i64) -> Place {
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

/// Something of it could not be done; what is done by then stays done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file can't be read or written.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The archive can't be written, so nothing that belongs there has gone.
    #[error("the archive can't be written at {}: {source}", .path.display())]
    Archive {
        /// The file of the archive.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Removes everything that is due, into the archive where there is one, and gives the room back to
/// the disk. Says how many rows of each have gone; what had none is left out.
///
/// # Errors
/// When the file or the archive can't be read or written.
pub fn carry_out(
    file: &mut impl Changes,
    registry: &Registry,
    now: i64,
) -> Result<Vec<(Due, i64)>, Error> {
    let mut gone = Vec::new();
    let asked = registry.clone();
    // Most often there is nothing, and then the writer need not be asked.
    let all = file.read(move |file| {
        let mut there = Vec::new();
        for due in due(file, &asked, now)? {
            if due.is_there(file)? {
                there.push(due);
            }
        }
        Ok::<_, store::Error>(there)
    })?;
    for due in all {
        let removed = match &registry.server.archive {
            Some(archive) if due.what.of_buckets().is_some() => into_archive(file, &due, archive)?,
            _ => remove_all(file, &due, |_| Ok(()))?,
        };
        if removed > 0 {
            gone.push((due, removed));
        }
    }
    // Also when nothing went: the process may have been stopped between the two.
    while file.change(Affects::Nothing, |file| aging::shrink(file, SHRINK_PAGES))? > 0 {}
    Ok(gone)
}

/// Slice by slice. `end` is done in the transaction of the last one.
fn remove_all(
    file: &mut impl Changes,
    due: &Due,
    end: impl Fn(&Transaction<'_>) -> Result<(), store::Error> + Copy + Send + 'static,
) -> Result<i64, Error> {
    let mut removed = 0;
    loop {
        let slice = due.clone();
        let (more, is_over) = file.change(Affects::Nothing, move |file| {
            let more = slice.remove_slice(file)?;
            // Whether a bucket is left is told quickly, not so for single beacons.
            let is_bucket = slice.what.of_buckets().is_some();
            let is_over = more == 0 || (is_bucket && !slice.is_there(file)?);
            if is_over {
                end(file)?;
            }
            Ok::<_, store::Error>((more, is_over))
        })?;
        removed += i64::try_from(more).unwrap_or(i64::MAX);
        if is_over {
            return Ok(removed);
        }
    }
}

/// Month by month: noted, written, noted as whole, removed. Whatever stops it, it goes on from there.
fn into_archive(file: &mut impl Changes, due: &Due, archive: &Path) -> Result<i64, Error> {
    let (mut removed, mut anew) = (0, 0);
    loop {
        let asked = due.clone();
        let Some(month) = file.read(move |file| asked.first_month(file))? else {
            return Ok(removed);
        };
        let place = due.place(archive, month.start);
        let number = place.free_number();
        let begun = file
            .change(Affects::Nothing, move |file| aging::begin_archiving(file, &month, number))?;
        let of_month = Due { before: due.month_end(month.start).min(due.before), ..due.clone() };
        if !begun.removing {
            let asked = of_month.clone();
            let written = file.read(move |file| {
                let buckets = asked.buckets_of(file, month.subject)?;
                let only_pairs = asked.what == What::Pairs;
                place.write(begun.number, file, month.subject, (&buckets, only_pairs))?;
                Ok::<_, Error>(figures::series(file, month.subject, TextId::TOTAL, &buckets)?)
            })?;
            let asked = of_month.clone();
            let is_whole = file.change(Affects::Nothing, move |file| {
                let buckets = asked.buckets_of(file, month.subject)?;
                let now = figures::series(file, month.subject, TextId::TOTAL, &buckets)?;
                if now == written {
                    aging::note_archived(file, &month)?;
                }
                Ok::<_, store::Error>(now == written)
            })?;
            // Something was told late and counted there meanwhile: the month is written anew.
            if !is_whole {
                anew += 1;
                if anew >= ANEW_MAX {
                    return Ok(removed);
                }
                continue;
            }
        }
        removed += remove_all(file, &of_month, move |file| aging::end_archiving(file, &month))?;
    }
}

/// Removes names that were admitted before `before` (UTC seconds) and that no row uses any more.
///
/// Says how many. Counting goes on beside it, so it takes three steps: counting forgets the names, so that
/// whoever brings one from then on admits it anew; it is looked which are still unused; and of these
/// only those go that nobody has admitted meanwhile.
///
/// # Errors
/// When the file can't be read or written.
pub fn remove_unused_names(file: &mut impl Changes, before: i64) -> Result<usize, Error> {
    let mut removed = 0;
    loop {
        let unused = file.read(move |file| aging::unused_names(file, before, SLICE_ROWS))?;
        if unused.is_empty() {
            return Ok(removed);
        }
        let forgotten = unused.clone();
        file.change(Affects::Names, move |file| aging::forget_names(file, &forgotten))?;
        let still = file.read(move |file| aging::still_unused(file, &unused))?;
        removed += file.change(Affects::Names, move |file| aging::remove_texts(file, &still))?;
    }
}
