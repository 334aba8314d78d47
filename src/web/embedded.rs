//! Files that the binary carries, each under an address that changes with its content.

use hyper::{
    HeaderMap, StatusCode,
    header::{self, HeaderName, HeaderValue},
};

use super::respond::{self, Answer};
use crate::{app::App, assets};

/// A file of the dashboard, by the name under `/assets/`.
pub(super) fn get(name: &str) -> Answer {
    let Some(asset) = assets::by_hashed_name(name) else {
        return respond::empty(StatusCode::NOT_FOUND);
    };
    let mut answer = respond::with_body(StatusCode::OK, asset.kind, asset.content.clone());
    respond::set(&mut answer, header::CACHE_CONTROL, "public, max-age=31536000, immutable");
    answer
}

/// A script that pages load, which sends to `endpoint` if a site has given it a path of its own.
/// Other origins may read it, and see a new one within the day.
pub(super) fn get_script(
    app: &App,
    name: &str,
    endpoint: Option<&str>,
    request: &HeaderMap,
) -> Answer {
    let Some(script) = assets::script(name) else {
        return respond::empty(StatusCode::NOT_FOUND);
    };
    let registry = app.registry.get();
    let mounted = format!("{}{}", registry.server.root(), endpoint.unwrap_or("/beacon"));
    let endpoint = Some(mounted.as_str()).filter(|endpoint| *endpoint != "/beacon");
    let (mark, content) = match endpoint {
        Some(endpoint) => (endpoint, assets::sending_to(script, endpoint)),
        None => ("", script.content.clone()),
    };
    let Ok(tag) = HeaderValue::from_str(&format!("\"{}{mark}\"", script.hash)) else {
        return respond::empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let known = request.get(header::IF_NONE_MATCH) == Some(&tag);
    let mut answer = if known {
        respond::empty(StatusCode::NOT_MODIFIED)
    } else {
        respond::with_body(StatusCode::OK, script.kind, content)
    };
    answer.headers_mut().insert(header::ETAG, tag);
    respond::set(&mut answer, header::CACHE_CONTROL, "public, max-age=86400");
    respond::set(&mut answer, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    respond::set(&mut answer, policy, "cross-origin");
    answer
}
