//! Taking the person out: an address and an agent become a number that only today's key can make.

use std::net::IpAddr;

use super::payload::Payload;
use crate::model::{
    period::Period,
    visitor::{Network, Visitor},
};

/// The key of one site and one of its days.
#[derive(Clone, PartialEq, Eq)]
pub struct DayKey(pub(super) [u8; 32]);

impl std::fmt::Debug for DayKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DayKey(…)")
    }
}

impl DayKey {
    /// The visitor behind an address (of IPv6 the first 64 bits) and a user agent.
    ///
    /// Each part is hashed with its length before it, so that no two different parts make one whole.
    pub fn visitor(&self, site: &str, client: IpAddr, user_agent: &str) -> Visitor {
        let (address, bytes) = address(client, 8);
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        for part in [
            &b"visitor"[..],
            site.as_bytes(),
            address.get(..bytes).unwrap_or_default(),
            user_agent.as_bytes(),
        ] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Visitor(number(&hasher))
    }

    /// A key for a day that is over, whose own is erased: what is told of it today goes together,
    /// and this one is erased with today's.
    #[must_use]
    pub fn of_past(&self, day: Period) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(b"past");
        hasher.update(&day.start.to_le_bytes());
        Self(*hasher.finalize().as_bytes())
    }

    /// A number for a beacon of `visitor`: the same for the same beacon, sent again on the same day.
    pub fn once(&self, visitor: Visitor, payload: &Payload<'_>) -> u64 {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        let mut part = |part: &[u8]| {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        };
        part(b"once");
        part(&visitor.0.to_le_bytes());
        payload.tell_apart(&mut part);
        number(&hasher)
    }

    /// The network behind an address: of IPv4 the first 24 bits, of IPv6 the first 48.
    pub fn network(&self, client: IpAddr) -> Network {
        let bytes = if client.to_canonical().is_ipv4() { 3 } else { 6 };
        let (address, _) = address(client, 8);
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(b"network");
        hasher.update(address.get(..bytes).unwrap_or_default());
        let hash = hasher.finalize();
        let (chunks, _) = hash.as_bytes().as_chunks::<4>();
        Network(chunks.first().copied().map(u32::from_le_bytes).unwrap_or_default())
    }
}

/// The first 8 bytes of a hash.
fn number(hasher: &blake3::Hasher) -> u64 {
    let hash = hasher.finalize();
    let (chunks, _) = hash.as_bytes().as_chunks::<8>();
    chunks.first().copied().map(u64::from_le_bytes).unwrap_or_default()
}

/// The bytes of an address and how many of them count: 4 of IPv4, `bytes_v6` of IPv6.
fn address(client: IpAddr, bytes_v6: usize) -> ([u8; 16], usize) {
    let mut octets = [0; 16];
    match client.to_canonical() {
        IpAddr::V4(v4) => {
            for (to, from) in octets.iter_mut().zip(v4.octets()) {
                *to = from;
            }
            (octets, 4)
        }
        IpAddr::V6(v6) => (v6.octets(), bytes_v6),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    fn of(site: &str, client: &str, agent: &str) -> Visitor {
        DayKey([7; 32]).visitor(site, client.parse().unwrap(), agent)
    }

    #[test]
    fn a_visitor_is_one_site_address_agent_and_day() {
        let visitor = of("a.org", "192.0.2.1", "x");
        assert_eq!(visitor, of("a.org", "::ffff:192.0.2.1", "x"));
        assert_ne!(visitor, of("b.org", "192.0.2.1", "x"));
        assert_ne!(visitor, of("a.org", "192.0.2.2", "x"));
        assert_ne!(visitor, of("a.org", "192.0.2.1", "y"));
        assert_ne!(visitor, DayKey([8; 32]).visitor("a.org", "192.0.2.1".parse().unwrap(), "x"));
        assert_eq!(of("a.org", "2001:db8::1", "x"), of("a.org", "2001:db8::2", "x"));
        assert_ne!(of("a.org", "2001:db8::1", "x"), of("a.org", "2001:db8:0:1::1", "x"));
    }

    #[test]
    fn a_network_is_a_24_or_a_48() {
        let network = |client: &str| DayKey([7; 32]).network(client.parse().unwrap());
        assert_eq!(network("192.0.2.1"), network("192.0.2.200"));
        assert_ne!(network("192.0.2.1"), network("192.0.3.1"));
        assert_eq!(network("2001:db8:1::1"), network("2001:db8:1:ff::1"));
        assert_ne!(network("2001:db8:1::1"), network("2001:db8:2::1"));
    }
}
