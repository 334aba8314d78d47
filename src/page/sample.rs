//! Believable answers for tests and the storybook; the same at every run.

use jiff::{
    ToSpan,
    civil::{Date, Weekday, date},
};

use super::date::Today;
use crate::{
    model::period::{DateRange, Granularity},
    report::answer::{Figures, Point, Ranking, Row, Scope, Series},
};

/// The day on which the samples are looked at.
pub(super) const TODAY: Today = Today { date: date(2026, 11, 24), week_starts: Weekday::Monday };

/// What the samples are about.
pub(super) fn scope(range: DateRange) -> Scope {
    Scope {
        site: "example.com".into(),
        time_zone: "Europe/Berlin".into(),
        event_type: "page_view".into(),
        identifier: None,
        range,
    }
}

/// Figures that fit each other, for a number of visitors.
pub(super) fn figures(visitors: i64) -> Figures {
    let visits = visitors * 122 / 100;
    Figures {
        count: visits * 23 / 10,
        visitors,
        visits,
        bounces: visits * 46 / 100,
        seconds: visits * 112,
    }
}

/// `count` buckets that end with the one of today, around `level` visitors each; the last is not
/// over.
pub(super) fn series(granularity: Granularity, count: usize, level: i64) -> Series {
    let last = TODAY.date;
    let mut noise = 7_u64;
    let mut points = Vec::new();
    for index in 0..count {
        let back = i64::try_from(count - 1 - index).unwrap();
        let (date, hour) = match granularity {
            Granularity::Hour => {
                let hour = i64::try_from(index).unwrap();
                let days = (i64::try_from(count).unwrap() - 1) / 24 - hour / 24;
                (last.saturating_sub(days.days()), i8::try_from(hour % 24).ok())
            }
            Granularity::Day => (last.saturating_sub(back.days()), None),
            Granularity::Month => (last.first_of_month().saturating_sub(back.months()), None),
            _ => (last.first_of_year().saturating_sub(back.years()), None),
        };
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040);
        let percent = 60 + i64::try_from((noise >> 33) % 70).unwrap();
        let weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        let weekend = weekend && granularity == Granularity::Day;
        let unfinished = index + 1 == count;
        let percent = if weekend || unfinished { percent / 2 } else { percent };
        let start = i64::try_from(index).unwrap();
        points.push(Point {
            start,
            end: start + 1,
            date,
            hour,
            figures: figures(level * percent / 100),
            unfinished,
        });
    }
    let first = points.first().map_or(last, |point| point.date);
    with_total(Series {
        scope: scope(DateRange { first, last }),
        granularity,
        points,
        total: Figures::default(),
    })
}

/// The series that lies directly before `series`, a little lower.
pub(super) fn before(series: &Series) -> Series {
    let mut before = series.clone();
    let count = before.points.len();
    let shifted: Vec<i64> =
        (0..count).map(|index| series.points[(index * 5 + 3) % count].figures.visitors).collect();
    for (point, visitors) in before.points.iter_mut().zip(shifted) {
        point.figures = figures(visitors * 85 / 100);
        point.unfinished = false;
    }
    before.scope.range = series.scope.range.before();
    with_total(before)
}

/// The series with the sum of its points as its total.
pub(super) fn with_total(mut series: Series) -> Series {
    series.total = Figures::default();
    for Figures { count, visitors, visits, bounces, seconds } in
        series.points.iter().map(|point| point.figures)
    {
        series.total.count += count;
        series.total.visitors += visitors;
        series.total.visits += visits;
        series.total.bounces += bounces;
        series.total.seconds += seconds;
    }
    series
}

/// A ranking of a dimension's values.
pub(super) fn ranking(
    dimension: &str,
    range: DateRange,
    rows: &[(&str, Option<&str>, i64)],
    rows_in_all: u64,
) -> Ranking {
    let row = |(name, label, visitors): &(&str, Option<&str>, i64)| Row {
        name: (*name).to_owned(),
        label: label.map(str::to_owned),
        figures: figures(*visitors),
    };
    Ranking {
        scope: scope(range),
        dimension: dimension.to_owned(),
        rows: rows.iter().map(row).collect(),
        rows_in_all,
        total: figures(6_021),
    }
}

/// The last thirty days.
pub(super) fn thirty_days() -> DateRange {
    DateRange::ending(TODAY.date, 30)
}

/// The days of a month that ends before, or is still running on, the day of the samples.
pub(super) fn month(first: Date) -> Series {
    let days = usize::try_from(first.days_in_month()).unwrap();
    let mut series = series(Granularity::Day, days, 320);
    for (point, date) in series.points.iter_mut().zip(first.series(1.day())) {
        point.date = date;
        point.unfinished = date >= TODAY.date;
        if date > TODAY.date {
            point.figures = Figures::default();
        }
    }
    series.scope.range = Today::month_of(first);
    with_total(series)
}
