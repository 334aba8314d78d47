//! Buckets of time: granularities, periods and ranges of dates, cut in a site's IANA time zone.

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, DateTime},
    tz::{AmbiguousOffset, TimeZone},
};
use serde::{Deserialize, Serialize};

/// First instant that a period is cut for, in UTC seconds: 1970-01-01.
pub const INSTANT_MIN: i64 = 0;
/// Last instant that a period is cut for, in UTC seconds: the last of the year 9997.
pub const INSTANT_MAX: i64 = 253_339_228_799;

/// How long a bucket is. The order is from the finest to the coarsest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Granularity {
    /// One second.
    Second,
    /// One minute of local time.
    Minute,
    /// One hour of local time; cut short where the zone's offset changes inside it.
    Hour,
    /// One local date, 23 to 25 hours long where clocks change.
    Day,
    /// One calendar month.
    Month,
    /// One calendar year.
    Year,
}

impl Granularity {
    /// Every granularity, from the finest to the coarsest.
    pub const ALL: [Self; 6] =
        [Self::Second, Self::Minute, Self::Hour, Self::Day, Self::Month, Self::Year];

    /// The number that stands for it in the file: 1 (second) to 6 (year).
    pub const fn code(self) -> i64 {
        match self {
            Self::Second => 1,
            Self::Minute => 2,
            Self::Hour => 3,
            Self::Day => 4,
            Self::Month => 5,
            Self::Year => 6,
        }
    }

    /// The granularity with this number, or `None`.
    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|granularity| granularity.code() == code)
    }

    /// The word that stands for it in TOML, URLs and the documented views.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// How many seconds a bucket has at most: days, months and years have an hour more where clocks are set back.
    pub const fn seconds_max(self) -> i64 {
        const DAY: i64 = 86_400;
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3600,
            Self::Day => DAY + 3600,
            Self::Month => 31 * DAY + 3600,
            Self::Year => 366 * DAY + 3600,
        }
    }

    /// The granularity that `word` names, or `None`.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|granularity| granularity.as_str() == word)
    }
}

/// One bucket of a granularity: the instants `start <= t < end`, in UTC seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    /// Its granularity.
    pub granularity: Granularity,
    /// Its first instant, UTC seconds; `period_start` in the file.
    pub start: i64,
    /// The first instant after it, UTC seconds.
    pub end: i64,
}

impl Period {
    /// The period of `granularity` that holds the instant `at` (UTC seconds, clamped to
    /// [`INSTANT_MIN`]..=[`INSTANT_MAX`]) in `zone`.
    ///
    /// Periods of one granularity neither overlap nor leave a gap, and each lies within exactly one
    /// period of every coarser granularity, on the days when clocks change too.
    pub fn containing(granularity: Granularity, at: i64, zone: &TimeZone) -> Self {
        let at = at.clamp(INSTANT_MIN, INSTANT_MAX);
        match granularity {
            Granularity::Second => Self { granularity, start: at, end: at + 1 },
            Granularity::Minute => Self::of_clock(granularity, at, 60, zone),
            Granularity::Hour => Self::of_clock(granularity, at, 3600, zone),
            Granularity::Day | Granularity::Month | Granularity::Year => {
                Self::of_date(granularity, date_at(at, zone), zone)
            }
        }
    }

    /// Whether a bucket of `granularity` that begins at `start` (UTC seconds) is cut in `zone`; else it was in another
    /// one, which its site had before.
    pub fn is_cut_at(granularity: Granularity, start: i64, zone: &TimeZone) -> bool {
        Self::containing(granularity, start, zone).start == start
    }

    /// The period of a `granularity` of whole days (day, month, year) that holds `date`; a finer
    /// granularity gives the day.
    pub fn of_date(granularity: Granularity, date: Date, zone: &TimeZone) -> Self {
        let (first, next) = match granularity {
            Granularity::Year => {
                let first = date.first_of_year();
                (first, first.saturating_add(1.year()))
            }
            Granularity::Month => {
                let first = date.first_of_month();
                (first, first.saturating_add(1.month()))
            }
            _ => (date, date.saturating_add(1.day())),
        };
        Self { granularity, start: first_instant(first, zone), end: first_instant(next, zone) }
    }

    /// The date on which the period begins, in `zone`.
    pub fn date(&self, zone: &TimeZone) -> Date {
        date_at(self.start, zone)
    }

    /// Whether the instant `at` (UTC seconds) lies in it.
    pub const fn contains(&self, at: i64) -> bool {
        self.start <= at && at < self.end
    }

