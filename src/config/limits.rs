//! What of the server is bounded by how much.

/// The server's own limits.
#[derive(Debug, Clone, Copy)]
pub struct ServerLimits {
    /// The largest beacon body, in bytes.
    pub body_bytes: usize,
    /// How many beacons may wait for their commit.
    pub queue_beacons: usize,
    /// How many bytes of beacons may wait for their commit.
    pub queue_bytes: usize,
    /// How many connections may be open.
    pub connections: usize,
    /// How many of them a client network may have: a /24, or a /48 of IPv6.
    pub connections_per_network: usize,
    /// How often a client network may send beacons.
    pub beacons: Rate,
    /// How often it may ask for pages and figures.
    pub pages: Rate,
}

/// How often something may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// In the long run; 0 is as often as it likes.
    pub per_second: u32,
    /// At once, after a while without; at least 1.
    pub burst: u32,
}
