//! What was counted most in any range: pages, or the values of a dimension, with search and pages.

use askama::Template;

use super::{
    Error,
    card::{self, Card, RowView},
    date::Today,
    dates::Dates,
    filters::FilterBar,
    layout::Frame,
    link::{self, Link},
    metric::Metric,
    number,
};
use crate::{model::period::DateRange, report::answer::Scope};

/// A full ranking.
#[derive(Debug, Template)]
#[template(path = "top.html")]
pub struct TopPage<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// Today.
    pub today: Today,
    /// The rows from `offset` on, with their title, trends and the links to other rankings.
    pub card: &'a Card,
    /// The filters, and what more can be filtered by.
    pub filters: &'a FilterBar,
    /// The words that were searched for; empty for none.
    pub search: &'a str,
    /// How many rows a page has at most.
    pub limit: u64,
    /// How many rows come before the first one.
    pub offset: u64,
    /// Where the ranking can be had as CSV, if it can.
    pub csv: Option<&'a str>,
}

impl TopPage<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    /// When the template can't be written out.
    pub fn render(&self) -> Result<String, Error> {
        Ok(Template::render(self)?)
    }

    fn scope(&self) -> &Scope {
        &self.card.ranking.scope
    }

    fn range_name(&self) -> String {
        self.today.name(self.scope().range)
    }

    fn caption(&self) -> String {
        format!("{} by {}, {}", self.card.title, self.card.noun(), self.range_name())
    }

    fn rows(&self) -> Vec<RowView> {
        self.card.rows(&self.frame.way, &self.metrics())
    }

    fn has_trends(&self) -> bool {
        !self.card.trends.is_empty()
    }

    fn ranges(&self) -> Vec<Link> {
        self.today.links(self.scope().range, |range| self.address(range, 0))
    }

    fn dates(&self) -> Dates<'_> {
        let filters = self.frame.way.filters.iter();
        let filters = filters.map(|filter| (link::FILTER, filter.written()));
        let subject = self.subject().map(|(name, value)| (name, value.to_owned()));
        Dates {
            path: link::TOP,
            kept: filters.chain(subject).collect(),
            range: self.scope().range,
            today: self.today.date,
            search: self.search,
            example: "/notes",
        }
    }

    /// The figures of a row: where visits begin and end, only these are counted.
    fn metrics(&self) -> Vec<Metric> {
        match self.card.ranking.dimension.as_str() {
            "entry_page" | "exit_page" => vec![Metric::Visits],
            _ => Metric::SUMS.to_vec(),
        }
    }

    /// The headings of the figures, each leading to the list in its order.
    fn columns(&self) -> Vec<Link> {
        let column = |metric: Metric| {
            let mut pairs = self.subject();
            pairs[2] = (link::SHOW, metric.value());
            let mut pairs = pairs.to_vec();
            pairs.push((link::SEARCH, self.search));
            Link {
                name: metric.title(self.scope()).to_owned(),
                href: self.frame.way.to_range(link::TOP, self.scope().range, &pairs),
                current: metric == self.card.metric,
            }
        };
        self.metrics().into_iter().map(column).collect()
    }

    /// `51–100 of 212 pages`.
    fn position(&self) -> String {
        let shown = u64::try_from(self.card.ranking.rows.len()).unwrap_or(0);
        let all = number::thousands(card::total_rows(&self.card.ranking));
        let plural = self.card.plural();
        if shown == self.card.ranking.rows_in_all {
            return format!("{all} {plural}");
        }
        let place = |row: u64| number::thousands(i64::try_from(row).unwrap_or(i64::MAX));
        let (first, last) = (place(self.offset + 1), place(self.offset.saturating_add(shown)));
        format!("{first}–{last} of {all} {plural}")
    }

    fn nothing(&self) -> String {
        let plural = self.card.plural();
        match self.search {
            "" => format!("No {plural} were counted in these days."),
            words => format!("No {plural} have “{words}” in their name in these days."),
        }
    }

    /// How much has no name of its own, if anything.
    fn nameless(&self) -> Option<String> {
        let ranking = &self.card.ranking;
        let other = ranking.rows.iter().find(|row| row.name == card::OTHER)?;
        let (one, many) = self.card.metric.nouns(&ranking.scope);
        let value = self.card.metric.of(&other.figures);
        Some(format!(
            "{} {} stand under {}: on some days more new names came than the limits in beacons.toml admit.",
            number::thousands(value),
            if value == 1 { one } else { many },
            card::OTHER
        ))
    }

    fn earlier_rows(&self) -> Option<String> {
        let offset = self.offset.saturating_sub(self.limit);
        (self.offset > 0).then(|| self.address(self.scope().range, offset))
    }

    fn later_rows(&self) -> Option<String> {
        let offset = self.offset.saturating_add(self.limit);
        let more = offset < self.card.ranking.rows_in_all;
        more.then(|| self.address(self.scope().range, offset))
    }

    fn address(&self, range: DateRange, offset: u64) -> String {
        let offset = if offset == 0 { String::new() } else { offset.to_string() };
        let mut pairs = self.subject().to_vec();
        pairs.push((link::SEARCH, self.search));
        pairs.push((link::OFFSET, &offset));
        self.frame.way.to_range(link::TOP, range, &pairs)
    }

    /// The parameters that say what is ranked, and by what.
    fn subject(&self) -> [(&'static str, &str); 3] {
        let dimension = match self.card.ranking.dimension.as_str() {
            "identifier" => "",
            other => other,
        };
        let show = self.card.metric.value();
        let event = link::event_value(&self.scope().event_type);
        [(link::EVENT, event), (link::DIMENSION, dimension), (link::SHOW, show)]
    }
}
