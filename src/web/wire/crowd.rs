//! All open connections: how many there may be, how many of one network, and who goes first.
//!
//! A connection that waits for its client makes room for one that comes, the longest waiting first. So
//! clients that say nothing, however many, keep nobody out.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use tokio::sync::Notify;

/// How many connections may be there at once that were told to go: half as many as there are places, and no more than
/// this. On a busy machine they take their time, and each still has its file.
const LEAVING_MAX: usize = 128;

/// The connections.
#[derive(Debug, Default)]
pub(in crate::web) struct Crowd {
    state: Mutex<State>,
    left: Notify,
}

#[derive(Debug, Default)]
struct State {
    open: usize,
    /// Those that were told to go and have not gone yet.
    leaving: usize,
    by_network: HashMap<u64, usize>,
    /// Those that wait for their clients, by when they began to.
    waiting: BTreeMap<u64, Waker>,
    /// The number of the next that waits.
    next: u64,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum Full {
    /// The network has as many as it may.
    Network,
    /// All are at work for their clients.
    Whole,
}

/// The place of one open connection. Dropped, it is free.
#[derive(Debug)]
pub(in crate::web) struct Place {
    crowd: Arc<Crowd>,
    network: Option<u64>,
    waits_as: Option<u64>,
    is_leaving: bool,
}

impl Crowd {
    /// A place among `most`, of which `network` may have `of_network`; without a network only the
    /// first counts.
    ///
    /// # Errors
    /// When there is none.
    pub(in crate::web) fn enter(
        self: &Arc<Self>,
        most: usize,
        network: Option<u64>,
        of_network: usize,
    ) -> Result<Place, Full> {
        let mut state = self.lock();
        if network.is_some_and(|it| state.by_network.get(&it).is_some_and(|n| *n >= of_network)) {
            return Err(Full::Network);
        }
        let has_leaving = state.leaving >= (most / 2).clamp(1, LEAVING_MAX);
        if state.open - state.leaving >= most && (has_leaving || !state.let_one_go()) {
            return Err(Full::Whole);
        }
        state.open += 1;
        if let Some(network) = network {
            *state.by_network.entry(network).or_default() += 1;
        }
        drop(state);
        let crowd = Arc::clone(self);
        Ok(Place { crowd, network, waits_as: None, is_leaving: false })
    }

    /// Lets the connection go that has waited longest for its client. Says whether there is one.
    pub(in crate::web) fn make_room(&self) -> bool {
        self.lock().let_one_go()
    }

    /// Waits until some connection has closed.
    pub(in crate::web) async fn someone_left(&self) {
        self.left.notified().await;
    }

    /// How many are open.
    #[cfg(test)]
    fn open(&self) -> usize {
        self.lock().open
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock can leave it half-changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn let_one_go(&mut self) -> bool {
        let Some((_, waker)) = self.waiting.pop_first() else { return false };
        self.leaving += 1;
        waker.wake();
        true
    }
}

impl Place {
    /// It waits for its client from now on, and is woken by `waker` if it shall go.
    pub(super) fn wait(&mut self, waker: &Waker) {
        if self.waits_as.is_some() || self.is_leaving {
            return;
        }
        let mut state = self.crowd.lock();
        let number = state.next;
        state.next += 1;
        state.waiting.insert(number, waker.clone());
        self.waits_as = Some(number);
    }

    /// It has what it waited for.
    pub(super) fn work(&mut self) {
        if let Some(number) = self.waits_as.take() {
            self.is_leaving |= self.crowd.lock().waiting.remove(&number).is_none();
        }
    }

    /// Whether it shall go.
    pub(super) fn shall_go(&mut self) -> bool {
        if let Some(number) = self.waits_as {
            self.is_leaving |= !self.crowd.lock().waiting.contains_key(&number);
        }
        self.is_leaving
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.work();
        let mut state = self.crowd.lock();
        state.open -= 1;
        state.leaving -= usize::from(self.is_leaving);
        if let Some(network) = self.network
            && let Some(count) = state.by_network.get_mut(&network)
        {
            *count -= 1;
            if *count == 0 {
                state.by_network.remove(&network);
            }
        }
        drop(state);
        self.crowd.left.notify_one();
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn the_longest_waiting_makes_room_and_who_works_stays() {
        let crowd = Arc::new(Crowd::default());
        let enter = || crowd.enter(2, None, 1);
        let (mut first, mut second) = (enter().unwrap(), enter().unwrap());
        assert_eq!(enter().unwrap_err(), Full::Whole);
        second.wait(Waker::noop());
        first.wait(Waker::noop());
        assert!(!second.shall_go());
        let third = enter().unwrap();
        assert!(second.shall_go() && !first.shall_go());
        first.work();
        assert_eq!(enter().unwrap_err(), Full::Whole);
        drop(second);
        assert_eq!((crowd.open(), enter().unwrap_err()), (2, Full::Whole));
        drop(third);
        assert!(enter().is_ok());
        drop(first);
        assert_eq!(crowd.open(), 0);
    }

    #[test]
    fn no_more_are_let_in_than_have_left_once_many_are_to_go() {
        let crowd = Arc::new(Crowd::default());
        let mut inside: Vec<Place> = (0..4).map(|_| crowd.enter(4, None, 1).unwrap()).collect();
        inside.iter_mut().for_each(|place| place.wait(Waker::noop()));
        let (_fifth, _sixth) = (crowd.enter(4, None, 1).unwrap(), crowd.enter(4, None, 1).unwrap());
        assert_eq!(crowd.enter(4, None, 1).unwrap_err(), Full::Whole);
        inside.remove(0);
        let _seventh = crowd.enter(4, None, 1).unwrap();
        assert_eq!((crowd.open(), crowd.enter(4, None, 1).unwrap_err()), (6, Full::Whole));
    }

    #[test]
    fn a_network_has_its_share_alone() {
        let crowd = Arc::new(Crowd::default());
        let enter = |network| crowd.enter(10, Some(network), 2);
        let (one, _two) = (enter(1).unwrap(), enter(1).unwrap());
        assert_eq!(enter(1).unwrap_err(), Full::Network);
        let _other = enter(2).unwrap();
        drop(one);
        assert!(enter(1).is_ok());
        assert_eq!(crowd.lock().by_network.len(), 2);
    }
}
