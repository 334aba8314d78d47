//! `POST /beacon` and `GET /beacon.gif`: the doors through which beacons come.

use std::{
    net::{IpAddr, SocketAddr},
    slice,
};

use hyper::{
    HeaderMap, Request, StatusCode,
    body::Incoming,
    header::{self, HeaderValue},
};
use serde_json::json;
use tracing::error;

use super::{
    body, client,
    cors::{self, Origin},
    respond::{self, Answer},
};
use crate::{
    app::App,
    clock,
    config::registry::Entrance,
    ingest::{DECLARED, Rejected, payload::Payload},
    model::{beacon::Beacon, rejection::Reason},
    recent::Recent,
    writer::{NotStored, QueueFull},
};

/// How long a client that is turned away should wait, in seconds.
pub(super) const RETRY_AFTER: &str = "5";

/// A beacon as JSON or as a form.
pub(super) async fn post(app: &App, peer: SocketAddr, request: Request<Incoming>) -> Answer {
    let (head, incoming) = request.into_parts();
    let most = app.registry.get().server.limits.body_bytes;
    let body = match body::read(incoming, most).await {
        Ok(body) => body,
        Err(rejected) => return refused(app, Origin::of(&head.headers), &rejected, true),
    };
    let payload = read(&body, head.uri.query(), &head.headers);
    let stored = take(app, peer, &head.headers, payload, Entrance::Beacon);
    let origin = Origin::of(&head.headers);
    // Hundreds may wait at once to be stored: what they were read from does not.
    drop((head, body));
    match stored.await {
        Ok(()) => answered(respond::empty(StatusCode::NO_CONTENT), origin),
        Err(rejected) => refused(app, origin, &rejected, false),
    }
}

/// The pixel: its query is the beacon, and its answer an image whatever it counts.
pub(super) async fn get_pixel(app: &App, peer: SocketAddr, request: Request<Incoming>) -> Answer {
    let (head, _) = request.into_parts();
    let payload = Payload::from_form(head.uri.query().unwrap_or_default().as_bytes());
    let status = match take(app, peer, &head.headers, payload, Entrance::Pixel).await {
        Ok(()) => StatusCode::OK,
        Err(rejected) => {
            note(app, &rejected);
            status(&rejected)
        }
    };
    let status = if status == StatusCode::NO_CONTENT { StatusCode::OK } else { status };
    answered(respond::pixel(status), Origin::of(&head.headers))
}

/// The beacon of a body, read by what the body looks like: browsers send JSON under any type or none.
fn read<'b>(
    body: &'b [u8],
    query: Option<&'b str>,
    headers: &HeaderMap,
) -> Result<Payload<'b>, Rejected> {
    let start = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let kind = kind.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
    if start.is_empty() && query.is_some() {
        return Payload::from_form(query.unwrap_or_default().as_bytes());
    }
    if start.starts_with(b"{") || start.starts_with(b"[") {
        return Payload::from_json(body);
    }
    if kind.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
        return Payload::from_form(body);
    }
    if kind.eq_ignore_ascii_case(b"multipart/form-data") {
        let sentence =
            "multipart forms are not read here; send JSON or a urlencoded form".to_owned();
        return Err(Rejected::new(Reason::UnsupportedBody, sentence));
    }
    Payload::from_json(body)
}

/// Accepts a beacon and puts it into the queue before this returns. Once what it returns ends with `Ok`, it is on the
/// disk.
fn take<'a>(
    app: &'a App,
    peer: SocketAddr,
    headers: &HeaderMap,
    payload: Result<Payload<'_>, Rejected>,
    entrance: Entrance,
) -> impl Future<Output = Result<(), Rejected>> + use<'a> {
    let registry = app.registry.get();
    let trusted = &registry.server.trusted_proxies;
    let facts = client::facts(headers, peer, trusted, clock::now_ms(), entrance);
    observe(app, facts.client, client::is_passed_on_by_a_stranger(headers, peer, trusted));
    let taken = payload.and_then(|payload| {
        app.ingest.lend(&payload, &facts, &registry, |mut beacon| {
            let storing = store(app, slice::from_mut(&mut beacon));
            (storing, beacon.site.into_owned())
        })
    });
    async move {
        let (storing, site) = taken?;
        storing.await.map_err(|untaken| untaken.of(&site))
    }
}

/// Notes the way that a beacon came.
pub(super) fn observe(app: &App, client: IpAddr, passed_on: bool) {
    // A program on this machine is nobody's visit.
    if passed_on || !client.to_canonical().is_loopback() {
        app.observed.beacon(client, passed_on);
    }
}

/// Why beacons are not stored that could have been counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Untaken(Reason);

impl Untaken {
    /// The refusal of one of them, at `site`.
    pub(super) fn of(self, site: &str) -> Rejected {
        let sentence = match self.0 {
            Reason::Overloaded => "more beacons arrive than can be stored; try again later",
            _ => "the beacon could not be stored; try again later",
        };
        Rejected::new(self.0, sentence.to_owned()).at(site)
    }
}

