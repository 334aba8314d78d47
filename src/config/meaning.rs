//! What `beacons.toml` means for what is counted, as a digest: by it a change is known from a comment
//! that was reworded.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::registry::{Registry, Site};

impl Registry {
    /// A digest of what is counted and how. Where it listens and whom it tells do not belong to it.
    pub fn meaning(&self) -> [u8; 32] {
        // A zone is told by its name: what the system knows of it may change with an update.
        let named = |site: &Arc<Site>| Site { zone: TimeZone::UTC, ..Site::clone(site) };
        let sites: Vec<Site> = self.sites.iter().map(named).collect();
        let meant = (sites, &self.events, &self.goals, &self.unknown, &self.server.trusted_proxies);
        *blake3::hash(format!("{meant:?}").as_bytes()).as_bytes()
    }
}
