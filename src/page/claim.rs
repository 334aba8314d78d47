//! The first account of a server, made by whoever has the link that it printed.

use askama::Template;

use super::{Error, layout::Frame};

/// The form.
#[derive(Debug, Template)]
#[template(path = "claim.html")]
pub struct ClaimPage<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// Where it is sent.
    pub action: &'a str,
    /// The name that was told before.
    pub name: &'a str,
    /// What was wrong with what was told before; empty the first time.
    pub wrong: &'a str,
    /// How many characters a password has at least.
    pub characters_min: usize,
}

impl ClaimPage<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    /// When the template can't be written out.
    pub fn render(&self) -> Result<String, Error> {
        Ok(Template::render(self)?)
    }
}
