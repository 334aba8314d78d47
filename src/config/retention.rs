//! `retention` of an event type: what is dropped lives on in longer buckets, so no bucket may
//! outlive a longer one.

use jiff::{ToSpan as _, civil::Date, tz::TimeZone};
use toml::Spanned;

use super::{
    error::{Fault, quoted},
    file::Entries,
    registry::EventType,
    value::{self, DAY_SECONDS, Duration},
};
use crate::model::period::{Granularity, Period, first_instant};

impl EventType {
    /// Whether a bucket of `granularity` that begins at `start` is older than it is kept at `now` (UTC seconds).
    pub fn is_aged(&self, granularity: Granularity, start: i64, now: i64) -> bool {
        let kept = self.retention_days.iter().find(|(aging, _)| *aging == granularity);
        kept.is_some_and(|(_, days)| start < now - i64::from(*days) * 86_400)
    }

    /// Of each granularity that does not stay for ever, before which instant (UTC seconds) its buckets go, seen from
    /// `today` in `zone`. A bucket that reaches into what is kept stays whole, and `by_month` a whole month does.
    pub fn buckets_due(
        &self,
        today: Date,
        zone: &TimeZone,
        by_month: bool,
    ) -> impl Iterator<Item = (Granularity, i64)> {
        self.retention_days.iter().map(move |&(granularity, days)| {
            let whole = if by_month { granularity.max(Granularity::Month) } else { granularity };
            let first = first_instant(today.saturating_sub(i64::from(days).days()), zone);
            (granularity, Period::containing(whole, first, zone).start)
        })
    }
}

/// More days than any other number stands for.
pub(super) const FOREVER: u32 = u32::MAX;

/// A granularity that the file names, and where.
struct Named<'a> {
    key: &'a Spanned<String>,
    granularity: Granularity,
    days: u32,
}

/// For how many days the buckets of each of `granularities` (finest first) are kept; those that are
/// missing in the answer are kept for ever.
pub(super) fn check(
    written: &Entries<Spanned<String>>,
    granularities: &[Granularity],
) -> Result<Vec<(Granularity, u32)>, Fault> {
    let mut named: Vec<Named<'_>> = Vec::new();
    for (key, text) in &written.0 {
        let granularity = value::granularity(key)?;
        if !granularities.contains(&granularity) {
            let message = format!(
                "\"{granularity}\" is not among the granularities; add it there or remove it here",
                granularity = granularity.as_str()
            );
            return Err(Fault::at(key, message));
        }
        named.push(Named { key, granularity, days: days(text)? });
    }
    named.sort_unstable_by_key(|one| one.granularity);
    for (finer, coarser) in named.iter().zip(named.iter().skip(1)) {
        if finer.days > coarser.days {
            let message = format!(
                "\"{}\" would be kept for longer than \"{}\"; keep the latter at least as long",
                finer.granularity.as_str(),
                coarser.granularity.as_str()
            );
            return Err(Fault::at(finer.key, message));
        }
    }
    let kept =
        granularities.iter().map(|granularity| (*granularity, days_of(*granularity, &named)));
    Ok(kept.filter(|(_, days)| *days != FOREVER).collect())
}

/// As the file says; else the default, made to fit between its named neighbours.
fn days_of(granularity: Granularity, named: &[Named<'_>]) -> u32 {
    let finer = named.iter().filter(|one| one.granularity <= granularity).map(|one| one.days);
    let coarser = named.iter().filter(|one| one.granularity >= granularity).map(|one| one.days);
    let default = match granularity {
        Granularity::Second => 1,
        Granularity::Minute => 7,
        Granularity::Hour => 90,
        Granularity::Day => 3 * 365,
        Granularity::Month | Granularity::Year => FOREVER,
    };
    default.max(finer.max().unwrap_or(0)).min(coarser.min().unwrap_or(FOREVER))
}

/// Whole days, or [`FOREVER`].
pub(super) fn days(text: &Spanned<String>) -> Result<u32, Fault> {
    match value::duration(text)? {
        Duration::Forever => Ok(FOREVER),
        Duration::Seconds(seconds) if seconds > 0 && seconds % DAY_SECONDS == 0 => {
            Ok(seconds / DAY_SECONDS)
        }
        Duration::Seconds(_) => Err(Fault::at(
            text,
            format!("{} is not whole days; write \"1d\" or more", quoted(text.get_ref())),
        )),
    }
}

#[cfg(test)]
mod tests {
    use crate::model::period::Granularity;

    use crate::config::tests::{check, event};

    #[test]
    fn nothing_outlives_what_it_is_rolled_up_into() {
        let days = |body: &str| event(body).retention_days.clone();
        let hour_day = |hour, day| vec![(Granularity::Hour, hour), (Granularity::Day, day)];
        assert_eq!(days("retention = { hour = \"7d\", day = \"1y\" }"), hour_day(7, 365));
        assert_eq!(days("retention = { day = \"30d\" }"), hour_day(30, 30));
        assert_eq!(days("retention = { hour = \"4y\" }"), hour_day(1460, 1460));
        assert_eq!(days("retention = { hour = \"forever\" }"), []);
        check(
            "[event.a]\nretention = { day = \"8w\", hour = \"90d\" }",
            "beacons.toml:2:27: \"hour\" would be kept for longer than \"day\"; keep the latter at \
             least as long",
        );
        check(
            "[event.a]\nretention = { minute = \"1d\" }",
            "beacons.toml:2:15: \"minute\" is not among the granularities; add it there or remove it \
             here",
        );
        check(
            "[event.a]\nretention = { hour = \"36h\" }",
            "beacons.toml:2:22: \"36h\" is not whole days; write \"1d\" or more",
        );
        check(
            "[event.a]\nretention = { hour = \"soon\" }",
            "beacons.toml:2:22: \"soon\" is not a duration; write a whole number and s, m, h, d, w or \
             y, such as \"90d\", or \"forever\"",
        );
    }
}
