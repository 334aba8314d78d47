//! Which path leads where.

use std::{collections::BTreeSet, net::SocketAddr};

use bytes::Bytes;
use http_body_util::Either;
use hyper::{Method, Request, body::Incoming, http::request::Parts};

use super::{
    access::{self, Admitted, Needs},
    account, annotations, api, beacon, client, compat, cors, download, embedded, gzip,
    headers::Reader,
    health::{self, Probe},
    live::{self, Streamed},
    pages::{self, Page},
    respond::{self, Answer},
    scrape, shared, sign_in,
    wire::allowance::Class,
};
use crate::{
    app::App,
    assets::SCRIPTS,
    auth::accounts::{Rank, Visitor},
    config::registry::{Registry, Site},
    ingest::compat::PRODUCTS,
    page::link,
};

/// A door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Beacon,
    Pixel,
    Script(&'static str),
    Asset,
    Health(Probe),
    Metrics,
    Reports,
    Report,
    Privacy,
    Annotations,
    LiveEvents,
    Download,
    Page(Page),
    /// Pages for others, behind a token or a site's name.
    Share,
    Public,
    Unlock,
    Embed,
    Badge,
    /// The way in and out.
    SignIn,
    SignOut,
    Claim,
    Account,
    Password,
    Tokens,
    People,
    /// The door of other products, by its path in the router's words.
    Foreign(&'static str),
}

/// Every door with its path, in the router's words.
pub(super) fn doors() -> Vec<(String, Route)> {
    let mut doors: Vec<(String, Route)> = [
        ("/beacon", Route::Beacon),
        ("/beacon.gif", Route::Pixel),
        ("/assets/{name}", Route::Asset),
        ("/health", Route::Health(Probe::All)),
        ("/health/live", Route::Health(Probe::Live)),
        ("/health/ready", Route::Health(Probe::Ready)),
        ("/metrics", Route::Metrics),
        ("/api/v1/reports", Route::Reports),
        ("/api/v1/reports/{slug}", Route::Report),
        ("/api/v1/privacy", Route::Privacy),
        (link::ANNOTATIONS, Route::Annotations),
        (link::LIVE_EVENTS, Route::LiveEvents),
        (link::DOWNLOAD, Route::Download),
        ("/share/{token}/unlock", Route::Unlock),
        ("/embed/{site}", Route::Embed),
        ("/badge/{name}", Route::Badge),
        (link::SIGN_IN, Route::SignIn),
        (link::SIGN_OUT, Route::SignOut),
        ("/claim/{token}", Route::Claim),
        (link::ACCOUNT, Route::Account),
        (link::PASSWORD, Route::Password),
        (link::TOKENS, Route::Tokens),
        (link::PEOPLE, Route::People),
    ]
    .map(|(path, door)| (path.to_owned(), door))
    .into();
    doors.extend(SCRIPTS.map(|script| (format!("/{script}"), Route::Script(script))));
    let foreign: BTreeSet<&str> =
        PRODUCTS.iter().flat_map(|product| product.doors).copied().collect();
    doors.extend(foreign.into_iter().map(|door| (door.to_owned(), Route::Foreign(door))));
    for rest in ["", "/", "/{*rest}"] {
        doors.push((format!("/share/{{token}}{rest}"), Route::Share));
        doors.push((format!("/public/{{site}}{rest}"), Route::Public));
    }
    doors.extend(Page::ALL.map(|(page, path)| (path.to_owned(), Route::Page(page))));
    doors
}

/// What stands at a path.
#[derive(Debug)]
pub(super) enum Found<'r> {
    /// A door that is there on every server.
    Door(Route),
    /// The script, under the name that this site has given to it.
    Script(&'r Site),
    /// `/beacon`, under a name that a site has given to it.
    Endpoint,
    Nothing,
}

/// What a site has given a path to that leads elsewhere, so that nothing of it is ever met: in a sentence.
///
/// # Errors
/// When two doors are in each other's way, which is a mistake in the list of them.
pub(super) fn shadowed(registry: &Registry) -> Result<Option<String>, matchit::InsertError> {
    let routes = Routes::new()?;
    let door = |path: &str| routes.0.at(path).ok().map(|found| *found.value);
    let is_script =
        |path: &str| registry.sites.iter().any(|site| site.script.as_deref() == Some(path));
    for Site { name, script, endpoint, .. } in registry.sites.iter().map(AsRef::as_ref) {
        let why = |key: &str, path: &str, by: &str| {
            format!("the site {name} has {key} = {path:?}, but {by}: choose another path")
        };
        if let Some(path) = script {
            let is_same = endpoint.is_none() && door(path) == Some(Route::Script("tb.js"));
            if door(path).is_some() && !is_same {
                return Ok(Some(why("script", path, "that is a path of the program itself")));
            }
        }
        if let Some(path) = endpoint {
            if door(path).is_some_and(|door| door != Route::Beacon) {
                return Ok(Some(why("endpoint", path, "that is a path of the program itself")));
            }
            if is_script(path) {
                return Ok(Some(why("endpoint", path, "a script has that path")));
            }
        }
    }
    Ok(None)
}

/// What a site has given the name `path` to.
fn named<'r>(registry: &'r Registry, path: &str) -> Found<'r> {
    let is = |name: &Option<String>| name.as_deref() == Some(path);
    let mut sites = registry.sites.iter();
    match sites.find(|site| is(&site.script)) {
        Some(site) => Found::Script(site),
        None if registry.sites.iter().any(|site| is(&site.endpoint)) => Found::Endpoint,
        None => Found::Nothing,
    }
}

