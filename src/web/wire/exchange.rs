//! What the gate of a connection and the service behind hyper tell each other.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Waker},
};

use super::verdict::Refusal;

/// How far the request is that was let through last.
#[derive(Debug, Default)]
pub(in crate::web) struct Exchange {
    /// A request was let through, and its answer is not finished.
    is_answering: AtomicBool,
    /// Not all of the request's body has come.
    is_body_open: AtomicBool,
    /// Why the request that was let through last is none.
    refusal: Mutex<Option<Refusal>>,
    /// The gate, once it waits for the answer to be finished.
    waiting: Mutex<Option<Waker>>,
}

impl Exchange {
    /// The refusal that is to be answered instead of a request.
    pub(in crate::web) fn refusal(&self) -> Option<Refusal> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// A request is let through, and perhaps bytes of its body are still to come.
    pub(super) fn begin(&self, is_body_open: bool) {
        self.is_body_open.store(is_body_open, Ordering::Release);
        self.is_answering.store(true, Ordering::Release);
    }

    /// What is let through is a stand-in for what is refused.
    pub(super) fn refuse(&self, refusal: Refusal) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
    }

    /// All of the body has come.
    pub(super) fn end_body(&self) {
        self.is_body_open.store(false, Ordering::Release);
    }

    /// Whether bytes of the request are still to come.
    pub(in crate::web) fn is_body_open(&self) -> bool {
        self.is_body_open.load(Ordering::Acquire)
    }

    /// The answer is finished: the next request may come.
    pub(in crate::web) fn answered(&self) {
        self.is_answering.store(false, Ordering::Release);
        if let Some(waker) = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take() {
            waker.wake();
        }
    }

    /// Whether an answer is owed.
    pub(super) fn is_answering(&self) -> bool {
        self.is_answering.load(Ordering::Acquire)
    }

    /// Wakes whoever waits for the answer to be finished. hyper does not ask for the next request by
    /// itself while it believes that there is nothing to read.
    pub(super) fn wake_after(&self, context: &Context<'_>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.is_none() {
            *waiting = Some(context.waker().clone());
        }
    }
}
