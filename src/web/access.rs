//! Who may go through which door. This is decided here and nowhere else: a door that stands in no list
//! does not compile, and one behind which figures are is closed to whoever has not shown who it is.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use hyper::{
    HeaderMap, Method, Request, StatusCode,
    body::Incoming,
    header::{self, HeaderName},
    http::request::Parts,
};
use serde_json::json;
use tracing::{error, warn};
use url::form_urlencoded;

use super::{
    body, client, cookie, guard,
    pages::{self, Page},
    respond::{self, Answer},
    routes::Route,
};
use crate::{
    app::App,
    auth::{
        accounts::{Rank, Use, Visitor},
        secret,
    },
    clock,
    config::{
        current::Current,
        registry::{Access, Registry, Token},
    },
    page::link,
    store::{self, accounts},
    writer::Affects,
};

/// The largest form, in bytes.
const FORM_BYTES_MAX: usize = 16 * 1024;

/// The field of a form that proves that a page of ours has sent it.
const FORM_TOKEN: &str = "csrf";

/// The same for programs of the dashboard, which have no field for it.
const FORM_TOKEN_HEADER: HeaderName = HeaderName::from_static("x-csrf-token");

/// What it takes to go through a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// Nothing: what is behind it is for everybody, or has a lock of its own.
    Nothing,
    /// A page of ours, for whoever wants to come in.
    OwnPage,
    /// To see the figures of a site.
    Figures,
    /// To see those of every site.
    EverySite,
    /// To be an owner.
    Owner,
    /// To be an owner in person: no program decides who may look.
    OwnerInPerson,
    /// To be a person with an account.
    Person,
}

/// What it takes to go through `door` with `method`.
pub(super) fn needed(door: Route, method: &Method) -> Needs {
    let is_post = *method == Method::POST;
    match door {
        Route::Beacon | Route::Pixel | Route::Foreign(_) => Needs::Nothing,
        Route::Script(_) | Route::Asset | Route::Health(_) | Route::Metrics => Needs::Nothing,
        Route::Share | Route::Public | Route::Embed | Route::Badge => Needs::Nothing,
        Route::Unlock | Route::SignIn | Route::Claim if is_post => Needs::OwnPage,
        Route::Unlock | Route::SignIn | Route::Claim => Needs::Nothing,
        Route::Annotations if is_post => Needs::Owner,
        Route::Reports | Route::Report | Route::Privacy | Route::Annotations => Needs::Figures,
        Route::LiveEvents => Needs::Figures,
        Route::Download => Needs::Owner,
        Route::Tokens | Route::People => Needs::OwnerInPerson,
        Route::Account | Route::Password | Route::SignOut => Needs::Person,
        Route::Page(page) => match page {
            Page::Errors if is_post => Needs::Owner,
            Page::Overview | Page::Top | Page::One | Page::Source | Page::Event => Needs::Figures,
            Page::Month | Page::Year | Page::Goals | Page::Vitals => Needs::Figures,
            Page::Events | Page::EventsCsv | Page::Errors | Page::Live => Needs::Figures,
            Page::Sites | Page::Filtered | Page::Privacy => Needs::Figures,
            Page::Alerts => Needs::EverySite,
            Page::Storage | Page::Setup | Page::Doctor => Needs::Owner,
        },
    }
}

/// Who sends a request, and the appliance as that one sees it.
#[derive(Debug, Clone)]
pub(super) struct Admitted {
    pub(super) app: App,
    pub(super) visitor: Visitor,
}

/// A program shows a token that is none.
#[derive(Debug, Clone, Copy)]
pub(super) struct BadToken;

