//! The network that a client comes from, as a number that means nothing outside this process.

use std::{
    hash::{BuildHasher as _, RandomState},
    net::IpAddr,
};

/// Makes numbers of networks, under a key that is drawn at the start and never written.
#[derive(Debug, Default)]
pub struct Networks(RandomState);

impl Networks {
    /// The number of the /24 (IPv4) or /48 (IPv6) around `address`, apart for each `class`.
    pub fn number(&self, address: IpAddr, class: u8) -> u64 {
        let prefix = match address.to_canonical() {
            IpAddr::V4(address) => u128::from(u32::from(address) >> 8),
            IpAddr::V6(address) => (1 << 127) | (u128::from(address) >> 80),
        };
        self.0.hash_one((class, prefix))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn neighbours_share_a_number_and_others_do_not() {
        let networks = Networks::default();
        let number = |address: &str| networks.number(address.parse().unwrap(), 0);
        assert_eq!(number("192.0.2.1"), number("192.0.2.254"));
        assert_eq!(number("192.0.2.1"), number("::ffff:192.0.2.9"));
        assert_ne!(number("192.0.2.1"), number("192.0.3.1"));
        assert_eq!(number("2001:db8:1:2::3"), number("2001:db8:1:ffff::9"));
        assert_ne!(number("2001:db8:1::"), number("2001:db8:2::"));
        assert_ne!(number("192.0.2.1"), networks.number("192.0.2.1".parse().unwrap(), 1));
        assert_ne!(
            number("192.0.2.1"),
            Networks::default().number("192.0.2.1".parse().unwrap(), 0)
        );
    }
}
