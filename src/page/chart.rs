//! Charts, drawn on the server: a series as SVG, and the same as rows of a table.
//!
//! Lengths are percentages of a plot whose size the style sheet sets, so bars stretch with the page
//! while text, strokes and corners keep their size: a phone gets as readable a chart as a desk.

use std::{
    fmt::{self, Write as _},
    ops::Range,
};

use super::{
    axis, date,
    link::Link,
    metric::Metric,
    number,
    svg::{Escaped, Plot, Short, Svg},
};
use crate::{
    model::interval::Interval,
    report::answer::{Point, Series},
    store::chronicle::Annotation,
};

/// Up to how many points bars are drawn; beyond, a line.
const BARS_MAX: usize = 31;
/// How wide a bar is at most, in percent: one that stands alone is no block.
const BAR_WIDTH_MAX: f64 = 10.0;
/// How wide a plot is at least in a narrow and in a wide place, in CSS pixels.
const NARROW: f64 = 220.0;
const WIDE: f64 = 500.0;

/// A chart of one figure over time.
#[derive(Debug, Clone, Copy)]
pub struct Chart<'a> {
    /// Its id within the page.
    pub id: &'static str,
    /// What is drawn.
    pub series: &'a Series,
    /// What it is compared with, bucket by bucket.
    pub before: Option<&'a Series>,
    /// Which figure is drawn.
    pub metric: Metric,
    /// Where each bucket leads, in the order of the points; empty for nowhere.
    pub links: &'a [String],
    /// Links to the same course with longer or shorter points; empty for none.
    pub intervals: &'a [Link],
    /// What was said about moments of the course.
    pub annotations: &'a [Annotation],
    /// Whether a table can be unfolded beside it; not where the page has that table anyway.
    pub folded_table: bool,
}

/// One bucket as a row of the table beside a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRow {
    /// The bucket in words.
    pub name: String,
    /// Where it leads; empty for nowhere.
    pub href: String,
    /// The figure.
    pub value: String,
    /// The figure that it is compared with; empty without one.
    pub before: String,
    /// Whether the bucket is not over yet.
    pub unfinished: bool,
    /// What explains it, if anything does.
    pub explained: String,
}

