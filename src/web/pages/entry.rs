//! The pages before one is in: the form that asks who it is, the one of the first start, and the one that
//! says that nothing is to be seen yet.

use hyper::StatusCode;

use super::{error_page, frame, instead};
use crate::{
    app::App,
    auth::password::CHARACTERS_MIN,
    page::{
        self, claim::ClaimPage, closed::ClosedPage, link, sign_in::SignInPage, unlock::UnlockPage,
    },
    web::respond::{self, Answer},
};

/// What the form that asks who it is repeats.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::web) struct SignInWords<'a> {
    /// Where to go on.
    pub(in crate::web) next: &'a str,
    /// The name that was told.
    pub(in crate::web) name: &'a str,
    /// What was wrong.
    pub(in crate::web) wrong: &'a str,
}

/// What the form of the first start repeats.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::web) struct ClaimWords<'a> {
    /// The token of its link.
    pub(in crate::web) token: &'a str,
    /// The name that was told.
    pub(in crate::web) name: &'a str,
    /// What was wrong.
    pub(in crate::web) wrong: &'a str,
}

/// The form that asks who it is.
pub(in crate::web) fn sign_in(app: &App, status: StatusCode, words: &SignInWords<'_>) -> Answer {
    let SignInWords { next, name, wrong } = *words;
    let frame = frame::bare(app);
    drawn(app, status, SignInPage { frame: &frame, next, name, wrong }.render())
}

/// The form of the first start.
pub(in crate::web) fn claim(app: &App, status: StatusCode, words: &ClaimWords<'_>) -> Answer {
    let ClaimWords { token, name, wrong } = *words;
    let frame = frame::bare(app);
    let action = format!("{}{}/{token}", frame.way.root, link::CLAIM);
    let characters_min = CHARACTERS_MIN;
    let page = ClaimPage { frame: &frame, action: &action, name, wrong, characters_min };
    drawn(app, status, page.render())
}

/// The page that asks for the password of a link under `root`, and says what was `wrong`, if anything was.
pub(in crate::web) fn unlock(app: &App, root: &str, status: StatusCode, wrong: &str) -> Answer {
    let action = format!("{root}/unlock");
    let page = UnlockPage { frame: &frame::bare(app), action: &action, wrong };
    drawn(app, status, page.render())
}

/// The page that says that nothing is to be seen until somebody has opened the link of the first start.
pub(in crate::web) fn closed(app: &App) -> Answer {
    drawn(app, StatusCode::FORBIDDEN, ClosedPage { frame: &frame::bare(app) }.render())
}

/// The page that says why something could not be done.
pub(in crate::web) fn failed(app: &App, status: StatusCode, why: &str) -> Answer {
    error_page(app, status, "That could not be done", &sentence(why), "")
}

/// `why`, from a capital letter to a full stop.
pub(in crate::web) fn sentence(why: &str) -> String {
    let mut characters = why.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), characters.as_str())
}

pub(super) fn drawn(app: &App, status: StatusCode, page: Result<String, page::Error>) -> Answer {
    page.map_or_else(|error| instead(app, error.into()), |html| respond::page(status, html))
}
