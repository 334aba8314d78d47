//! What of the owner's wishes to be told is so now, read from the file.

use jiff::{ToSpan as _, tz::TimeZone};

use crate::{
    config::{
        registry::Registry,
        wanted::{Alert, When},
    },
    model::{
        period::{Granularity, Period, timestamp},
        tally::TextId,
    },
    store::{
        Error, Transaction,
        alerts::Notice,
        errors::{self, State},
        figures::{self, Subject},
        names, upkeep,
    },
};

/// How many weeks make what is usual, and how many of them must be known.
const WEEKS: i64 = 8;
const WEEKS_MIN: usize = 3;

/// Below so many in an hour nothing is told: small numbers double by chance.
const HOUR_MIN: i64 = 20;

/// For how long after it an error counts as new, or as back, in seconds.
const ERROR_SECONDS: i64 = 86_400;

/// How many errors one alert tells of at once.
const ERRORS_MAX: u32 = 50;

const HOUR_SECONDS: i64 = 3600;

/// What the system tells of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disk {
    /// How many bytes are free, if that can be told.
    pub free: Option<i64>,
}

/// Everything that `registry`'s alerts tell of at `now` (UTC seconds).
///
/// # Errors
/// When the file can't be read.
pub fn watch(
    registry: &Registry,
    file: &Transaction<'_>,
    disk: Disk,
    now: i64,
) -> Result<Vec<Notice>, Error> {
    let mut notices = Vec::new();
    for alert in &registry.alerts {
        match &alert.when {
            When::FileAbove { bytes } => {
                let size = upkeep::file_bytes(file)?;
                let what = format!("The file has {size} bytes, more than {bytes}.");
                notices.extend((size > *bytes).then(|| notice(alert, "", "", what)));
            }
            When::DiskBelow { bytes } => {
                let free = disk.free.filter(|free| free < bytes);
                let what = |free| format!("The disk has {free} bytes free, fewer than {bytes}.");
                notices.extend(free.map(|free| notice(alert, "", "", what(free))));
            }
            _ => {
                let wanted = |site: &str| alert.site.as_deref().is_none_or(|only| only == site);
                for site in registry.sites.iter().filter(|site| wanted(&site.name)) {
                    let site = Watched { alert, site: &site.name, zone: &site.zone, now };
                    notices.extend(site.notices(registry, file)?);
                }
            }
        }
    }
    Ok(notices)
}

fn notice(alert: &Alert, site: &str, subject: &str, what: String) -> Notice {
    Notice { alert: alert.name.clone(), site: site.to_owned(), subject: subject.to_owned(), what }
}

/// One site that one alert looks at.
struct Watched<'a> {
    alert: &'a Alert,
    site: &'a str,
    zone: &'a TimeZone,
    now: i64,
}