/// Lets `request` through `door`, or answers in its place.
pub(super) fn admit(
    app: &App,
    door: Route,
    peer: SocketAddr,
    request: &Request<Incoming>,
) -> Result<Admitted, Box<Answer>> {
    let needs = needed(door, request.method());
    if is_for_readers(door) {
        observe(app, peer, request.headers());
        if !guard::is_known_host(request.headers(), &app.registry.get().server) {
            return Err(Box::new(misdirected(app)));
        }
    }
    if matches!(needs, Needs::Nothing | Needs::OwnPage) {
        return Ok(Admitted { app: app.clone(), visitor: Visitor::nobody() });
    }
    let visitor = visitor(app, request.headers())
        .map_err(|BadToken| Box::new(unauthorised("this token is none, or it was revoked")))?;
    if visitor.rank == Rank::Nobody {
        return Err(Box::new(stranger(app, request)));
    }
    let registry = app.registry.get();
    let app = seen_by(app, &registry, &visitor);
    // What somebody may not see looks like what is not there, and so does everything to a viewer whose
    // sites are no longer declared.
    let is_enough = match needs {
        Needs::Nothing | Needs::OwnPage => true,
        Needs::Figures => !app.registry.get().sites.is_empty(),
        Needs::EverySite => visitor.sees_all(),
        Needs::Owner => visitor.rank == Rank::Owner,
        Needs::OwnerInPerson => visitor.rank == Rank::Owner && visitor.person.is_some(),
        Needs::Person => visitor.person.is_some(),
    };
    if !is_enough && door == Route::Annotations {
        // That they are there is no secret to whom they are listed for.
        let why =
            "this takes an owner, or a token with the scope admin: who only reads adds nothing";
        return Err(Box::new(forbidden(why)));
    }
    if !is_enough {
        return Err(Box::new(nothing_here(&app, request.uri().path())));
    }
    Ok(Admitted { app, visitor })
}

/// Who sends a request with these headers.
///
/// # Errors
/// When it is a program whose token is none.
pub(super) fn visitor(app: &App, headers: &HeaderMap) -> Result<Visitor, BadToken> {
    let registry = app.registry.get();
    let now = clock::now();
    let found = match bearer(headers) {
        Some(told) => match app.accounts.book().program(told, now) {
            Some(found) => Some(found),
            None if registry.server.access == Access::Open => None,
            None => return Err(BadToken),
        },
        None => cookie::session(headers, &registry.server)
            .and_then(|told| app.accounts.book().person(told, now)),
    };
    let (visitor, noted) = found.unwrap_or((Visitor::nobody(), None));
    note(app, noted);
    if registry.server.access == Access::Open {
        return Ok(Visitor::anybody());
    }
    Ok(visitor)
}

/// Whether a request for what an operator watches comes from a program of this machine, from a network
/// that may, or from somebody who sees every site.
pub(super) fn is_operator(app: &App, peer: SocketAddr, request: &Request<Incoming>) -> bool {
    let headers = request.headers();
    let server = &app.registry.get().server;
    client::is_near(headers, peer, server)
        || guard::is_known_host(headers, server)
            && visitor(app, headers)
                .is_ok_and(|visitor| visitor.rank != Rank::Nobody && visitor.sees_all())
}

/// The token of `Authorization: Bearer`, or of `Token` as some programs call it.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let sent = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, told) = sent.split_once(' ')?;
    let is_known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token");
    is_known.then_some(told.trim())
}

/// Every token by which programs prove that they may speak for visitors: those of beacons.toml, and those
/// that were made for it. The use of the one that is shown is noted.
pub(super) fn senders(app: &App, headers: &HeaderMap) -> Vec<Token> {
    let book = app.accounts.book();
    if let Some(told) = bearer(headers) {
        note(app, book.use_by_sender(told, clock::now()));
    }
    let made = book.senders().map(Token::of_hash);
    app.registry.get().server.sender_tokens.iter().copied().chain(made).collect()
}

/// Notes a use in the file, beside the request.
pub(super) fn note(app: &App, noted: Option<Use>) {
    let Some(noted) = noted else { return };
    let (writer, now) = (app.writer.clone(), clock::now());
    tokio::spawn(async move {
        let change = move |file: &store::Transaction<'_>| match noted {
            Use::Session(id) => accounts::note_session(file, id, now),
            Use::Token(id, day) => accounts::note_token(file, id, day),
        };
        if let Err(error) = writer.change(Affects::Nothing, change).await {
            warn!(%error, "the last use of a session or token could not be noted");
        }
    });
}

/// The appliance without the sites that `visitor` may not see: to all that reads through it, they are not
/// there.
fn seen_by(app: &App, registry: &Registry, visitor: &Visitor) -> App {
    let Some(sites) = &visitor.sites else { return app.clone() };
    let mut own = registry.clone();
    own.sites.retain(|site| sites.contains(&site.name));
    App { registry: Arc::new(Current::new(own)), ..app.clone() }
}

/// The answer to somebody unknown: the way in.
fn stranger(app: &App, request: &Request<Incoming>) -> Answer {
    let path = request.uri().path();
    if is_for_programs(app, path) || bearer(request.headers()).is_some() {
        return unauthorised("sign in first, or send a token: Authorization: Bearer tb_…");
    }
    if !app.accounts.is_claimed() {
        return pages::closed(app);
    }
    let asked = request.uri().path_and_query().map(|asked| asked.as_str()).unwrap_or_default();
    let next = if *request.method() == Method::POST { "" } else { asked };
    let root = app.registry.get().server.root().to_owned();
    let next = next.strip_prefix(root.as_str()).unwrap_or(next);
    let way = link::Way { root, ..link::Way::default() };
    let next = if next == link::OVERVIEW { "" } else { next };
    respond::see_other(&way.to(link::SIGN_IN, &[(link::NEXT, next)]))
}

