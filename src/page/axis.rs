//! Where a chart's axes are marked: round numbers upwards, labels that never touch sideways.

use crate::{
    model::interval::Interval,
    page::{date, metric::Metric, number::float},
    report::answer::Point,
};

/// How many steps the upward axis has at most.
const STEPS_MAX: i64 = 4;
/// The width of a character of a label and the gap between two labels, in CSS pixels.
const CHARACTER: f64 = 6.8;
const GAP: f64 = 10.0;

/// The marks of the upward axis: from 0, in steps of 1, 2 or 5 times a power of ten, the last at or
/// above `max`.
pub(super) fn ticks(max: i64) -> Vec<i64> {
    let max = max.max(1);
    let mut step = 1_i64;
    for factor in [2, 5, 10].into_iter().cycle() {
        if max <= step.saturating_mul(STEPS_MAX) {
            break;
        }
        // 1 → 2 → 5 → 10: each from the power of ten below.
        step = match factor {
            2 => step.saturating_mul(2),
            5 => step / 2 * 5,
            _ => step.saturating_mul(2),
        };
    }
    let mut ticks = vec![0];
    let mut last = 0_i64;
    while last < max && ticks.len() < 8 {
        last = last.saturating_add(step);
        ticks.push(last);
    }
    ticks
}

/// The same for a figure: times are marked at seconds, minutes and hours that people count by.
pub(super) fn ticks_of(metric: Metric, max: i64) -> Vec<i64> {
    const SECONDS: [i64; 12] = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200];
    let step = SECONDS.into_iter().find(|step| max <= step * STEPS_MAX);
    match (metric, step) {
        (Metric::VisitDuration, Some(step)) => {
            let steps = (max.max(1) + step - 1) / step;
            (0..=steps).map(|index| index * step).collect()
        }
        _ => ticks(max),
    }
}

/// Which points get a label where the plot is `width` CSS pixels wide: as many as fit, at dates and
/// hours that people count by (Mondays, firsts of a month, 6:00).
pub(super) fn labelled(points: &[Point], granularity: Interval, width: f64) -> Vec<usize> {
    let share = width / float(i64::try_from(points.len().max(1)).unwrap_or(1));
    for level in 0..LEVELS {
        let chosen: Vec<usize> = points
            .iter()
            .enumerate()
            .filter(|(index, point)| keeps(granularity, level, *index, point))
            .map(|(index, _)| index)
            .collect();
        let longest = chosen
            .iter()
            .filter_map(|index| points.get(*index))
            .map(|point| date::point_short(point, granularity).chars().count())
            .max()
            .unwrap_or(0);
        let needed = float(i64::try_from(longest).unwrap_or(0)) * CHARACTER + GAP;
        let nearest = chosen.iter().zip(chosen.iter().skip(1)).map(|(one, next)| next - one).min();
        let apart = nearest.map_or(width, |gap| share * float(i64::try_from(gap).unwrap_or(0)));
        if !chosen.is_empty() && apart >= needed {
            return chosen;
        }
    }
    points.first().map(|_| 0).into_iter().collect()
}

/// How many levels of sparseness there are.
const LEVELS: u8 = 12;

/// Whether a point is labelled at a level, 0 being the densest.
fn keeps(granularity: Interval, level: u8, index: usize, point: &Point) -> bool {
    let month = point.date.month() - 1;
    let year = point.date.year();
    let first = point.date.day() == 1;
    let week = point.date.day_of_year() / 7;
    let monday = point.date.weekday() == jiff::civil::Weekday::Monday;
    let midnight = point.hour.unwrap_or(0) == 0;
    match granularity {
        Interval::Hour if level < 4 => {
            let step = [1, 3, 6, 12].get(usize::from(level)).map_or(24, |step| *step);
            point.hour.unwrap_or(0) % step == 0
        }
        Interval::Hour => midnight && keeps(Interval::Day, level - 4, index, point),
        Interval::Day => match level {
            0 => true,
            1 => index.is_multiple_of(2),
            2 => monday,
            3 => monday && week % 2 == 0,
            _ => first && keeps(Interval::Month, level - 4, index, point),
        },
        Interval::Week => match level {
            0 => true,
            1 => index.is_multiple_of(2),
            2 => index.is_multiple_of(4),
            _ => index.is_multiple_of(13 << (level - 3).min(5)),
        },
        Interval::Month => match level {
            0 => true,
            1 => month % 2 == 0,
            2 => month % 3 == 0,
            3 => month % 6 == 0,
            _ => month == 0 && keeps(Interval::Year, level - 4, index, point),
        },
        Interval::Year => {
            year % [1, 2, 5, 10].get(usize::from(level)).map_or(50, |step| *step) == 0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::sample;

    #[test]
    fn ticks_are_round_and_cover_the_maximum() {
        assert_eq!(ticks(0), [0, 1]);
        assert_eq!(ticks(3), [0, 1, 2, 3]);
        assert_eq!(ticks(7), [0, 2, 4, 6, 8]);
        assert_eq!(ticks(18), [0, 5, 10, 15, 20]);
        assert_eq!(ticks(391), [0, 100, 200, 300, 400]);
        assert_eq!(ticks(1_700), [0, 500, 1_000, 1_500, 2_000]);
        for max in 1..5_000 {
            let ticks = ticks(max);
            let top = ticks.last().copied().unwrap_or(0);
            assert!(ticks.len() <= 5 && max <= top && top <= 2 * max.max(1), "{max}: {ticks:?}");
        }
        assert!(ticks(i64::MAX).len() <= 8);
    }

    #[test]
    fn labels_keep_their_distance_at_every_width() {
        for (granularity, count) in [
            (Interval::Hour, 24),
            (Interval::Hour, 72),
            (Interval::Day, 7),
            (Interval::Day, 30),
            (Interval::Day, 91),
            (Interval::Day, 365),
            (Interval::Week, 14),
            (Interval::Week, 27),
            (Interval::Week, 105),
            (Interval::Month, 12),
            (Interval::Month, 60),
            (Interval::Year, 12),
        ] {
            let series = sample::series(granularity, count, 100);
            for width in [220.0, 500.0, 900.0] {
                let chosen = labelled(&series.points, granularity, width);
                let share = width / float(i64::try_from(count).unwrap_or(1));
                let close = chosen.windows(2).any(|pair| {
                    share * float(i64::try_from(pair[1] - pair[0]).unwrap_or(0)) < 30.0
                });
                assert!(!close && !chosen.is_empty(), "{granularity:?} {count} {width} {chosen:?}");
                let enough = chosen.len() >= 2 || (count == 91 && width < 300.0);
                assert!(enough, "{granularity:?} {count} {width} {chosen:?}");
            }
        }
    }
}
