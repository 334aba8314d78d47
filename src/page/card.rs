//! Cards: a ranking as a table, each row with a pale bar behind its name.

use super::{
    date::Today,
    link::{self, Link, Place, Way},
    map,
    metric::Metric,
    number::{self, Change},
    svg::{Svg, sparkline},
};
use crate::{
    model::{dimension::Dimension, filter::Filter, period::DateRange},
    report::answer::Ranking,
};

/// A ranking with what a card needs beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// What is ranked, in the plural: `Pages`, `Sources`.
    pub title: String,
    /// Which figure it is ranked by.
    pub metric: Metric,
    /// The rows.
    pub ranking: Ranking,
    /// The recent course of each row, in the order of the rows; empty for none.
    pub trends: Vec<Vec<i64>>,
    /// Links to other rankings that share the card, this one among them; empty for none.
    pub tabs: Vec<Link>,
    /// Where its rows lead.
    pub leads: Leads,
    /// Whether its rows, which are countries, are drawn as a map.
    pub is_map: bool,
}

/// Where the rows of a card lead.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Leads {
    /// Nowhere; and why, if they might.
    #[default]
    Nowhere,
    /// As `Nowhere`, with why.
    Not(String),
    /// To the same page under one filter more.
    Filter(Place),
    /// To a page of their own.
    Own,
    /// To the page at this path that is about them.
    At(&'static str),
}

/// A card as its template shows it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct View {
    /// Its id within the page.
    pub(super) id: String,
    pub(super) title: String,
    pub(super) caption: String,
    /// The range, where it isn't the page's own.
    pub(super) note: Option<String>,
    pub(super) tabs: Vec<Link>,
    /// What heads the columns of figures.
    pub(super) columns: Vec<&'static str>,
    pub(super) rows: Vec<RowView>,
    /// What is shown in place of the rows, of countries.
    pub(super) map: Option<Svg>,
    pub(super) has_trends: bool,
    pub(super) has_shares: bool,
    /// Why there are no rows, or why they lead nowhere.
    pub(super) why: Option<String>,
    /// The link to the full list, if there are more rows.
    pub(super) all: Option<Link>,
}

/// A row as the template shows it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RowView {
    pub(super) text: String,
    /// What is told beside the text: a page's title, a country's code.
    pub(super) hint: String,
    pub(super) href: Option<String>,
    /// Its figures, as many as there are columns.
    pub(super) values: Vec<String>,
    pub(super) share: String,
    /// The bar's length in percent of its column.
    pub(super) width: String,
    pub(super) trend: Svg,
    /// How one of the figures changed, in a column of its own if it is told at all.
    pub(super) change: Option<Change>,
}

impl Card {
    /// The card on a page that is about `range`.
    pub(super) fn view(&self, way: &Way, today: Today, range: DateRange) -> View {
        let ranking = &self.ranking;
        let own = ranking.scope.range;
        let plural = self.plural();
        let shown = u64::try_from(ranking.rows.len()).unwrap_or(u64::MAX);
        let rows = self.rows(way, &[self.metric]);
        let map = (self.is_map && !rows.is_empty()).then(|| map::svg(self, &rows));
        let all = (ranking.rows_in_all > shown || map.is_some()).then(|| Link {
            name: format!("All {} {plural}", number::thousands(total_rows(ranking))),
            href: self.full_list(way),
            current: false,
        });
        View {
            id: self.id(),
            title: if map.is_some() { MAP_TITLE.to_owned() } else { self.title.clone() },
            caption: format!("{} by {}, {}", self.title, self.noun(), today.name(own)),
            note: (own != range).then(|| today.name(own)),
            tabs: self.tabs.clone(),
            why: self.why().map(str::to_owned).or_else(|| self.off_the_map()),
            columns: vec![self.metric.title(&ranking.scope)],
            rows,
            map,
            has_trends: !self.trends.is_empty(),
            has_shares: true,
            all,
        }
    }

    /// The rows, with bars against the largest, and with the figures `metrics`.
    pub(super) fn rows(&self, way: &Way, metrics: &[Metric]) -> Vec<RowView> {
        let ranking = &self.ranking;
        let value = |row: &crate::report::answer::Row| self.metric.of(&row.figures);
        let largest = ranking.rows.iter().map(value).max().unwrap_or(0).max(1);
        let total = self.metric.of(&ranking.total);
        let of_pages = self.is_of_pages();
        let view = |(index, row): (usize, &crate::report::answer::Row)| {
            let label = row.label.clone().filter(|label| !label.is_empty() && *label != row.name);
            let (text, hint) = match label {
                Some(label) if !of_pages => (label, row.name.clone()),
                label => (row.name.clone(), label.unwrap_or_default()),
            };
            RowView {
                text: if text.is_empty() { "(none)".to_owned() } else { text },
                hint,
                href: self.href(way, &row.name),
                values: metrics
                    .iter()
                    .map(|metric| number::thousands(metric.of(&row.figures)))
                    .collect(),
                share: number::percent(value(row), total),
                width: format!("{:.1}%", 100.0 * number::ratio(value(row).max(0), largest)),
                trend: sparkline(self.trends.get(index).map_or(&[], Vec::as_slice)),
                change: None,
            }
        };
        ranking.rows.iter().enumerate().map(view).collect()
    }

