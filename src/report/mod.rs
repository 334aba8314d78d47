//! Questions and their answers: which rows a report reads, and what they add up to.
//!
//! A report is one file and one line here; its address under `/api/v1/reports/` follows.

pub mod alerts;
pub mod answer;
pub mod chronicle;
pub mod compared;
pub mod contract;
pub mod dates;
pub mod errors;
pub mod events;
pub mod filtered;
pub mod filters;
pub mod goals;
pub mod happened;
pub mod month;
pub mod narrowed;
pub mod overview;
pub mod past;
pub mod question;
pub mod reading;
mod series;
pub mod sites;
pub mod spread;
pub mod status;
pub mod storage;
pub mod top;
pub mod trend;
pub mod vitals;
pub mod week;
pub mod year;

use self::contract::Report;

/// Every report.
pub static REPORTS: [Report; 13] = [
    overview::REPORT,
    trend::REPORT,
    month::REPORT,
    year::REPORT,
    top::REPORT,
    spread::REPORT,
    filtered::REPORT,
    errors::REPORT,
    events::REPORT,
    vitals::REPORT,
    goals::REPORT,
    storage::REPORT,
    alerts::REPORT,
];

/// The report with this slug.
pub fn by_slug(slug: &str) -> Option<&'static Report> {
    REPORTS.iter().find(|report| report.slug == slug)
}
