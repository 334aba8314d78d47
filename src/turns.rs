//! Whose turn it is to read the file: strangers never take all turns, and one network of them never all of theirs, so
//! that whoever runs this always finds one.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::network::Networks;

/// How many pages are read at once: one connection less than there are, for what is done by the clock.
const READING_MAX: usize = 3;

/// How many of them are read for strangers: who looks at what is public.
const STRANGERS_READING_MAX: usize = 2;

/// How many of these are read for one network.
const READING_MAX_OF_NETWORK: usize = 1;

/// How long a turn is waited for.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// The turns, for whoever has them to wait for.
#[derive(Debug, Clone)]
pub struct Turns {
    shared: Arc<Shared>,
    /// The network of a stranger.
    stranger: Option<u64>,
}

#[derive(Debug)]
struct Shared {
    all: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
    networks: Networks,
    /// Those of the networks that wait for one or have one.
    of_networks: Mutex<HashMap<u64, Arc<Semaphore>>>,
}

/// A turn, which ends with this.
#[derive(Debug)]
pub struct Turn {
    _all: OwnedSemaphorePermit,
    _stranger: Option<(OwnedSemaphorePermit, OfNetwork)>,
}

impl Default for Turns {
    fn default() -> Self {
        let semaphore = |most| Arc::new(Semaphore::new(most));
        let shared = Shared {
            all: semaphore(READING_MAX),
            strangers: semaphore(STRANGERS_READING_MAX),
            networks: Networks::default(),
            of_networks: Mutex::default(),
        };
        Self { shared: Arc::new(shared), stranger: None }
    }
}

impl Turns {
    /// Those of a stranger at `address`.
    #[must_use]
    pub fn of_stranger(&self, address: IpAddr) -> Self {
        let network = self.shared.networks.number(address, 0);
        Self { shared: Arc::clone(&self.shared), stranger: Some(network) }
    }

    /// Whether they are a stranger's.
    pub const fn are_of_stranger(&self) -> bool {
        self.stranger.is_some()
    }

    /// Waits for a turn; `None` if none came within 10 seconds. Whoever waits no longer takes none.
    pub async fn next(&self) -> Option<Turn> {
        tokio::time::timeout(WAIT_MAX, self.wait()).await.ok()?
    }

    async fn wait(&self) -> Option<Turn> {
        let of_stranger = match self.stranger {
            Some(network) => {
                let own = OfNetwork::enter(&self.shared, network).await?;
                Some((Arc::clone(&self.shared.strangers).acquire_owned().await.ok()?, own))
            }
            None => None,
        };
        let all = Arc::clone(&self.shared.all).acquire_owned().await.ok()?;
        Some(Turn { _all: all, _stranger: of_stranger })
    }
}

/// A turn among those of one network. The last of them leaves nothing of it.
#[derive(Debug)]
struct OfNetwork {
    shared: Arc<Shared>,
    network: u64,
    permit: Option<OwnedSemaphorePermit>,
}

impl OfNetwork {
    async fn enter(shared: &Arc<Shared>, network: u64) -> Option<Self> {
        // Made before it is waited for, so that whoever gives up leaves nothing either.
        let mut own = Self { shared: Arc::clone(shared), network, permit: None };
        let new = || Arc::new(Semaphore::new(READING_MAX_OF_NETWORK));
        let turns = Arc::clone(shared.of_networks().entry(network).or_insert_with(new));
        own.permit = Some(turns.acquire_owned().await.ok()?);
        Some(own)
    }
}

impl Drop for OfNetwork {
    fn drop(&mut self) {
        self.permit = None;
        let mut of_networks = self.shared.of_networks();
        // One is of the table itself.
        if of_networks.get(&self.network).is_some_and(|turns| Arc::strong_count(turns) == 1) {
            of_networks.remove(&self.network);
        }
    }
}

impl Shared {
    fn of_networks(&self) -> MutexGuard<'_, HashMap<u64, Arc<Semaphore>>> {
        self.of_networks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn strangers_leave_a_turn_and_a_network_leaves_one_to_strangers() {
        async fn next(turns: Turns) -> Option<Turn> {
            tokio::time::timeout(Duration::from_millis(20), turns.next()).await.ok()?
        }
        let turns = Turns::default();
        let of = |address: &str| turns.of_stranger(address.parse().unwrap());
        let first = next(of("192.0.2.1")).await.unwrap();
        assert!(next(of("192.0.2.200")).await.is_none());
        let second = next(of("198.51.100.1")).await.unwrap();
        assert!(next(of("203.0.113.1")).await.is_none());
        let owner = next(turns.clone()).await.unwrap();
        assert!(next(turns.clone()).await.is_none());
        drop((first, owner));
        let third = next(of("192.0.2.200")).await.unwrap();
        drop((second, third));
        assert!(turns.shared.of_networks().is_empty());
        assert_eq!(turns.shared.all.available_permits(), READING_MAX);
        assert_eq!(turns.shared.strangers.available_permits(), STRANGERS_READING_MAX);
    }
}
