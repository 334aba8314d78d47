//! Under filters the same is told as when every page view is looked at anew, whether single page views
//! answer or the sums of pairs.

use std::collections::HashSet;

use jiff::tz::TimeZone;
use proptest::prelude::*;
use trim_beacons::{
    model::{
        beacon::Beacon,
        dimension::Dimension,
        filter::{Filter, Operator},
        interval::Interval,
        period::{DateRange, date_at},
    },
    report::{
        answer::{Figures, Ranking},
        narrowed::{self, Narrowed, Reach},
        question::Question,
    },
};

use super::{
    Counting, REGISTRY, SITES, Step, beacon,
    naive::{IDLE, local, second, value},
    steps,
};

/// A page view and what became of its visit.
struct View<'b> {
    beacon: &'b Beacon<'b>,
    /// The visit's first page view.
    first: &'b Beacon<'b>,
    /// Seconds until the next page view of the visit; 0 if it is the last.
    seconds: i64,
    /// Whether its visit has no other.
    only: bool,
}

/// The page views of a site in their order.
fn views<'b>(beacons: &'b [Beacon<'b>], site: &str) -> Vec<View<'b>> {
    let mut views: Vec<View<'b>> = Vec::new();
    // The last page view of each visit, its first one, and when the visit was last active.
    let mut visits: Vec<(usize, usize, i64)> = Vec::new();
    for beacon in beacons.iter().filter(|it| it.event_type == "page_view" && it.site == site) {
        let (index, at) = (views.len(), second(beacon));
        let live = visits.iter_mut().rev().find(|(last, _, active)| {
            beacon.visitor.is_some()
                && views[*last].beacon.visitor == beacon.visitor
                && at - *active <= IDLE
        });
        let mut view = View { beacon, first: beacon, seconds: 0, only: true };
        match live {
            Some((last, first, active)) => {
                view.first = views[*first].beacon;
                view.only = false;
                views[*first].only = false;
                // What was queued late lasted no time.
                views[*last].seconds = (at - *active).max(0);
                (*last, *active) = (index, at.max(*active));
            }
            None => visits.push((index, index, at)),
        }
        views.push(view);
    }
    views
}

fn meets(view: &View<'_>, filter: &Filter, counting: &Counting) -> bool {
    let rules = counting.registry.event("page_view").unwrap();
    let found = match &filter.dimension {
        None => view.beacon.identifier.as_deref().map(str::to_owned),
        // Who can't be told from others has no visit.
        Some(Dimension::EntryPage) if view.beacon.visitor.is_none() => None,
        Some(Dimension::EntryPage) => view.first.identifier.as_deref().map(str::to_owned),
        Some(dimension) => {
            value(view.beacon, rules, dimension, Some(view.first), &counting.registry)
        }
    };
    match filter.operator {
        Operator::Is => found.as_deref() == Some(&filter.value),
        Operator::IsNot => found.as_deref() != Some(&filter.value),
        Operator::Contains => {
            found.is_some_and(|found| found.to_lowercase().contains(&filter.value.to_lowercase()))
        }
    }
}

/// All views that meet the filters, looked at one by one. Beacons without a visitor are of no visit.
fn recounted(views: &[View<'_>], filters: &[Filter], zone: &TimeZone, of: &Counting) -> Figures {
    let mut figures = Figures::default();
    let mut seen = HashSet::new();
    for view in views.iter().filter(|view| filters.iter().all(|filter| meets(view, filter, of))) {
        figures.count += 1;
        let Some(visitor) = view.beacon.visitor else { continue };
        let new = seen.insert((visitor.0, local(second(view.beacon), zone).date()));
        figures.visitors += i64::from(new);
        let began = std::ptr::eq(view.beacon, view.first);
        figures.visits += i64::from(began);
        figures.bounces += i64::from(began && view.only);
        figures.seconds += view.seconds;
    }
    figures
}

fn every_filter() -> Vec<Vec<Filter>> {
    let page = |operator, value: &str| Filter { dimension: None, operator, value: value.into() };
    let of = |dimension, operator, value: &str| Filter {
        dimension: Some(dimension),
        operator,
        value: value.into(),
    };
    let source = || of(Dimension::Source, Operator::Is, "news.example");
    vec![
        vec![page(Operator::Is, "/docs")],
        vec![page(Operator::IsNot, "/docs")],
        vec![page(Operator::Contains, "DOCS")],
        vec![page(Operator::Is, "/never")],
        vec![source()],
        vec![of(Dimension::Source, Operator::IsNot, "news.example")],
        vec![of(Dimension::EntryPage, Operator::Is, "/")],
        vec![source(), page(Operator::Is, "/")],
        vec![of(Dimension::Browser, Operator::Is, "Firefox"), page(Operator::Contains, "home")],
        vec![
            source(),
            of(Dimension::Browser, Operator::IsNot, "Firefox"),
            page(Operator::IsNot, "/"),
        ],
    ]
}

fn wanted() -> [Option<Dimension>; 3] {
    [None, Some(Dimension::Source), Some(Dimension::Browser)]
}

fn ask(counting: &Counting, question: &Question, range: DateRange) -> Result<Narrowed, String> {
    let connection = &counting.writable.as_ref().unwrap().connection;
    let file = connection.unchecked_transaction().unwrap();
    let reach = Reach::read(question, range, &file).unwrap();
    narrowed::answer(question, &reach, &wanted(), &file).unwrap()
}

fn check(timed: &[(i64, Step)]) -> Result<(), TestCaseError> {
    let mut counting = Counting::new(REGISTRY);
    let beacons: Vec<Beacon<'_>> = timed.iter().map(|(at, step)| beacon(*at, step)).collect();
    counting.slice(&beacons);
    for site in SITES {
        let own = counting.registry.site(site).unwrap().clone();
        let views = views(&beacons, site);
        let times: Vec<i64> = views.iter().map(|view| second(view.beacon)).collect();
        let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) else { continue };
        let range = DateRange {
            first: date_at(*first, &own.zone).first_of_month(),
            last: date_at(*last, &own.zone).last_of_month(),
        };
        for filters in every_filter() {
            let mut question = Question::about(own.clone(), &counting.registry, *last);
            question.filters = filters;
            question.granularity = Some(Interval::Month);
            let found = ask(&counting, &question, range).unwrap();
            let expected = recounted(&views, &question.filters, &own.zone, &counting);
            prop_assert_eq!(found.series.total, expected, "{} {:?}", site, &question.filters);
            // Each row of a ranking is what one filter more would tell.
            for ranking in &found.rankings {
                let ranking = ranking.as_ref().unwrap();
                for row in &ranking.rows {
                    let dimension = Dimension::from_name(&ranking.dimension);
                    let mut filters = question.filters.clone();
                    filters.push(Filter::is(dimension, &row.name));
                    let expected = recounted(&views, &filters, &own.zone, &counting);
                    prop_assert_eq!(row.figures, expected, "{} {:?}", site, filters);
                }
            }
            check_sums(&counting, &question, range, &found)?;
        }
    }
    Ok(())
}

/// What pairs can tell without single page views is the same.
fn check_sums(
    counting: &Counting,
    question: &Question,
    range: DateRange,
    found: &Narrowed,
) -> Result<(), TestCaseError> {
    let connection = &counting.writable.as_ref().unwrap().connection;
    // It is never committed.
    let file = connection.unchecked_transaction().unwrap();
    let ask = |reach: &Reach| narrowed::answer(question, reach, &wanted(), &file).unwrap();
    let quick = Reach::read(question, range, &file).unwrap().quick(0, question, &file).unwrap();
    prop_assert!(quick.is_quick && !quick.is_single);
    let without = ask(&quick);
    file.execute_batch("DELETE FROM beacon_event").unwrap();
    let summed = ask(&Reach::read(question, range, &file).unwrap());
    drop(file);
    prop_assert_eq!(without.is_ok(), summed.is_ok());
    if let (Ok(without), Ok(summed)) = (&without, &summed) {
        prop_assert_eq!(&without.series, &summed.series);
        let rows = |ranking: &Result<Ranking, String>| ranking.clone().map_err(drop);
        let all = |of: &Narrowed| of.rankings.iter().map(rows).collect::<Vec<_>>();
        prop_assert_eq!(all(without), all(summed));
    }
    match summed {
        Err(why) => prop_assert!(why.contains("page and source"), "{}", why),
        Ok(summed) => {
            prop_assert_eq!(summed.series.total, found.series.total, "{:?}", &question.filters);
            for (of, than) in summed.rankings.iter().zip(&found.rankings) {
                let (Ok(of), Ok(than)) = (of, than) else { continue };
                let sorted = |ranking: &Ranking| {
                    let rows = ranking.rows.iter().map(|row| (row.name.clone(), row.figures.count));
                    let mut rows: Vec<(String, i64)> = rows.collect();
                    rows.retain(|(_, count)| *count > 0);
                    rows.sort();
                    rows
                };
                prop_assert_eq!(sorted(of), sorted(than), "{:?}", &question.filters);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn filters_tell_what_a_naive_recount_tells(timed in steps()) {
        check(&timed)?;
    }
}
