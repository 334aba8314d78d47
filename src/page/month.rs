//! One month of a page, or of all pages: a bar a day, and every day as a row.

use askama::Template;
use jiff::{ToSpan, civil::Date};

use super::{
    Error,
    chart::Chart,
    date::{self, Today},
    layout::Frame,
    link::{self, Link},
    metric::Metric,
    trend::Trend,
    zoom,
};

/// A month, day by day.
#[derive(Debug, Template)]
#[template(path = "month.html")]
pub struct MonthPage<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// Today.
    pub today: Today,
    /// The days of the month, the scope's identifier saying of which page.
    pub trend: Trend<'a>,
}

impl MonthPage<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    /// When the template can't be written out.
    pub fn render(&self) -> Result<String, Error> {
        Ok(Template::render(self)?)
    }

    fn month(&self) -> Date {
        self.trend.series.scope.range.first.first_of_month()
    }

    fn title(&self) -> String {
        date::month_words(self.month())
    }

    /// Each day leads to its overview; a single page has none.
    fn links(&self) -> Vec<String> {
        if self.trend.series.scope.identifier.is_some() {
            return Vec::new();
        }
        let [event, _] = self.trend.subject();
        zoom(&self.frame.way, link::OVERVIEW, self.trend.series, &[event])
    }

    fn chart<'s>(&'s self, links: &'s [String]) -> Chart<'s> {
        self.trend.chart(links)
    }

    fn step(&self, months: i64) -> Option<Link> {
        let month = self.month().saturating_add(months.months());
        (month <= self.today.date).then(|| Link {
            name: date::month_words(month),
            href: self.trend.to_month(link::MONTH, month),
            current: false,
        })
    }

    fn before(&self) -> Option<Link> {
        self.step(-1)
    }

    fn after(&self) -> Option<Link> {
        self.step(1)
    }

    /// The twelve months that end with this one.
    fn middle(&self) -> Option<Link> {
        let href = self.trend.to_month(link::YEAR, self.month());
        Some(Link { name: "12 months".to_owned(), href, current: false })
    }

    fn everything(&self) -> Option<Link> {
        self.trend.everything(link::MONTH, self.month())
    }

    fn show(&self, metric: &Metric) -> String {
        self.trend.show(link::MONTH, self.month(), *metric)
    }
}
