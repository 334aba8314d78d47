//! What requests show of the way that they come, as numbers: whether all are from one address, whether a
//! proxy passes them on that is not trusted, which name they ask for. No address is kept.

use std::{
    hash::{BuildHasher as _, RandomState},
    net::IpAddr,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

/// What was seen since the start.
#[derive(Debug, Default)]
pub struct Observed {
    keys: RandomState,
    /// A hash of the first sender under a key of this process; 0 for none.
    first_sender: AtomicU64,
    has_others: AtomicBool,
    beacons: AtomicU64,
    passed_on: AtomicU64,
    by_own_name: AtomicU64,
    by_other_name: AtomicU64,
    in_plain: AtomicU64,
}

/// The same as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// Beacons that came in, whatever became of them.
    pub beacons: u64,
    /// Whether they came from more than one address.
    pub has_many_senders: bool,
    /// Beacons that a program has passed on which is not among the trusted proxies.
    pub passed_on: u64,
    /// Pages that were asked for under the name of `base_url`.
    pub by_own_name: u64,
    /// Pages that were asked for under another name.
    pub by_other_name: u64,
    /// Pages that somebody from elsewhere has asked for, though the server is reached without TLS.
    pub in_plain: u64,
}

impl Observed {
    /// Notes a beacon of the sender at `client`; `passed_on`: by a program that is not trusted.
    pub fn beacon(&self, client: IpAddr, passed_on: bool) {
        self.beacons.fetch_add(1, Relaxed);
        if passed_on {
            self.passed_on.fetch_add(1, Relaxed);
        }
        if self.has_others.load(Relaxed) {
            return;
        }
        // The last bit is set, so that no sender's hash is that of none.
        let sender = self.keys.hash_one(client) | 1;
        let first = self.first_sender.compare_exchange(0, sender, Relaxed, Relaxed);
        if first.is_err_and(|first| first != sender) {
            self.has_others.store(true, Relaxed);
        }
    }

    /// Notes that somebody asks for a page; `by_own_name` if `base_url` names what was asked for.
    pub fn page(&self, by_own_name: Option<bool>, in_plain: bool) {
        match by_own_name {
            Some(true) => self.by_own_name.fetch_add(1, Relaxed),
            Some(false) => self.by_other_name.fetch_add(1, Relaxed),
            None => 0,
        };
        if in_plain {
            self.in_plain.fetch_add(1, Relaxed);
        }
    }

    /// What was seen by now.
    pub fn get(&self) -> Seen {
        Seen {
            beacons: self.beacons.load(Relaxed),
            has_many_senders: self.has_others.load(Relaxed),
            passed_on: self.passed_on.load(Relaxed),
            by_own_name: self.by_own_name.load(Relaxed),
            by_other_name: self.by_other_name.load(Relaxed),
            in_plain: self.in_plain.load(Relaxed),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn one_sender_is_told_from_many() {
        let observed = Observed::default();
        for _ in 0..3 {
            observed.beacon("192.0.2.1".parse().unwrap(), true);
        }
        assert_eq!(observed.get(), Seen { beacons: 3, passed_on: 3, ..Seen::default() });
        observed.beacon("192.0.2.2".parse().unwrap(), false);
        assert!(observed.get().has_many_senders);
    }
}
