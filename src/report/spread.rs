//! How the numbers that beacons carry are spread: for how long pages are visible, how far they are
//! scrolled, and whatever else the event type measures.

use super::{
    answer::{Measure, Spread, SpreadBar},
    contract::{Answer, Report},
    question::Question,
    reading,
};
use crate::{
    model::period::DateRange,
    store::{
        Error, Transaction,
        figures::{self, Bar},
        names,
    },
};

/// The report.
pub(super) const REPORT: Report = Report {
    slug: "spread",
    title: "Numbers",
    answer: |q, file| Ok(Answer::Spread(answer(q, file)?)),
};

/// What a bar's bound is counted in.
const THOUSANDTHS: f64 = 1000.0;

/// The bound of the bar that takes what is beyond the others.
const REST: i64 = 1 << 53;

/// The last 30 days, or the range asked for: each measure of the event type.
///
/// # Errors
/// When the file can't be read.
pub fn answer(question: &Question, file: &Transaction<'_>) -> Result<Spread, Error> {
    let range = question.range_or_last(30);
    Ok(Spread {
        scope: reading::scope(question, range),
        measures: measures(question, range, file)?,
    })
}

fn measures(
    question: &Question,
    range: DateRange,
    file: &Transaction<'_>,
) -> Result<Vec<Measure>, Error> {
    let Some((subject, identifier)) = reading::identified(question, file)? else {
        return Ok(Vec::new());
    };
    let buckets = reading::buckets(question, &range, file)?;
    let mut measures = Vec::new();
    for rule in &question.event.measures {
        let Some(id) = names::find(file, &rule.name)? else { continue };
        let bars = figures::histogram(file, subject, identifier, id, &buckets)?;
        let count: i64 = bars.iter().map(|bar| bar.count).sum();
        if count == 0 {
            continue;
        }
        let sum: f64 = bars.iter().map(|bar| thousandths(bar.sum)).sum();
        measures.push(Measure {
            name: rule.name.clone(),
            count,
            sum,
            min: bars.iter().filter_map(|bar| bar.least).min().map(thousandths),
            max: bars.iter().filter_map(|bar| bar.most).max().map(thousandths),
            mean: sum / float(count),
            median: quantile(&bars, &rule.bounds, count, 0.5),
            p75: quantile(&bars, &rule.bounds, count, 0.75),
            bars: bars.iter().map(shown).collect(),
        });
    }
    Ok(measures)
}

fn shown(bar: &Bar) -> SpreadBar {
    SpreadBar {
        up_to: (bar.bound < REST).then(|| thousandths(bar.bound)),
        count: bar.count,
        mean: thousandths(bar.sum) / float(bar.count.max(1)),
    }
}

/// The value below which `share` of all lie: within its bar it is interpolated between the bar's
/// bounds, or the least and the most in it, and beyond the last bound it is the mean of what lies there.
///
/// The file has no bars that are empty: where a bar begins, `bounds` tell, and the bar before it.
fn quantile(bars: &[Bar], bounds: &[i64], count: i64, share: f64) -> f64 {
    let wanted = float(count) * share;
    let (mut below, mut last) = (0.0, 0);
    for bar in bars {
        let within = float(bar.count);
        if below + within >= wanted && bar.count > 0 {
            if bar.bound == REST {
                return thousandths(bar.sum) / within;
            }
            let shorter = bounds.iter().copied().filter(|bound| *bound < bar.bound).max();
            let lower = last.max(shorter.unwrap_or(0)).max(bar.least.unwrap_or(0));
            let upper = bar.most.map_or(bar.bound, |most| most.min(bar.bound));
            let (lower, upper) = (thousandths(lower), thousandths(upper));
            return lower + (upper - lower) * ((wanted - below) / within);
        }
        below += within;
        last = bar.bound;
    }
    thousandths(last)
}

fn thousandths(number: i64) -> f64 {
    float(number) / THOUSANDTHS
}

#[expect(clippy::cast_precision_loss, reason = "figures for people, who read three digits")]
const fn float(number: i64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_lies_in_its_bar() {
        let bar = |bound, count, sum| Bar { bound, count, sum, least: None, most: None };
        let bars = [bar(1_000, 10, 5_000), bar(5_000, 20, 60_000), bar(REST, 10, 90_000)];
        for (share, low, high) in
            [(0.0, 0.0, 1.0), (0.2, 0.0, 1.0), (0.5, 1.0, 5.0), (0.8, 9.0, 9.0)]
        {
            let value = quantile(&bars, &[], 40, share);
            assert!((low..=high).contains(&value), "{share}: {value}");
        }
        assert!((quantile(&bars, &[], 40, 0.5) - 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_bar_without_neighbours_begins_where_the_one_before_would_end() {
        let alone =
            |least, most| [Bar { bound: 3_000, count: 1, sum: 2_700, least: Some(least), most }];
        let p75 = |bars: &[Bar]| quantile(bars, &[1_000, 2_500, 3_000], 1, 0.75);
        assert!((p75(&alone(2_700, Some(2_700))) - 2.7).abs() < 1e-9);
        // Of bars from before the least and the most were kept, only the bounds are known.
        assert!((p75(&alone(0, None)) - 2.875).abs() < 1e-9);
    }

    /// The bars of `values`, as the fold would make them of `bounds`, all in thousandths.
    fn bars(values: &[i64], bounds: &[i64]) -> Vec<Bar> {
        let bounds = bounds.iter().copied().chain([REST]);
        let mut lower = i64::MIN;
        let mut bars = Vec::new();
        for bound in bounds {
            let within = values.iter().filter(|value| (lower + 1..=bound).contains(*value));
            let within: Vec<i64> = within.copied().collect();
            let count = i64::try_from(within.len()).unwrap_or(i64::MAX);
            bars.push(Bar { bound, count, sum: within.iter().sum(), least: None, most: None });
            lower = bound;
        }
        bars
    }

    #[test]
    fn the_p75_of_bars_is_within_one_bound_of_the_exact_one() {
        const COUNT: i64 = 100_000;
        let bounds: Vec<i64> =
            [500, 1_000, 1_500, 2_000, 2_500, 3_000, 3_500, 4_000, 5_000, 6_000, 8_000, 12_000]
                .map(|bound| bound * 1000)
                .to_vec();
        // The same spread of numbers at every run, each shape made of it: even, long-tailed, two humps.
        let even = |at: i64| (at * 7_919 % COUNT) * 120;
        let tail = |at: i64| {
            let share = at * 7_919 % COUNT;
            800_000_i64.saturating_mul(COUNT) / (COUNT + 1 - share).max(50)
        };
        let humps = |at: i64| {
            let base = if at % 3 == 0 { 7_000_000 } else { 900_000 };
            base + (at * 7_919 % 1_000) * 300
        };
        for shape in [&even as &dyn Fn(i64) -> i64, &tail, &humps] {
            let mut values: Vec<i64> = (0..COUNT).map(shape).collect();
            let found = quantile(&bars(&values, &bounds), &bounds, COUNT, 0.75);
            values.sort_unstable();
            let exact = thousandths(values.get(74_999).copied().unwrap_or(0));
            let bar =
                |value: f64| bounds.iter().filter(|bound| thousandths(**bound) < value).count();
            assert!(bar(found).abs_diff(bar(exact)) <= 1, "{found} is not {exact}");
        }
    }
}