impl Found<'_> {
    /// By which allowance a request with `method` is bound; `None` for what costs next to nothing.
    pub(super) fn class(&self, method: &Method) -> Option<Class> {
        if method == Method::OPTIONS {
            return None;
        }
        match self {
            Self::Door(Route::Beacon | Route::Pixel | Route::Foreign(_)) => Some(Class::Beacon),
            Self::Door(Route::Script(_) | Route::Asset | Route::Health(_) | Route::Metrics) => None,
            Self::Script(_) => None,
            Self::Endpoint => Some(Class::Beacon),
            Self::Door(_) | Self::Nothing => Some(Class::Page),
        }
    }

    /// Whether one request may bring many beacons here.
    pub(super) const fn takes_many(&self) -> bool {
        matches!(self, Self::Door(Route::Foreign(_)))
    }

    /// The door, if it takes single beacons: that is for everybody, and thousands a second may come.
    pub(super) const fn counting(&self) -> Option<Route> {
        match self {
            Self::Door(door @ (Route::Beacon | Route::Pixel)) => Some(*door),
            Self::Endpoint => Some(Route::Beacon),
            Self::Door(_) | Self::Script(_) | Self::Nothing => None,
        }
    }

    /// Whom an answer is made for.
    pub(super) const fn reader(&self) -> Reader {
        match self {
            Self::Door(Route::Beacon | Route::Pixel | Route::Foreign(_) | Route::Script(_)) => {
                Reader::Sites
            }
            Self::Script(_) | Self::Endpoint => Reader::Sites,
            Self::Door(_) | Self::Nothing => Reader::People,
        }
    }
}

/// The paths of all doors.
#[derive(Debug)]
pub(super) struct Routes(matchit::Router<Route>);

/// The parts of a path that are no fixed words.
type Params<'p> = matchit::Params<'p, 'p>;

impl Routes {
    /// Every door under its path.
    ///
    /// # Errors
    /// When two paths are in each other's way, which is a mistake in the list of them.
    pub(super) fn new() -> Result<Self, matchit::InsertError> {
        let mut router = matchit::Router::new();
        for (path, door) in doors() {
            router.insert(path, door)?;
        }
        Ok(Self(router))
    }

    /// What stands at the path of `request`.
    pub(super) fn find<'r>(
        &self,
        registry: &'r Registry,
        request: &Request<Incoming>,
    ) -> Found<'r> {
        let path = registry.server.inner(request.uri().path());
        self.0.at(path).map_or_else(|_| named(registry, path), |found| Found::Door(*found.value))
    }

    /// The answer to `request` from `peer`, as short as the client takes it.
    pub(super) async fn answer(
        &self,
        app: &App,
        peer: SocketAddr,
        request: Request<Incoming>,
    ) -> Streamed {
        let takes_gzip = gzip::is_accepted(request.headers());
        let path = app.registry.get().server.inner(request.uri().path()).to_owned();
        let answer = match self.0.at(&path) {
            Ok(found) => match access::admit(app, *found.value, peer, &request) {
                Ok(admitted) => {
                    through(&admitted, *found.value, &found.params, peer, request).await
                }
                Err(answer) => live::whole(*answer),
            },
            Err(_) => live::whole(at_name(app, peer, &path, request).await),
        };
        if takes_gzip { packed(answer).await } else { answer }
    }
}

/// The same as gzip, unless it goes on.
async fn packed(answer: Streamed) -> Streamed {
    let (head, body) = answer.into_parts();
    match body {
        Either::Left(body) => live::whole(gzip::encoded(Answer::from_parts(head, body)).await),
        Either::Right(body) => Streamed::from_parts(head, Either::Right(body)),
    }
}

/// The answer behind `door`, for somebody who may go through it. Single beacons do not come this way: see
/// [`Found::counting`].
async fn through(
    admitted: &Admitted,
    door: Route,
    params: &Params<'_>,
    peer: SocketAddr,
    mut request: Request<Incoming>,
) -> Streamed {
    let Admitted { app, visitor } = admitted;
    let is_post = *request.method() == Method::POST;
    if is_post && access::needed(door, request.method()) != Needs::Nothing {
        let (head, bytes) = match access::form(app, visitor, request).await {
            Ok(form) => form,
            Err(answer) => return live::whole(answer),
        };
        if door == Route::Download {
            return download::post(app).await;
        }
        // What a form asks for is done to its end, also for somebody who hangs up: else the file would have it and
        // the memory not, and a token that was revoked would go on to open.
        let (admitted, token) =
            (admitted.clone(), params.get("token").unwrap_or_default().to_owned());
        let done =
            tokio::spawn(async move { posted(&admitted, door, &token, peer, &head, &bytes).await });
        return live::whole(done.await.unwrap_or_else(|error| {
            tracing::error!(%error, "what a form asked for broke off");
            respond::empty(hyper::StatusCode::INTERNAL_SERVER_ERROR)
        }));
    }
    if door == Route::LiveEvents && *request.method() == Method::GET {
        return live::stream(app, visitor, &request);
    }
    live::whole(match door {
        Route::Foreign(door) => compat::answer(app, door, peer, request).await,
        _ => {
            request.extensions_mut().insert(visitor.clone());
            read(app, visitor, door, params, peer, &request).await
        }
    })
}

