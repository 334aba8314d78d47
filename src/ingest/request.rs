//! What a request tells of its sender, without the HTTP around it.

use std::net::IpAddr;

use crate::config::registry::Entrance;

/// The facts of a request that ingest goes by. They live as long as the request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r> {
    /// When it counts as received, UTC milliseconds: the same as `arrived_at`, but for what a trusted
    /// sender tells of the past.
    pub received_at: i64,
    /// When it really arrived, UTC milliseconds.
    pub arrived_at: i64,
    /// The client's address, after the proxies that are trusted.
    pub client: IpAddr,
    /// Whether someone on this machine sent it, with no proxy between: somebody trying things out.
    pub is_local: bool,
    /// Where it came in.
    pub entrance: Entrance,
    /// `Host`, without what is not a host.
    pub host: Option<&'r str>,
    /// `Origin`.
    pub origin: Option<&'r str>,
    /// `Referer`.
    pub referer: Option<&'r str>,
    /// `User-Agent`, empty if there is none.
    pub user_agent: &'r str,
    /// `Accept-Language`.
    pub languages: Option<&'r str>,
    /// A country that a trusted proxy has told, as an ISO 3166 code.
    pub country: Option<&'r str>,
    /// Whether `Sec-GPC: 1` or `DNT: 1` is set.
    pub asks_for_privacy: bool,
    /// Whether it was made ahead of a visit (`Sec-Purpose`, `Purpose`, `X-Purpose`, `X-Moz`).
    pub is_prefetch: bool,
}
