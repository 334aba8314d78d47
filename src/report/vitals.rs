//! How fast pages are to those who visit them: the web vitals, judged by their official thresholds.

use std::sync::Arc;

use super::{
    answer::{Measure, PageVitals, Verdict, Vital, Vitals},
    contract::{Answer, Report},
    question::Question,
    reading, spread, top,
};
use crate::store::{Error, Transaction};

/// The event type that measures them.
pub const VITALS: &str = "vitals";

/// The measures with what is good up to, and poor beyond (<https://web.dev/articles/vitals>):
/// milliseconds, but for `cls`.
pub const MEASURES: [(&str, f64, f64); 5] = [
    ("lcp", 2500.0, 4000.0),
    ("inp", 200.0, 500.0),
    ("cls", 0.1, 0.25),
    ("fcp", 1800.0, 3000.0),
    ("ttfb", 800.0, 1800.0),
];

/// How many pages are judged one by one.
const PAGES_MAX: u32 = 50;

/// The report.
pub(super) const REPORT: Report = Report {
    slug: "vitals",
    title: "Web vitals",
    answer: |q, file| Ok(Answer::Vitals(answer(q, file)?)),
};

/// The last 30 days, or the range asked for.
///
/// # Errors
/// When the file can't be read.
pub fn answer(question: &Question, file: &Transaction<'_>) -> Result<Vitals, Error> {
    let range = question.range_or_last(30);
    let event = question.events.iter().find(|event| event.name == VITALS);
    let event = Arc::clone(event.unwrap_or(&question.event));
    let limit = question.limit.min(PAGES_MAX);
    let question =
        Question { event, range: Some(range), dimension: None, limit, ..question.clone() };
    let mut answer = Vitals {
        scope: reading::scope(&question, range),
        all: Vec::new(),
        pages: Vec::new(),
        pages_in_all: 0,
    };
    if question.event.name != VITALS {
        return Ok(answer);
    }
    answer.all = vitals(&spread::answer(&question, file)?.measures);
    let ranking = top::answer(&question, file)?;
    answer.pages_in_all = ranking.rows_in_all;
    for row in ranking.rows {
        let one = Question { identifier: Some(row.name.clone()), ..question.clone() };
        let vitals = vitals(&spread::answer(&one, file)?.measures);
        answer.pages.push(PageVitals { name: row.name, count: row.figures.count, vitals });
    }
    Ok(answer)
}

/// The measures that are web vitals, in their usual order.
fn vitals(measures: &[Measure]) -> Vec<Vital> {
    let vital = |(name, good, poor): (&'static str, f64, f64)| {
        let measure = measures.iter().find(|measure| measure.name == name)?;
        let mut shares = [0; 3];
        for bar in &measure.bars {
            let [is_good, needs_improvement, is_poor] = &mut shares;
            *match bar.up_to {
                Some(bound) if bound <= good => is_good,
                Some(bound) if bound <= poor => needs_improvement,
                _ => is_poor,
            } += bar.count;
        }
        let verdict = match measure.p75 {
            p75 if p75 <= good => Verdict::Good,
            p75 if p75 <= poor => Verdict::NeedsImprovement,
            _ => Verdict::Poor,
        };
        Some(Vital { name, count: measure.count, p75: measure.p75, verdict, shares })
    };
    MEASURES.into_iter().filter_map(vital).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use crate::{config, report::answer::SpreadBar};

    #[test]
    fn thresholds_are_among_the_bounds_of_the_default_event_type() {
        let registry = config::parse("", "beacons.toml").unwrap();
        let event = registry.event(VITALS).unwrap();
        for (name, good, poor) in MEASURES {
            let rule = event.measures.iter().find(|rule| rule.name == name).unwrap();
            for threshold in [good, poor] {
                let found = rule.bounds.iter().any(|bound| {
                    #[expect(clippy::cast_precision_loss, reason = "the bounds are small")]
                    let bound = *bound as f64 / 1000.0;
                    (bound - threshold).abs() < 1e-9
                });
                assert!(found, "{name} has no bound at {threshold}");
            }
        }
    }

    #[test]
    fn a_measure_is_judged_by_its_p75_and_each_value_by_itself() {
        let bar = |up_to, count| SpreadBar { up_to, count, mean: 0.0 };
        let measure = |p75| Measure {
            name: "inp".to_owned(),
            count: 10,
            sum: 0.0,
            min: None,
            max: None,
            mean: 0.0,
            median: 0.0,
            p75,
            bars: vec![bar(Some(200.0), 5), bar(Some(350.0), 3), bar(Some(700.0), 1), bar(None, 1)],
        };
        for (p75, verdict) in
            [(200.0, Verdict::Good), (201.0, Verdict::NeedsImprovement), (501.0, Verdict::Poor)]
        {
            let found = vitals(&[measure(p75)]);
            assert_eq!((found[0].verdict, found[0].shares), (verdict, [5, 3, 2]));
        }
    }
}
