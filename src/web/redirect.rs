//! What whoever comes without TLS is told, where there is TLS: the same path by https.
//!
//! Only to names of ours, whatever `Host` says. 308 keeps method and body, so that a browser's beacon
//! arrives by TLS. A form is not sent on: whoever fills one in shall know that it went in plain.

use hyper::{
    Method, Request, StatusCode,
    body::Incoming,
    header::{self, HeaderValue},
};
use serde_json::json;

use super::{
    cors::{self, Origin},
    headers::Reader,
    respond::{self, Answer},
};
use crate::config::registry::Server;

/// The answer to `request`, at a door that is for `reader`.
pub(super) fn answer(server: &Server, reader: Reader, request: &Request<Incoming>) -> Answer {
    let is_for_sites = reader == Reader::Sites;
    if is_for_sites && *request.method() == Method::OPTIONS {
        return cors::preflight(request.headers());
    }
    let is_reading = matches!(*request.method(), Method::GET | Method::HEAD);
    let told = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let origin = server.secure_origin(told.unwrap_or_default());
    let path = request.uri().path_and_query().map(|path| path.as_str());
    let there = origin.zip(path.filter(|path| path.starts_with('/')));
    let location =
        there.and_then(|(origin, path)| HeaderValue::from_str(&format!("{origin}{path}")).ok());
    match location {
        Some(location) if is_reading || is_for_sites => {
            let mut answer = respond::empty(StatusCode::PERMANENT_REDIRECT);
            answer.headers_mut().insert(header::LOCATION, location);
            if is_for_sites {
                cors::allow(&mut answer, Origin::of(request.headers()));
            }
            answer
        }
        _ => {
            let sentence = format!("this is only taken by TLS: send it to {}", server.url());
            let mut answer = respond::json(StatusCode::BAD_REQUEST, &json!({ "error": sentence }));
            respond::set(&mut answer, header::CONNECTION, "close");
            answer
        }
    }
}
