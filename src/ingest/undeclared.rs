//! Event types that nobody has declared and that count all the same: so many and no more, as each has limits of
//! its own, which whoever makes names up would get around.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

/// How many there may be since the start.
pub const UNDECLARED_MAX: usize = 200;

/// The longest name of one, in bytes.
pub const NAME_BYTES_MAX: usize = 64;

/// Those that were met since the start.
#[derive(Debug, Default)]
pub struct Undeclared(Mutex<HashSet<Box<str>>>);

impl Undeclared {
    /// Whether `name` counts: it has before, or there is room for another.
    pub fn admit(&self, name: &str) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = known.len() < UNDECLARED_MAX && name.len() <= NAME_BYTES_MAX;
        known.contains(name) || (has_room && known.insert(name.into()))
    }
}