    /// A period of the clock (minute, hour) that is `seconds` long, cut short at a change of the
    /// zone's offset and at the ends of its day.
    fn of_clock(granularity: Granularity, at: i64, seconds: i64, zone: &TimeZone) -> Self {
        let offset = offset_at(at, zone);
        let start = at - (at + offset).rem_euclid(seconds);
        let mut period = Self { granularity, start, end: start + seconds };
        if offset_at(period.start, zone) != offset {
            let changed = zone.preceding(timestamp(at + 1)).next();
            period.start = changed.map_or(period.start, |t| t.timestamp().as_second());
        }
        if offset_at(period.end - 1, zone) != offset {
            let changes = zone.following(timestamp(at)).next();
            period.end = changes.map_or(period.end, |t| t.timestamp().as_second());
        }
        period
    }
}

/// The dates `first..=last`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct DateRange {
    /// The first date.
    pub first: Date,
    /// The last date; never before the first.
    pub last: Date,
}

impl DateRange {
    /// The range between two dates, whichever comes first.
    pub fn between(one: Date, other: Date) -> Self {
        Self { first: one.min(other), last: one.max(other) }
    }

    /// The `days` (at least 1) that end with `last`.
    pub fn ending(last: Date, days: i32) -> Self {
        Self { first: last.saturating_sub((days.max(1) - 1).days()), last }
    }

    /// How many dates it has, at least 1.
    pub fn days(&self) -> i32 {
        self.first.until(self.last).map_or(0, |span| span.get_days()) + 1
    }

    /// The instants it covers in `zone`, UTC seconds, the end excluded.
    pub fn instants(&self, zone: &TimeZone) -> (i64, i64) {
        let next = self.last.saturating_add(1.day());
        (first_instant(self.first, zone), first_instant(next, zone))
    }

    /// Its dates, in order.
    pub fn dates(&self) -> impl Iterator<Item = Date> {
        let last = self.last;
        let next = |date: &Date| date.tomorrow().ok();
        std::iter::successors(Some(self.first), next).take_while(move |date| *date <= last)
    }

    /// The same number of days, directly before.
    pub fn before(&self) -> Self {
        Self::ending(self.first.saturating_sub(1.day()), self.days())
    }

    /// The same number of days, directly after.
    pub fn after(&self) -> Self {
        let first = self.last.saturating_add(1.day());
        Self { first, last: first.saturating_add((self.days() - 1).days()) }
    }

    /// Its periods of `granularity`, in order, the first and the last perhaps reaching beyond it.
    pub fn periods(&self, granularity: Granularity, zone: &TimeZone) -> Vec<Period> {
        let (start, end) = self.instants(zone);
        let mut periods = Vec::new();
        let mut at = start;
        while at < end {
            let period = Period::containing(granularity, at, zone);
            periods.push(period);
            // Beyond the last instant there is no later one.
            if period.end <= at {
                break;
            }
            at = period.end;
        }
        periods
    }
}

/// The date whose day period holds the instant `at` (UTC seconds).
///
/// This is the local date, except where clocks once went back over midnight: there the day has
/// begun for good at its first midnight.
pub fn date_at(at: i64, zone: &TimeZone) -> Date {
    let date = zone.to_datetime(timestamp(at)).date();
    let next = date.saturating_add(1.day());
    if at >= first_instant(next, zone) { next } else { date }
}

/// The first instant of `date` in `zone`, UTC seconds: midnight, or the end of the gap where clocks
/// skip it.
pub fn first_instant(date: Date, zone: &TimeZone) -> i64 {
    let midnight = DateTime::from_parts(date, jiff::civil::Time::midnight());
    let ambiguous = zone.to_ambiguous_timestamp(midnight);
    let offset = match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { offset } => offset,
        AmbiguousOffset::Fold { before, .. } => before,
        AmbiguousOffset::Gap { before, .. } => {
            let inside = utc_seconds(midnight, before.seconds());
            let skipped = zone.preceding(timestamp(inside + 1)).next();
            return skipped.map_or(inside, |t| t.timestamp().as_second());
        }
    };
    utc_seconds(midnight, offset.seconds())
}

