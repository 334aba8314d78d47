//! HTTP: doors to ingest, to pages and to figures. What hyper knows stays in this room.

mod access;
mod account;
mod annotations;
mod api;
mod beacon;
mod body;
mod client;
mod compat;
mod cookie;
mod cors;
mod desk;
mod download;
mod embedded;
mod guard;
mod gzip;
mod headers;
mod health;
pub mod listener;
mod live;
mod pages;
mod read;
mod redirect;
mod respond;
mod routes;
mod scrape;
pub mod server;
mod shared;
mod sign_in;
mod wire;

use crate::config::registry::{Registry, Site};

/// Every path that leads somewhere, in the router's words: `/share/{token}`.
pub fn paths() -> Vec<String> {
    routes::doors().into_iter().map(|(path, _)| path).collect()
}

/// Which path of a site leads elsewhere than the registry says, in a sentence.
pub fn shadowed(registry: &Registry) -> Option<String> {
    routes::shadowed(registry).unwrap_or_else(|error| Some(error.to_string()))
}

/// The line that a site's pages need in their head; `script` is the script's path, if the site has
/// given it one.
pub fn snippet(base_url: &str, script: Option<&str>) -> String {
    let script = script.unwrap_or("/tb.js");
    format!(r#"<script defer src="{base_url}{script}"></script>"#)
}

/// The line that makes them tell of their errors too; it stands before their other scripts.
pub fn errors_snippet(base_url: &str) -> String {
    format!(r#"<script src="{base_url}/tb-errors.js"></script>"#)
}

/// The line that makes them tell of their speed too.
pub fn vitals_snippet(base_url: &str) -> String {
    format!(r#"<script defer src="{base_url}/tb-vitals.js"></script>"#)
}

/// A command that sends a first beacon of `site`. It names a site that is declared, as no page does here.
pub fn curl(base_url: &str, site: &Site) -> String {
    let named =
        if site.hosts.is_empty() { String::new() } else { format!(r#""site":"{}","#, site.name) };
    format!(
        "curl -X POST {base_url}/beacon -d \
         '{{\"event_type\":\"page_view\",{named}\"identifier\":\"/docs/home\",\"meta\":{{\"ref\":\"utm:home\"}}}}'"
    )
}
