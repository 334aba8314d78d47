//! Sums of days that others have counted, put beside our own in the buckets of a day and longer.

use super::{
    Fold, OTHER, Tallies,
    limits::Newcomer,
    rules::Rules,
    tallies::{Key, Sums},
};
use crate::{
    config::registry::Registry,
    model::{
        day_sum::DaySum,
        period::{Granularity, Period},
        tally::TextId,
        text::{NameScope, Names},
    },
};

impl Fold {
    /// Adds `sums`. What a sum is split by is left out where the registry does not split by it, and so
    /// are the buckets that are shorter than a day.
    ///
    /// # Errors
    /// When `names` can't answer.
    pub fn sums<N: Names>(
        &mut self,
        sums: &[DaySum],
        registry: &Registry,
        names: &mut N,
    ) -> Result<Tallies, N::Error> {
        let other = names.intern(OTHER)?;
        let (mut rules, mut gathered) = (Rules::default(), Sums::default());
        for sum in sums {
            let site = rules.site(&sum.site, registry, names)?;
            let event = rules.event(&sum.event_type, registry, names)?;
            let day = Period::of_date(Granularity::Day, sum.date, &site.zone).start;
            let mut admit = |dimension: TextId, name: &str, most: u32| {
                let scope = NameScope { site: site.id, event_type: event.id, dimension };
                let newcomer = Newcomer { network: None, day };
                let admitted = self.limits.admit(scope, name, newcomer, most, names)?;
                Ok(admitted.unwrap_or(other))
            };
            let limits = &event.rules.limits;
            let mut key = Key::of(&site, &event, day);
            if let Some(name) = &sum.identifier {
                key = key.identifier(admit(TextId::TOTAL, name, limits.identifiers_per_day)?);
            }
            if let Some((dimension, value)) = &sum.value {
                let rule = event.dimensions.iter().find(|rule| rule.dimension == *dimension);
                let is_kept = |in_total, in_pairs| {
                    if sum.identifier.is_some() { in_pairs } else { in_total }
                };
                let Some(rule) = rule.filter(|rule| is_kept(rule.in_total, rule.in_pairs)) else {
                    continue;
                };
                key = key.value(rule.id, admit(rule.id, value, limits.values_per_dimension)?);
            }
            gathered.add(key, sum.counters);
        }
        let mut tallies = gathered.rolled_up(&rules, &mut self.calendar);
        tallies.aggregates.retain(|(key, _)| key.granularity >= Granularity::Day);
        tallies.breakdowns.retain(|(key, _)| key.aggregate.granularity >= Granularity::Day);
        Ok(tallies)
    }
}