/// `at` (UTC seconds) as a timestamp, clamped to what calendars can hold.
pub fn timestamp(at: i64) -> Timestamp {
    Timestamp::from_second(at).unwrap_or(if at < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

fn offset_at(at: i64, zone: &TimeZone) -> i64 {
    i64::from(zone.to_offset(timestamp(at)).seconds())
}

fn utc_seconds(local: DateTime, offset_seconds: i32) -> i64 {
    let utc = TimeZone::UTC.to_timestamp(local).map_or(INSTANT_MAX, |t| t.as_second());
    utc - i64::from(offset_seconds)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ZONES: [&str; 10] = [
        "UTC",
        "Asia/Kolkata",
        "Asia/Kathmandu",
        "America/Santiago",
        "America/New_York",
        "America/Havana",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "America/Sao_Paulo",
        "America/St_Johns",
    ];

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    #[test]
    fn nothing_is_cut_after_the_last_instant() {
        let date = |text: &str| text.parse::<Date>().unwrap();
        let end = DateRange { first: date("9997-12-31"), last: date("9999-12-31") };
        for granularity in Granularity::ALL.into_iter().filter(|all| *all >= Granularity::Hour) {
            let periods = end.periods(granularity, &zone("America/New_York"));
            assert!(periods.len() <= 25, "{granularity:?}: {}", periods.len());
        }
    }

    fn check(name: &str, granularity: Granularity, instant: &str, start: &str, end: &str) {
        let period = Period::containing(granularity, at(instant), &zone(name));
        let found = (timestamp(period.start).to_string(), timestamp(period.end).to_string());
        assert_eq!(found, (start.to_owned(), end.to_owned()), "{name} {granularity:?} {instant}");
    }

    #[test]
    fn days_are_as_long_as_the_zone_says() {
        use Granularity::Day;
        let new_york = "America/New_York";
        check(
            new_york,
            Day,
            "2026-03-08T12:00:00Z",
            "2026-03-08T05:00:00Z",
            "2026-03-09T04:00:00Z",
        );
        check(
            new_york,
            Day,
            "2026-11-01T12:00:00Z",
            "2026-11-01T04:00:00Z",
            "2026-11-02T05:00:00Z",
        );
        let kolkata = "Asia/Kolkata";
        check(kolkata, Day, "2026-01-01T18:30:00Z", "2026-01-01T18:30:00Z", "2026-01-02T18:30:00Z");
        let lord_howe = "Australia/Lord_Howe";
        check(
            lord_howe,
            Day,
            "2026-10-03T20:00:00Z",
            "2026-10-03T13:30:00Z",
            "2026-10-04T13:00:00Z",
        );
    }

    #[test]
    fn a_day_without_midnight_begins_where_the_gap_ends() {
        let sao_paulo = "America/Sao_Paulo";
        let start = "2018-11-04T03:00:00Z";
        check(sao_paulo, Granularity::Day, start, start, "2018-11-05T02:00:00Z");
    }

    #[test]
    fn a_skipped_date_is_empty() {
        let apia = zone("Pacific/Apia");
        let skipped = jiff::civil::date(2011, 12, 30);
        assert_eq!(
            first_instant(skipped, &apia),
            first_instant(skipped.tomorrow().unwrap(), &apia)
        );
    }

    #[test]
    fn hours_are_cut_where_the_offset_changes() {
        use Granularity::Hour;
        let lord_howe = "Australia/Lord_Howe";
        check(
            lord_howe,
            Hour,
            "2026-10-03T15:45:00Z",
            "2026-10-03T15:30:00Z",
            "2026-10-03T16:00:00Z",
        );
        check(
            lord_howe,
            Hour,
            "2026-04-04T15:10:00Z",
            "2026-04-04T15:00:00Z",
            "2026-04-04T15:30:00Z",
        );
        check(
            lord_howe,
            Hour,
            "2026-04-04T14:59:00Z",
            "2026-04-04T14:00:00Z",
            "2026-04-04T15:00:00Z",
        );
    }

    #[test]
    fn a_range_lists_its_periods_and_neighbours() {
        let range = DateRange::ending(jiff::civil::date(2026, 3, 31), 31);
        assert_eq!(range.first, jiff::civil::date(2026, 3, 1));
        assert_eq!(range.periods(Granularity::Day, &zone("Europe/Berlin")).len(), 31);
        assert_eq!(range.before().last, jiff::civil::date(2026, 2, 28));
        assert_eq!(range.after().days(), 31);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn periods_tile_time_and_nest(name in prop::sample::select(&ZONES[..]), at in 0..2_145_916_800_i64) {
            let zone = zone(name);
            let mut inner: Option<Period> = None;
            for granularity in Granularity::ALL {
                let period = Period::containing(granularity, at, &zone);
                prop_assert!(period.contains(at), "{granularity:?} {period:?}");
                prop_assert_eq!(Period::containing(granularity, period.start, &zone), period);
                prop_assert_eq!(Period::containing(granularity, period.end - 1, &zone), period);
                prop_assert_eq!(Period::containing(granularity, period.end, &zone).start, period.end);
                if let Some(inner) = inner {
                    prop_assert!(period.start <= inner.start && inner.end <= period.end);
                }
                inner = Some(period);
            }
        }
    }
}