/// Notes under which name somebody looks, and whether in plain from elsewhere.
fn observe(app: &App, peer: SocketAddr, headers: &HeaderMap) {
    let registry = app.registry.get();
    let by_own_name = guard::is_own_name(headers, &registry.server);
    let client = client::client(headers, peer.ip(), &registry.server.trusted_proxies);
    let in_plain = !registry.server.is_https() && !client.to_canonical().is_loopback();
    app.observed.page(by_own_name, in_plain);
}

/// Whether people look at what is behind `door`, in browsers that another name may have been told for us.
const fn is_for_readers(door: Route) -> bool {
    !matches!(
        door,
        Route::Beacon
            | Route::Pixel
            | Route::Foreign(_)
            | Route::Script(_)
            | Route::Asset
            | Route::Health(_)
            | Route::Metrics
            | Route::Embed
            | Route::Badge
    )
}

fn misdirected(app: &App) -> Answer {
    let registry = app.registry.get();
    let sentence = format!(
        "this server is {}, and nothing else: ask for it there, or set base_url in beacons.toml",
        registry.server.url()
    );
    respond::json(StatusCode::MISDIRECTED_REQUEST, &json!({ "error": sentence }))
}

fn unauthorised(sentence: &str) -> Answer {
    let mut answer = respond::json(StatusCode::UNAUTHORIZED, &json!({ "error": sentence }));
    respond::set(&mut answer, header::WWW_AUTHENTICATE, "Bearer");
    answer
}

fn nothing_here(app: &App, path: &str) -> Answer {
    if is_for_programs(app, path) {
        let body = json!({ "error": "there is nothing at this address" });
        return respond::json(StatusCode::NOT_FOUND, &body);
    }
    pages::not_found(app)
}

fn is_for_programs(app: &App, path: &str) -> bool {
    let registry = app.registry.get();
    let path = registry.server.inner(path);
    path.starts_with("/api/") || path == link::LIVE_EVENTS || path == link::EVENTS_CSV
}

/// Reads a form, or what a program sends in the place of one, if it may be taken.
///
/// # Errors
/// With the answer, when a page of another site may have sent it, it lacks its token, or can't be read.
pub(super) async fn form(
    app: &App,
    visitor: &Visitor,
    request: Request<Incoming>,
) -> Result<(Parts, Bytes), Answer> {
    let (head, incoming) = request.into_parts();
    let registry = app.registry.get();
    // A browser sends no token of a program by itself, and where nobody signs in, programs need none.
    let may_be_program = visitor.is_program()
        || (registry.server.access == Access::Open && visitor.rank == Rank::Owner);
    if !guard::is_own(&head.headers, registry.server.base_url.as_deref(), may_be_program) {
        return Err(forbidden("this form is only taken from its own page"));
    }
    let bytes = match body::read(incoming, FORM_BYTES_MAX).await {
        Ok(bytes) => bytes,
        Err(rejected) => {
            let body = json!({ "error": rejected.sentence });
            return Err(respond::json(StatusCode::BAD_REQUEST, &body));
        }
    };
    let Some(person) = &visitor.person else { return Ok((head, bytes)) };
    let header = head.headers.get(FORM_TOKEN_HEADER).and_then(|value| value.to_str().ok());
    let told = header.map(str::to_owned).or_else(|| field(&bytes, FORM_TOKEN));
    if told.is_none_or(|told| !secret::is_same(&told, &person.form_token)) {
        return Err(forbidden("this form is from another session: open its page again"));
    }
    Ok((head, bytes))
}

/// The first field of a form that is called `name`.
pub(super) fn field(form: &[u8], name: &str) -> Option<String> {
    let mut fields = form_urlencoded::parse(form);
    fields.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn forbidden(sentence: &str) -> Answer {
    respond::json(StatusCode::FORBIDDEN, &json!({ "error": sentence }))
}

/// What a form gets whose wish could not be stored.
pub(super) fn not_stored(cause: &dyn std::fmt::Display) -> (StatusCode, String) {
    error!(%cause, "what a form asked for could not be stored");
    (StatusCode::SERVICE_UNAVAILABLE, "it could not be stored; try again later".to_owned())
}
