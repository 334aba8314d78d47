//! Asks for the password of a shared link.

use askama::Template;

use super::{Error, layout::Frame};

/// The form.
#[derive(Debug, Template)]
#[template(path = "unlock.html")]
pub struct UnlockPage<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// Where it is sent.
    pub action: &'a str,
    /// Why it did not open, in a sentence; empty before the first try.
    pub wrong: &'a str,
}

impl UnlockPage<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    /// When the template can't be written out.
    pub fn render(&self) -> Result<String, Error> {
        Ok(Template::render(self)?)
    }
}