impl Watched<'_> {
    fn notices(&self, registry: &Registry, file: &Transaction<'_>) -> Result<Vec<Notice>, Error> {
        let Some(site) = names::find(file, self.site)? else { return Ok(Vec::new()) };
        let found = match &self.alert.when {
            When::Above { event, most, seconds, bucket } => {
                let count = self.window(file, site, event, i64::from(*seconds), *bucket)?;
                let minutes = seconds.div_ceil(60);
                let what = format!("{event}: {count} within {minutes} minutes, more than {most}.");
                (count > *most).then_some(what)
            }
            When::Spike { event, percent } | When::Drop { event, percent } => {
                let is_spike = matches!(self.alert.when, When::Spike { .. });
                self.unusual(file, site, event, *percent, is_spike)?
            }
            When::Silent { seconds } => self.silence(registry, file, site, i64::from(*seconds))?,
            When::Error { event, returned } => return self.errors(file, site, event, *returned),
            When::FileAbove { .. } | When::DiskBelow { .. } => None,
        };
        Ok(found.map(|what| notice(self.alert, self.site, "", what)).into_iter().collect())
    }

    fn subject(
        &self,
        file: &Transaction<'_>,
        site: TextId,
        event: &str,
    ) -> Result<Option<(Subject, TextId)>, Error> {
        let Some(event_type) = names::find(file, event)? else { return Ok(None) };
        let identifier = match &self.alert.identifier {
            Some(identifier) => names::find(file, identifier)?,
            None => Some(TextId::TOTAL),
        };
        Ok(identifier.map(|identifier| (Subject { site, event_type }, identifier)))
    }

    /// How many were counted in the buckets that reach into the last `seconds`.
    fn window(
        &self,
        file: &Transaction<'_>,
        site: TextId,
        event: &str,
        seconds: i64,
        bucket: Granularity,
    ) -> Result<i64, Error> {
        let Some((subject, identifier)) = self.subject(file, site, event)? else { return Ok(0) };
        let from = Period::containing(bucket, self.now - seconds, self.zone).start;
        let buckets = figures::buckets(file, bucket, from, i64::MAX)?;
        let series = figures::series(file, subject, identifier, &buckets)?;
        Ok(series.into_iter().map(|(_, counters)| counters.count).sum())
    }

    /// What of the last full hour is not as usual for that hour of the week.
    fn unusual(
        &self,
        file: &Transaction<'_>,
        site: TextId,
        event: &str,
        percent: i64,
        is_spike: bool,
    ) -> Result<Option<String>, Error> {
        let Some((subject, identifier)) = self.subject(file, site, event)? else { return Ok(None) };
        let this = Period::containing(Granularity::Hour, self.now, self.zone);
        let last = Period::containing(Granularity::Hour, this.start - 1, self.zone);
        let count = |start: i64| -> Result<i64, Error> {
            let bucket = figures::Bucket { granularity: Granularity::Hour, start };
            let found = figures::series(file, subject, identifier, &[bucket])?;
            Ok(found.first().map_or(0, |(_, counters)| counters.count))
        };
        let known = figures::buckets(file, Granularity::Hour, 0, i64::MAX)?;
        let first = known.first().map_or(i64::MAX, |bucket| bucket.start);
        let mut usual = Vec::new();
        for weeks in 1..=WEEKS {
            // The same hour by the clock, whatever the clocks have done since.
            let local = self.zone.to_datetime(timestamp(last.start));
            let then = local.saturating_sub(weeks.weeks());
            let then = self.zone.to_ambiguous_timestamp(then).compatible();
            let Ok(then) = then.map(|then| then.as_second()) else { continue };
            let hour = Period::containing(Granularity::Hour, then, self.zone);
            if hour.start >= first {
                usual.push(count(hour.start)?);
            }
        }
        if usual.len() < WEEKS_MIN {
            return Ok(None);
        }
        usual.sort_unstable();
        let usual = usual.get(usual.len() / 2).copied().unwrap_or(0);
        let now = count(last.start)?;
        let is_unusual = if is_spike {
            now >= HOUR_MIN && usual > 0 && now * 100 > usual * (100 + percent)
        } else {
            usual >= HOUR_MIN && now * 100 < usual * (100 - percent).max(1)
        };
        let word = if is_spike { "more" } else { "less" };
        Ok(is_unusual.then(|| {
            format!("{now} {event} in the last full hour, more than {percent} % {word} than the {usual} that are usual then.")
        }))
    }

    /// How long no beacon of any declared event type has come, if that is too long.
    fn silence(
        &self,
        registry: &Registry,
        file: &Transaction<'_>,
        site: TextId,
        seconds: i64,
    ) -> Result<Option<String>, Error> {
        let mut last = None;
        for event in &registry.events {
            let Some(event_type) = names::find(file, &event.name)? else { continue };
            let Some(finest) = event.granularities.first() else { continue };
            let subject = Subject { site, event_type };
            last = last.max(
                figures::last_bucket(file, subject, *finest)?
                    .map(|start| Period::containing(*finest, start, self.zone).end.min(self.now)),
            );
        }
        let Some(last) = last.filter(|last| self.now - last >= seconds) else { return Ok(None) };
        let hours = (self.now - last) / HOUR_SECONDS;
        Ok(Some(format!("No beacon for {hours} hours.")))
    }

    fn errors(
        &self,
        file: &Transaction<'_>,
        site: TextId,
        event: &str,
        returned: bool,
    ) -> Result<Vec<Notice>, Error> {
        let Some(event_type) = names::find(file, event)? else { return Ok(Vec::new()) };
        let subject = Subject { site, event_type };
        let since = self.now - ERROR_SECONDS;
        let groups = errors::groups(file, subject, Some(State::Open), since, "", ERRORS_MAX)?;
        let is_told = |group: &errors::Group| match group.returned_at {
            Some(at) => returned && at >= since,
            None => !returned && group.first_at >= since,
        };
        let words =
            if returned { "came back after it was resolved" } else { "was never met before" };
        let told = groups.into_iter().filter(|named| is_told(&named.group));
        let notices = told.map(|named| {
            notice(self.alert, self.site, &named.name, format!("{} {words}.", named.name))
        });
        Ok(notices.collect())
    }
}
