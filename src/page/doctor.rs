//! Whether all is well with the server and its file.

use askama::Template;

use super::{Error, layout::Frame};

/// The page.
#[derive(Debug, Template)]
#[template(path = "doctor.html")]
pub struct DoctorPage<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// The answers, the worst first.
    pub findings: &'a [Finding],
}

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was asked about.
    pub about: String,
    /// `wrong`, `advice`, `open` or `well`.
    pub state: &'static str,
    /// Why, in a sentence.
    pub why: String,
    /// What to do, in a sentence; empty where nothing is to be done.
    pub to_do: String,
}

impl Finding {
    /// The colour of its mark.
    fn mark(&self) -> &'static str {
        match self.state {
            "wrong" => "poor",
            "well" => "good",
            _ => "fair",
        }
    }
}

impl DoctorPage<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    /// When the template can't be written out.
    pub fn render(&self) -> Result<String, Error> {
        Ok(Template::render(self)?)
    }

    fn title(&self) -> &'static str {
        match self.findings.iter().filter(|finding| finding.state == "wrong").count() {
            0 => "All is well",
            1 => "One thing is wrong",
            _ => "Some things are wrong",
        }
    }
}
