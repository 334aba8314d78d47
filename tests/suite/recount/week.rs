//! The hours of the week add up to what every page view tells by the clock on its wall, also where that
//! clock skips an hour or shows one twice.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use trim_beacons::{
    model::{
        beacon::Beacon,
        period::{DateRange, Granularity, date_at},
    },
    report::{question::Question, week},
};

use super::{
    Counting, REGISTRY, SITES, Step, beacon,
    naive::{bucket, local, second},
    steps,
};

/// No clock has changed in between since they keep standard time.
const QUARTER: i64 = 900;

fn check(timed: &[(i64, Step)]) -> Result<(), TestCaseError> {
    let mut counting = Counting::new(REGISTRY);
    let beacons: Vec<Beacon<'_>> = timed.iter().map(|(at, step)| beacon(*at, step)).collect();
    counting.slice(&beacons);
    for site in SITES {
        let own = counting.registry.site(site).unwrap().clone();
        let viewed = |it: &&Beacon<'_>| it.event_type == "page_view" && it.site == site;
        let times: Vec<i64> = beacons.iter().filter(viewed).map(second).collect();
        let Some(last) = times.iter().max() else { continue };
        let now = last + 7_200;
        let question = Question::about(own.clone(), &counting.registry, now);
        let connection = &counting.writable.as_ref().unwrap().connection;
        let file = connection.unchecked_transaction().unwrap();
        let range = DateRange::ending(date_at(*last, &own.zone), 1);
        let found = week::answer(&question, range, &file).unwrap().unwrap();
        let place = |start: i64| {
            let local = local(start, &own.zone);
            let day = local.date().weekday().since(own.week_starts);
            usize::try_from(i64::from(day) * 24 + i64::from(local.hour())).unwrap()
        };
        let (from, to) = found.range.instants(&own.zone);
        let start = |at: i64| bucket(at, Granularity::Hour, &own.zone);
        let mut counts: BTreeMap<usize, i64> = BTreeMap::new();
        for at in times.iter().filter(|at| (from..to).contains(*at)) {
            *counts.entry(place(start(*at))).or_default() += 1;
        }
        // Every quarter of an hour of the dates is of some hour; what has ended counts.
        let quarters = (0..).map(|step| from + step * QUARTER).take_while(|at| *at < to);
        let starts: BTreeSet<i64> = quarters.map(start).collect();
        let mut shown: BTreeMap<usize, i64> = BTreeMap::new();
        let ended = starts.iter().zip(starts.iter().skip(1).copied().chain([to]));
        for (start, _) in ended.filter(|(_, end)| *end <= now) {
            *shown.entry(place(*start)).or_default() += 1;
        }
        for (at, hour) in found.hours.iter().enumerate() {
            let expected = counts.get(&at).copied().unwrap_or(0);
            prop_assert_eq!(hour.figures.count, expected, "{} hour {}", site, at);
            prop_assert_eq!(hour.times, shown.get(&at).copied().unwrap_or(0), "{} {}", site, at);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_hours_of_the_week_are_those_of_the_wall_clock(timed in steps()) {
        check(&timed)?;
    }
}
