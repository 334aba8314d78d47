//! How pages and programs are led here: our own line, and what clients of other products change.

use askama::Template;

use super::{Error, layout::Frame};

/// The lines to paste or to change.
#[derive(Debug, Template)]
#[template(path = "setup.html")]
pub struct SetupPage<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// The HTML to paste into every page.
    pub snippet: &'a str,
    /// Other products, with their clients.
    pub products: &'a [Product],
}

/// A product whose clients work unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// What it is called.
    pub name: String,
    /// Each of its clients with the line to change.
    pub clients: Vec<(String, String)>,
}

impl SetupPage<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    /// When the template can't be written out.
    pub fn render(&self) -> Result<String, Error> {
        Ok(Template::render(self)?)
    }
}
