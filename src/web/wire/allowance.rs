//! How often a network may come: a token bucket for each, in a table that never grows.
//!
//! A bucket is one moment (the generic cell rate algorithm, ITU-T I.371): the one at which it would be
//! full again.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{config::registry::Rate, network::Networks};

/// How many networks are remembered at most, in sets of so many slots.
const SLOTS: usize = 65_536;
const WAYS: usize = 8;

/// What a request asks for. Each has buckets of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum Class {
    /// To be counted.
    Beacon,
    /// A page, or figures.
    Page,
    /// To be counted along with another in the same request.
    Batch,
}

/// A network's number, and when its bucket is full again: microseconds since the start.
type Slot = [u64; 2];

/// The buckets of all networks.
#[derive(Debug)]
pub(in crate::web) struct Allowance {
    slots: Mutex<Vec<Slot>>,
    networks: Networks,
    since: Instant,
}

impl Default for Allowance {
    fn default() -> Self {
        Self {
            slots: Mutex::new(vec![[0; 2]; SLOTS]),
            networks: Networks::default(),
            since: Instant::now(),
        }
    }
}

impl Allowance {
    /// Takes one token of the network of `client`.
    ///
    /// # Errors
    /// When there is none, with how long that stays so.
    pub(in crate::web) fn take(
        &self,
        class: Class,
        client: IpAddr,
        rate: Rate,
    ) -> Result<(), Duration> {
        let now = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        // A slot that is empty has the number 0.
        let number = self.networks.number(client, class as u8).max(1);
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        take(&mut slots, number, now, rate)
    }

    /// Takes `count` tokens at once. More than a bucket holds are there when it is full.
    ///
    /// # Errors
    /// When there are not as many, with how long that stays so; then none is taken.
    pub(in crate::web) fn take_many(
        &self,
        class: Class,
        client: IpAddr,
        count: u32,
        rate: Rate,
    ) -> Result<(), Duration> {
        let Some(interval) = interval(rate).filter(|_| count > 0) else { return Ok(()) };
        let now = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        let number = self.networks.number(client, class as u8).max(1);
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((slot, full_at)) = slot(&mut slots, number, now) else { return Ok(()) };
        let then = full_at.saturating_add(interval.saturating_mul(u64::from(count)));
        let latest = now + interval.saturating_mul(u64::from(rate.burst));
        if full_at > now && then > latest {
            let wait = (then - latest).min(full_at - now);
            return Err(Duration::from_micros(wait));
        }
        *slot = [number, then];
        Ok(())
    }
}

/// The slot of the network called `number`, and when its bucket is full again.
fn slot(slots: &mut [Slot], number: u64, now: u64) -> Option<(&mut Slot, u64)> {
    let sets = slots.len() / WAYS;
    let set = usize::try_from(number).unwrap_or_default().checked_rem(sets).unwrap_or_default();
    let set = slots.get_mut(set * WAYS..(set + 1) * WAYS).unwrap_or_default();
    // Without a slot of its own it takes that of the network whose bucket is full, or will be first.
    let known = set.iter().position(|slot| slot[0] == number);
    let least = || (0..set.len()).min_by_key(|at| set.get(*at).map(|slot| slot[1]));
    let slot = known.or_else(least).and_then(|at| set.get_mut(at))?;
    let full_at = if known.is_some() { slot[1].max(now) } else { now };
    Some((slot, full_at))
}

fn interval(rate: Rate) -> Option<u64> {
    1_000_000_u64.checked_div(u64::from(rate.per_second))
}

fn take(slots: &mut [Slot], number: u64, now: u64, rate: Rate) -> Result<(), Duration> {
    let Some(interval) = interval(rate) else { return Ok(()) };
    let Some((slot, full_at)) = slot(slots, number, now) else { return Ok(()) };
    let room = interval * u64::from(rate.burst.saturating_sub(1));
    if full_at > now + room {
        return Err(Duration::from_micros(full_at - now - room));
    }
    *slot = [number, full_at + interval];
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 10, burst: 5 };
    const SECOND: u64 = 1_000_000;

    #[test]
    fn a_burst_is_taken_and_then_a_steady_rate() {
        let mut slots = vec![[0; 2]; 4 * WAYS];
        let mut take = |now| take(&mut slots, 7, now, RATE);
        for _ in 0..5 {
            take(SECOND).unwrap();
        }
        assert_eq!(take(SECOND), Err(Duration::from_millis(100)));
        take(SECOND + 100_000).unwrap();
        take(SECOND + 100_000).unwrap_err();
        // After a while it is full again, and no fuller.
        for _ in 0..5 {
            take(10 * SECOND).unwrap();
        }
        take(10 * SECOND).unwrap_err();
    }

    #[test]
    fn networks_have_buckets_of_their_own_and_the_most_idle_is_forgotten() {
        let mut slots = vec![[0; 2]; WAYS];
        for number in 1..=WAYS as u64 {
            for _ in 0..5 {
                take(&mut slots, number, SECOND + number, RATE).unwrap();
            }
        }
        take(&mut slots, 3, SECOND, RATE).unwrap_err();
        // One more than there is room for: the first goes.
        take(&mut slots, 99, SECOND + 50, RATE).unwrap();
        take(&mut slots, 3, SECOND + 50, RATE).unwrap_err();
        assert!(slots.iter().all(|slot| slot[0] != 1));
    }

    #[test]
    fn no_rate_is_no_limit() {
        let none = Rate { per_second: 0, burst: 0 };
        let mut slots = vec![[0; 2]; WAYS];
        assert!((0..1000).all(|_| take(&mut slots, 1, 0, none).is_ok()));
        assert!(slots.iter().all(|slot| slot[0] == 0));
    }
}
