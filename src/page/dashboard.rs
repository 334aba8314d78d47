//! The overview of a site: figures, their course, and what is counted most.

use askama::Template;

use super::{
    Error,
    card::{Card, View},
    chart::Chart,
    date::Today,
    filters::FilterBar,
    layout::Frame,
    link::{self, Link},
    metric::Metric,
    number,
    strip::{self, Stat},
    zoom,
};
use crate::{
    model::period::DateRange,
    report::answer::{Scope, Series},
};

/// The overview of a site.
#[derive(Debug, Template)]
#[template(path = "dashboard.html")]
pub struct DashboardPage<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// Today.
    pub today: Today,
    /// How many visitors were seen in the last few minutes, if that is known.
    pub visitors_now: Option<i64>,
    /// The range's course.
    pub series: &'a Series,
    /// The same number of days before.
    pub before: Option<&'a Series>,
    /// Which figure is drawn.
    pub metric: Metric,
    /// The filters, and what more can be filtered by.
    pub filters: &'a FilterBar,
    /// Why nothing can be told under the filters, if so.
    pub not_told: Option<&'a str>,
    /// The rankings, in reading order.
    pub cards: &'a [Card],
    /// A site that beacons have come for and that nobody has declared.
    pub undeclared: Option<&'a str>,
    /// What alerts tell of now: each alert's name, and a sentence.
    pub alerts: &'a [(String, String)],
    /// What to do first, where nothing was ever counted.
    pub first_run: Option<FirstRun<'a>>,
}

/// What is shown until the first beacon comes.
#[derive(Debug, Clone, Copy)]
pub struct FirstRun<'a> {
    /// The HTML to paste into every page.
    pub snippet: &'a str,
    /// A command that sends a first beacon.
    pub curl: &'a str,
    /// The beacons that were refused meanwhile, the last first: the rule, what it is for, and what was
    /// wrong with this one.
    pub refused: &'a [(&'static str, &'static str, String)],
}

impl DashboardPage<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    /// When the template can't be written out.
    pub fn render(&self) -> Result<String, Error> {
        Ok(Template::render(self)?)
    }

    fn scope(&self) -> &Scope {
        &self.series.scope
    }

    fn range(&self) -> DateRange {
        self.scope().range
    }

    fn range_name(&self) -> String {
        self.today.name(self.range())
    }

    fn now_words(&self) -> Option<String> {
        self.visitors_now.map(|count| format!("{} now", number::thousands(count)))
    }

    fn live(&self) -> String {
        self.frame.way.to(link::LIVE, &[])
    }

    fn alerts_page(&self) -> String {
        self.frame.way.to(link::ALERTS, &[])
    }

    fn stats(&self) -> Vec<Stat> {
        let before = self.before.map(|series| &series.total);
        strip::stats(self.scope(), &self.series.total, before)
    }

    fn show(&self, metric: &Metric) -> String {
        self.to(self.range(), metric.value())
    }

    fn links(&self) -> Vec<String> {
        let event = (link::EVENT, link::event_value(&self.scope().event_type));
        zoom(&self.frame.way, link::OVERVIEW, self.series, &[event])
    }

    fn chart<'s>(&'s self, links: &'s [String]) -> Chart<'s> {
        Chart {
            id: "course",
            series: self.series,
            before: self.before,
            metric: self.metric,
            links,
            folded_table: true,
        }
    }

    fn before_range(&self) -> Link {
        let range = self.range().before();
        Link { name: self.today.name(range), href: self.step(range), current: false }
    }

    fn after_range(&self) -> Option<Link> {
        let range = self.range().after();
        (range.first <= self.today.date).then(|| Link {
            name: self.today.name(range),
            href: self.step(range),
            current: false,
        })
    }

    fn ranges(&self) -> Vec<Link> {
        self.today.links(self.range(), |range| self.step(range))
    }

    fn views(&self) -> Vec<View> {
        let view = |card: &Card| card.view(&self.frame.way, self.today, self.range());
        self.cards.iter().map(view).collect()
    }

    fn step(&self, range: DateRange) -> String {
        self.to(range, self.metric.value())
    }

    fn to(&self, range: DateRange, show: &str) -> String {
        let event = link::event_value(&self.scope().event_type);
        let pairs = [(link::EVENT, event), (link::SHOW, show)];
        self.frame.way.to_range(link::OVERVIEW, range, &pairs)
    }
}
