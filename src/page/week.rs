//! The week as a map of its hours: the more comes, the darker.

use std::fmt::{self, Write as _};

use jiff::civil::Weekday;

use super::{
    date,
    metric::Metric,
    number,
    svg::{Escaped, Short, Svg},
};
use crate::report::{
    answer::Scope,
    week::{HOURS, Week, WeekHour},
};

/// How many shades there are beside that of nothing.
pub(super) const SHADES: i64 = 5;

/// A heat map of the week.
#[derive(Debug, Clone, Copy)]
pub struct HeatMap<'a> {
    /// What it is about.
    pub scope: &'a Scope,
    /// The hours.
    pub week: &'a Week,
    /// Which figure is drawn.
    pub metric: Metric,
    /// The day that the weeks begin with.
    pub week_starts: Weekday,
}

impl HeatMap<'_> {
    /// `Visits an hour on average, 27 October – 23 November 2026`.
    pub fn caption(&self) -> String {
        let (title, range) = (self.metric.title(self.scope), date::range_words(self.week.range));
        format!("{title} an hour on average, {range}")
    }

    /// The days, from the first of the week.
    pub fn days(&self) -> Vec<&'static str> {
        let mut days: Vec<&str> = self.weekdays().map(date::weekday_short).collect();
        days.truncate(7);
        days
    }

    /// The hours as rows of a table: the hour, and its mean on each day.
    pub fn rows(&self) -> Vec<(String, Vec<String>)> {
        let row = |hour: usize| {
            let means = (0..7).map(|day| self.written(day, hour));
            (clock(hour), means.collect())
        };
        (0..24).map(row).collect()
    }

    /// The map.
    pub fn svg(&self) -> Svg {
        Svg::drawn(self.draw().unwrap_or_default())
    }

    fn weekdays(&self) -> impl Iterator<Item = Weekday> {
        self.week_starts.cycle_forward().take(7)
    }

    fn hour(&self, day: usize, hour: usize) -> WeekHour {
        self.week.hours.get((day * 24 + hour) % HOURS).copied().unwrap_or_default()
    }

    fn mean(&self, day: usize, hour: usize) -> f64 {
        let of = self.hour(day, hour);
        number::ratio(self.metric.of(&of.figures), of.times)
    }

    fn written(&self, day: usize, hour: usize) -> String {
        match self.hour(day, hour).times {
            0 => "–".to_owned(),
            _ => number::decimal(self.mean(day, hour)),
        }
    }

    fn draw(&self) -> Result<String, fmt::Error> {
        let cells = || (0..7).flat_map(|day| (0..24).map(move |hour| (day, hour)));
        let most = cells().max_by(|(a, b), (c, d)| self.mean(*a, *b).total_cmp(&self.mean(*c, *d)));
        let (most_day, most_hour) = most.unwrap_or_default();
        let top = self.mean(most_day, most_hour);
        let days: Vec<Weekday> = self.weekdays().collect();
        let told = |day: usize, hour: usize| {
            let name = days.get(day).copied().map_or("", long);
            let (_, many) = self.metric.nouns(self.scope);
            format!("{name}s, {}: {} {many}", clock(hour), self.written(day, hour))
        };
        let mut out = String::with_capacity(24 * 1024);
        out.push_str(r#"<svg class="heat" role="img" aria-labelledby="week-title week-desc">"#);
        write!(out, r#"<title id="week-title">{}</title>"#, Escaped(&self.caption()))?;
        write!(
            out,
            r#"<desc id="week-desc">Most on {}.</desc>"#,
            Escaped(&told(most_day, most_hour))
        )?;
        for (day, hour) in cells() {
            let (x, y) = (place(hour, 24.0), place(day, 7.0));
            let shade = shade(self.mean(day, hour) / top.max(f64::MIN_POSITIVE));
            write!(
                out,
                r#"<rect class="s{shade}" x="{}%" y="{}%" width="3.9%" height="13%"><title>{}</title></rect>"#,
                Short(x),
                Short(y),
                Escaped(&told(day, hour))
            )?;
        }
        for (day, name) in self.days().iter().enumerate() {
            let y = Short(place(day, 7.0) + 6.5);
            write!(out, r#"<text class="day" x="-8" y="{y}%" dy="4">{name}</text>"#)?;
        }
        for hour in [0, 6, 12, 18] {
            let x = Short(place(hour, 24.0));
            write!(out, r#"<text x="{x}%" y="100%" dy="16">{}</text>"#, clock(hour))?;
        }
        out.push_str("</svg>");
        Ok(out)
    }
}

/// The shade of a share of the largest: 0 for nothing, else 1 to [`SHADES`].
pub(super) fn shade(share: f64) -> i64 {
    if share > 0.0 {
        number::whole((share * number::float(SHADES)).ceil()).clamp(1, SHADES)
    } else {
        0
    }
}

fn place(index: usize, of: f64) -> f64 {
    100.0 * number::float(i64::try_from(index).unwrap_or(0)) / of
}

fn clock(hour: usize) -> String {
    format!("{hour}:00")
}

const fn long(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}
