//! Which path leads where.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc};

use hyper::{Method, Request, body::Incoming};

use super::{
    annotations, api, beacon, compat, cors, download, embedded, gzip, health,
    live::{self, Streamed},
    pages::{self, Page},
    respond::{self, Answer},
    shared,
};
use crate::{
    app::App, assets::SCRIPTS, config::registry::Site, ingest::compat::PRODUCTS, page::link,
};

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
    Annotations,
    Page(Page),
    /// Pages for others, behind a token or a site's name.
    Share,
    Public,
    Unlock,
    Embed,
    Badge,
    /// The door of other products, by its path in the router's words.
    Foreign(&'static str),
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
        router.insert("/api/v1/annotations", Route::Annotations)?;
        let doors: BTreeSet<&str> =
            PRODUCTS.iter().flat_map(|product| product.doors).copied().collect();
        for door in doors {
            router.insert(door, Route::Foreign(door))?;
        }
        for rest in ["", "/", "/{*rest}"] {
            router.insert(format!("/share/{{token}}{rest}"), Route::Share)?;
            router.insert(format!("/public/{{site}}{rest}"), Route::Public)?;
        }
        router.insert("/share/{token}/unlock", Route::Unlock)?;
        router.insert("/embed/{site}", Route::Embed)?;
        router.insert("/badge/{name}", Route::Badge)?;
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
    ) -> Streamed {
        let is_stream = request.uri().path() == link::LIVE_EVENTS;
        if is_stream && request.method() == Method::GET {
            return live::stream(app, &request);
        }
        if request.uri().path() == link::DOWNLOAD && request.method() == Method::POST {
            return download::post(app, request.headers()).await;
        }
        let takes_gzip = gzip::is_accepted(request.headers());
        let answer = self.plain_answer(app, peer, request).await;
        live::whole(if takes_gzip { gzip::encoded(answer).await } else { answer })
    }

    async fn plain_answer(
        &self,
        app: &App,
        peer: SocketAddr,
        request: Request<Incoming>,
    ) -> Answer {
        let path = request.uri().path().to_owned();
        let Ok(found) = self.0.at(&path) else {
            return named(app, peer, &path, request).await;
        };
        let method = request.method();
        let part = |name: &str| found.params.get(name).unwrap_or_default();
        match (found.value, method) {
            (Route::Foreign(door), _) => compat::answer(app, door, peer, request).await,
            (Route::Beacon | Route::Pixel, &Method::OPTIONS) => cors::preflight(request.headers()),
            (Route::Beacon, &Method::POST) => beacon::post(app, peer, request).await,
            (Route::Beacon, _) => respond::method_not_allowed("POST, OPTIONS"),
            (Route::Page(Page::Errors), &Method::POST) => pages::post_error(app, request).await,
            (Route::Annotations, &Method::POST) => annotations::post(app, request).await,
            (Route::Unlock, &Method::POST) => shared::post_share(app, part("token"), request).await,
            (Route::Unlock, _) => respond::method_not_allowed("POST"),
            (Route::Pixel, &Method::GET) => beacon::get_pixel(app, peer, request).await,
            (_, &Method::GET | &Method::HEAD) => match found.value {
                Route::Script(name) => embedded::get_script(name, None, request.headers()),
                Route::Asset => embedded::get(found.params.get("name").unwrap_or_default()),
                Route::Health => health::get(app),
                Route::Reports => api::get(app, None, &request).await,
                Route::Report => api::get(app, found.params.get("slug"), &request).await,
                Route::Annotations => annotations::get(app, &request).await,
                Route::Privacy => pages::get_privacy_facts(app, &request),
                Route::Share => shared::get_share(app, part("token"), part("rest"), &request).await,
                Route::Public => {
                    shared::get_public(app, part("site"), part("rest"), &request).await
                }
                Route::Embed => shared::get_embed(app, part("site")).await,
                Route::Badge => shared::get_badge(app, part("name")).await,
                Route::Page(page) => pages::get(app, *page, &request).await,
                Route::Beacon | Route::Pixel | Route::Unlock | Route::Foreign(_) => {
                    respond::method_not_allowed("GET, OPTIONS")
                }
            },
            _ => respond::method_not_allowed("GET, HEAD"),
        }
    }
}

/// The answer under a path that a site has given to the script or to `/beacon`.
async fn named(app: &App, peer: SocketAddr, path: &str, request: Request<Incoming>) -> Answer {
    let registry = app.registry.get();
    let is_script = |site: &&Arc<Site>| site.script.as_deref() == Some(path);
    if let Some(site) = registry.sites.iter().find(is_script) {
        return match *request.method() {
            Method::GET | Method::HEAD => {
                embedded::get_script("tb.js", site.endpoint.as_deref(), request.headers())
            }
            _ => respond::method_not_allowed("GET, HEAD"),
        };
    }
    if registry.sites.iter().any(|site| site.endpoint.as_deref() == Some(path)) {
        return match *request.method() {
            Method::OPTIONS => cors::preflight(request.headers()),
            Method::POST => beacon::post(app, peer, request).await,
            _ => respond::method_not_allowed("POST, OPTIONS"),
        };
    }
    pages::not_found()
}
