//! Alerts: what the owner wants to be told of, what of it lasts, and what is over.

use askama::Template;

use super::{Error, layout::Frame};
use crate::report::answer::{Alerts, Incident};

/// The page.
#[derive(Debug, Template)]
#[template(path = "alerts.html")]
pub struct AlertsPage<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// What was noticed.
    pub alerts: &'a Alerts,
    /// The names of the alerts that are declared.
    pub declared: &'a [String],
}

impl AlertsPage<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    /// When the template can't be written out.
    pub fn render(&self) -> Result<String, Error> {
        Ok(Template::render(self)?)
    }

    fn lists(&self) -> [(&'static str, &'static str, &[Incident]); 2] {
        [("open", "Now", &self.alerts.open), ("over", "Over", &self.alerts.over)]
    }

    fn declared_words(&self) -> String {
        self.declared.join(", ")
    }

    /// Since when, and until when.
    fn time(&self, incident: &Incident) -> String {
        match &incident.ended_local {
            Some(ended) => format!("{} to {ended}", incident.begun_local),
            None => format!("since {}", incident.begun_local),
        }
    }
}
