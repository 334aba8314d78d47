//! A page gets another name, or joins another page: its rows become rows of that one. So does a site.

use super::{Done, Error, Place, record};
use crate::{
    config::registry::IdentifierRule,
    model::{
        delta::{KeptName, KnownName},
        dimension::Dimension,
        tally::{AggregateKey, BreakdownKey, HistogramKey, TextId},
        text::Names as _,
    },
    store::{
        self, events,
        gather::{Gatherer, Side},
        names::{NameCache, StoredNames},
        rows::{self, Which},
        state,
    },
};

/// The dimensions whose values are pages.
const PAGES: [Dimension; 3] = [Dimension::Page, Dimension::EntryPage, Dimension::ExitPage];

/// Gives all that was counted for the site `from`, which is not declared, to the site of `place`.
pub(super) fn site(place: &Place<'_>, from: &str) -> Result<Done, Error> {
    let old = place.name(from)?;
    let what = format!("moved what was counted for {from} to {}", place.site.name);
    let which = Which { site: Some(old), ..Which::default() };
    if !rows::has_site(place.file, old)? {
        return Err(Error::Nothing(format!("nothing was counted for {from}")));
    }
    state::forget_visitors(place.file, old)?;
    Ok(record(place.file, place.file, (place.now, "move", &what), |gatherer| {
        gatherer.move_sites(old, place.id);
        for side in [Side::Taken, Side::Added] {
            gatherer.buckets(side, &which)?;
            gatherer.rest(side, Some(old))?;
        }
        let mut ids = Vec::new();
        events::each(place.file, Some(old), |id, _| {
            ids.push(id);
            Ok(())
        })?;
        gatherer.change_kept(&ids, KeptName::Site, [old, place.id])
    })?)
}

/// What is renamed, in the numbers of the file.
struct Renaming {
    /// The event types whose identifiers are pages.
    types: Vec<TextId>,
    /// The dimensions whose values are pages.
    dimensions: Vec<TextId>,
    from: TextId,
    to: TextId,
}

/// Renames the page `from`; where there is a page `to`, the two become one.
pub(super) fn page(place: &Place<'_>, from: &str, to: &str) -> Result<Done, Error> {
    if from == to {
        return Err(Error::Nothing(format!("{from} has that name already")));
    }
    let mut cache = NameCache::default();
    let mut types = Vec::new();
    for (event, event_type) in place.events()? {
        if event.identifier == IdentifierRule::PagePath {
            types.push(event_type);
        }
    }
    let mut dimensions = Vec::new();
    for dimension in PAGES {
        dimensions.extend(place.find(&dimension.name())?);
    }
    let from_id = place.name(from)?;
    let to_id = StoredNames::new(place.file, &mut cache).intern(to)?;
    let renaming = Renaming { types, dimensions, from: from_id, to: to_id };
    let what = format!("renamed the page {from} of {} to {to}", place.site.name);
    let mut rows = 0;
    let done = record(place.file, place.file, (place.now, "rename", &what), |gatherer| {
        rows = renaming.gather(place, gatherer)?;
        Ok(())
    })?;
    if rows == 0 {
        return Err(Error::Nothing(format!("{} has no page {from}", place.site.name)));
    }
    Ok(done)
}

impl Renaming {
    /// Takes each row of the old name and adds it under the new one. Says how many rows that are.
    fn gather(
        &self,
        place: &Place<'_>,
        gatherer: &mut Gatherer<'_>,
    ) -> Result<usize, store::Error> {
        let mut rows = 0;
        let which = place.everything();
        rows::aggregates(place.file, &which, |key, counters, title| {
            if !self.is_renamed(&key) {
                return Ok(());
            }
            rows += 1;
            gatherer.aggregate(Side::Taken, key, counters)?;
            gatherer.aggregate(Side::Added, self.renamed(key), counters)?;
            title.map_or(Ok(()), |title| gatherer.title(Side::Taken, key, title))
        })?;
        rows::breakdowns(place.file, &which, |key, counters| {
            let renamed = self.renamed_split(key);
            if renamed == key {
                return Ok(());
            }
            rows += 1;
            gatherer.breakdown(Side::Taken, key, counters)?;
            gatherer.breakdown(Side::Added, renamed, counters)
        })?;
        rows::bars(place.file, &which, |key, bar| {
            if !self.is_renamed(&key.aggregate) {
                return Ok(());
            }
            rows += 1;
            gatherer.bar(Side::Taken, key, bar)?;
            let key = HistogramKey { aggregate: self.renamed(key.aggregate), ..key };
            gatherer.bar(Side::Added, key, bar)
        })?;
        rows::known_names(place.file, Some(place.id), |known, day| {
            let is_page = known.scope.dimension == TextId::TOTAL
                || self.dimensions.contains(&known.scope.dimension);
            if known.value != self.from || !is_page {
                return Ok(());
            }
            gatherer.known(Side::Taken, known, day)?;
            gatherer.known(Side::Added, KnownName { value: self.to, ..known }, day)
        })?;
        self.gather_kept(place, gatherer)?;
        Ok(rows)
    }

    fn gather_kept(
        &self,
        place: &Place<'_>,
        gatherer: &mut Gatherer<'_>,
    ) -> Result<(), store::Error> {
        let mut ids = KeptName::PAGES.map(|name| (name, Vec::new()));
        events::each(place.file, Some(place.id), |id, beacon| {
            for (name, ids) in &mut ids {
                let page = match name {
                    KeptName::Identifier => {
                        beacon.identifier.filter(|_| self.types.contains(&beacon.event_type))
                    }
                    KeptName::Page => {
                        let mut values = beacon.values.iter();
                        values.find(|(of, _)| *of == Dimension::Page).map(|(_, page)| *page)
                    }
                    KeptName::EntryPage => beacon.entry_page,
                    KeptName::LeftPage => beacon.step.map(|step| step.left),
                    KeptName::Site => None,
                };
                if page == Some(self.from) {
                    ids.push(id);
                }
            }
            Ok(())
        })?;
        ids.iter()
            .try_for_each(|(name, ids)| gatherer.change_kept(ids, *name, [self.from, self.to]))
    }

    fn is_renamed(&self, key: &AggregateKey) -> bool {
        key.identifier == self.from && self.types.contains(&key.event_type)
    }

    fn renamed(&self, key: AggregateKey) -> AggregateKey {
        let identifier = if self.is_renamed(&key) { self.to } else { key.identifier };
        AggregateKey { identifier, ..key }
    }

    fn renamed_split(&self, key: BreakdownKey) -> BreakdownKey {
        let is_page = key.value == self.from && self.dimensions.contains(&key.dimension);
        let value = if is_page { self.to } else { key.value };
        BreakdownKey { aggregate: self.renamed(key.aggregate), value, ..key }
    }
}
