//! Goals: how many visitors reached what they were wanted to reach, and where they came from.

use askama::Template;

use super::{
    Error,
    date::Today,
    layout::Frame,
    link::{self, Link},
    number,
    svg::{Svg, sparkline},
};
use crate::report::answer::{GoalFigures, GoalRow, Goals};

/// The page.
#[derive(Debug, Template)]
#[template(path = "goals.html")]
pub struct GoalsPage<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// Today.
    pub today: Today,
    /// The figures.
    pub goals: &'a Goals,
}

/// A source or a page as the template shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row<'a> {
    name: &'a str,
    /// The bar's length in percent of its column.
    width: String,
    converters: String,
    conversions: String,
    /// Of those who came from there; empty where that can't be told.
    rate: String,
}

impl GoalsPage<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    /// When the template can't be written out.
    pub fn render(&self) -> Result<String, Error> {
        Ok(Template::render(self)?)
    }

    fn range_name(&self) -> String {
        self.today.name(self.goals.scope.range)
    }

    fn ranges(&self) -> Vec<Link> {
        self.today
            .links(self.goals.scope.range, |range| self.frame.way.to_range(link::GOALS, range, &[]))
    }

    fn visitors(&self) -> String {
        number::counted(self.goals.visitors, "visitor", "visitors")
    }

    fn what(&self, goal: &GoalFigures) -> String {
        match &goal.identifier {
            Some(identifier) => format!("{} {identifier}", goal.event_type),
            None => goal.event_type.clone(),
        }
    }

    fn rate(&self, goal: &GoalFigures) -> String {
        number::rate(goal.converters, self.goals.visitors)
    }

    fn converters(&self, goal: &GoalFigures) -> String {
        number::thousands(goal.converters)
    }

    fn conversions(&self, goal: &GoalFigures) -> String {
        number::thousands(goal.conversions)
    }

    fn trend(&self, goal: &GoalFigures) -> Svg {
        sparkline(&goal.by_day)
    }

    fn lists<'g>(&self, goal: &'g GoalFigures) -> [(&'static str, &'g [GoalRow]); 2] {
        [("came from", &goal.sources), ("reached it on", &goal.pages)]
    }

    fn rows<'r>(&self, rows: &'r [GoalRow]) -> Vec<Row<'r>> {
        let largest = rows.iter().map(|row| row.converters).max().unwrap_or(0).max(1);
        let row = |row: &'r GoalRow| Row {
            name: &row.name,
            width: format!("{:.1}%", 100.0 * number::ratio(row.converters, largest)),
            converters: number::thousands(row.converters),
            conversions: number::thousands(row.conversions),
            rate: row
                .visitors
                .filter(|visitors| *visitors > 0)
                .map_or_else(String::new, |visitors| number::rate(row.converters, visitors)),
        };
        rows.iter().map(row).collect()
    }
}
