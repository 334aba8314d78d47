//! Pages: literal answers become HTML. Nothing here asks a store, a clock or a socket.
//!
//! A page is one file, one struct with plain fields, and one template of the same name. The struct's
//! methods answer what the template asks; templates have only loops, conditions and escaping.

pub mod account;
pub mod alerts;
pub mod claim;
pub mod closed;
pub mod dashboard;
pub mod doctor;
pub mod embed;
pub mod error;
pub mod errors;
pub mod events;
pub mod filtered;
pub mod goals;
pub mod happened;
pub mod live;
mod map;
pub mod month;
pub mod one;
pub mod one_error;
pub mod privacy;
pub mod setup;
pub mod sign_in;
pub mod sites;
pub mod storage;
pub mod top;
pub mod unlock;
pub mod vitals;
pub mod week;
pub mod year;

pub mod address;
pub mod card;
pub mod chart;
pub mod filters;
pub mod layout;
pub mod link;
pub mod metric;
pub mod picker;
pub mod strip;
pub mod trend;

pub mod date;
pub mod number;
pub mod svg;

mod axis;
mod dates;
mod marks;
#[cfg(test)]
mod markup;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod sample;
#[cfg(test)]
mod sample_lists;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod stories_access;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod storybook;

use crate::{model::interval::Interval, report::answer::Series};

/// A page could not be rendered.
#[derive(Debug, thiserror::Error)]
#[error("the page can't be rendered: {0}")]
pub struct Error(#[from] askama::Error);

/// What a column of buckets is headed with.
const fn interval_title(granularity: Interval) -> &'static str {
    match granularity {
        Interval::Hour => "Hour",
        Interval::Day => "Day",
        Interval::Week => "Week",
        Interval::Month => "Month",
        Interval::Year => "Year",
    }
}

/// Where each bucket of a series leads: `path` over its dates, with further parameters. Buckets
/// shorter than a day lead nowhere.
fn zoom(way: &link::Way, path: &str, series: &Series, pairs: &[(&str, &str)]) -> Vec<String> {
    if series.granularity == Interval::Hour {
        return Vec::new();
    }
    let points = series.points.iter();
    points.map(|point| way.to_range(path, series.dates(point), pairs)).collect()
}
