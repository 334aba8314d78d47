//! What somebody sees when a page can't be shown: what happened, and what to do.

use askama::Template;

use super::{Error, layout::Frame};

/// A page that says what went wrong.
#[derive(Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorPage<'a> {
    /// The frame; its site may be empty.
    pub frame: &'a Frame,
    /// The HTTP status.
    pub status: u16,
    /// What happened, in a few words: `There is no such page`.
    pub title: &'a str,
    /// What happened, in a plain sentence without internals.
    pub sentence: &'a str,
    /// What to do about it; empty for nothing.
    pub advice: &'a str,
}

impl ErrorPage<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    /// When the template can't be written out.
    pub fn render(&self) -> Result<String, Error> {
        Ok(Template::render(self)?)
    }
}
