//! Dates in words, and the ranges that a picker offers.

use jiff::{
    ToSpan,
    civil::{Date, Weekday},
};

use super::link::Link;
use crate::{
    model::{interval::Interval, period::DateRange},
    report::{answer::Point, dates::Dates},
};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The site's date of today, and on which day its weeks begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Today {
    /// Today, in the site's time zone.
    pub date: Date,
    /// The first day of a week.
    pub week_starts: Weekday,
}

impl Today {
    /// The ranges that a picker offers, with their names.
    pub fn ranges(&self) -> Vec<(&'static str, DateRange)> {
        const OFFERED: [Dates; 8] = [
            Dates::Today,
            Dates::Yesterday,
            Dates::Days(7),
            Dates::Days(28),
            Dates::Days(30),
            Dates::ThisMonth,
            Dates::LastMonth,
            Dates::Months(12),
        ];
        let named = OFFERED.map(|dates| (dates_name(dates), dates.range(self.date, self.date)));
        let mut ranges = named.to_vec();
        ranges.insert(2, ("This week", self.week()));
        ranges
    }

    /// The same as links to what `href` says, the one of `current` marked.
    pub(super) fn links(
        &self,
        current: DateRange,
        href: impl Fn(DateRange) -> String,
    ) -> Vec<Link> {
        let link = |(name, range): (&str, DateRange)| Link {
            name: name.to_owned(),
            href: href(range),
            current: range == current,
        };
        self.ranges().into_iter().map(link).collect()
    }

    /// The week so far.
    pub fn week(&self) -> DateRange {
        let days = self.date.weekday().since(self.week_starts);
        DateRange { first: self.date.saturating_sub(i64::from(days).days()), last: self.date }
    }

    /// The range's name if a picker offers it, else its dates.
    pub fn name(&self, range: DateRange) -> String {
        let named = self.ranges().into_iter().find(|(_, offered)| *offered == range);
        named.map_or_else(|| range_words(range), |(name, _)| name.to_owned())
    }

    /// The month of `date`, from its first day to its last.
    pub fn month_of(date: Date) -> DateRange {
        DateRange { first: date.first_of_month(), last: date.last_of_month() }
    }
}

/// What dates are called: `Last 28 days`.
pub const fn dates_name(dates: Dates) -> &'static str {
    match dates {
        Dates::Today => "Today",
        Dates::Yesterday => "Yesterday",
        Dates::SinceYesterday => "Yesterday and today",
        Dates::Days(7) => "Last 7 days",
        Dates::Days(28) => "Last 28 days",
        Dates::Days(30) => "Last 30 days",
        Dates::Days(_) => "Last 91 days",
        Dates::ThisMonth => "This month",
        Dates::LastMonth => "Last month",
        Dates::ThisYear => "This year",
        Dates::Months(6) => "6 months",
        Dates::Months(_) => "12 months",
        Dates::All => "All time",
    }
}

/// `November`.
pub fn month_name(date: Date) -> &'static str {
    let index = usize::try_from(date.month() - 1).unwrap_or(0);
    MONTHS.get(index).copied().unwrap_or("")
}

/// `November 2026`.
pub fn month_words(date: Date) -> String {
    format!("{} {}", month_name(date), date.year())
}

/// `13 November 2026`.
pub fn date_words(date: Date) -> String {
    format!("{} {}", date.day(), month_words(date))
}

/// `Fri 13 November`.
pub fn day_words(date: Date) -> String {
    format!("{} {} {}", weekday_short(date.weekday()), date.day(), month_name(date))
}

/// `13 Nov`.
pub fn day_short(date: Date) -> String {
    format!("{}\u{a0}{}", date.day(), month_short(date))
}

/// `Nov`.
pub fn month_short(date: Date) -> &'static str {
    month_name(date).get(..3).unwrap_or("")
}

