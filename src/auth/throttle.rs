//! How often a password may be tried: a few times an account from one corner of the network, a few more
//! for all accounts, and ever slower once everybody guesses.
//!
//! Nobody is kept out for good: what is counted is forgotten after a quarter of an hour, and a browser that
//! has signed in before is counted by itself. No address is kept, only numbers made of its network under a
//! key of this process.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long tries are counted.
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// How often an account may be tried from one network, and from one known browser.
const OF_ACCOUNT_MAX: u32 = 5;

/// How often any account may be tried from one network.
const OF_NETWORK_MAX: u32 = 20;

/// How often anybody may try within [`WINDOW`] before each further try waits for [`SLOWER`].
const OF_ALL_SOFT_MAX: u32 = 25;

/// How long a try waits while everybody guesses.
pub const SLOWER: Duration = Duration::from_secs(2);

/// How many networks, and how many accounts with networks, are counted at once. The oldest is forgotten for
/// another.
const COUNTED_MAX: usize = 4_096;

/// Tries that are counted together.
#[derive(Debug, Clone, Copy)]
struct Tries {
    since: Instant,
    count: u32,
}

/// Who tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trier<'a> {
    /// Anybody in the network of this address.
    Network(IpAddr),
    /// A browser that has signed in to this very account before, by its token's hash.
    Device(&'a [u8; 32]),
}

/// Whether a password may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Try,
    /// It may, after a pause.
    TrySlowly,
    /// It may not, for this long.
    Wait(Duration),
}

/// What was tried lately.
#[derive(Debug, Default)]
pub struct Throttle {
    keys: RandomState,
    tries: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    of_account: HashMap<u64, Tries>,
    of_network: HashMap<u64, Tries>,
    of_all: Option<Tries>,
}

impl Throttle {
    /// Counts a try of `account` at `now`, and says whether it may be made.
    pub fn count(&self, account: &str, from: Trier<'_>, now: Instant) -> Verdict {
        let mut tables = self.tables();
        let account = self.account_key(account, from);
        let mut wait = take(&mut tables.of_account, account, OF_ACCOUNT_MAX, now);
        if let Trier::Network(address) = from {
            let network = self.keys.hash_one(network(address));
            wait = wait.max(take(&mut tables.of_network, network, OF_NETWORK_MAX, now));
        }
        if let Some(wait) = wait {
            return Verdict::Wait(wait);
        }
        let all = tables.of_all.filter(|all| now.duration_since(all.since) < WINDOW);
        let all = all.unwrap_or(Tries { since: now, count: 0 });
        let all = Tries { count: all.count.saturating_add(1), ..all };
        tables.of_all = Some(all);
        match from {
            Trier::Network(_) if all.count > OF_ALL_SOFT_MAX => Verdict::TrySlowly,
            _ => Verdict::Try,
        }
    }

    /// Forgets a try that [`Self::count`] has counted: the password was right.
    pub fn forgive(&self, account: &str, from: Trier<'_>) {
        let mut tables = self.tables();
        tables.of_account.remove(&self.account_key(account, from));
        if let Trier::Network(address) = from {
            let network = self.keys.hash_one(network(address));
            if let Some(tries) = tables.of_network.get_mut(&network) {
                tries.count = tries.count.saturating_sub(1);
            }
        }
        if let Some(all) = &mut tables.of_all {
            all.count = all.count.saturating_sub(1);
        }
    }

