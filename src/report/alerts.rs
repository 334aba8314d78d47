//! What alerts have noticed: what lasts, and what is over.

use super::{
    answer::{Alerts, Incident},
    contract::{Answer, Report},
    question::Question,
    reading,
};
use crate::store::{
    Error, Transaction,
    alerts::{self, Incident as Stored},
};

/// How many incidents that are over are told.
const OVER_MAX: u32 = 100;

/// The report.
pub(super) const REPORT: Report = Report {
    slug: "alerts",
    title: "Alerts",
    answer: |q, file| Ok(Answer::Alerts(answer(q, file)?)),
};

/// The incidents of every site.
///
/// # Errors
/// When the file can't be read.
pub fn answer(question: &Question, file: &Transaction<'_>) -> Result<Alerts, Error> {
    let told = |incident: Stored| Incident {
        alert: incident.notice.alert,
        site: incident.notice.site,
        subject: incident.notice.subject,
        what: incident.notice.what,
        begun: incident.begun,
        ended: incident.ended,
        begun_local: reading::local(question, incident.begun),
        ended_local: incident.ended.map(|ended| reading::local(question, ended)),
    };
    Ok(Alerts {
        open: alerts::open(file)?.into_iter().map(told).collect(),
        over: alerts::over(file, OVER_MAX)?.into_iter().map(told).collect(),
    })
}
