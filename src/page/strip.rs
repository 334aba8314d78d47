//! The strip of figures: a period's totals, each with its change against the period before.

use super::{
    metric::Metric,
    number::{self, Change, Wish},
};
use crate::report::{
    answer::{Figures, Measure, Scope, Spread},
    question::PAGE_VIEW,
};

/// One figure of the strip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// `Visitors`.
    pub title: &'static str,
    /// `6,021`.
    pub value: String,
    /// The change against the period before, if there is one.
    pub change: Option<Change>,
    /// The metric that it is, if a chart can show it.
    pub metric: Option<Metric>,
}

/// The figures of a period, compared with `before` if given: what adds up first, then what follows
/// from visits, which a single page or another event type doesn't have.
pub fn stats(scope: &Scope, now: &Figures, before: Option<&Figures>) -> Vec<Stat> {
    let sums = Metric::SUMS.into_iter().map(|metric| Stat {
        title: metric.title(scope),
        value: number::thousands(metric.of(now)),
        change: before.map(|it| number::change(metric.of(now), metric.of(it), Wish::More)),
        metric: Some(metric),
    });
    // An event that begins no visits has none to show; a page that none began on has.
    let has_visits = now.visits > 0 || before.is_some_and(|it| it.visits > 0);
    let is_shown = |stat: &Stat| {
        stat.metric != Some(Metric::Visits) || has_visits || scope.event_type == PAGE_VIEW
    };
    let mut stats: Vec<Stat> = sums.filter(is_shown).collect();
    if scope.identifier.is_none() && has_visits {
        stats.extend(means(now, before));
    }
    stats
}

/// Leaves out what a page can't have: its visits are those that began on it, and its views and seconds those of
/// every visit.
pub fn retain_of_page(stats: &mut Vec<Stat>) {
    let is_mixed =
        |stat: &Stat| matches!(stat.metric, Some(Metric::ViewsPerVisit | Metric::VisitDuration));
    stats.retain(|stat| !is_mixed(stat));
}

/// For how long a page was visible and how far it was scrolled, half of the times at least.
pub fn engagement(spread: &Spread) -> Vec<Stat> {
    let stat = |measure: &Measure| {
        let (title, value) = match measure.name.as_str() {
            "seconds" => ("Time visible", number::duration(number::whole(measure.median))),
            "scroll" => ("Scrolled", number::percent(number::whole(measure.median), 100)),
            _ => return None,
        };
        Some(Stat { title, value, change: None, metric: None })
    };
    spread.measures.iter().filter_map(stat).collect()
}

/// What follows from visits.
fn means(now: &Figures, before: Option<&Figures>) -> [Stat; 3] {
    let views = |it: &Figures| (it.count, it.visits);
    let bounces = |it: &Figures| (it.bounces, it.visits);
    let seconds = |it: &Figures| (it.seconds, it.visits);
    [
        Stat {
            title: "Views per visit",
            value: number::decimal(number::ratio(now.count, now.visits)),
            change: before
                .map(|it| number::change_of_mean(views(now), views(it), difference_of_views)),
            metric: Some(Metric::ViewsPerVisit),
        },
        Stat {
            title: "Bounce rate",
            value: number::percent(now.bounces, now.visits),
            change: before.map(|it| number::change_of_rate(bounces(now), bounces(it), Wish::Less)),
            metric: Some(Metric::BounceRate),
        },
        Stat {
            title: "Visit duration",
            value: number::duration(number::whole(number::ratio(now.seconds, now.visits))),
            change: before
                .map(|it| number::change_of_mean(seconds(now), seconds(it), difference_of_seconds)),
            metric: Some(Metric::VisitDuration),
        },
    ]
}

/// `0.1 fewer`; `None` for what one decimal doesn't show.
fn difference_of_views(difference: f64) -> Option<String> {
    let amount = number::decimal(difference.abs());
    let word = if difference > 0.0 { "more" } else { "fewer" };
    (amount != "0.0").then(|| format!("{amount} {word}"))
}

/// `6 s longer`; `None` for less than a second.
fn difference_of_seconds(difference: f64) -> Option<String> {
    let whole =
        format!("{:.0}", difference.abs()).parse::<i64>().ok().filter(|whole| *whole > 0)?;
    let word = if difference > 0.0 { "longer" } else { "shorter" };
    Some(format!("{} {word}", number::duration(whole)))
}
