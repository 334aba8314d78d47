//! The time for what comes before the first head.

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use tokio::time::sleep;

use super::crowd::Place;

/// How long a client may take to agree on keys.
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);

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
