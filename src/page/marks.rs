//! What explains a chart: hatched where the server was down, a diamond below where something was said.

use std::fmt::{self, Write as _};

use super::{
    chart::Chart,
    number,
    svg::{Escaped, Plot, Short},
};
use crate::{report::answer::Point, store::chronicle::Annotation};

/// From how many seconds on it is told that the server was down.
const TOLD_SECONDS_MIN: i64 = 300;

impl Chart<'_> {
    /// What was said about a moment of a point.
    pub(super) fn said(&self, point: &Point) -> impl Iterator<Item = &Annotation> {
        let (start, end) = (point.start, point.end);
        self.annotations.iter().filter(move |it| (start..end).contains(&it.at))
    }

    /// What explains a point, a line each: `Server down for 2 h 5 m`, `Version 2 of the shop`.
    pub(super) fn explained(&self, point: &Point) -> Vec<String> {
        let down = (point.down_seconds >= TOLD_SECONDS_MIN)
            .then(|| format!("Server down for {}", number::duration(point.down_seconds)));
        let cut = point.cut.then(|| "In part outside of these dates".to_owned());
        cut.into_iter().chain(down).chain(self.said(point).map(|it| it.text.clone())).collect()
    }

    /// Whether anything is hatched.
    pub fn has_down(&self) -> bool {
        self.series.points.iter().any(Point::is_down)
    }

    /// A hatched area for each run of points in which the server was down.
    pub(super) fn draw_down(&self, out: &mut String, plot: Plot) -> fmt::Result {
        if !self.has_down() {
            return Ok(());
        }
        let id = self.id;
        write!(
            out,
            concat!(
                r#"<pattern id="{}-down" width="6" height="6" patternUnits="userSpaceOnUse" "#,
                r#"patternTransform="rotate(45)"><line class="hatch" y2="6"/></pattern>"#
            ),
            id
        )?;
        let points = &self.series.points;
        let mut index = 0;
        while index < points.len() {
            let run = points.iter().skip(index).take_while(|point| point.is_down()).count();
            if run > 0 {
                let (x, width) = (plot.left(index), plot.left(run));
                write!(
                    out,
                    r##"<rect x="{}%" width="{}%" height="100%" fill="url(#{id}-down)"/>"##,
                    Short(x),
                    Short(width)
                )?;
            }
            index += run.max(1);
        }
        Ok(())
    }

    /// A diamond on the axis for each point that something was said about.
    pub(super) fn draw_annotations(&self, out: &mut String, plot: Plot) -> fmt::Result {
        for (index, point) in self.series.points.iter().enumerate() {
            let texts: Vec<&str> = self.said(point).map(|it| it.text.as_str()).collect();
            if texts.is_empty() {
                continue;
            }
            let (x, title) = (Short(plot.across(index) / 10.0), texts.join("\n"));
            write!(
                out,
                r#"<svg class="said" x="{x}%" y="100%"><path d="M0-5 5 0 0 5-5 0z"/><title>{}</title></svg>"#,
                Escaped(&title)
            )?;
        }
        Ok(())
    }
}