/// Puts beacons that came together into the queue, all of them or none, before this returns. Once what it returns ends
/// with `Ok`, all are on the disk; else none is.
pub(super) fn store<'a>(
    app: &'a App,
    beacons: &mut [Beacon<'_>],
) -> impl Future<Output = Result<(), Untaken>> + use<'a> {
    if beacons.iter().any(|beacon| beacon.raw.is_some()) && app.writer.is_pressed() {
        // What is counted comes first: the beacons are not kept singly.
        let left_out = beacons.iter_mut().filter_map(|beacon| beacon.raw.take()).count();
        app.metrics.not_kept.add(u64::try_from(left_out).unwrap_or(u64::MAX));
    }
    let queued = queue(app, beacons);
    let recent = beacons.iter().map(|beacon| {
        let identifier = beacon.identifier.as_deref().unwrap_or_default();
        let words = [&*beacon.event_type, identifier];
        (beacon.site.to_string(), Recent::new(beacon.received_at, &words, None))
    });
    let recent: Vec<(String, Recent)> = recent.collect();
    async move {
        queued?.await.map_err(|NotStored| Untaken(Reason::NotStored))?;
        for (site, beacon) in recent {
            app.recent.note(&site, beacon);
        }
        Ok(())
    }
}

fn queue(
    app: &App,
    beacons: &[Beacon<'_>],
) -> Result<impl Future<Output = Result<(), NotStored>> + use<>, Untaken> {
    let mut encoded = Vec::with_capacity(256);
    for beacon in beacons {
        beacon.encode_into(&mut encoded).map_err(|error| {
            error!(%error, "a beacon could not be encoded");
            Untaken(Reason::NotStored)
        })?;
    }
    app.writer.store(&encoded, beacons.len()).map_err(|QueueFull| {
        app.metrics.unavailable.add(u64::try_from(beacons.len()).unwrap_or(u64::MAX));
        Untaken(Reason::Overloaded)
    })
}

/// Notes a refusal, so that the owner can see it.
pub(super) fn note(app: &App, rejected: &Rejected) {
    app.metrics.reject(rejected.reason);
    let site = rejected.site.as_deref().unwrap_or_default();
    let beacon = Recent::new(clock::now_ms(), &[&rejected.sentence], Some(rejected.reason));
    app.recent.note(site, beacon);
    if let Some(name) = &rejected.undeclared {
        let registry = app.registry.get();
        app.metrics.undeclared_site.note(name, |name| registry.site_called(name).is_none());
    }
    let agent = rejected.agent.as_deref();
    app.writer.refuse(rejected.site.as_deref(), rejected.reason, agent, clock::now());
}

fn refused(app: &App, origin: Origin, rejected: &Rejected, body_unread: bool) -> Answer {
    note(app, rejected);
    let status = status(rejected);
    if status == StatusCode::NO_CONTENT {
        return answered(respond::empty(status), origin);
    }
    let sentence = match rejected.sentence.split_once(DECLARED) {
        // Which there are is told under Live, to whoever may know.
        Some((sentence, _)) if rejected.reason == Reason::UnknownEventType => sentence,
        _ => &rejected.sentence,
    };
    let body = json!({ "error": sentence, "reason": rejected.reason });
    let mut answer = respond::json(status, &body);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        respond::set(&mut answer, header::RETRY_AFTER, RETRY_AFTER);
    }
    if body_unread {
        // What is left of the body must not be taken for the next request.
        respond::set(&mut answer, header::CONNECTION, "close");
    }
    answered(answer, origin)
}

fn answered(mut answer: Answer, origin: Origin) -> Answer {
    cors::allow(&mut answer, origin);
    answer
}

/// The status of a refusal.
const fn status(rejected: &Rejected) -> StatusCode {
    match rejected.reason {
        Reason::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Reason::UnsupportedBody => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Reason::OriginNotAllowed => StatusCode::FORBIDDEN,
        Reason::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Reason::Overloaded | Reason::NotStored => StatusCode::SERVICE_UNAVAILABLE,
        Reason::NotUtf8
        | Reason::Malformed
        | Reason::UnknownEventType
        | Reason::UnknownSite
        | Reason::IdentifierMissing
        | Reason::IdentifierTooLong
        | Reason::IdentifierNotAllowed
        | Reason::MetaTooLarge => StatusCode::BAD_REQUEST,
        // Only who sent it was not wanted: answered like any other.
        Reason::Bot
        | Reason::Automated
        | Reason::Implausible
        | Reason::Prefetch
        | Reason::ReferrerSpam
        | Reason::OwnVisit
        | Reason::PrivacySignal
        | Reason::Repeat => StatusCode::NO_CONTENT,
    }
}
