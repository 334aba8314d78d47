//! A person without an identity: what is left of an address and an agent once they are hashed.

use serde::{Deserialize, Serialize};

/// A daily visitor: a keyed hash that only today's salt can make, and nothing can undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Visitor(pub u64);

/// The network that a beacon came from (an IPv4 /24 or an IPv6 /48), hashed under the same salt.
///
/// It only tells whether two beacons of one day came from different networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Network(pub u32);
