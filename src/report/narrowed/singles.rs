//! Counting single beacons: each adds what it added to the sums, if it meets the filters.

use std::{
    collections::{HashMap, HashSet},
    hash::BuildHasher as _,
};

use super::Course;
use crate::{
    model::{
        dimension::Dimension,
        period::{DateRange, Granularity},
        tally::{Counters, TextId},
    },
    report::{question::Question, reading},
    store::{
        Error, Transaction,
        figures::Sums,
        narrowed::{self, Scan, Single, has_column},
    },
};

/// How many visitors of one thing or another are told apart on one day at most: about 64 MB.
const SEEN_MAX: usize = 4_000_000;

type Summed = HashMap<TextId, Counters, foldhash::fast::RandomState>;

/// What is being ranked.
enum Ranked {
    Identifiers,
    EntryPages,
    /// A column of the scan. Of some, each visitor has one value only.
    Column {
        at: usize,
        of_visitor: bool,
    },
    /// What single beacons don't know.
    Nothing,
}

struct Counting<'c> {
    course: &'c mut Course,
    ranked: Vec<(Ranked, Summed)>,
    /// The first instants of the days, UTC seconds.
    midnights: Vec<i64>,
    seen: HashSet<u64, foldhash::fast::RandomState>,
    /// The day that they were seen on: what comes is in the order of time.
    day: usize,
    hasher: foldhash::fast::FixedState,
}

/// Adds to `course` what meets the filters, and gives the sums of each of `wanted`; `None` when there
/// are more visitors than can be told apart.
pub(super) fn count(
    question: &Question,
    range: DateRange,
    wanted: &[Option<Dimension>],
    course: &mut Course,
    file: &Transaction<'_>,
) -> Result<Option<Vec<Sums>>, Error> {
    let Some(subject) = reading::subject(question, file)? else {
        return Ok(Some(wanted.iter().map(|_| Sums::new()).collect()));
    };
    let (from, to) = range.instants(&question.site.zone);
    let mut columns = Vec::new();
    let mut ranked = Vec::new();
    for dimension in wanted {
        let what = match dimension {
            None => Ranked::Identifiers,
            Some(Dimension::EntryPage) => Ranked::EntryPages,
            Some(dimension) if has_column(dimension) => {
                columns.push(dimension.clone());
                let of_visitor = dimension.is_of_visitor();
                Ranked::Column { at: columns.len() - 1, of_visitor }
            }
            Some(_) => Ranked::Nothing,
        };
        ranked.push((what, Summed::default()));
    }
    let mut counting = Counting {
        course,
        ranked,
        midnights: midnights(&range, question),
        seen: HashSet::default(),
        day: 0,
        hasher: foldhash::fast::FixedState::default(),
    };
    let mut is_whole = true;
    let scan = Scan { subject, from, to, filters: &question.filters, columns: &columns };
    narrowed::scan(file, &scan, |single| {
        counting.add(single);
        is_whole = counting.seen.len() <= SEEN_MAX;
        is_whole
    })?;
    let ranks = counting.ranked.into_iter().map(|(_, sums)| sums.into_iter().collect());
    Ok(is_whole.then(|| ranks.collect()))
}

impl Counting<'_> {
    fn add(&mut self, single: &Single) {
        if single.own {
            self.add_own(single);
        }
        // What a later page view tells of a visit belongs to where that began.
        let visit_at = single.at - single.since;
        if single.left && single.gap != 0 {
            let seconds = Counters { seconds: single.gap, ..Counters::default() };
            self.course.add(visit_at, seconds);
            self.rank(single, 1, seconds);
        }
        if single.entry && single.second {
            let unbounced = Counters { bounces: -1, ..Counters::default() };
            self.course.add(visit_at, unbounced);
            self.rank(single, 2, unbounced);
        }
    }

    /// Adds to what is ranked; identifiers by the page at `page` of [`Single::pages`].
    fn rank(&mut self, single: &Single, page: usize, counters: Counters) {
        let page = single.pages.get(page).copied().flatten();
        for (ranked, sums) in &mut self.ranked {
            let value = match ranked {
                Ranked::Identifiers => page,
                Ranked::EntryPages if counters.seconds == 0 => page,
                Ranked::Column { at, .. } => single.values.get(*at).copied().flatten(),
                Ranked::EntryPages | Ranked::Nothing => None,
            };
            if let Some(value) = value {
                *sums.entry(value).or_default() += counters;
            }
        }
    }

    fn add_own(&mut self, single: &Single) {
        let day = self.midnights.partition_point(|midnight| *midnight <= single.at);
        if day != self.day {
            self.day = day;
            self.seen.clear();
        }
        let is_first = self.first(single, 0, TextId::TOTAL);
        let began = i64::from(single.began);
        let own = |first: bool| Counters {
            count: 1,
            visitors: i64::from(first),
            visits: began,
            bounces: began,
            seconds: 0,
        };
        self.course.add(single.at, own(is_first));
        for index in 0..self.ranked.len() {
            let Some((ranked, _)) = self.ranked.get(index) else { continue };
            let (value, counters) = match *ranked {
                Ranked::Identifiers => {
                    let value = single.pages[0];
                    (value, own(self.first_value(single, index, value)))
                }
                Ranked::EntryPages if single.began => {
                    (single.pages[2], Counters { visitors: 0, ..own(false) })
                }
                Ranked::Column { at, of_visitor } => {
                    let value = single.values.get(at).copied().flatten();
                    let is_first =
                        if of_visitor { is_first } else { self.first_value(single, index, value) };
                    (value, own(is_first))
                }
                Ranked::EntryPages | Ranked::Nothing => continue,
            };
            if let (Some(value), Some((_, sums))) = (value, self.ranked.get_mut(index)) {
                *sums.entry(value).or_default() += counters;
            }
        }
    }

    fn first_value(&mut self, single: &Single, index: usize, value: Option<TextId>) -> bool {
        value.is_some_and(|value| self.first(single, index + 1, value))
    }

    /// Whether the visitor is met for the first time that day.
    fn first(&mut self, single: &Single, of: usize, value: TextId) -> bool {
        let Some(visitor) = single.visitor else { return false };
        self.seen.insert(self.hasher.hash_one((visitor, of, value.0)))
    }
}

fn midnights(range: &DateRange, question: &Question) -> Vec<i64> {
    let days = range.periods(Granularity::Day, &question.site.zone);
    days.into_iter().map(|day| day.start).collect()
}
