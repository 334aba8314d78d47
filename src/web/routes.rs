//! Which path leads where.

use std::net::SocketAddr;

use hyper::{Method, Request, body::Incoming};

use super::{
    api, beacon, cors, embedded, gzip, health,
    pages::{self, Page},
    respond::{self, Answer},
};
use crate::{app::App, assets::SCRIPTS};

/// A door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    Beacon,
    Pixel,
    Script(&'static str),
    Asset,
    Health,
    Reports,
    Report,
    Privacy,
    Page(Page),
}

/// The paths of all doors.
#[derive(Debug)]
pub(super) struct Routes(matchit::Router<Route>);

impl Routes {
    /// Every door under its path.
    ///
    /// # Errors
    /// When two paths are in each other's way, which is a mistake in this very function.
    pub(super) fn new() -> Result<Self, matchit::InsertError> {
        let mut router = matchit::Router::new();
        router.insert("/beacon", Route::Beacon)?;
        router.insert("/beacon.gif", Route::Pixel)?;
        for script in SCRIPTS {
            router.insert(format!("/{script}"), Route::Script(script))?;
        }
        router.insert("/assets/{name}", Route::Asset)?;
        router.insert("/health", Route::Health)?;
        router.insert("/api/v1/reports", Route::Reports)?;
        router.insert("/api/v1/reports/{slug}", Route::Report)?;
        router.insert("/api/v1/privacy", Route::Privacy)?;
        for (page, path) in Page::ALL {
            router.insert(path, Route::Page(page))?;
        }
        Ok(Self(router))
    }

    /// The answer to `request` from `peer`, as short as the client takes it.
    pub(super) async fn answer(
        &self,
        app: &App,
        peer: SocketAddr,
        request: Request<Incoming>,
    ) -> Answer {
        let takes_gzip = gzip::is_accepted(request.headers());
        let answer = self.plain_answer(app, peer, request).await;
        if takes_gzip { gzip::encoded(answer).await } else { answer }
    }

    async fn plain_answer(
        &self,
        app: &App,
        peer: SocketAddr,
        request: Request<Incoming>,
    ) -> Answer {
        let path = request.uri().path().to_owned();
        let Ok(found) = self.0.at(&path) else {
            return pages::not_found();
        };
        let method = request.method();
        match (found.value, method) {
            (Route::Beacon | Route::Pixel, &Method::OPTIONS) => cors::preflight(request.headers()),
            (Route::Beacon, &Method::POST) => beacon::post(app, peer, request).await,
            (Route::Beacon, _) => respond::method_not_allowed("POST, OPTIONS"),
            (Route::Page(Page::Errors), &Method::POST) => pages::post_error(app, request).await,
            (Route::Pixel, &Method::GET) => beacon::get_pixel(app, peer, request).await,
            (_, &Method::GET | &Method::HEAD) => match found.value {
                Route::Script(name) => embedded::get_script(name, request.headers()),
                Route::Asset => embedded::get(found.params.get("name").unwrap_or_default()),
                Route::Health => health::get(app),
                Route::Reports => api::get(app, None, &request).await,
                Route::Report => api::get(app, found.params.get("slug"), &request).await,
                Route::Privacy => pages::get_privacy_facts(app, &request),
                Route::Page(page) => pages::get(app, *page, &request).await,
                Route::Beacon | Route::Pixel => respond::method_not_allowed("GET, OPTIONS"),
            },
            _ => respond::method_not_allowed("GET, HEAD"),
        }
    }
}
