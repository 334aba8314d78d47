//! The doors of other products: what their clients send is counted like any beacon, and answered in
//! the words that they wait for.

use std::{net::SocketAddr, time::Duration};

use hyper::{
    HeaderMap, Method, Request, StatusCode,
    body::{Body as _, Incoming},
    header::{self, HeaderName, HeaderValue},
    http::request::Parts,
};
use serde_json::json;
use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};

use super::{
    access, beacon, body, client, cors,
    desk::{self, Purse},
    respond::{self, Answer},
};
use crate::{
    app::App,
    clock,
    config::registry::Entrance,
    ingest::{
        Rejected,
        compat::{
            self,
            contract::{Foreign, Item, Outcome, Product, Reply},
        },
    },
    model::rejection::Reason,
};

/// Bodies of up to so many bytes are read at once, as those of beacons are.
const SMALL_BYTES: u64 = 16 * 1024;

/// How many larger bodies, or ones that don't say how large they are, are read at the same time.
const LARGE_BODIES_MAX: usize = 64;

static LARGE_BODIES: Semaphore = Semaphore::const_new(LARGE_BODIES_MAX);

/// The answer of the products behind `door`.
pub(super) async fn answer(
    app: &App,
    door: &str,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Answer {
    match *request.method() {
        Method::OPTIONS => return cors::preflight(request.headers()),
        Method::GET | Method::POST => {}
        _ => return respond::method_not_allowed("GET, POST, OPTIONS"),
    }
    let (head, incoming) = request.into_parts();
    let mut answer = taken(app, door, peer, &head, incoming).await;
    cors::allow(&mut answer, &head.headers);
    answer
}

async fn taken(
    app: &App,
    door: &str,
    peer: SocketAddr,
    head: &Parts,
    incoming: Incoming,
) -> Answer {
    let most = compat::behind(door).map(|product| product.body_bytes_max).max().unwrap_or_default();
    let Ok(_room) = room(&incoming).await else { return try_later() };
    let body = match body::read(incoming, most).await {
        Ok(body) => body,
        Err(rejected) => return unread(app, &rejected),
    };
    let registry = app.registry.get();
    let trusted = &registry.server.trusted_proxies;
    let is_post = head.method == Method::POST;
    let entrance = if is_post { Entrance::Clients } else { Entrance::Pixel };
    let tokens = access::senders(app, &head.headers);
    let facts = client::facts(&head.headers, peer, trusted, clock::now_ms(), entrance);
    let passed_on = client::is_passed_on_by_a_stranger(&head.headers, peer, trusted);
    beacon::observe(app, facts.client, passed_on);
    let foreign = Foreign {
        path: registry.server.inner(head.uri.path()),
        query: head.uri.query().unwrap_or_default(),
        body: &body,
        request: &facts,
        is_trusted: client::is_trusted(&facts, &head.headers, peer, &registry.server, &tokens),
        tokens: &tokens,
    };
    let Some(product) = compat::behind(door).find(|product| (product.is_meant)(&foreign)) else {
        return respond::empty(StatusCode::NOT_FOUND);
    };
    match count(app, product, &foreign, head.extensions.get()).await {
        Ok(outcome) if is_to_be_repeated(&outcome) => try_later(),
        Ok(outcome) => written((product.answer)(&foreign, &outcome)),
        Err(wait) => desk::too_many_beacons(app, wait),
    }
}

/// Waits until there is room for a body, if it may be a large one.
async fn room(body: &Incoming) -> Result<Option<SemaphorePermit<'static>>, AcquireError> {
    let most = body.size_hint().upper().unwrap_or(u64::MAX);
    if most <= SMALL_BYTES { Ok(None) } else { LARGE_BODIES.acquire().await.map(Some) }
}

fn try_later() -> Answer {
    let body = json!({ "error": "nothing could be stored; try again later" });
    let mut answer = respond::json(StatusCode::SERVICE_UNAVAILABLE, &body);
    respond::set(&mut answer, header::RETRY_AFTER, beacon::RETRY_AFTER);
    answer
}

/// Counts every item of a request. All are on the disk, or refused, once this returns.
///
/// # Errors
/// When their network may not send that many, with how long it has to wait; then none is looked at.
async fn count(
    app: &App,
    product: &Product,
    foreign: &Foreign<'_>,
    purse: Option<&Purse>,
) -> Result<Outcome, Duration> {
    let items = match (product.read)(foreign) {
        Ok(items) => items,
        Err(wrong) => {
            beacon::note(app, &wrong.rejected);
            return Ok(Err(wrong));
        }
    };
    let wanted = items.iter().filter(|item| matches!(item, Ok(Some(_)))).count();
    if let Some(purse) = purse {
        // The request itself has paid for one.
        purse.pay(wanted.saturating_sub(1))?;
    }
    // All of them are in the queue, in their order, before any is waited for: a visit is made of it.
    let mut storing = Vec::with_capacity(items.len());
    for item in items {
        storing.push(match accept(app, item, foreign) {
            Ok(Some(beacon)) => Ok(Some(beacon::store(app, beacon))),
            Ok(None) => Ok(None),
            Err(rejected) => Err(rejected),
        });
    }
    let mut counted: Vec<Result<(), Rejected>> = Vec::with_capacity(storing.len());
    for item in storing {
        counted.push(match item {
            Ok(Some(stored)) => stored.await,
            Ok(None) => Ok(()),
            Err(rejected) => Err(rejected),
        });
    }
    counted
        .iter()
        .filter_map(|item| item.as_ref().err())
        .for_each(|rejected| beacon::note(app, rejected));
    Ok(Ok(counted))
}

fn accept(
    app: &App,
    item: Item,
    foreign: &Foreign<'_>,
) -> Result<Option<crate::model::beacon::Beacon<'static>>, Rejected> {
    let Some(claim) = item? else { return Ok(None) };
    app.ingest.accept_claim(claim, foreign, &app.registry.get()).map(Some)
}

/// Whether nothing was counted because the server could not, so that the client may send all again.
fn is_to_be_repeated(outcome: &Outcome) -> bool {
    let failed = |item: &Result<(), Rejected>| {
        item.as_ref().is_err_and(|rejected| {
            matches!(rejected.reason, Reason::Overloaded | Reason::NotStored)
        })
    };
    outcome.as_ref().is_ok_and(|items| !items.is_empty() && items.iter().all(failed))
}

/// The answer to a request whose body could not be taken.
fn unread(app: &App, rejected: &Rejected) -> Answer {
    beacon::note(app, rejected);
    let status = match rejected.reason {
        Reason::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    };
    let body = json!({ "error": rejected.sentence, "reason": rejected.reason });
    let mut answer = respond::json(status, &body);
    // What is left of the body must not be taken for the next request.
    respond::set(&mut answer, header::CONNECTION, "close");
    answer
}

fn written(reply: Reply) -> Answer {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = if reply.kind.is_empty() {
        respond::empty(status)
    } else {
        respond::with_body(status, reply.kind, reply.body)
    };
    set_all(answer.headers_mut(), reply.headers);
    answer
}

fn set_all(headers: &mut HeaderMap, further: Vec<(&'static str, String)>) {
    for (name, value) in further {
        // A sentence may hold what no header may; then the status has to do.
        let ascii: String =
            value.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect();
        if let Ok(value) = HeaderValue::from_str(&ascii) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}