/// `26 October – 24 November 2026`, with no word said twice.
pub fn range_words(range: DateRange) -> String {
    let (first, last) = (range.first, range.last);
    if first == last {
        return format!("{} {}", day_words(first), first.year());
    }
    if range == Today::month_of(first) {
        return month_words(first);
    }
    let start = if first.year() != last.year() {
        date_words(first)
    } else if first.month() != last.month() {
        format!("{} {}", first.day(), month_name(first))
    } else {
        first.day().to_string()
    };
    format!("{start} – {}", date_words(last))
}

/// What a bucket is called in full: `Fri 13 November`, `Fri 13 November, 14:00`, `November 2026`.
pub fn point_words(point: &Point, granularity: Interval) -> String {
    match (granularity, point.hour) {
        (Interval::Year, _) => point.date.year().to_string(),
        (Interval::Month, _) => month_words(point.date),
        (Interval::Week, _) => format!("the week of {}", day_words(point.date)),
        (_, Some(hour)) => format!("{}, {hour}:00", day_words(point.date)),
        _ => day_words(point.date),
    }
}

/// What a bucket is called in a narrow column: `Fri 13 Nov`, `Nov 2026`.
pub fn point_row(point: &Point, granularity: Interval) -> String {
    match (granularity, point.hour) {
        (Interval::Month, _) => format!("{} {}", month_short(point.date), point.date.year()),
        (Interval::Day | Interval::Week, _) => {
            format!("{} {}", weekday_short(point.date.weekday()), day_short(point.date))
        }
        _ => point_words(point, granularity),
    }
}

/// What a bucket is called on an axis: `13 Nov`, `14:00`, `Nov`.
pub fn point_short(point: &Point, granularity: Interval) -> String {
    match (granularity, point.hour) {
        (Interval::Year, _) => point.date.year().to_string(),
        (Interval::Month, _) if point.date.month() == 1 => point.date.year().to_string(),
        (Interval::Month, _) => month_short(point.date).to_owned(),
        (_, Some(0)) => day_short(point.date),
        (_, Some(hour)) => format!("{hour}:00"),
        _ => day_short(point.date),
    }
}

/// `Mon`.
pub(super) const fn weekday_short(weekday: Weekday) -> &'static str {
    match weekday {
        Weekday::Monday => "Mon",
        Weekday::Tuesday => "Tue",
        Weekday::Wednesday => "Wed",
        Weekday::Thursday => "Thu",
        Weekday::Friday => "Fri",
        Weekday::Saturday => "Sat",
        Weekday::Sunday => "Sun",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const TODAY: Today = Today { date: date(2026, 11, 24), week_starts: Weekday::Monday };

    #[test]
    fn dates_read_as_words() {
        assert_eq!(day_words(date(2026, 11, 13)), "Fri 13 November");
        assert_eq!(date_words(date(2026, 11, 13)), "13 November 2026");
        let range = |first, last| range_words(DateRange { first, last });
        let words = "26 October – 24 November 2026";
        assert_eq!(range(date(2026, 10, 26), date(2026, 11, 24)), words);
        let words = "28 December 2025 – 3 January 2026";
        assert_eq!(range(date(2025, 12, 28), date(2026, 1, 3)), words);
        assert_eq!(range(date(2026, 11, 2), date(2026, 11, 8)), "2 – 8 November 2026");
        assert_eq!(range(date(2026, 2, 1), date(2026, 2, 28)), "February 2026");
        assert_eq!(range(date(2026, 2, 1), date(2026, 2, 1)), "Sun 1 February 2026");
    }

    #[test]
    fn offered_ranges_know_their_names() {
        assert_eq!(TODAY.week().first, date(2026, 11, 23));
        let sunday = Today { week_starts: Weekday::Sunday, ..TODAY };
        assert_eq!(sunday.week().first, date(2026, 11, 22));
        for (name, range) in TODAY.ranges() {
            assert_eq!(TODAY.name(range), name);
        }
        let odd = DateRange { first: date(2026, 11, 2), last: date(2026, 11, 8) };
        assert_eq!(TODAY.name(odd), "2 – 8 November 2026");
    }
}
