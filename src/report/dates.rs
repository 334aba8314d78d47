//! The dates that are offered by name, what lies before and after dates, and what they are compared with.

use jiff::{ToSpan as _, civil::Date};

use crate::model::period::DateRange;

/// Dates with a name, told from today on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dates {
    /// The day so far.
    Today,
    /// The day before.
    Yesterday,
    /// The day before and the day so far.
    SinceYesterday,
    /// So many days that end with yesterday: with a day that is not over, a course ends in a drop.
    Days(i32),
    /// The month so far.
    ThisMonth,
    /// The month before.
    LastMonth,
    /// The year so far.
    ThisYear,
    /// So many months, the last of them this one so far.
    Months(i32),
    /// From the first day that anything was counted on.
    All,
}

impl Dates {
    /// All that are offered, in the order of a menu.
    pub const OFFERED: [Self; 13] = [
        Self::Today,
        Self::Yesterday,
        Self::SinceYesterday,
        Self::Days(7),
        Self::Days(28),
        Self::Days(30),
        Self::Days(91),
        Self::ThisMonth,
        Self::LastMonth,
        Self::ThisYear,
        Self::Months(6),
        Self::Months(12),
        Self::All,
    ];

    /// Its value in URLs.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Today => "today",
            Self::Yesterday => "yesterday",
            Self::SinceYesterday => "2d",
            Self::Days(7) => "7d",
            Self::Days(28) => "28d",
            Self::Days(30) => "30d",
            Self::Days(_) => "91d",
            Self::ThisMonth => "month",
            Self::LastMonth => "last_month",
            Self::ThisYear => "year",
            Self::Months(6) => "6mo",
            Self::Months(_) => "12mo",
            Self::All => "all",
        }
    }

    /// The dates that `slug` names, or `None`.
    pub fn from_slug(slug: &str) -> Option<Self> {
        Self::OFFERED.into_iter().find(|dates| dates.slug() == slug)
    }

    /// The dates, seen from `today`; those of [`Dates::All`] begin with `earliest`.
    pub fn range(self, today: Date, earliest: Date) -> DateRange {
        let month = today.first_of_month();
        let yesterday = today.saturating_sub(1.day());
        let last_month = month.saturating_sub(1.day());
        match self {
            Self::Today => DateRange { first: today, last: today },
            Self::Yesterday => DateRange { first: yesterday, last: yesterday },
            Self::SinceYesterday => DateRange { first: yesterday, last: today },
            Self::Days(days) => DateRange::ending(yesterday, days),
            Self::ThisMonth => DateRange { first: month, last: today },
            Self::LastMonth => DateRange { first: last_month.first_of_month(), last: last_month },
            Self::ThisYear => DateRange { first: today.first_of_year(), last: today },
            Self::Months(months) => {
                DateRange { first: month.saturating_sub((months - 1).months()), last: today }
            }
            Self::All => DateRange { first: earliest.min(today), last: today },
        }
    }
}

/// What dates are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compare {
    /// As much time, directly before.
    #[default]
    Previous,
    /// The same dates a year before.
    LastYear,
    /// These dates.
    With(DateRange),
    /// Nothing.
    Nothing,
}

impl Compare {
    /// Its value in URLs, where dates have two more.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Previous => "previous",
            Self::LastYear => "year",
            Self::With(_) => "dates",
            Self::Nothing => "none",
        }
    }

    /// The dates to compare `range` with, seen from `today`. A month that still runs is compared with
    /// as many days of the month before.
    pub fn dates(self, range: DateRange, today: Date) -> Option<DateRange> {
        let by_months = |months: i32| {
            let back = |date: Date| date.saturating_sub(months.months());
            let ends_month = range.last == range.last.last_of_month();
            let last = back(range.last);
            DateRange {
                first: back(range.first),
                last: if ends_month { last.last_of_month() } else { last },
            }
        };
        match self {
            Self::Previous => Some(months(range, today).map_or_else(|| range.before(), by_months)),
            Self::LastYear => Some(by_months(12)),
            Self::With(dates) => Some(dates),
            Self::Nothing => None,
        }
    }
}

/// As much time directly before `range`: whole months before whole months.
pub fn earlier(range: DateRange, today: Date) -> DateRange {
    months(range, today)
        .map_or_else(|| range.before(), |count| whole_months(range.first, -count, count))
}

