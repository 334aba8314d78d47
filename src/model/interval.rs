//! How long the points of a course are: as long as buckets of the file, or a week, which no file keeps.

use jiff::{
    ToSpan,
    civil::{Date, Weekday},
    tz::TimeZone,
};
use serde::Serialize;

use super::period::{DateRange, Granularity, Period, first_instant};

/// How long a point is. The order is from the shortest to the longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    /// One hour of local time.
    Hour,
    /// One local date.
    Day,
    /// Seven dates, from the day on which the site's weeks begin.
    Week,
    /// One calendar month.
    Month,
    /// One calendar year.
    Year,
}

/// One point's time, cut to the dates that are asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Its first instant, UTC seconds.
    pub start: i64,
    /// The first instant after it, UTC seconds.
    pub end: i64,
    /// Whether a part of it lies outside of the dates asked about.
    pub cut: bool,
}

impl Interval {
    /// Every interval, from the shortest to the longest.
    pub const ALL: [Self; 5] = [Self::Hour, Self::Day, Self::Week, Self::Month, Self::Year];

    /// The word that stands for it in URLs and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// The interval that `word` names, or `None`.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|interval| interval.as_str() == word)
    }

    /// The largest buckets of the file that it is made of.
    pub const fn granularity(self) -> Granularity {
        match self {
            Self::Hour => Granularity::Hour,
            Self::Day | Self::Week => Granularity::Day,
            Self::Month => Granularity::Month,
            Self::Year => Granularity::Year,
        }
    }

    /// How many points `days` (at least 1) have at most.
    pub const fn points_max(self, days: i32) -> i32 {
        match self {
            // A day with a clock that goes back has 25.
            Self::Hour => days * 24 + 1,
            Self::Day => days,
            Self::Week => days / 7 + 2,
            Self::Month => days / 28 + 2,
            Self::Year => days / 365 + 2,
        }
    }

    /// The dates of the point that holds `date`.
    pub fn dates(self, date: Date, week_starts: Weekday) -> DateRange {
        match self {
            Self::Hour | Self::Day => DateRange { first: date, last: date },
            Self::Week => {
                let since = i64::from(date.weekday().since(week_starts));
                let first = date.saturating_sub(since.days());
                DateRange { first, last: first.saturating_add(6.days()) }
            }
            Self::Month => DateRange { first: date.first_of_month(), last: date.last_of_month() },
            Self::Year => DateRange { first: date.first_of_year(), last: date.last_of_year() },
        }
    }

    /// The points of `range`, in order, without gaps.
    pub fn stretches(
        self,
        range: &DateRange,
        zone: &TimeZone,
        week_starts: Weekday,
    ) -> Vec<Stretch> {
        if self == Self::Hour {
            let whole = |hour: Period| Stretch { start: hour.start, end: hour.end, cut: false };
            return range.periods(Granularity::Hour, zone).into_iter().map(whole).collect();
        }
        let mut stretches = Vec::new();
        let mut date = range.first;
        loop {
            let dates = self.dates(date, week_starts);
            let (first, last) = (dates.first.max(range.first), dates.last.min(range.last));
            let next = last.saturating_add(1.day());
            stretches.push(Stretch {
                start: first_instant(first, zone),
                end: first_instant(next, zone),
                cut: first != dates.first || last != dates.last,
            });
            if last >= range.last || next <= date {
                return stretches;
            }
            date = next;
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn weeks_begin_where_the_site_says_and_are_cut_to_the_dates() {
        let range = DateRange { first: date(2026, 3, 25), last: date(2026, 4, 7) };
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        for (week_starts, days) in [(Weekday::Monday, [5, 7, 2]), (Weekday::Sunday, [4, 7, 3])] {
            let found = Interval::Week.stretches(&range, &berlin, week_starts);
            let hours: Vec<i64> = found.iter().map(|it| (it.end - it.start) / 3600).collect();
            let expected = days.map(|days| days * 24);
            // Clocks went forward on Sunday 29 March, which ends one week and begins the other.
            let short = usize::from(week_starts == Weekday::Sunday);
            let with_change = |(at, hours)| if at == short { hours - 1 } else { hours };
            let expected: Vec<i64> = expected.into_iter().enumerate().map(with_change).collect();
            assert_eq!(hours, expected);
            assert_eq!(found.iter().map(|it| it.cut).collect::<Vec<_>>(), [true, false, true]);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn points_tile_their_dates(
            zone in prop::sample::select(&["UTC", "America/Havana", "Australia/Lord_Howe", "Pacific/Apia"][..]),
            first in 0..20_000_i32, days in 1..70_i32,
        ) {
            let zone = TimeZone::get(zone).unwrap();
            let last = date(1970, 1, 1).saturating_add((first + days).days());
            let range = DateRange::ending(last, days);
            let (start, end) = range.instants(&zone);
            for interval in Interval::ALL {
                let found = interval.stretches(&range, &zone, Weekday::Monday);
                prop_assert_eq!(found.first().map(|it| it.start), Some(start));
                prop_assert_eq!(found.last().map(|it| it.end), Some(end));
                prop_assert!(found.windows(2).all(|pair| pair[0].end == pair[1].start));
                prop_assert!(i32::try_from(found.len()).unwrap() <= interval.points_max(days));
            }
        }
    }
}