    fn account_key(&self, account: &str, from: Trier<'_>) -> u64 {
        match from {
            Trier::Network(address) => self.keys.hash_one((account, network(address))),
            Trier::Device(token) => self.keys.hash_one((account, token)),
        }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The network that whoever has this address is likely to have: 256 addresses, or a site's prefix of IPv6.
fn network(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => u128::from(address.to_bits() >> 8),
        // Told from IPv4 by a bit that is above those that are left.
        IpAddr::V6(address) => (address.to_bits() >> 80) | (1 << 64),
    }
}

/// Counts a try under `key`, and says how long to wait if there were `most` already.
fn take(table: &mut HashMap<u64, Tries>, key: u64, most: u32, now: Instant) -> Option<Duration> {
    if table.len() >= COUNTED_MAX && !table.contains_key(&key) {
        table.retain(|_, tries| now.duration_since(tries.since) < WINDOW);
        let oldest = table.iter().min_by_key(|(_, tries)| tries.since).map(|(key, _)| *key);
        if let Some(oldest) = oldest.filter(|_| table.len() >= COUNTED_MAX) {
            table.remove(&oldest);
        }
    }
    let tries = table.entry(key).or_insert(Tries { since: now, count: 0 });
    let passed = now.duration_since(tries.since);
    if passed >= WINDOW {
        *tries = Tries { since: now, count: 1 };
        return None;
    }
    if tries.count >= most {
        return Some(WINDOW.saturating_sub(passed));
    }
    tries.count += 1;
    None
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    fn at(address: &str) -> Trier<'static> {
        Trier::Network(address.parse().unwrap())
    }

    fn allowed(
        throttle: &Throttle,
        account: &str,
        from: Trier<'_>,
        now: Instant,
        tries: u32,
    ) -> u32 {
        let may = |_: &u32| !matches!(throttle.count(account, from, now), Verdict::Wait(_));
        u32::try_from((0..tries).filter(may).count()).unwrap()
    }

    #[test]
    fn an_account_is_tried_five_times_from_one_network_and_again_later() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        assert_eq!(allowed(&throttle, "jo", at("192.0.2.1"), now, 10), 5);
        // Another address of the same network makes no difference, another network does.
        assert_eq!(allowed(&throttle, "jo", at("192.0.2.99"), now, 10), 0);
        assert_eq!(allowed(&throttle, "jo", at("198.51.100.1"), now, 10), 5);
        assert_eq!(allowed(&throttle, "jo", at("2001:db8:1:1::1"), now, 10), 5);
        assert_eq!(allowed(&throttle, "jo", at("2001:db8:1:2::1"), now, 10), 0);
        assert_eq!(allowed(&throttle, "jo", at("192.0.2.1"), now + WINDOW, 10), 5);
        assert!(matches!(throttle.count("jo", at("192.0.2.1"), now + WINDOW), Verdict::Wait(_)));
    }

    #[test]
    fn a_network_tries_twenty_times_whatever_the_account() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let names: Vec<String> = (0..100).map(|number| format!("user{number}")).collect();
        let one = |name: &String| allowed(&throttle, name, at("192.0.2.1"), now, 1);
        assert_eq!(names.iter().map(one).sum::<u32>(), 20);
    }

    #[test]
    fn a_known_browser_is_let_in_whoever_guesses() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for number in 0..=255 {
            allowed(&throttle, "jo", at(&format!("10.0.{number}.1")), now, 10);
        }
        assert_eq!(throttle.count("jo", at("10.1.0.1"), now), Verdict::TrySlowly);
        let device = Trier::Device(&[7; 32]);
        assert_eq!(throttle.count("jo", device, now), Verdict::Try);
        throttle.forgive("jo", device);
        assert_eq!(allowed(&throttle, "jo", device, now, 10), 5);
    }

    #[test]
    fn what_is_right_is_not_counted() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..100 {
            assert_eq!(throttle.count("jo", at("192.0.2.1"), now), Verdict::Try);
            throttle.forgive("jo", at("192.0.2.1"));
        }
    }

    #[test]
    fn what_is_counted_is_bounded() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for number in 0..3 * COUNTED_MAX {
            let [_, _, high, low] = u32::try_from(number).unwrap().to_be_bytes();
            throttle.count("jo", at(&format!("10.{high}.{low}.1")), now);
        }
        let tables = throttle.tables();
        assert_eq!((tables.of_account.len(), tables.of_network.len()), (COUNTED_MAX, COUNTED_MAX));
    }
}
