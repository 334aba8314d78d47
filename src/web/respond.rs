//! Answers: what every one of them has in common, made in one place.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Response, StatusCode,
    header::{self, HeaderName, HeaderValue},
};
use serde::Serialize;
use tracing::error;

use crate::ingest::compat::contract::PIXEL;

/// An answer, complete.
pub(super) type Answer = Response<Full<Bytes>>;

/// What a page may load: itself and its own assets, nothing else.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
     trusted-types 'none'";

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer
}

/// An answer with a body of this content type.
pub(super) fn with_body(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    set(&mut answer, header::CONTENT_TYPE, kind);
    set(&mut answer, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    answer
}

/// An answer in JSON that nobody keeps.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    match serde_json::to_vec(body) {
        Ok(body) => {
            let mut answer = with_body(status, "application/json", body);
            set(&mut answer, header::CACHE_CONTROL, "no-store");
            answer
        }
        Err(error) => {
            error!(%error, "an answer could not be written as JSON");
            empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// A page of the dashboard.
pub(super) fn page(status: StatusCode, html: String) -> Answer {
    let mut answer = with_body(status, "text/html; charset=utf-8", html);
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
        // A form of ours must be able to say that it is ours.
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        set(&mut answer, name, value);
    }
    answer
}

/// Leads a browser that has sent a form on to a page.
pub(super) fn see_other(path: &str) -> Answer {
    let mut answer = empty(StatusCode::SEE_OTHER);
    match HeaderValue::from_str(path) {
        Ok(path) => {
            answer.headers_mut().insert(header::LOCATION, path);
            answer
        }
        Err(_) => empty(StatusCode::NO_CONTENT),
    }
}

/// The pixel, never kept, so that each page that shows it asks for it.
pub(super) fn pixel(status: StatusCode) -> Answer {
    let mut answer = with_body(status, "image/gif", PIXEL.to_vec());
    set(&mut answer, header::CACHE_CONTROL, "no-store, max-age=0");
    set(&mut answer, HeaderName::from_static("cross-origin-resource-policy"), "cross-origin");
    answer
}

/// The method is not one of those that the path has.
pub(super) fn method_not_allowed(allowed: &'static str) -> Answer {
    let mut answer = empty(StatusCode::METHOD_NOT_ALLOWED);
    set(&mut answer, header::ALLOW, allowed);
    answer
}

/// Sets a header to a value that is known to be one.
pub(super) fn set(answer: &mut Answer, name: HeaderName, value: &'static str) {
    answer.headers_mut().insert(name, HeaderValue::from_static(value));
}
