//! The columns of a row's key and of its counters, in the order in which every statement numbers them.

use crate::model::tally::{AggregateKey, BreakdownKey, Counters, HistogramKey};

/// `?1` to `?5`: granularity, period_start, site, event_type, identifier.
pub(super) fn of_aggregate(key: &AggregateKey) -> [i64; 5] {
    let AggregateKey { granularity, period_start, site, event_type, identifier } = key;
    [granularity.code(), *period_start, site.0.into(), event_type.0.into(), identifier.0.into()]
}

/// `?1` to `?7`: those of the aggregate, dimension, value.
pub(super) fn of_breakdown(key: &BreakdownKey) -> [i64; 7] {
    let BreakdownKey { aggregate, dimension, value } = key;
    let [granularity, period_start, site, event_type, identifier] = of_aggregate(aggregate);
    let (dimension, value) = (dimension.0.into(), value.0.into());
    [granularity, period_start, site, event_type, identifier, dimension, value]
}

/// `?1` to `?7`: those of the aggregate, measure, bound.
pub(super) fn of_bar(key: &HistogramKey) -> [i64; 7] {
    let HistogramKey { aggregate, measure, bound } = key;
    let [granularity, period_start, site, event_type, identifier] = of_aggregate(aggregate);
    [granularity, period_start, site, event_type, identifier, measure.0.into(), *bound]
}

/// The next five: count, visitors, visits, bounces, seconds.
pub(super) const fn of_counters(counters: &Counters) -> [i64; 5] {
    let Counters { count, visitors, visits, bounces, seconds } = *counters;
    [count, visitors, visits, bounces, seconds]
}
