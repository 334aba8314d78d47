//! The filters of a page: what is in force, each with a way out, and a form for one more.

use super::link::{self, Link, Place, Way};
use crate::model::{
    country,
    dimension::Dimension,
    filter::{Filter, IDENTIFIER, Operator},
};

/// The parameters that say which dates, and of which event type.
const OF_RANGE: [&str; 4] = [link::PERIOD, link::FROM, link::TO, link::EVENT];

/// The filters of a page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilterBar {
    /// The page itself.
    pub place: Place,
    /// What an identifier is called: `Page`.
    pub identifier: &'static str,
    /// What can be filtered by; `None` is the identifier.
    pub offered: Vec<Option<Dimension>>,
    /// Why the rest can't.
    pub refused: Option<String>,
    /// Whether values can only be asked for as they are.
    pub only_exact: bool,
    /// How sure the figures are, if that must be said.
    pub note: Option<String>,
}

/// A filter in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chip {
    /// `Page is`.
    pub(super) what: String,
    pub(super) value: String,
    /// Everything about it, where that is a page.
    pub(super) own: Option<String>,
    /// Without it.
    pub(super) href: String,
}

impl FilterBar {
    pub(super) fn chips(&self, way: &Way) -> Vec<Chip> {
        let chip = |(index, filter): (usize, &Filter)| Chip {
            what: format!(
                "{} {}",
                noun(filter.dimension.as_ref(), self.identifier),
                filter.operator.words()
            ),
            value: shown(filter),
            own: self.own(way, filter),
            href: self.place.href(&way.without(index)),
        };
        way.filters.iter().enumerate().map(chip).collect()
    }

    fn own(&self, way: &Way, filter: &Filter) -> Option<String> {
        let path = match (&filter.dimension, filter.operator) {
            (Some(Dimension::Source), Operator::Is) => link::SOURCE,
            (None, Operator::Is) if self.identifier == "Page" => link::PAGE,
            _ => return None,
        };
        let kept = self.place.pairs.iter().filter(|(name, _)| OF_RANGE.contains(name));
        let mut pairs: Vec<(&str, &str)> =
            kept.map(|(name, value)| (*name, value.as_str())).collect();
        pairs.push((link::IDENTIFIER, &filter.value));
        Some(way.to(path, &pairs))
    }

    /// Without any filter.
    pub(super) fn cleared(&self, way: &Way) -> String {
        self.place.href(&way.unfiltered())
    }

    /// What can be filtered by: its value in the form, and its name.
    pub(super) fn options(&self) -> Vec<(String, String)> {
        let option = |dimension: &Option<Dimension>| {
            let value = dimension.as_ref().map_or(IDENTIFIER.into(), Dimension::name);
            (value.into_owned(), noun(dimension.as_ref(), self.identifier))
        };
        self.offered.iter().map(option).collect()
    }

    /// How values can be compared.
    pub(super) fn operators(&self) -> Vec<Link> {
        let all = Operator::ALL.iter().filter(|own| !self.only_exact || **own == Operator::Is);
        let option = |operator: &Operator| Link {
            name: operator.words().to_owned(),
            href: operator.slug().to_owned(),
            current: false,
        };
        all.map(option).collect()
    }
}

/// The value as people read it.
fn shown(filter: &Filter) -> String {
    match (&filter.dimension, filter.operator) {
        (Some(Dimension::Country), Operator::Is | Operator::IsNot) => {
            country::name(&filter.value).unwrap_or(&filter.value).to_owned()
        }
        _ => filter.value.clone(),
    }
}

/// What one value of a dimension is called.
pub fn noun(dimension: Option<&Dimension>, identifier: &str) -> String {
    let noun = match dimension {
        None => identifier,
        Some(Dimension::Hostname) => "Host",
        Some(Dimension::Title) => "Title",
        Some(Dimension::Page) => "Page",
        Some(Dimension::EntryPage) => "Entry page",
        Some(Dimension::ExitPage) => "Exit page",
        Some(Dimension::Source) => "Source",
        Some(Dimension::Channel) => "Channel",
        Some(Dimension::Referrer) => "Referrer",
        Some(Dimension::UtmSource) => "UTM source",
        Some(Dimension::UtmMedium) => "UTM medium",
        Some(Dimension::UtmCampaign) => "Campaign",
        Some(Dimension::UtmContent) => "UTM content",
        Some(Dimension::UtmTerm) => "UTM term",
        Some(Dimension::Country) => "Country",
        Some(Dimension::Region) => "Region",
        Some(Dimension::City) => "City",
        Some(Dimension::Browser) => "Browser",
        Some(Dimension::BrowserVersion) => "Browser version",
        Some(Dimension::Os) => "System",
        Some(Dimension::OsVersion) => "System version",
        Some(Dimension::Device) => "Device",
        Some(Dimension::Screen) => "Screen",
        Some(Dimension::Language) => "Language",
        Some(Dimension::Meta(key)) => key,
    };
    noun.to_owned()
}
