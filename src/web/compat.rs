//! The doors of other products: what their clients send is counted like any beacon, and answered in
//! the words that they wait for.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, LazyLock},
    time::Duration,
};

use bytes::Bytes;
use hyper::{
    HeaderMap, Method, Request, StatusCode,
    body::Incoming,
    header::{self, HeaderName, HeaderValue},
    http::request::Parts,
};
use serde_json::json;

use super::{
    access, beacon, body, client,
    cors::{self, Origin},
    desk::{self, Purse},
    respond::{self, Answer},
    wire::crowd::{Crowd, Full, Place},
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
    network::Networks,
};

/// Bodies of up to so many bytes are read at once, as those of beacons are.
const SMALL_BYTES: usize = 16 * 1024;

/// How many larger bodies are read at the same time.
const LARGE_BODIES_MAX: usize = 64;

/// How many of them from one network: whoever sends slowly must not keep others waiting.
const LARGE_BODIES_OF_NETWORK_MAX: usize = 16;

/// How many objects and lists a body may hold: each takes hundreds of bytes of memory for two that are sent.
const CONTAINERS_MAX: usize = 50_000;

/// How long one waits for that.
const ROOM_TIME: Duration = Duration::from_secs(10);

/// The larger bodies that are being read.
static LARGE_BODIES: LazyLock<(Arc<Crowd>, Networks)> = LazyLock::new(Default::default);

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
    cors::allow(&mut answer, Origin::of(&head.headers));
    answer
}

async fn taken(
    app: &App,
    door: &str,
    peer: SocketAddr,
    head: &Parts,
    incoming: Incoming,
) -> Answer {
    let registry = app.registry.get();
    let most = compat::behind(door).map(|product| product.body_bytes_max).max().unwrap_or_default();
    let begun = match body::begin(incoming, most, SMALL_BYTES).await {
        Ok(begun) => begun,
        Err(rejected) => return unread(app, &rejected),
    };
    let _room = if begun.is_whole() {
        None
    } else {
        match room(client::limited(&head.headers, peer, &registry.server)).await {
            Ok(place) => Some(place),
            Err(Full::Network | Full::Whole) => return closed(try_later()),
        }
    };
    let body = match begun.whole().await.and_then(bounded) {
        Ok(body) => body,
        Err(rejected) => return unread(app, &rejected),
    };
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

/// Waits until there is room for a large body from `client`, if limits bind it.
///
/// # Errors
/// When its network has as many as it may, or there is no room for a while.
async fn room(client: Option<IpAddr>) -> Result<Place, Full> {
    let (crowd, networks) = &*LARGE_BODIES;
    let network = client.map(|client| networks.number(client, 0));
    let until = tokio::time::Instant::now() + ROOM_TIME;
    loop {
        match crowd.enter(LARGE_BODIES_MAX, network, LARGE_BODIES_OF_NETWORK_MAX) {
            Err(Full::Whole) => {
                let left = crowd.someone_left();
                tokio::time::timeout_at(until, left).await.map_err(|_| Full::Whole)?;
            }
            entered => return entered,
        }
    }
}

/// Refuses a body that would take far more memory to read than to send.
fn bounded(body: Bytes) -> Result<Bytes, Rejected> {
    let containers = body.iter().filter(|byte| matches!(byte, b'{' | b'[')).count();
    if containers <= CONTAINERS_MAX {
        return Ok(body);
    }
    let sentence =
        format!("the body has more than {CONTAINERS_MAX} objects and lists; send several");
    Err(Rejected::new(Reason::BodyTooLarge, sentence))
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
    let mut counted: Vec<Result<(), Rejected>> = Vec::with_capacity(items.len());
    let (mut beacons, mut places) = (Vec::new(), Vec::new());
    for item in items {
        counted.push(match accept(app, item, foreign) {
            Ok(Some(beacon)) => {
                places.push(counted.len());
                beacons.push(beacon);
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(rejected) => Err(rejected),
        });
    }
    // Together, in their order: a visit is made of it, and whoever has to send them again sends all of them.
    if !beacons.is_empty()
        && !counted.iter().any(has_failed)
        && let Err(untaken) = beacon::store(app, &mut beacons).await
    {
        for (place, beacon) in places.into_iter().zip(beacons) {
            if let Some(item) = counted.get_mut(place) {
                *item = Err(untaken.of(&beacon.site));
            }
        }
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

/// Whether the server could not count what it would have: then it has counted nothing of the request, and the client
/// may send all of it again.
fn is_to_be_repeated(outcome: &Outcome) -> bool {
    outcome.as_ref().is_ok_and(|items| items.iter().any(has_failed))
}

/// Whether it was the server that could not.
fn has_failed(item: &Result<(), Rejected>) -> bool {
    let is_ours = |reason| matches!(reason, Reason::Overloaded | Reason::NotStored);
    item.as_ref().is_err_and(|rejected| is_ours(rejected.reason))
}

/// The answer to a request whose body could not be taken.
fn unread(app: &App, rejected: &Rejected) -> Answer {
    beacon::note(app, rejected);
    let status = match rejected.reason {
        Reason::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    };
    let body = json!({ "error": rejected.sentence, "reason": rejected.reason });
    closed(respond::json(status, &body))
}

/// What is left of the body must not be taken for the next request.
fn closed(mut answer: Answer) -> Answer {
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
