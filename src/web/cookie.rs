//! Cookies: their names, and what a browser may do with them.

use hyper::{
    HeaderMap,
    header::{self, HeaderValue},
};

use super::respond::Answer;
use crate::config::registry::Server;

/// What a browser is known by that is signed in.
const SESSION: &str = "tb_session";

/// What a browser is known by that has signed in before.
const DEVICE: &str = "tb_device";

/// How long a browser is known, in seconds: a year.
const DEVICE_SECONDS: i64 = 365 * 86_400;

/// The token of the session, if the browser tells one.
pub(super) fn session<'h>(headers: &'h HeaderMap, server: &Server) -> Option<&'h str> {
    find(headers, &name(server, SESSION))
}

/// The token by which the browser is known, if it tells one.
pub(super) fn device<'h>(headers: &'h HeaderMap, server: &Server) -> Option<&'h str> {
    find(headers, &name(server, DEVICE))
}

/// Gives the browser the token of a session for `seconds`; none any more for 0.
pub(super) fn set_session(answer: &mut Answer, server: &Server, token: &str, seconds: i64) {
    set(answer, server, SESSION, token, seconds);
}

/// Gives the browser the token by which it is known.
pub(super) fn set_device(answer: &mut Answer, server: &Server, token: &str) {
    set(answer, server, DEVICE, token, DEVICE_SECONDS);
}

/// The value of the cookie called `name`.
pub(super) fn find<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut told = cookies.flat_map(|line| line.split(';'));
    told.find_map(|one| one.trim().split_once('=').filter(|(told, _)| *told == name))
        .map(|(_, value)| value)
}

/// What browsers call it: by its prefix they hold that nobody else on the way or on a neighbouring host has
/// set it (RFC 6265bis, 4.1.3). On one's own machine without TLS there is no such prefix.
fn name(server: &Server, bare: &str) -> String {
    match (server.is_https(), server.root()) {
        (true, "") => format!("__Host-{bare}"),
        (true, _) => format!("__Secure-{bare}"),
        (false, _) => bare.to_owned(),
    }
}

fn set(answer: &mut Answer, server: &Server, bare: &str, token: &str, seconds: i64) {
    let path = if server.root().is_empty() { "/" } else { server.root() };
    let secure = if server.is_https() { "; Secure" } else { "" };
    let cookie = format!(
        "{name}={token}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}",
        name = name(server, bare),
    );
    // All of it is ours: it has nothing that a header can't hold.
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
}
