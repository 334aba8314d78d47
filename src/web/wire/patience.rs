//! How long a client is waited for: before the first head, and for each further one.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::crowd::Place;

/// How long a client may take to agree on keys.
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);

/// The time for something that comes again and again.
#[derive(Debug, Default)]
pub(super) struct Patience {
    /// Until when it must have come; `None` while nobody waits.
    due: Option<Instant>,
    /// What wakes by then. It may wake too early, by what was due before: to set it anew for each request would cost
    /// more than a wake every few seconds.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    /// It has come: the time begins anew when it is waited for again.
    pub(super) const fn renew(&mut self) {
        self.due = None;
    }

    /// Whether it has taken too long. It may take `time`, from now on or from when that was first asked, whichever is
    /// over sooner.
    pub(super) fn is_over(&mut self, time: Duration, context: &mut Context<'_>) -> bool {
        let now = Instant::now();
        let due = self.due.map_or(now + time, |due| due.min(now + time));
        self.due = Some(due);
        if now >= due {
            return true;
        }
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if alarm.deadline() > due {
            alarm.as_mut().reset(due);
        }
        while alarm.as_mut().poll(context).is_ready() {
            if Instant::now() >= due {
                return true;
            }
            alarm.as_mut().reset(due);
        }
        false
    }
}

/// What comes of `handshake`; `None` if the client takes too long for it, or is to make room for others.
pub(in crate::web) async fn handshake<T>(
    place: &mut Place,
    handshake: impl Future<Output = T>,
) -> Option<T> {
    let (mut handshake, mut time) = (pin!(handshake), pin!(sleep(HANDSHAKE_TIME)));
    let outcome = poll_fn(|context| {
        if place.shall_go() {
            return Poll::Ready(None);
        }
        if let Poll::Ready(outcome) = handshake.as_mut().poll(context) {
            return Poll::Ready(Some(outcome));
        }
        if time.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        place.wait(context.waker());
        Poll::Pending
    })
    .await;
    place.work();
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(10);

    /// Whether `patience` of `time` is over within `most`.
    async fn is_over_within(most: Duration, patience: &mut Patience, time: Duration) -> bool {
        let over = poll_fn(|context| match patience.is_over(time, context) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        });
        tokio::time::timeout(most, over).await.is_ok()
    }

    #[tokio::test]
    async fn the_time_is_cut_short_and_begins_anew_whatever_rang_before() {
        let mut patience = Patience::default();
        assert!(!is_over_within(SHORT, &mut patience, LONG).await);
        assert!(is_over_within(LONG / 2, &mut patience, SHORT).await, "there is less from now on");
        assert!(is_over_within(LONG / 2, &mut patience, LONG).await, "it was over before");
        patience.renew();
        // The alarm rings at once, for what was due before.
        assert!(!is_over_within(SHORT, &mut patience, LONG).await);
        assert!(is_over_within(LONG / 2, &mut patience, SHORT).await);
    }
}
