//! Who is here now, and the last beacons with what became of them.

use askama::Template;

use super::{Error, filtered, layout::Frame, number};
use crate::model::rejection::Reason;

/// What is going on.
#[derive(Debug, Template)]
#[template(path = "live.html")]
pub struct LivePage<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// How many visitors were seen in the last minutes.
    pub visitors: i64,
    /// On which pages they are, and how many on each.
    pub pages: &'a [(String, i64)],
    /// The last beacons.
    pub beacons: &'a [Beacon],
    /// Where news are to be had.
    pub stream: &'a str,
}

/// A beacon that has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beacon {
    /// When, in the site's time zone: `14:02:07`.
    pub time: String,
    /// What it was, or what was wrong with it.
    pub words: String,
    /// Why it was not counted; `None` if it was.
    pub reason: Option<Reason>,
}

impl Beacon {
    /// What became of it, in a few words.
    pub fn verdict(&self) -> &'static str {
        self.reason.map_or("counted", filtered::title)
    }
}

impl LivePage<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    /// When the template can't be written out.
    pub fn render(&self) -> Result<String, Error> {
        Ok(Template::render(self)?)
    }

    fn now_words(&self) -> String {
        number::counted(self.visitors, "visitor", "visitors")
    }
}
