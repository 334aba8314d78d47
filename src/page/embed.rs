//! What other pages may show of a site: a card in a frame, and a badge.

use askama::Template;

use super::{
    Error,
    layout::Assets,
    number,
    svg::{Svg, sparkline},
};
use crate::report::answer::Series;

/// A card for a frame in another page.
#[derive(Debug, Template)]
#[template(path = "embed.html")]
pub struct EmbedPage<'a> {
    /// The assets.
    pub assets: &'a Assets,
    /// The last thirty days.
    pub series: &'a Series,
}

impl EmbedPage<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    /// When the template can't be written out.
    pub fn render(&self) -> Result<String, Error> {
        Ok(Template::render(self)?)
    }

    fn visitors(&self) -> String {
        number::counted(self.series.total.visitors, "visitor", "visitors")
    }

    fn views(&self) -> String {
        number::counted(self.series.total.count, "page view", "page views")
    }

    fn course(&self) -> Svg {
        let days: Vec<i64> = self.series.points.iter().map(|day| day.figures.visitors).collect();
        sparkline(&days)
    }
}

/// A badge that says how many visitors came in the last thirty days, as an image.
pub fn badge(visitors: i64) -> String {
    let value = format!("{} / month", number::thousands(visitors));
    // Letters of the font that every system has are about seven pixels wide.
    let (left, right) = (62, value.chars().count() * 7 + 16);
    let width = left + right;
    let (left_middle, right_middle) = (left / 2, left + right / 2);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"20\" role=\"img\" \
         aria-label=\"visitors: {value}\"><title>visitors: {value}</title>\
         <rect width=\"{width}\" height=\"20\" rx=\"4\" fill=\"#43484f\"/>\
         <path d=\"M{left} 0h{flat}a4 4 0 0 1 4 4v12a4 4 0 0 1-4 4h-{flat}z\" fill=\"#2b5fd0\"/>\
         <g fill=\"#fff\" text-anchor=\"middle\" font-family=\"Verdana,DejaVu Sans,sans-serif\" \
         font-size=\"11\"><text x=\"{left_middle}\" y=\"14\">visitors</text>\
         <text x=\"{right_middle}\" y=\"14\">{value}</text></g></svg>",
        flat = right - 4
    )
}