impl Chart<'_> {
    /// `Visitors`.
    pub fn title(&self) -> &'static str {
        self.metric.title(&self.series.scope)
    }

    /// `26 October – 24 November 2026`.
    pub fn range(&self) -> String {
        date::range_words(self.series.scope.range)
    }

    /// The compared dates, if a line of them is drawn, which takes two points.
    pub fn range_before(&self) -> Option<String> {
        let before = self.before.filter(|_| self.values_before().len() > 1);
        before.map(|before| date::range_words(before.scope.range))
    }

    /// The dates compared with, as the heading of their column.
    pub fn range_before_words(&self) -> String {
        self.before.map(|before| date::range_words(before.scope.range)).unwrap_or_default()
    }

    /// `Visitors by day, 26 October – 24 November 2026`.
    pub fn caption(&self) -> String {
        format!("{} by {}, {}", self.title(), self.series.granularity.as_str(), self.range())
    }

    /// What the first column is headed with: `Day`.
    pub const fn bucket_title(&self) -> &'static str {
        super::interval_title(self.series.granularity)
    }

    /// Whether there are bars, and not a line.
    pub const fn has_bars(&self) -> bool {
        self.series.points.len() <= BARS_MAX
    }

    /// The name of the bucket that is not over yet, where one is drawn.
    pub fn unfinished(&self) -> Option<String> {
        let last = self.known().last().filter(|point| point.unfinished)?;
        Some(date::point_words(last, self.series.granularity))
    }

    /// The rows of the table beside it, the newest first.
    pub fn rows(&self) -> Vec<TableRow> {
        let row = |(index, point): (usize, &Point)| TableRow {
            name: date::point_words(point, self.series.granularity),
            href: self.links.get(index).cloned().unwrap_or_default(),
            value: self.metric.written(self.metric.of(&point.figures)),
            before: self
                .value_before(index)
                .map(|before| self.metric.written(before))
                .unwrap_or_default(),
            unfinished: point.unfinished,
            explained: self.explained(point).join("; "),
        };
        self.known().iter().enumerate().map(row).rev().collect()
    }

    /// The chart.
    pub fn svg(&self) -> Svg {
        Svg::drawn(self.draw().unwrap_or_default())
    }

    /// The points up to and with the one that is not over yet; what follows is still to come.
    fn known(&self) -> &[Point] {
        let points = &self.series.points;
        let over = points.iter().take_while(|point| !point.unfinished).count();
        points.get(..=over).unwrap_or(points)
    }

    fn value_before(&self, index: usize) -> Option<i64> {
        self.before?.points.get(index).map(|point| self.metric.of(&point.figures))
    }

    /// When a point of the comparison was: `on Fri 16 October`.
    fn when_before(&self, index: usize) -> String {
        let before = self.before.and_then(|before| Some((before, before.points.get(index)?)));
        before.map_or_else(String::new, |(before, point)| {
            let by_day = before.granularity <= Interval::Day;
            let word = if by_day { "on" } else { "in" };
            format!("{word} {}", date::point_words(point, before.granularity))
        })
    }

    fn values_before(&self) -> Vec<i64> {
        let count = self.series.points.len();
        (0..count).map_while(|index| self.value_before(index)).collect()
    }

    fn values(&self) -> Vec<i64> {
        self.known().iter().map(|point| self.metric.of(&point.figures)).collect()
    }

    fn draw(&self) -> Result<String, fmt::Error> {
        let largest = self.values().into_iter().chain(self.values_before()).max().unwrap_or(0);
        let ticks = axis::ticks_of(self.metric, largest);
        let plot = Plot {
            count: self.series.points.len().max(1),
            top: ticks.last().copied().unwrap_or(1),
        };
        let mut out = String::with_capacity(8 * 1024);
        let id = self.id;
        write!(out, r#"<svg class="plot" role="group" aria-labelledby="{id}-title {id}-desc">"#)?;
        write!(out, r#"<title id="{id}-title">{}</title>"#, Escaped(&self.caption()))?;
        write!(out, r#"<desc id="{id}-desc">{}</desc>"#, Escaped(&self.description()))?;
        draw_ticks(&mut out, plot, &ticks, self.metric)?;
        self.draw_down(&mut out, plot)?;
        if !self.has_bars() {
            self.draw_line(&mut out, plot)?;
        }
        self.draw_buckets(&mut out, plot)?;
        self.draw_before(&mut out, plot)?;
        self.draw_annotations(&mut out, plot)?;
        self.draw_labels(&mut out, plot)?;
        out.push_str("</svg>");
        Ok(out)
    }

    /// `6,021 visitors in all; most on Fri 13 November: 391.`
    fn description(&self) -> String {
        let total = self.metric.told(self.metric.of(&self.series.total), &self.series.scope);
        let most = self.known().iter().max_by_key(|point| self.metric.of(&point.figures));
        match most {
            Some(point) if self.metric.of(&point.figures) > 0 => format!(
                "{total} in all; most in {}: {}.",
                date::point_words(point, self.series.granularity),
                self.metric.written(self.metric.of(&point.figures)),
            ),
            _ => format!("{total} in all."),
        }
    }

    /// What a bucket says when it is pointed at: its date, its value, the comparison; a line each.
    fn tooltip(&self, index: usize, point: &Point) -> String {
        let value = self.metric.of(&point.figures);
        let mut text = date::point_words(point, self.series.granularity);
        let so_far = if point.unfinished { " so far" } else { "" };
        text.push_str(&format!("\n{}{so_far}", self.metric.told(value, &self.series.scope)));
        if let Some(before) = self.value_before(index) {
            let when = self.when_before(index);
            text.push_str(&format!("\n{} {when}", self.metric.written(before)));
            if !point.unfinished && value != before {
                text.push_str(&format!(" · {}", self.metric.difference(value, before)));
            }
        }
        for line in self.explained(point) {
            text.push_str(&format!("\n{line}"));
        }
        text
    }

    /// Each bucket: an area to point at, its words, where it leads, and its bar if there are bars.
    fn draw_buckets(&self, out: &mut String, plot: Plot) -> fmt::Result {
        for (index, point) in self.known().iter().enumerate() {
            let href = self.links.get(index).filter(|href| !href.is_empty());
            match href {
                Some(href) => {
                    write!(out, r#"<a class="bucket" tabindex="-1" href="{}">"#, Escaped(href))?;
                }
                None => out.push_str(r#"<g class="bucket">"#),
            }
            write!(out, "<title>{}</title>", Escaped(&self.tooltip(index, point)))?;
            let (left, width) = (plot.left(index), plot.share());
            write!(
                out,
                r#"<rect class="hit" x="{}%" width="{}%" height="100%"/>"#,
                Short(left),
                Short(width)
            )?;
            let value = self.metric.of(&point.figures);
            if self.has_bars() && value > 0 {
                let height = plot.height(value).max(0.8);
                let bar = (width * 0.68).min(BAR_WIDTH_MAX);
                let class = match (point.unfinished, point.cut) {
                    (true, _) => "bar unfinished",
                    (false, true) => "bar cut",
                    (false, false) => "bar",
                };
                write!(
                    out,
                    r#"<rect class="{class}" x="{}%" y="{}%" width="{}%" height="{}%" rx="2"/>"#,
                    Short(left + (width - bar) / 2.0),
                    Short(100.0 - height),
                    Short(bar),
                    Short(height),
                )?;
            }
            out.push_str(if href.is_some() { "</a>" } else { "</g>" });
        }
        Ok(())
    }

    /// The figure as an area under straight segments, the last dashed if its bucket is not over.
    fn draw_line(&self, out: &mut String, plot: Plot) -> fmt::Result {
        let values = self.values();
        let Some((last, value)) = values.iter().enumerate().next_back() else { return Ok(()) };
        // A point that is not over, or lies in these dates in part alone, falls for no reason of its own.
        let is_cut = self.known().last().is_some_and(|point| point.cut);
        let over = if is_cut || self.unfinished().is_some() { last } else { last + 1 };
        out.push_str(NESTED);
        for run in self.runs(over) {
            let line = plot.path(values.get(run.clone()).unwrap_or(&[]), run.start);
            let (start, end) = (Short(plot.across(run.start)), Short(plot.across(run.end - 1)));
            write!(out, r#"<polygon class="area" points="{start},100 {line}{end},100"/>"#)?;
            write!(out, r#"<polyline class="line" points="{}"/>"#, line.trim_end())?;
        }
        if over == last && last > 0 {
            let ending = plot.path(values.get(last - 1..).unwrap_or(&[]), last - 1);
            write!(out, r#"<polyline class="line unfinished" points="{}"/>"#, ending.trim_end())?;
        }
        out.push_str("</svg>");
        let (x, y) = (Short(plot.across(last) / 10.0), Short(100.0 - plot.height(*value)));
        write!(out, r#"<circle class="dot" cx="{x}%" cy="{y}%" r="3"/>"#)
    }

    /// The runs of points before `over` in which something could be counted: where the server was down,
    /// a line breaks off instead of falling to nothing.
    fn runs(&self, over: usize) -> Vec<Range<usize>> {
        let points = self.series.points.get(..over).unwrap_or(&[]);
        let mut runs: Vec<Range<usize>> = Vec::new();
        for (index, point) in points.iter().enumerate() {
            if point.is_down() && self.metric.of(&point.figures) == 0 {
                continue;
            }
            match runs.last_mut().filter(|run| run.end == index) {
                Some(run) => run.end = index + 1,
                None => runs.push(index..index + 1),
            }
        }
        runs
    }

    /// The comparison, a grey line on a paler one that parts it from the bars.
    fn draw_before(&self, out: &mut String, plot: Plot) -> fmt::Result {
        let values = self.values_before();
        if values.len() < 2 {
            return Ok(());
        }
        let path = plot.path(&values, 0);
        let path = path.trim_end();
        out.push_str(NESTED);
        write!(out, r#"<polyline class="halo" points="{path}"/>"#)?;
        write!(out, r#"<polyline class="before" points="{path}"/></svg>"#)
    }

    /// The labels below: one set, or two where a phone has room for fewer.
    fn draw_labels(&self, out: &mut String, plot: Plot) -> fmt::Result {
        let (points, granularity) = (&self.series.points, self.series.granularity);
        let narrow = axis::labelled(points, granularity, NARROW);
        let wide = axis::labelled(points, granularity, WIDE);
        let sets: &[(&str, &Vec<usize>)] = if narrow == wide {
            &[("dates", &wide)]
        } else {
            &[("dates narrow", &narrow), ("dates wide", &wide)]
        };
        for (class, chosen) in sets {
            write!(out, r#"<g class="{class}" aria-hidden="true">"#)?;
            for index in *chosen {
                let Some(point) = points.get(*index) else { continue };
                let x = Short(plot.across(*index) / 10.0);
                let label = date::point_short(point, granularity);
                write!(out, r#"<text x="{x}%" y="100%" dy="20">{}</text>"#, Escaped(&label))?;
            }
            out.push_str("</g>");
        }
        Ok(())
    }
}

/// Opens a picture inside the plot whose lines stretch with it; 1,000 units wide, 100 high.
const NESTED: &str = concat!(
    r#"<svg class="lines" viewBox="0 0 1000 100" preserveAspectRatio="none" "#,
    r#"width="100%" height="100%" aria-hidden="true">"#
);

fn draw_ticks(out: &mut String, plot: Plot, ticks: &[i64], metric: Metric) -> fmt::Result {
    out.push_str(r#"<g class="grid" aria-hidden="true">"#);
    for tick in ticks {
        let y = Short(100.0 - plot.height(*tick));
        let label = if Metric::SUMS.contains(&metric) {
            number::compact(*tick)
        } else {
            // `4 m 0 s` is `4 m` on an axis.
            metric.written(*tick).replace("\u{a0}m\u{a0}0\u{a0}s", "\u{a0}m")
        };
        write!(out, r#"<line x2="100%" y1="{y}%" y2="{y}%"/>"#)?;
        write!(out, r#"<text x="-10" y="{y}%" dy="4">{label}</text>"#)?;
    }
    out.push_str("</g>");
    Ok(())
}
