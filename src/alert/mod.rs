//! Alerts: what of the owner's wishes to be told is so now, and what that begins and ends.

mod message;
mod watch;

pub use self::{
    message::{Sent, send},
    watch::{Disk, watch},
};

use crate::{
    config::registry::Registry,
    store::{
        self, Transaction,
        alerts::{self, Incident, Notice},
    },
};

/// How many incidents may last at once. What is noticed beyond it is told once there is room.
pub const OPEN_MAX: usize = 200;

/// How many messages may wait for their receivers. What comes beyond it is on the dashboard alone.
const WAITING_MAX: i64 = 500;

/// How many incidents that are over are kept.
const OVER_KEPT: u32 = 500;

/// What has changed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Changes {
    /// What begins to be so.
    pub begun: Vec<Notice>,
    /// What is no longer so.
    pub ended: Vec<Incident>,
}

impl Changes {
    /// Whether anything has changed.
    pub const fn is_empty(&self) -> bool {
        self.begun.is_empty() && self.ended.is_empty()
    }
}

/// What has changed between the incidents that last and what is noticed now. An incident is one as
/// long as it lasts, however its figures change.
pub fn changes(open: Vec<Incident>, notices: Vec<Notice>) -> Changes {
    let is_same = |one: &Notice, other: &Notice| {
        (&one.alert, &one.site, &one.subject) == (&other.alert, &other.site, &other.subject)
    };
    let room = OPEN_MAX.saturating_sub(open.len());
    let is_new = |notice: &Notice| !open.iter().any(|known| is_same(&known.notice, notice));
    let begun = notices.iter().filter(|notice| is_new(notice)).take(room).cloned().collect();
    let is_over =
        |incident: &Incident| !notices.iter().any(|notice| is_same(&incident.notice, notice));
    Changes { begun, ended: open.into_iter().filter(is_over).collect() }
}

/// Writes down what has changed at `now` (UTC seconds).
///
/// # Errors
/// When the file can't be written.
pub fn note(
    file: &Transaction<'_>,
    registry: &Registry,
    changes: &Changes,
    now: i64,
) -> Result<(), store::Error> {
    let receivers = |name: &str| {
        let alert = registry.alerts.iter().find(|alert| alert.name == name);
        alert.map_or(&[][..], |alert| &alert.send_to)
    };
    for notice in &changes.begun {
        let incident = alerts::begin(file, notice, now)?;
        for receiver in receivers(&notice.alert) {
            alerts::queue(file, incident, receiver, false, now, WAITING_MAX)?;
        }
    }
    for incident in &changes.ended {
        alerts::end(file, incident.id, now)?;
        for receiver in receivers(&incident.notice.alert) {
            alerts::queue(file, incident.id, receiver, true, now, WAITING_MAX)?;
        }
    }
    alerts::forget(file, OVER_KEPT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(alert: &str, what: &str) -> Notice {
        let (site, subject) = ("a.example".to_owned(), String::new());
        Notice { alert: alert.to_owned(), site, subject, what: what.to_owned() }
    }

    fn incident(id: i64, alert: &str) -> Incident {
        Incident { id, notice: notice(alert, "as it was"), begun: 0, ended: None }
    }

    #[test]
    fn an_incident_begins_once_and_ends_once() {
        let found = changes(
            vec![incident(1, "goes on"), incident(2, "is over")],
            vec![notice("goes on", "with other figures"), notice("is new", "")],
        );
        assert_eq!(found.begun, [notice("is new", "")]);
        assert_eq!(found.ended, [incident(2, "is over")]);
        assert!(changes(vec![incident(1, "a")], vec![notice("a", "")]).is_empty());
    }

    #[test]
    fn incidents_are_bounded() {
        let many = (0..500).map(|number| notice(&number.to_string(), "")).collect();
        assert_eq!(changes(vec![incident(1, "0")], many).begun.len(), OPEN_MAX - 1);
    }
}
