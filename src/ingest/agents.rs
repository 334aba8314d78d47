//! What user agents tell, worked out once for each: there are few of them, and reading one takes longer
//! than all else that a beacon needs. They are known again by a keyed hash, so that none is kept.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::Arc,
};

use quick_cache::sync::Cache;

use super::{
    bots,
    user_agent::{self, UserAgent},
};

/// How many are remembered, about 200 bytes each.
const AGENTS_MAX: usize = 4096;

/// What a user agent tells.
#[derive(Debug)]
pub struct Agent {
    /// Browser, system and device.
    pub parts: UserAgent,
    /// `Firefox 132`: a version alone would lump together what has nothing in common.
    pub browser_version: Option<String>,
    /// The same of the system.
    pub os_version: Option<String>,
    /// The family of bots that it belongs to, if to one.
    pub bot: Option<&'static str>,
}

/// Those that were met of late.
#[derive(Debug)]
pub struct Agents {
    known: Cache<u64, Arc<Agent>>,
    /// Keyed by the process, so that nobody can make two agents pass for one.
    hasher: RandomState,
}

impl Default for Agents {
    fn default() -> Self {
        Self { known: Cache::new(AGENTS_MAX), hasher: RandomState::new() }
    }
}

impl Agents {
    /// What `user_agent` tells.
    pub fn read(&self, user_agent: &str) -> Arc<Agent> {
        let key = self.hasher.hash_one(user_agent);
        if let Some(agent) = self.known.get(&key) {
            return agent;
        }
        let agent = Arc::new(Agent::of(user_agent));
        self.known.insert(key, Arc::clone(&agent));
        agent
    }
}

impl Agent {
    fn of(user_agent: &str) -> Self {
        let parts = user_agent::parse(user_agent);
        let whole =
            |name: &str, version: &str| (!version.is_empty()).then(|| format!("{name} {version}"));
        Self {
            browser_version: whole(parts.browser, &parts.browser_version),
            os_version: whole(parts.os, &parts.os_version),
            bot: bots::family(user_agent),
            parts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_read_once_and_tells_the_same_again() {
        let agents = Agents::default();
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0";
        let first = agents.read(firefox);
        assert_eq!(first.browser_version.as_deref(), Some("Firefox 132"));
        assert_eq!((first.parts.os, first.bot), ("Linux", None));
        assert!(Arc::ptr_eq(&first, &agents.read(firefox)));
        assert!(agents.read("Googlebot/2.1 (+http://www.google.com/bot.html)").bot.is_some());
        for number in 0..10 * AGENTS_MAX {
            agents.read(&format!("Agent/{number}"));
        }
        assert!(agents.known.len() <= AGENTS_MAX);
    }
}