/// The answer to what comes to be counted, one by one.
pub(super) async fn ingested(
    app: &App,
    door: Route,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Answer {
    match (door, request.method()) {
        (_, &Method::OPTIONS) => cors::preflight(request.headers()),
        (Route::Beacon, &Method::POST) => beacon::post(app, peer, request).await,
        (Route::Beacon, _) => respond::method_not_allowed("POST, OPTIONS"),
        (_, &Method::GET) => beacon::get_pixel(app, peer, request).await,
        _ => respond::method_not_allowed("GET, OPTIONS"),
    }
}

/// The answer to a form that may be taken.
async fn posted(
    Admitted { app, visitor }: &Admitted,
    door: Route,
    token: &str,
    peer: SocketAddr,
    head: &Parts,
    form: &Bytes,
) -> Answer {
    match door {
        Route::Page(Page::Errors) => pages::post_error(app, form).await,
        Route::Annotations => annotations::post(app, head, form).await,
        Route::Unlock => shared::post_share(app, peer, token, head, form).await,
        Route::SignIn => sign_in::post(app, peer, head, form).await,
        Route::SignOut => sign_in::post_sign_out(app, visitor, form).await,
        Route::Claim => sign_in::post_claim(app, token, head, form).await,
        Route::Password => account::post_password(app, visitor, peer, head, form).await,
        Route::Tokens => account::post_tokens(app, visitor, form).await,
        Route::People => account::post_people(app, visitor, form).await,
        _ => respond::method_not_allowed("GET, HEAD"),
    }
}

/// The answer to what only reads.
async fn read(
    app: &App,
    visitor: &Visitor,
    door: Route,
    params: &Params<'_>,
    peer: SocketAddr,
    request: &Request<Incoming>,
) -> Answer {
    let part = |name: &str| params.get(name).unwrap_or_default();
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return respond::method_not_allowed("GET, HEAD");
    }
    let as_stranger;
    let app = if visitor.rank == Rank::Nobody {
        let trusted = &app.registry.get().server.trusted_proxies;
        let client = client::client(request.headers(), peer.ip(), trusted);
        as_stranger = App { turns: app.turns.of_stranger(client), ..app.clone() };
        &as_stranger
    } else {
        app
    };
    match door {
        Route::Script(name) => embedded::get_script(app, name, None, request.headers()),
        Route::Asset => embedded::get(part("name")),
        Route::Health(probe) => health::get(app, probe, access::is_operator(app, peer, request)),
        Route::Metrics => scrape::get(app, access::is_operator(app, peer, request)),
        Route::Reports => api::get(app, visitor, None, request).await,
        Route::Report => api::get(app, visitor, params.get("slug"), request).await,
        Route::Annotations => annotations::get(app, request).await,
        Route::Privacy => pages::get_privacy_facts(app, request),
        Route::Share => shared::get_share(app, part("token"), part("rest"), request).await,
        Route::Public => shared::get_public(app, part("site"), part("rest"), request).await,
        Route::Embed => shared::get_embed(app, part("site")).await,
        Route::Badge => shared::get_badge(app, part("name")).await,
        Route::Page(page) => pages::get(app, page, request).await,
        Route::SignIn => sign_in::get(app, request),
        Route::Claim => sign_in::get_claim(app, part("token")),
        Route::Account => pages::account(app, visitor, hyper::StatusCode::OK, None),
        Route::Unlock | Route::Download | Route::SignOut => respond::method_not_allowed("POST"),
        Route::Password | Route::Tokens | Route::People => respond::method_not_allowed("POST"),
        Route::LiveEvents => respond::method_not_allowed("GET"),
        Route::Beacon | Route::Pixel | Route::Foreign(_) => {
            respond::method_not_allowed("POST, OPTIONS")
        }
    }
}

/// The answer under a path that a site has given to the script or to `/beacon`.
async fn at_name(app: &App, peer: SocketAddr, path: &str, request: Request<Incoming>) -> Answer {
    let registry = app.registry.get();
    match (named(&registry, path), request.method()) {
        (Found::Script(site), &Method::GET | &Method::HEAD) => {
            embedded::get_script(app, "tb.js", site.endpoint.as_deref(), request.headers())
        }
        (Found::Script(_), _) => respond::method_not_allowed("GET, HEAD"),
        (Found::Endpoint, _) => ingested(app, Route::Beacon, peer, request).await,
        (Found::Door(_) | Found::Nothing, _) => pages::not_found(app),
    }
}
