//! A course over time as a whole page's subject: steps to its neighbours, a chart, a table.
//!
//! The month and the twelve months are both one; they differ in their buckets and in where these
//! lead.

use super::{
    chart::Chart,
    date,
    layout::Frame,
    link::{self, Link},
    metric::Metric,
    number,
    strip::{self, Stat},
};
use crate::report::answer::{Point, Series};

/// What a course is made of.
#[derive(Debug, Clone, Copy)]
pub struct Trend<'a> {
    /// The frame of its page.
    pub frame: &'a Frame,
    /// Its buckets.
    pub series: &'a Series,
    /// The same number of buckets before it.
    pub before: Option<&'a Series>,
    /// Which figure is drawn.
    pub metric: Metric,
    /// Further figures for the strip.
    pub more: &'a [Stat],
}

/// A bucket as a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TrendRow {
    pub(super) name: String,
    pub(super) href: String,
    pub(super) unfinished: bool,
    /// The bar's length in percent of its column.
    pub(super) width: String,
    /// The figures, in the order of [`Metric::SUMS`].
    pub(super) values: Vec<String>,
}

impl Trend<'_> {
    /// The chart, whose buckets lead to `links`.
    pub(super) const fn chart<'s>(&'s self, links: &'s [String]) -> Chart<'s> {
        Chart {
            id: "trend",
            series: self.series,
            before: self.before,
            metric: self.metric,
            links,
            intervals: &[],
            annotations: &[],
            folded_table: false,
        }
    }

    /// Which figure is drawn.
    pub(super) const fn drawn(&self) -> Metric {
        self.metric
    }

    /// The totals.
    pub(super) fn stats(&self) -> Vec<Stat> {
        let before = self.before.map(|series| &series.total);
        let mut stats = strip::stats(&self.series.scope, &self.series.total, before);
        stats.extend_from_slice(self.more);
        stats
    }

    /// The columns of figures.
    pub(super) fn columns(&self) -> Vec<&'static str> {
        Metric::SUMS.iter().map(|metric| metric.title(&self.series.scope)).collect()
    }

    /// The rows of the table, the newest first, without buckets that are still to come.
    pub(super) fn rows(&self, links: &[String]) -> Vec<TrendRow> {
        let points = &self.series.points;
        let over = points.iter().take_while(|point| !point.unfinished).count();
        let known = points.get(..=over).unwrap_or(points);
        let value = |point: &Point| self.metric.of(&point.figures).max(0);
        let largest = known.iter().map(value).max().unwrap_or(0).max(1);
        let row = |(index, point): (usize, &Point)| TrendRow {
            name: date::point_row(point, self.series.granularity),
            href: links.get(index).cloned().unwrap_or_default(),
            unfinished: point.unfinished,
            width: format!("{:.1}%", 100.0 * number::ratio(value(point), largest)),
            values: Metric::SUMS
                .iter()
                .map(|metric| number::thousands(metric.of(&point.figures)))
                .collect(),
        };
        known.iter().enumerate().map(row).rev().collect()
    }

    /// The last row: the totals.
    pub(super) fn totals(&self) -> Vec<String> {
        let total = |metric: &Metric| number::thousands(metric.of(&self.series.total));
        Metric::SUMS.iter().map(total).collect()
    }

    /// The address of `path` for the month of `date`, about the same thing, with the same figure.
    pub(super) fn to_month(self, path: &str, date: jiff::civil::Date) -> String {
        let [event, identifier] = self.subject();
        self.frame.way.to_month(path, date, &[event, identifier, self.shown()])
    }

    /// The page about another metric, for the strip.
    pub(super) fn show(&self, path: &str, date: jiff::civil::Date, metric: Metric) -> String {
        let [event, identifier] = self.subject();
        let show = if metric == Metric::default() { "" } else { metric.slug() };
        self.frame.way.to_month(path, date, &[event, identifier, (link::SHOW, show)])
    }

    /// The parameters that say what the course is of.
    pub(super) fn subject(&self) -> [(&str, &str); 2] {
        let scope = &self.series.scope;
        let identifier = scope.identifier.as_deref().unwrap_or("");
        [(link::EVENT, link::event_value(&scope.event_type)), (link::IDENTIFIER, identifier)]
    }

    /// The link back to all pages, where the course is of a single one.
    pub(super) fn everything(&self, path: &str, date: jiff::civil::Date) -> Option<Link> {
        let scope = &self.series.scope;
        scope.identifier.as_ref()?;
        let event = (link::EVENT, link::event_value(&scope.event_type));
        let href = self.frame.way.to_month(path, date, &[event, self.shown()]);
        Some(Link { name: "Show all pages".to_owned(), href, current: false })
    }

    fn shown(&self) -> (&'static str, &'static str) {
        let show = if self.metric == Metric::default() { "" } else { self.metric.slug() };
        (link::SHOW, show)
    }
}
