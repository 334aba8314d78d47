//! Twelve months of a page, or of all pages: a bar a month, and every month as a row.

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
};

/// Twelve months.
#[derive(Debug, Template)]
#[template(path = "year.html")]
pub struct YearPage<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// Today.
    pub today: Today,
    /// The months, the scope's identifier saying of which page.
    pub trend: Trend<'a>,
}

impl YearPage<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    /// When the template can't be written out.
    pub fn render(&self) -> Result<String, Error> {
        Ok(Template::render(self)?)
    }

    /// The last month.
    fn month(&self) -> Date {
        self.trend.series.scope.range.last.first_of_month()
    }

    fn title(&self) -> String {
        let first = self.trend.series.scope.range.first;
        if first.year() == self.month().year() {
            return first.year().to_string();
        }
        format!("{} – {}", date::month_words(first), date::month_words(self.month()))
    }

    /// Each month leads to its own page.
    fn links(&self) -> Vec<String> {
        let points = self.trend.series.points.iter();
        points.map(|point| self.trend.to_month(link::MONTH, point.date)).collect()
    }

    fn chart<'s>(&'s self, links: &'s [String]) -> Chart<'s> {
        self.trend.chart(links)
    }

    fn before(&self) -> Option<Link> {
        Some(self.step("Twelve months earlier", self.month().saturating_sub(12.months())))
    }

    fn after(&self) -> Option<Link> {
        let this_month = self.today.date.first_of_month();
        let month = self.month().saturating_add(12.months()).min(this_month);
        (month > self.month()).then(|| self.step("Later months", month))
    }

    /// The last of the months, day by day.
    fn middle(&self) -> Option<Link> {
        Some(self.step_to(link::MONTH, date::month_words(self.month()), self.month()))
    }

    fn step(&self, name: &str, month: Date) -> Link {
        self.step_to(link::YEAR, name.to_owned(), month)
    }

    fn step_to(&self, path: &str, name: String, month: Date) -> Link {
        Link { name, href: self.trend.to_month(path, month), current: false }
    }

    fn everything(&self) -> Option<Link> {
        self.trend.everything(link::YEAR, self.month())
    }

    fn show(&self, metric: &Metric) -> String {
        self.trend.show(link::YEAR, self.month(), *metric)
    }
}
