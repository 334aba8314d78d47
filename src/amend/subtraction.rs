//! What is to be taken, row by row: never more than is there.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use crate::{
    model::{
        period::{Granularity, Period},
        tally::{AggregateKey, Bar, BreakdownKey, Counters, HistogramKey, TextId},
    },
    store::{
        self, Transaction,
        figures::{self, Bucket, Subject},
        gather::{Gatherer, Side},
        rows,
    },
};

/// Rows that are to be taken from a file.
pub(super) struct Subtraction<'f> {
    file: &'f Transaction<'f>,
    zone: &'f TimeZone,
    aggregates: BTreeMap<AggregateKey, Counters>,
    breakdowns: BTreeMap<BreakdownKey, Counters>,
    bars: BTreeMap<HistogramKey, Bar>,
    titles: Vec<(AggregateKey, String)>,
    kept: Vec<i64>,
}

/// A row that is split in finer buckets than those in which it is known how much to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Row {
    Aggregate(AggregateKey),
    Breakdown(BreakdownKey),
}

impl Row {
    pub(super) const fn aggregate(&self) -> &AggregateKey {
        match self {
            Self::Aggregate(key) => key,
            Self::Breakdown(key) => &key.aggregate,
        }
    }

    /// The same row of another bucket.
    pub(super) const fn at(self, granularity: Granularity, period_start: i64) -> Self {
        match self {
            Self::Aggregate(key) => {
                Self::Aggregate(AggregateKey { granularity, period_start, ..key })
            }
            Self::Breakdown(key) => {
                let aggregate = AggregateKey { granularity, period_start, ..key.aggregate };
                Self::Breakdown(BreakdownKey { aggregate, ..key })
            }
        }
    }
}

/// How much is rather taken where, by granularity and first instant.
pub(super) type Preferred = BTreeMap<(Granularity, i64), Counters>;