/// As much time directly after `range`, if any of it is over or, of a single day, is today. Of whole
/// months no more than up to today.
pub fn later(range: DateRange, today: Date) -> Option<DateRange> {
    let after = match months(range, today) {
        Some(count) => {
            let after = whole_months(range.first, count, count);
            DateRange { last: after.last.min(today.max(after.first)), ..after }
        }
        None => range.after(),
    };
    let lies_ahead = after.first > today || (after.first == today && range.days() > 1);
    let is_new_month = after.first == today && months(range, today).is_some();
    (!lies_ahead || is_new_month).then_some(after)
}

/// How many whole months `range` has, where the last may still run.
fn months(range: DateRange, today: Date) -> Option<i32> {
    let DateRange { first, last } = range;
    let runs = last == today && last != last.last_of_month();
    if first.day() != 1 || !(runs || last == last.last_of_month()) {
        return None;
    }
    let months = |date: Date| i32::from(date.year()) * 12 + i32::from(date.month());
    // A year that still runs is a whole one, however many months have begun.
    let is_year = runs && first == today.first_of_year() && today.month() > 1;
    Some(if is_year { 12 } else { months(last) - months(first) + 1 })
}

fn whole_months(first: Date, ahead: i32, count: i32) -> DateRange {
    let first = first.saturating_add(ahead.months());
    DateRange { first, last: first.saturating_add((count - 1).months()).last_of_month() }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const TODAY: Date = date(2026, 11, 24);

    fn range(first: (i16, i8, i8), last: (i16, i8, i8)) -> DateRange {
        let date = |(year, month, day)| date(year, month, day);
        DateRange { first: date(first), last: date(last) }
    }

    fn of(dates: Dates) -> DateRange {
        dates.range(TODAY, date(2024, 2, 29))
    }

    #[test]
    fn names_stand_for_dates() {
        for dates in Dates::OFFERED {
            assert_eq!(Dates::from_slug(dates.slug()), Some(dates));
        }
        assert_eq!(of(Dates::Days(7)), range((2026, 11, 17), (2026, 11, 23)));
        assert_eq!(of(Dates::LastMonth), range((2026, 10, 1), (2026, 10, 31)));
        assert_eq!(of(Dates::ThisYear), range((2026, 1, 1), (2026, 11, 24)));
        assert_eq!(of(Dates::Months(12)), range((2025, 12, 1), (2026, 11, 24)));
        assert_eq!(of(Dates::All), range((2024, 2, 29), (2026, 11, 24)));
    }

    #[test]
    fn steps_are_as_long_as_what_they_leave() {
        let steps = |range| (earlier(range, TODAY), later(range, TODAY));
        let day = |day| range((2026, 11, day), (2026, 11, day));
        assert_eq!(steps(day(24)), (day(23), None));
        assert_eq!(steps(day(23)), (day(22), Some(day(24))));
        let week = of(Dates::Days(7));
        assert_eq!(steps(week), (range((2026, 11, 10), (2026, 11, 16)), None));
        assert_eq!(later(earlier(week, TODAY), TODAY), Some(week));
        let (october, september) =
            (range((2026, 10, 1), (2026, 10, 31)), range((2026, 9, 1), (2026, 9, 30)));
        assert_eq!(steps(of(Dates::ThisMonth)), (october, None));
        assert_eq!(steps(october), (september, Some(of(Dates::ThisMonth))));
        let year = range((2025, 1, 1), (2025, 12, 31));
        assert_eq!(steps(of(Dates::ThisYear)), (year, None));
        assert_eq!(later(year, TODAY), Some(of(Dates::ThisYear)));
        let twelve = range((2024, 12, 1), (2025, 11, 30));
        assert_eq!(steps(of(Dates::Months(12))), (twelve, None));
        assert_eq!(later(twelve, TODAY), Some(of(Dates::Months(12))));
    }

    #[test]
    fn like_is_compared_with_like() {
        let dates = |compare: Compare, range| compare.dates(range, TODAY);
        let week = of(Dates::Days(7));
        assert_eq!(dates(Compare::Previous, week), Some(week.before()));
        let so_far = range((2026, 10, 1), (2026, 10, 24));
        assert_eq!(dates(Compare::Previous, of(Dates::ThisMonth)), Some(so_far));
        let month = range((2026, 9, 1), (2026, 9, 30));
        assert_eq!(dates(Compare::Previous, of(Dates::LastMonth)), Some(month));
        let leap = range((2024, 2, 29), (2024, 3, 6));
        let year = range((2023, 2, 28), (2023, 3, 6));
        assert_eq!(dates(Compare::LastYear, leap), Some(year));
        let february = range((2024, 2, 1), (2024, 2, 29));
        assert_eq!(dates(Compare::LastYear, february), Some(range((2023, 2, 1), (2023, 2, 28))));
        assert_eq!(dates(Compare::Nothing, week), None);
    }
}
