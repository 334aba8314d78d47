//! The registry that is in force now. A reload replaces it as a whole.

use std::sync::{Arc, PoisonError, RwLock};

use super::registry::Registry;

/// The registry, for everyone who must notice a reload.
#[derive(Debug)]
pub struct Current(RwLock<Arc<Registry>>);

impl Current {
    /// Begins with `registry`.
    pub fn new(registry: Registry) -> Self {
        Self(RwLock::new(Arc::new(registry)))
    }

    /// The registry in force. Whoever holds it goes on by it, even after a reload.
    pub fn get(&self) -> Arc<Registry> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts `registry` into force.
    pub fn replace(&self, registry: Registry) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(registry);
    }
}
