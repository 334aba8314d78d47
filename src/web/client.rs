//! Who sends a request: its address behind the proxies that are trusted, and its headers as facts.

use std::net::{IpAddr, SocketAddr};

use hyper::{
    HeaderMap,
    header::{self, HeaderName},
};

use super::{access, guard};
use crate::{
    config::registry::{Entrance, Prefix, Server, Token},
    ingest::Request,
};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// By any of these a request tells that somebody else has sent it first.
const PASSED_ON: [HeaderName; 5] = [
    FORWARDED_FOR,
    header::FORWARDED,
    header::VIA,
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("cf-connecting-ip"),
];

/// Where a trusted proxy tells the visitor's country.
const COUNTRY_HEADERS: [HeaderName; 4] = [
    HeaderName::from_static("cf-ipcountry"),
    HeaderName::from_static("x-vercel-ip-country"),
    HeaderName::from_static("cloudfront-viewer-country"),
    HeaderName::from_static("x-country"),
];

/// By these a browser, or what fetches ahead for it, tells that nobody looks at the page yet.
const PURPOSES: [HeaderName; 4] = [
    HeaderName::from_static("sec-purpose"),
    HeaderName::from_static("purpose"),
    HeaderName::from_static("x-purpose"),
    HeaderName::from_static("x-moz"),
];

/// By these a browser asks not to be tracked.
const PRIVACY: [HeaderName; 2] =
    [HeaderName::from_static("sec-gpc"), HeaderName::from_static("dnt")];

/// The most hops that a list of forwarded addresses may have.
const HOPS_MAX: usize = 16;

/// The facts of a request that ingest goes by.
pub(super) fn facts<'r>(
    headers: &'r HeaderMap,
    peer: SocketAddr,
    trusted: &[Prefix],
    received_at: i64,
    entrance: Entrance,
) -> Request<'r> {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let is_trusted = is_in(trusted, peer.ip());
    let ahead = PURPOSES.iter().any(|name| {
        text(name).is_some_and(|purpose| {
            ["prefetch", "preview", "prerender"].iter().any(|word| purpose.contains(word))
        })
    });
    Request {
        received_at,
        arrived_at: received_at,
        client: client(headers, peer.ip(), trusted),
        is_local: peer.ip().to_canonical().is_loopback() && !is_passed_on(headers),
        entrance,
        host: text(&header::HOST),
        origin: text(&header::ORIGIN).filter(|origin| *origin != "null"),
        referer: text(&header::REFERER),
        user_agent: text(&header::USER_AGENT).unwrap_or_default(),
        languages: text(&header::ACCEPT_LANGUAGE),
        country: COUNTRY_HEADERS.iter().find_map(text).filter(|_| is_trusted),
        asks_for_privacy: PRIVACY.iter().any(|name| text(name) == Some("1")),
        is_prefetch: ahead,
    }
}

/// The client's address: the peer's, or, if the peer is a trusted proxy, the last address of
/// `X-Forwarded-For` that is not one.
pub(super) fn client(headers: &HeaderMap, peer: IpAddr, trusted: &[Prefix]) -> IpAddr {
    if !is_in(trusted, peer) {
        return peer;
    }
    let lists = headers.get_all(FORWARDED_FOR);
    let lists = lists.iter().rev().filter_map(|list| list.to_str().ok());
    let mut client = peer;
    for hop in lists.flat_map(|list| list.rsplit(',')).take(HOPS_MAX) {
        // What is not an address was not written by a proxy that is worth its trust.
        let Some(address) = address(hop) else { break };
        client = address;
        if !is_in(trusted, address) {
            break;
        }
    }
    client
}

/// Whether a sender may speak for others: it has a token, or is a program on this machine, or a
/// trusted proxy itself that does not pass on what somebody else has sent.
pub(super) fn is_trusted(
    facts: &Request<'_>,
    headers: &HeaderMap,
    peer: SocketAddr,
    server: &Server,
    tokens: &[Token],
) -> bool {
    // What a proxy passes on without telling for whom is not its own.
    let is_its_own = facts.client != peer.ip() || !is_passed_on(headers);
    facts.is_local
        || (is_its_own && is_in(&server.trusted_proxies, facts.client))
        || shows_token(headers, tokens)
}

/// The address that limits go by; `None` for whom none bind.
pub(super) fn limited(headers: &HeaderMap, peer: SocketAddr, server: &Server) -> Option<IpAddr> {
    let client = client(headers, peer.ip(), &server.trusted_proxies);
    is_bound(client, server).then_some(client)
}

/// Whether limits bind `address`: it is neither this machine's nor a trusted proxy's.
pub(super) fn is_bound(address: IpAddr, server: &Server) -> bool {
    !address.to_canonical().is_loopback() && !is_in(&server.trusted_proxies, address)
}

/// Whether a request comes from a program of this machine, or from one of the networks that may read
/// what an operator watches, and nobody has passed it on without being trusted.
pub(super) fn is_near(headers: &HeaderMap, peer: SocketAddr, server: &Server) -> bool {
    let client = client(headers, peer.ip(), &server.trusted_proxies);
    let is_its_own = client != peer.ip() || !is_passed_on(headers);
    // A browser of this machine may have been told another name for it.
    let is_local = client.to_canonical().is_loopback() && guard::is_near_host(headers);
    is_its_own && (is_local || is_in(&server.metrics_from, client))
}

/// Whether a sender shows one of `tokens`.
pub(super) fn shows_token(headers: &HeaderMap, tokens: &[Token]) -> bool {
    access::bearer(headers).is_some_and(|sent| Token::is_among(tokens, sent))
}

/// Whether a program has passed this on that is not trusted, so that its address is taken for the sender's.
pub(super) fn is_passed_on_by_a_stranger(
    headers: &HeaderMap,
    peer: SocketAddr,
    trusted: &[Prefix],
) -> bool {
    is_passed_on(headers) && !is_in(trusted, peer.ip())
}

fn is_passed_on(headers: &HeaderMap) -> bool {
    PASSED_ON.iter().any(|name| headers.contains_key(name))
}

fn is_in(networks: &[Prefix], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(address))
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let socket = || hop.parse().ok().map(|socket: SocketAddr| socket.ip());
    hop.trim_matches(['[', ']']).parse().ok().or_else(socket)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    fn check(peer: &str, forwarded: &str, expected: &str) {
        let trusted = [Prefix { address: "10.0.0.0".parse().unwrap(), bits: 8 }];
        let mut headers = HeaderMap::new();
        headers.insert(FORWARDED_FOR, forwarded.parse().unwrap());
        let found = client(&headers, peer.parse().unwrap(), &trusted);
        assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{peer} {forwarded}");
    }

    #[test]
    fn forwarded_addresses_count_only_from_trusted_proxies() {
        check("192.0.2.9", "198.51.100.1", "192.0.2.9");
        check("10.0.0.1", "198.51.100.1", "198.51.100.1");
        check("10.0.0.1", "203.0.113.7, 198.51.100.1, 10.2.3.4", "198.51.100.1");
        check("10.0.0.1", "198.51.100.1:4711", "198.51.100.1");
        check("10.0.0.1", "[2001:db8::1]:80", "2001:db8::1");
        check("10.0.0.1", "testclient", "10.0.0.1");
        check("10.0.0.1", "198.51.100.1, testclient", "10.0.0.1");
    }
}
