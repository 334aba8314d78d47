//! Every zone there is, at every change of its clocks and around it: each instant lies in one bucket of each
//! length, and that one in one of the next.

use jiff::{
    Timestamp,
    tz::{self, TimeZone},
};
use trim_beacons::model::period::{Granularity, Period};

use crate::fault::times;

/// 2038-01-01, UTC seconds.
const END: i64 = 2_145_916_800;

const DAY: i64 = 86_400;

/// The bucket of `at`, which neither overlaps with its neighbours nor leaves room between them.
fn checked(granularity: Granularity, at: i64, zone: &TimeZone, name: &str) -> Period {
    let period = Period::containing(granularity, at, zone);
    let word = granularity.as_str();
    assert!(period.contains(at), "{name}: the {word} of {at} is {period:?}");
    for within in [period.start, period.end - 1] {
        let same = Period::containing(granularity, within, zone);
        assert_eq!(same, period, "{name}: the {word} of {within} within that of {at}");
    }
    let next = Period::containing(granularity, period.end, zone);
    assert_eq!(next.start, period.end, "{name}: the {word} after that of {at}");
    period
}

#[test]
fn in_every_zone_buckets_tile_time_and_nest() {
    let (mut zones, mut changes, mut instants) = (0, 0, 0);
    // Thoroughly, every day of every zone is looked at; else those around each change of clocks.
    let every_day = times(0, 1) == 1;
    for name in tz::db().available() {
        let zone = TimeZone::get(name.as_str()).unwrap();
        zones += 1;
        let mut moments: Vec<i64> = Vec::new();
        for change in zone.following(Timestamp::UNIX_EPOCH) {
            let at = change.timestamp().as_second();
            if at >= END {
                break;
            }
            changes += 1;
            moments.extend([
                at - DAY,
                at - 3600,
                at - 1,
                at,
                at + 1,
                at + 1800,
                at + 3600,
                at + DAY,
            ]);
        }
        if every_day {
            moments.extend((0..END / DAY).map(|day| day * DAY));
        }
        moments.extend([0, END / 2, END]);
        for at in moments.into_iter().filter(|at| *at >= 0) {
            instants += 1;
            let mut finer: Option<Period> = None;
            for granularity in Granularity::ALL {
                let period = checked(granularity, at, &zone, name.as_str());
                if let Some(finer) = finer {
                    let nests = period.start <= finer.start && finer.end <= period.end;
                    assert!(nests, "{}: {finer:?} in {period:?}", name.as_str());
                }
                finer = Some(period);
            }
        }
    }
    println!("{zones} zones, {changes} changes of clocks, {instants} instants");
    assert!(zones > 400 && changes > 10_000, "{zones} zones, {changes} changes");
}
