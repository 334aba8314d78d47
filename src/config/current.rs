//! The registry in force, which a reload replaces.

use std::sync::Arc;

use tokio::sync::watch;

use super::registry::Registry;

/// The registry in force. Readers take the whole of it, so that a reload never shows half of each.
#[derive(Debug)]
pub struct Current(watch::Sender<Arc<Registry>>);

impl Current {
    /// Begins with `registry`.
    pub fn new(registry: Registry) -> Self {
        Self(watch::Sender::new(Arc::new(registry)))
    }

    /// The registry in force. Whoever holds it goes on by it, even after a reload.
    pub fn get(&self) -> Arc<Registry> {
        Arc::clone(&self.0.borrow())
    }

    /// Puts `registry` into force.
    pub fn replace(&self, registry: Arc<Registry>) {
        self.0.send_replace(registry);
    }

    /// Tells of each registry that is put into force from now on.
    pub fn changes(&self) -> watch::Receiver<Arc<Registry>> {
        self.0.subscribe()
    }
}
