//! What everybody sees of a server that nobody has set up.

use askama::Template;

use super::{Error, layout::Frame};

/// The page.
#[derive(Debug, Template)]
#[template(path = "closed.html")]
pub struct ClosedPage<'a> {
    /// The frame.
    pub frame: &'a Frame,
}

impl ClosedPage<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    /// When the template can't be written out.
    pub fn render(&self) -> Result<String, Error> {
        Ok(Template::render(self)?)
    }
}
