//! `GET /live/events`: who is here now and what has just come, told again whenever it changes
//! (server-sent events, WHATWG HTML, 9.2).

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::{
    Request, Response, StatusCode,
    body::{Body, Frame, Incoming},
    header::{self, HeaderName},
};
use serde_json::json;
use tokio::{
    sync::{Semaphore, SemaphorePermit, mpsc},
    time,
};

use super::{
    pages, read,
    respond::{self, Answer},
};
use crate::{app::App, auth::accounts::Visitor, clock};

/// How many pages may listen at once.
const STREAMS_MAX: usize = 64;

static STREAMS: Semaphore = Semaphore::const_new(STREAMS_MAX);

/// How often it is looked whether something has changed.
const EVERY: Duration = Duration::from_secs(1);

/// After how many looks without news a line is sent all the same, so that a lost listener is noticed.
const SILENT_LOOKS_MAX: u32 = 15;

/// How long a listener may take to take a message, before it is let go.
const PATIENCE: Duration = Duration::from_secs(10);

/// An answer that is complete, or one that goes on.
pub(super) type Streamed = Response<Streaming>;

/// Its body.
pub(super) type Streaming = Either<Full<Bytes>, Messages>;

/// Messages, one at a time: a listener that reads slowly is waited for, and nothing piles up.
#[derive(Debug)]
pub(super) struct Messages(mpsc::Receiver<Bytes>);

impl Messages {
    /// What comes from `receive`, until nobody sends any more.
    pub(super) const fn new(receive: mpsc::Receiver<Bytes>) -> Self {
        Self(receive)
    }
}

impl Body for Messages {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// The stream that `request` asks for.
pub(super) fn stream(app: &App, visitor: &Visitor, request: &Request<Incoming>) -> Streamed {
    let site = match read::question(app, request.uri().query()) {
        Ok(question) => question.site.name.clone(),
        Err(wrong) => {
            let body = json!({ "error": wrong.to_string() });
            return whole(respond::json(StatusCode::BAD_REQUEST, &body));
        }
    };
    let Ok(permit) = STREAMS.try_acquire() else {
        let sentence = format!("{STREAMS_MAX} pages listen already; reload this one now and then");
        let mut answer =
            respond::json(StatusCode::SERVICE_UNAVAILABLE, &json!({ "error": sentence }));
        respond::set(&mut answer, header::RETRY_AFTER, "60");
        return whole(answer);
    };
    let (send, receive) = mpsc::channel(1);
    tokio::spawn(tell(app.clone(), visitor.clone(), site, send, permit));
    let mut answer = Response::new(Either::Right(Messages::new(receive)));
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        answer.headers_mut().insert(name, header::HeaderValue::from_static(value));
    }
    answer
}

/// An answer that is complete.
pub(super) fn whole(answer: Answer) -> Streamed {
    answer.map(Either::Left)
}

/// Tells a listener what is new, until it goes, may not know it any more, or the server ends.
async fn tell(
    app: App,
    visitor: Visitor,
    site: String,
    send: mpsc::Sender<Bytes>,
    _permit: SemaphorePermit<'static>,
) {
    let mut told = String::new();
    let mut silent = 0;
    let may_look = || {
        let access = app.registry.get().server.access;
        app.accounts.is_still_good(&visitor, access, clock::now())
    };
    while may_look() {
        let news = pages::live_facts(&app, &site, visitor.sees_all()).await.to_string();
        let message = if news != told {
            silent = 0;
            Some(format!("data: {news}\n\n"))
        } else {
            silent += 1;
            (silent % SILENT_LOOKS_MAX == 0).then(|| ": still here\n\n".to_owned())
        };
        told = news;
        if let Some(message) = message
            && !matches!(time::timeout(PATIENCE, send.send(message.into())).await, Ok(Ok(())))
        {
            return;
        }
        tokio::select! {
            () = time::sleep(EVERY) => {}
            () = send.closed() => return,
            () = app.ending.wait() => return,
        }
    }
}
