//! What every request passes on its way to the routes: whether it was taken for one at all, and
//! whether its network may come that often.

use std::{
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use hyper::{
    Request, Response, StatusCode,
    body::{Body, Frame, Incoming, SizeHint},
    header::{self, HeaderValue},
};
use serde_json::json;

use super::{
    access, beacon, client,
    cors::{self, Origin},
    headers,
    live::{Streamed, Streaming, whole},
    pages, redirect,
    respond::{self, Answer},
    routes::{self, Routes},
    wire::{
        allowance::{Allowance, Class},
        exchange::Exchange,
        verdict::Refusal,
    },
};
use crate::{
    app::App,
    config::registry::{Rate, Registry},
    ingest::Rejected,
    model::rejection::Reason,
};

/// Who asks, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker {
    /// The other end of the connection.
    pub(super) peer: SocketAddr,
    /// Whether it comes without TLS where there is TLS.
    pub(super) strays: bool,
}

/// What all connections share.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) app: App,
    routes: Routes,
    allowance: Arc<Allowance>,
}

/// What a network may still send in one request.
#[derive(Debug, Clone)]
pub(super) struct Purse {
    allowance: Arc<Allowance>,
    client: IpAddr,
    rate: Rate,
}

impl Purse {
    /// Pays for `more` beacons, before any of them is looked at.
    ///
    /// # Errors
    /// When it has not as much, with how long that stays so.
    pub(super) fn pay(&self, more: usize) -> Result<(), Duration> {
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        self.allowance.take_many(Class::Batch, self.client, more, self.rate)
    }
}

/// The body of an answer. Dropped, the answer is finished.
#[derive(Debug)]
pub(super) struct Turn<B> {
    body: B,
    _turn: Token,
}

#[derive(Debug)]
struct Token(Arc<Exchange>);

impl Drop for Token {
    fn drop(&mut self) {
        self.0.answered();
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Turn<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Desk {
    /// A desk before `routes`.
    pub(super) fn new(app: App, routes: Routes) -> Self {
        Self { app, routes, allowance: Arc::default() }
    }

    /// The answer to the next request of a connection.
    pub(super) async fn answer(
        self: Arc<Self>,
        exchange: Arc<Exchange>,
        Asker { peer, strays }: Asker,
        mut request: Request<Incoming>,
    ) -> Response<Turn<Streaming>> {
        let turn = Token(Arc::clone(&exchange));
        let registry = self.app.registry.get();
        let found = self.routes.find(&registry, &request);
        let (reader, class) = (found.reader(), found.class(request.method()));
        let (takes_many, counting) = (found.takes_many(), found.counting());
        let mut answer = match exchange.refusal() {
            Some(refusal) => self.refused(refusal),
            None => match self.turned_away(&registry, class, peer, &request) {
                Some(answer) => answer,
                None if strays => whole(redirect::answer(&registry.server, reader, &request)),
                None if let Some(door) = counting => {
                    whole(routes::ingested(&self.app, door, peer, request).await)
                }
                None => {
                    let purse = takes_many.then(|| self.purse(&registry, peer, &request)).flatten();
                    if let Some(purse) = purse {
                        request.extensions_mut().insert(purse);
                    }
                    // What pages take is not for each beacon to be made room for.
                    Box::pin(self.routes.answer(&self.app, peer, request)).await
                }
            },
        };
        if exchange.is_body_open() {
            // What is left of the body must not be taken for the next request.
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let is_https = registry.server.is_https_for_good() && !strays;
        headers::complete(&mut answer, reader, is_https);
        let hundreds = usize::from(answer.status().as_u16() / 100);
        if let Some(counter) = self.app.metrics.answers.get(hundreds.saturating_sub(1)) {
            counter.add(1);
        }
        answer.map(|body| Turn { body, _turn: turn })
    }

    /// The answer to what is no request.
    fn refused(&self, refusal: Refusal) -> Streamed {
        self.app.metrics.requests_refused.add(1);
        let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut answer = respond::json(status, &json!({ "error": refusal.sentence }));
        respond::set(&mut answer, header::CONNECTION, "close");
        whole(answer)
    }

    /// What pays for all but the first of the beacons that `request` brings; `None` where nothing binds its sender.
    fn purse(
        &self,
        registry: &Registry,
        peer: SocketAddr,
        request: &Request<Incoming>,
    ) -> Option<Purse> {
        let headers = request.headers();
        let client = client::limited(headers, peer, &registry.server)?;
        let is_bound = !client::shows_token(headers, &access::senders(&self.app, headers));
        let (allowance, rate) = (Arc::clone(&self.allowance), registry.server.limits.beacons);
        is_bound.then_some(Purse { allowance, client, rate })
    }

    /// The answer to a client whose network comes too often.
    fn turned_away(
        &self,
        registry: &Registry,
        class: Option<Class>,
        peer: SocketAddr,
        request: &Request<Incoming>,
    ) -> Option<Streamed> {
        let class = class?;
        let client = client::limited(request.headers(), peer, &registry.server)?;
        let limits = registry.server.limits;
        let rate = match class {
            Class::Beacon | Class::Batch => limits.beacons,
            Class::Page => limits.pages,
        };
        let wait = self.allowance.take(class, client, rate).err()?;
        let headers = request.headers();
        if client::shows_token(headers, &access::senders(&self.app, headers)) {
            return None;
        }
        let answer = match class {
            Class::Page => {
                let mut answer = pages::too_many(&self.app, seconds(wait));
                come_again(&mut answer, wait);
                answer
            }
            Class::Beacon | Class::Batch => {
                let mut answer = too_many_beacons(&self.app, wait);
                cors::allow(&mut answer, Origin::of(headers));
                answer
            }
        };
        self.app.metrics.requests_turned_away.add(1);
        Some(whole(answer))
    }
}

/// Rounded up, so that whoever waits as long is not turned away again.
fn seconds(wait: Duration) -> u64 {
    (wait + Duration::from_millis(999)).as_secs().max(1)
}

/// The answer to beacons of a network that has to `wait` until it may send more.
pub(super) fn too_many_beacons(app: &App, wait: Duration) -> Answer {
    let seconds = seconds(wait);
    let sentence = format!(
        "this network sends more beacons than the server takes of one; try again in {seconds} s"
    );
    beacon::note(app, &Rejected::new(Reason::TooMany, sentence.clone()));
    let body = json!({ "error": sentence, "reason": Reason::TooMany });
    let mut answer = respond::json(StatusCode::TOO_MANY_REQUESTS, &body);
    come_again(&mut answer, wait);
    answer
}

fn come_again(answer: &mut Answer, wait: Duration) {
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds(wait)));
}
