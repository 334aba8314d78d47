//! Everything about one page, one source or one event.

use askama::Template;

use super::{
    Error,
    card::{Card, View},
    chart::Chart,
    date::Today,
    layout::Frame,
    link::{self, Link},
    metric::Metric,
    strip::{self, Stat},
    zoom,
};
use crate::report::answer::Series;

/// Everything about one thing.
#[derive(Debug, Template)]
#[template(path = "one.html")]
pub struct OnePage<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// Today.
    pub today: Today,
    /// What it is: `Page`.
    pub noun: &'a str,
    /// What it is called.
    pub name: &'a str,
    /// A page's last title.
    pub title: Option<&'a str>,
    /// Its own path.
    pub path: &'static str,
    /// The event type that counts it, and the identifier in its address.
    pub pairs: [(&'static str, &'a str); 2],
    /// Its course.
    pub series: &'a Series,
    /// The same number of days before, where these can be told.
    pub before: Option<&'a Series>,
    /// Which figure is drawn.
    pub metric: Metric,
    /// What else is counted of it.
    pub more: &'a [Stat],
    /// Where else it is.
    pub links: &'a [Link],
    /// What it is split by.
    pub cards: &'a [Card],
    /// Facts that its beacons told: a name, a value, how often.
    pub properties: &'a [Property],
    /// What must be said, if anything.
    pub note: Option<&'a str>,
}

/// A fact that beacons told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
    /// How often it was told.
    pub count: String,
    /// By how many visitors.
    pub visitors: String,
}

impl OnePage<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    /// When the template can't be written out.
    pub fn render(&self) -> Result<String, Error> {
        Ok(Template::render(self)?)
    }

    fn range_name(&self) -> String {
        self.today.name(self.series.scope.range)
    }

    fn ranges(&self) -> Vec<Link> {
        self.today.links(self.series.scope.range, |range| {
            let pairs = [self.pairs[0], self.pairs[1], (link::SHOW, self.metric.value())];
            self.frame.way.to_range(self.path, range, &pairs)
        })
    }

    fn stats(&self) -> Vec<Stat> {
        let before = self.before.map(|series| &series.total);
        let mut stats = strip::stats(&self.series.scope, &self.series.total, before);
        if self.path == link::PAGE {
            strip::retain_of_page(&mut stats);
        }
        stats
    }

    fn show(&self, metric: &Metric) -> String {
        let pairs = [self.pairs[0], self.pairs[1], (link::SHOW, metric.value())];
        self.frame.way.to_range(self.path, self.series.scope.range, &pairs)
    }

    const fn drawn(&self) -> Metric {
        self.metric
    }

    fn chart_links(&self) -> Vec<String> {
        zoom(&self.frame.way, self.path, self.series, &self.pairs)
    }

    fn chart<'s>(&'s self, links: &'s [String]) -> Chart<'s> {
        Chart {
            id: "course",
            series: self.series,
            before: self.before,
            metric: self.metric,
            links,
            intervals: &[],
            annotations: &[],
            folded_table: true,
        }
    }

    fn views(&self) -> Vec<View> {
        let range = self.series.scope.range;
        self.cards.iter().map(|card| card.view(&self.frame.way, self.today, range)).collect()
    }
}
