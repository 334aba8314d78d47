//! The overview of a site: figures, their course, and what is counted most.

use askama::Template;

use super::{
    Error,
    address::Address,
    card::{Card, View},
    chart::Chart,
    date,
    filters::FilterBar,
    happened::HappenedCard,
    interval_title,
    layout::Frame,
    link::{self, Link},
    metric::Metric,
    number,
    picker::Picker,
    strip::{self, Stat},
    week::HeatMap,
};
use crate::{
    model::{dimension::Dimension, filter::Filter, interval::Interval},
    report::{
        answer::{Scope, Series},
        week::Week,
    },
    store::chronicle::{Annotation, Kind},
};

/// The overview of a site.
#[derive(Debug, Template)]
#[template(path = "dashboard.html")]
pub struct DashboardPage<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// The dates that are shown, and the way to others.
    pub picker: &'a Picker,
    /// How many visitors were seen in the last few minutes, if that is known.
    pub visitors_now: Option<i64>,
    /// The range's course.
    pub series: &'a Series,
    /// What it is compared with.
    pub before: Option<&'a Series>,
    /// How long its points can be.
    pub intervals: &'a [Interval],
    /// The filters, and what more can be filtered by.
    pub filters: &'a FilterBar,
    /// Why nothing can be told under the filters, if so.
    pub not_told: Option<&'a str>,
    /// What was said about moments of the range.
    pub annotations: &'a [Annotation],
    /// The rankings, in reading order.
    pub cards: &'a [Card],
    /// What happened beside page views.
    pub happened: &'a [HappenedCard],
    /// The hours of the week, if they are known.
    pub week: Option<&'a Week>,
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
    /// A site that has counts and is not declared any more.
    pub undeclared: Option<&'a str>,
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
        let mut stats = strip::stats(self.scope(), &self.series.total, before);
        let of_page = |filter: &Filter| matches!(filter.dimension, None | Some(Dimension::Page));
        if self.frame.way.filters.iter().any(of_page) {
            strip::retain_of_page(&mut stats);
        }
        stats
    }

    fn show(&self, metric: &Metric) -> String {
        Address { metric: *metric, ..self.picker.address.clone() }.href()
    }

    fn links(&self) -> Vec<String> {
        if self.series.granularity == Interval::Hour {
            return Vec::new();
        }
        let address = Address { interval: None, ..self.picker.address.clone() };
        let points = self.series.points.iter();
        points.map(|point| address.over(self.series.dates(point)).href()).collect()
    }

    /// The same course with other points, where there is a choice.
    fn interval_links(&self) -> Vec<Link> {
        let link = |interval: &Interval| Link {
            name: interval_title(*interval).to_owned() + "s",
            href: Address { interval: Some(*interval), ..self.picker.address.clone() }.href(),
            current: *interval == self.series.granularity,
        };
        let links = self.intervals.iter().map(link);
        links.filter(|_| self.intervals.len() > 1).collect()
    }

    fn chart<'s>(&'s self, links: &'s [String], intervals: &'s [Link]) -> Chart<'s> {
        Chart {
            id: "course",
            series: self.series,
            before: self.before,
            metric: self.metric(),
            links,
            intervals,
            annotations: self.annotations,
            folded_table: true,
        }
    }

    const fn metric(&self) -> Metric {
        self.picker.address.metric
    }

    /// What was said, the latest first: when, what, and its number if it can be removed.
    fn said(&self) -> Vec<(String, &str, Option<i64>)> {
        let said = self.annotations.iter().rev().map(|it| {
            let at =
                self.series.points.iter().find(|point| (point.start..point.end).contains(&it.at));
            let when = at.map(|point| date::point_words(point, self.series.granularity));
            let when = when.unwrap_or_default();
            let removable = it.kind == Kind::Note && self.frame.owner;
            (when, it.text.as_str(), removable.then_some(it.id))
        });
        said.collect()
    }

    fn note_action(&self) -> String {
        self.frame.action(link::ANNOTATIONS)
    }

    fn own_address(&self) -> String {
        self.picker.address.href()
    }

    fn heat_map(&self) -> Option<HeatMap<'_>> {
        // Visitors are counted in the hour in which they are seen first that day, which is no hour's visitors.
        let metric = match self.metric().ranked() {
            Metric::Visitors if self.series.total.visits > 0 => Metric::Visits,
            Metric::Visitors => Metric::Count,
            other => other,
        };
        let week_starts = self.picker.today.week_starts;
        self.week.map(|week| HeatMap { scope: self.scope(), week, metric, week_starts })
    }

    fn views(&self) -> Vec<View> {
        let (today, range) = (self.picker.today, self.picker.range);
        let view = |card: &Card| card.view(&self.frame.way, today, range);
        let happened = self.happened.iter().map(|card| card.view(&self.frame.way, today, range));
        self.cards.iter().map(view).chain(happened).collect()
    }
}