    /// Its id within a page, which may show the identifiers of several event types.
    fn id(&self) -> String {
        let dimension = &self.ranking.dimension;
        match link::event_value(&self.ranking.scope.event_type) {
            "" => id(dimension),
            event => id(&format!("{event}-{dimension}").replace(':', "-")),
        }
    }

    /// `pages`; an abbreviation keeps its capitals.
    pub(super) fn plural(&self) -> String {
        let mut letters = self.title.chars();
        match (letters.next(), letters.next()) {
            (Some(first), Some(second)) if second.is_lowercase() => {
                first.to_lowercase().chain([second]).chain(letters).collect()
            }
            _ => self.title.clone(),
        }
    }

    /// The noun of the figure, in the plural.
    pub(super) fn noun(&self) -> &'static str {
        self.metric.nouns(&self.ranking.scope).1
    }

    /// What must be said of its rows, if anything.
    pub(super) fn why(&self) -> Option<&str> {
        match (&self.ranking.not_told, &self.leads) {
            (Some(why), _) => Some(why),
            (None, Leads::Not(why)) if !self.ranking.rows.is_empty() => Some(why),
            _ => None,
        }
    }

    /// Who came from where the map has nothing.
    fn off_the_map(&self) -> Option<String> {
        let rows = self.ranking.rows.iter().filter(|row| self.is_map && !map::has(&row.name));
        let count: i64 = rows.map(|row| self.metric.of(&row.figures)).sum();
        let (one, many) = self.metric.nouns(&self.ranking.scope);
        (count > 0).then(|| format!("Not on the map: {}.", number::counted(count, one, many)))
    }

    fn href(&self, way: &Way, name: &str) -> Option<String> {
        match &self.leads {
            _ if name == OTHER || name.is_empty() => None,
            Leads::Nowhere | Leads::Not(_) => None,
            Leads::Filter(place) => {
                let filter = Filter::is(Dimension::from_name(&self.ranking.dimension), name);
                Some(place.href(&way.with(filter)))
            }
            Leads::Own => Some(self.own(way, name)),
            Leads::At(path) => Some(self.to(way, path, name)),
        }
    }

    /// Whether rows are identifiers, or pages by another name.
    fn is_of_pages(&self) -> bool {
        ["identifier", "entry_page", "exit_page"].contains(&self.ranking.dimension.as_str())
    }

    fn own(&self, way: &Way, name: &str) -> String {
        let scope = &self.ranking.scope;
        let event = link::event_value(&scope.event_type);
        let path = match self.ranking.dimension.as_str() {
            "source" => link::SOURCE,
            _ if event.is_empty() => link::PAGE,
            _ => link::EVENT_PAGE,
        };
        self.to(way, path, name)
    }

    fn to(&self, way: &Way, path: &str, name: &str) -> String {
        let scope = &self.ranking.scope;
        let event = link::event_value(&scope.event_type);
        way.to_range(path, scope.range, &[(link::EVENT, event), (link::IDENTIFIER, name)])
    }

    fn full_list(&self, way: &Way) -> String {
        let scope = &self.ranking.scope;
        let dimension = match self.ranking.dimension.as_str() {
            "identifier" => "",
            other => other,
        };
        let event = link::event_value(&scope.event_type);
        let pairs = [(link::EVENT, event), (link::DIMENSION, dimension)];
        way.to_range(link::TOP, scope.range, &pairs)
    }
}

/// The id of the card of a ranking, within its page.
pub fn id(dimension: &str) -> String {
    format!("card-{}", dimension.replace('.', "-"))
}

/// What a card of countries is called that shows them as a map.
pub const MAP_TITLE: &str = "Map";

/// The name under which everything beyond a limit is counted.
pub(super) const OTHER: &str = "(other)";

/// How many rows there are in all, as a number to be written.
pub(super) fn total_rows(ranking: &Ranking) -> i64 {
    i64::try_from(ranking.rows_in_all).unwrap_or(i64::MAX)
}
