//! The registry's rules with their names turned into numbers, for one slice.

use std::{collections::HashMap, sync::Arc};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::{
    config::registry::{EventType, MeasureRule, Registry},
    model::{dimension::Dimension, tally::TextId, text::Names},
};

/// A site, as far as counting needs it.
#[derive(Debug)]
pub(super) struct SiteRules {
    pub(super) id: TextId,
    pub(super) zone: TimeZone,
    digest: u32,
}

/// An event type with the numbers of its names.
#[derive(Debug)]
pub(super) struct EventRules {
    pub(super) id: TextId,
    pub(super) rules: Arc<EventType>,
    /// All that it is split by, in totals or in pairs.
    pub(super) dimensions: Vec<DimensionRule>,
    pub(super) measures: Vec<NumberedMeasure>,
    /// Whether titles are kept.
    pub(super) titles: bool,
    digest: u32,
}

/// By which rules a visit is counted: a digest of all that decides into which rows it goes. What was added to these
/// rows can be taken back only by the same rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Way(u32);

impl Way {
    pub(super) const fn of(site: &SiteRules, event: &EventRules) -> Self {
        Self(site.digest ^ event.digest)
    }

    #[cfg(test)]
    pub(super) const fn test(number: u32) -> Self {
        Self(number)
    }
}

/// One dimension of an event type.
#[derive(Debug)]
pub(super) struct DimensionRule {
    pub(super) dimension: Dimension,
    pub(super) id: TextId,
    pub(super) in_total: bool,
    pub(super) in_pairs: bool,
}

/// A measure with the number of its name.
#[derive(Debug)]
pub(super) struct NumberedMeasure {
    pub(super) id: TextId,
    pub(super) name: String,
    pub(super) rule: MeasureRule,
}

/// The rules that were looked up so far.
#[derive(Debug, Default)]
pub(super) struct Rules {
    sites: HashMap<String, Arc<SiteRules>, foldhash::fast::RandomState>,
    events: HashMap<String, Arc<EventRules>, foldhash::fast::RandomState>,
    zones: HashMap<TextId, TimeZone, foldhash::fast::RandomState>,
    granularities: HashMap<TextId, Arc<EventRules>, foldhash::fast::RandomState>,
}

impl Rules {
    /// The site called `name`. One that has left the registry since its beacon was answered is
    /// counted in the zone of the first.
    pub(super) fn site<N: Names>(
        &mut self,
        name: &str,
        registry: &Registry,
        names: &mut N,
    ) -> Result<Arc<SiteRules>, N::Error> {
        if let Some(known) = self.sites.get(name) {
            return Ok(Arc::clone(known));
        }
        let site = registry.site(name).or_else(|| registry.sites.first());
        let zone = site.map_or(TimeZone::UTC, |site| site.zone.clone());
        let digest = digest(&format!("zone {}", zone.iana_name().unwrap_or_default()));
        let rules = Arc::new(SiteRules { id: names.intern(name)?, zone, digest });
        self.zones.insert(rules.id, rules.zone.clone());
        self.sites.insert(name.to_owned(), Arc::clone(&rules));
        Ok(rules)
    }

    /// The event type called `name`. One that has left the registry since its beacon was answered is
    /// counted by day.
    pub(super) fn event<N: Names>(
        &mut self,
        name: &str,
        registry: &Registry,
        names: &mut N,
    ) -> Result<Arc<EventRules>, N::Error> {
        if let Some(known) = self.events.get(name) {
            return Ok(Arc::clone(known));
        }
        let rules = registry.event(name).cloned();
        let rules = rules.unwrap_or_else(|| Arc::new(EventType::bare(name)));
        let rules = Arc::new(EventRules::numbered(names.intern(name)?, rules, names)?);
        self.granularities.insert(rules.id, Arc::clone(&rules));
        self.events.insert(name.to_owned(), Arc::clone(&rules));
        Ok(rules)
    }

    /// The rules and the zone behind a key that was made from them.
    pub(super) fn behind(&self, site: TextId, event: TextId) -> Option<(&TimeZone, &EventRules)> {
        Some((self.zones.get(&site)?, self.granularities.get(&event)?))
    }
}

impl EventRules {
    fn numbered<N: Names>(
        id: TextId,
        rules: Arc<EventType>,
        names: &mut N,
    ) -> Result<Self, N::Error> {
        let mut dimensions: Vec<DimensionRule> = Vec::new();
        let all = rules.dimensions.iter().chain(&rules.pairs);
        for dimension in all.filter(|dimension| **dimension != Dimension::Title) {
            if dimensions.iter().any(|known| known.dimension == *dimension) {
                continue;
            }
            dimensions.push(DimensionRule {
                dimension: dimension.clone(),
                id: names.intern(&dimension.name())?,
                in_total: rules.dimensions.contains(dimension),
                in_pairs: rules.pairs.contains(dimension),
            });
        }
        let mut measures = Vec::new();
        for rule in &rules.measures {
            let name = rule.name.clone();
            measures.push(NumberedMeasure { id: names.intern(&name)?, name, rule: rule.clone() });
        }
        let titles = rules.dimensions.contains(&Dimension::Title);
        let buckets =
            (&rules.granularities, rules.finest_of_splits(), rules.finest_of_pairs(), &dimensions);
        let digest = digest(&format!("{buckets:?}"));
        Ok(Self { id, rules, dimensions, measures, titles, digest })
    }
}

/// The first bytes of a digest that stays the same over releases.
fn digest(text: &str) -> u32 {
    let [a, b, c, d, ..] = *blake3::hash(text.as_bytes()).as_bytes();
    u32::from_le_bytes([a, b, c, d])
}
