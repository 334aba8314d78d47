//! Asks who it is.

use askama::Template;

use super::{Error, layout::Frame, link};

/// The form.
#[derive(Debug, Template)]
#[template(path = "sign_in.html")]
pub struct SignInPage<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// Where to go on.
    pub next: &'a str,
    /// The name that was told before.
    pub name: &'a str,
    /// What was wrong with what was told before; empty the first time.
    pub wrong: &'a str,
}

impl SignInPage<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    /// When the template can't be written out.
    pub fn render(&self) -> Result<String, Error> {
        Ok(Template::render(self)?)
    }

    fn action(&self) -> String {
        self.frame.action(link::SIGN_IN)
    }
}
