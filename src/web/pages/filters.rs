//! What a page can be filtered by, and where its rows lead.

use super::{Asked, top};
use crate::{
    model::dimension::Dimension,
    page::{card::Leads, filters::FilterBar, link::Place},
    report::narrowed::Reach,
    store::narrowed::has_column,
};

/// What the figures are of pages, as of sites they are something else.
const OF_PAGES: &str =
    "Visits and bounces are those that began on such a page, seconds those spent there.";

/// The bar of the page at `place`.
pub(super) fn bar(asked: &Asked, reach: &Reach, place: Place, note: Option<String>) -> FilterBar {
    let event = &asked.question.event;
    let dimensions = event.dimensions.iter().filter(|own| has_column(own)).cloned().map(Some);
    let mut offered = Vec::new();
    let mut refused = None;
    for dimension in [None].into_iter().chain(dimensions) {
        match reach.obstacle_to_adding(event, &asked.question.filters, dimension.as_ref()) {
            None => offered.push(dimension),
            Some(why) => refused = Some(why),
        }
    }
    let only_exact = !reach.is_single;
    let of_pages = asked.question.filters.iter().any(|filter| filter.dimension.is_none());
    let note = match note {
        None if of_pages && event.visits => Some(OF_PAGES.to_owned()),
        note => note,
    };
    let identifier = top::identifier_noun(event);
    FilterBar { place, identifier, offered, refused, only_exact, note }
}

/// Where the rows of a ranking lead: to `place` with one filter more, if that can be answered.
pub(super) fn leads(
    asked: &Asked,
    reach: &Reach,
    dimension: Option<&Dimension>,
    place: &Place,
) -> Leads {
    let (event, filters) = (&asked.question.event, &asked.question.filters);
    match reach.obstacle_to_adding(event, filters, dimension) {
        None => Leads::Filter(place.clone()),
        Some(why) => Leads::Not(why),
    }
}

/// The page at `path` as it is asked for, but for its site and filters.
pub(super) fn place(asked: &Asked, path: &'static str) -> Place {
    Place { path, pairs: asked.address(path).pairs(), ..Place::default() }
}