impl<'f> Subtraction<'f> {
    /// Nothing yet, from `file`, in which the days of the site are those of `zone`.
    pub(super) const fn new(file: &'f Transaction<'f>, zone: &'f TimeZone) -> Self {
        Self {
            file,
            zone,
            aggregates: BTreeMap::new(),
            breakdowns: BTreeMap::new(),
            bars: BTreeMap::new(),
            titles: Vec::new(),
            kept: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.aggregates.is_empty() && self.breakdowns.is_empty() && self.bars.is_empty()
    }

    /// Takes `wanted` from a row, or what is left of it. Says how much that is.
    pub(super) fn take(&mut self, row: Row, wanted: Counters) -> Result<Counters, store::Error> {
        let left = self.left(row)?;
        let taken = wanted.at_most(left);
        if !taken.is_zero() {
            let sum = match row {
                Row::Aggregate(key) => self.aggregates.entry(key).or_default(),
                Row::Breakdown(key) => self.breakdowns.entry(key).or_default(),
            };
            *sum += taken;
        }
        Ok(taken)
    }

    /// What is left in an aggregate that has `there`.
    pub(super) fn left_of(&self, key: &AggregateKey, there: Counters) -> Counters {
        there - self.aggregates.get(key).copied().unwrap_or_default()
    }

    /// What is left in a row.
    pub(super) fn left(&self, row: Row) -> Result<Counters, store::Error> {
        let (there, taken) = match row {
            Row::Aggregate(key) => (rows::aggregate(self.file, &key)?, self.aggregates.get(&key)),
            Row::Breakdown(key) => (rows::breakdown(self.file, &key)?, self.breakdowns.get(&key)),
        };
        Ok(there - taken.copied().unwrap_or_default())
    }

    /// Takes `wanted`, which was taken from `row`, from the same row of the finer buckets within it too:
    /// first where `preferred` says how much it was there, as far as is known, then from the first on. Of
    /// a month the days come first, and then what is finer in each: some days of it may have hours, others not.
    ///
    /// Says what was taken from which of the finer buckets.
    pub(super) fn take_within(
        &mut self,
        row: Row,
        wanted: Counters,
        preferred: &mut Preferred,
    ) -> Result<Vec<(AggregateKey, Counters)>, store::Error> {
        let AggregateKey { granularity: coarse, period_start, .. } = *row.aggregate();
        let period = Period::containing(coarse, period_start, self.zone);
        let finer: Vec<Granularity> =
            Granularity::ALL.into_iter().filter(|granularity| *granularity < coarse).collect();
        let days = finer.partition_point(|granularity| *granularity < Granularity::Day);
        let (within_days, from_days) = finer.split_at(days);
        let found = match self.finest(from_days, period, row)? {
            None => self.finest(within_days, period, row)?,
            found => found,
        };
        let Some((finest, buckets)) = found else { return Ok(Vec::new()) };
        let mut rest = wanted;
        let mut all = Vec::new();
        for by_preference in [true, false] {
            for &start in &buckets {
                let most = match preferred.get_mut(&(finest, start)) {
                    Some(most) if by_preference => rest.at_most(*most),
                    None if by_preference => continue,
                    _ => rest,
                };
                if most.is_zero() {
                    continue;
                }
                let taken = self.take(row.at(finest, start), most)?;
                rest = rest - taken;
                if by_preference && let Some(left) = preferred.get_mut(&(finest, start)) {
                    *left = *left - taken;
                }
                for &between in finer.iter().filter(|granularity| **granularity > finest) {
                    let bucket = Period::containing(between, start, self.zone).start;
                    let taken_here = self.take(row.at(between, bucket), taken)?;
                    all.push((*row.at(between, bucket).aggregate(), taken_here));
                }
                let here = row.at(finest, start);
                all.push((*here.aggregate(), taken));
                if finest >= Granularity::Day && !taken.is_zero() {
                    all.extend(self.take_within(here, taken, preferred)?);
                }
            }
        }
        Ok(all)
    }

    /// The finest granularity in which the event type of `row` has buckets in `period`, and these. Another event
    /// type, or another site, may have finer ones.
    fn finest(
        &self,
        finer: &[Granularity],
        period: Period,
        row: Row,
    ) -> Result<Option<(Granularity, Vec<i64>)>, store::Error> {
        let AggregateKey { site, event_type, .. } = *row.aggregate();
        let subject = Subject { site, event_type };
        for &granularity in finer {
            let mut starts = Vec::new();
            for bucket in figures::buckets(self.file, granularity, period.start, period.end)? {
                if figures::has_bucket(self.file, subject, bucket)? {
                    starts.push(bucket.start);
                }
            }
            if !starts.is_empty() {
                return Ok(Some((granularity, starts)));
            }
        }
        Ok(None)
    }

    /// Takes `counters`, which were taken from a row of the day, from the same row of `longer` periods.
    pub(super) fn take_from_longer(
        &mut self,
        row: Row,
        counters: Counters,
        longer: &[Period],
    ) -> Result<(), store::Error> {
        longer.iter().try_for_each(|period| {
            self.take(row.at(period.granularity, period.start), counters).map(|_| ())
        })
    }

    /// Takes a bar of a day, and the same from those of the `longer` periods that are there.
    pub(super) fn take_bar_of_day(
        &mut self,
        key: HistogramKey,
        bar: Bar,
        longer: &[Period],
    ) -> Result<(), store::Error> {
        self.bars.entry(key).or_default().add(bar);
        let AggregateKey { site, event_type, .. } = key.aggregate;
        for &Period { granularity, start, .. } in longer {
            let bucket = Bucket { granularity, start };
            if figures::has_bucket(self.file, Subject { site, event_type }, bucket)? {
                let aggregate = AggregateKey { granularity, period_start: start, ..key.aggregate };
                self.bars.entry(HistogramKey { aggregate, ..key }).or_default().add(bar);
            }
        }
        Ok(())
    }

    /// Takes a bar, and the same from the total's.
    pub(super) fn take_bar(&mut self, key: HistogramKey, bar: Bar) {
        let total = AggregateKey { identifier: TextId::TOTAL, ..key.aggregate };
        for aggregate in [key.aggregate, total] {
            self.bars.entry(HistogramKey { aggregate, ..key }).or_default().add(bar);
        }
    }

    /// Lets a title go with its row.
    pub(super) fn take_title(&mut self, key: AggregateKey, title: String) {
        self.titles.push((key, title));
    }

    /// Takes the single beacon with this number.
    pub(super) fn take_kept(&mut self, id: i64) {
        self.kept.push(id);
    }

    /// Hands it all to `gatherer`.
    pub(super) fn gather(self, gatherer: &mut Gatherer<'_>) -> Result<(), store::Error> {
        let side = Side::Taken;
        self.aggregates
            .into_iter()
            .try_for_each(|(key, sum)| gatherer.aggregate(side, key, sum))?;
        self.breakdowns
            .into_iter()
            .try_for_each(|(key, sum)| gatherer.breakdown(side, key, sum))?;
        self.bars.into_iter().try_for_each(|(key, bar)| gatherer.bar(side, key, bar))?;
        self.titles.into_iter().try_for_each(|(key, title)| gatherer.title(side, key, title))?;
        self.kept.into_iter().try_for_each(|id| gatherer.take_kept(id))
    }
}
