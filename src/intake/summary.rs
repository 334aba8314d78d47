//! What has become of every line.

use std::collections::{BTreeMap, HashMap};

use crate::{import::contract::Kind, ingest::Rejected, model::rejection::Reason};

/// How many hosts that nobody has declared are told by name.
const UNDECLARED_MAX: usize = 8;

/// The classes of lines. Each line is in one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Page views (or other events) that were counted.
    pub counted: u64,
    /// Whether some of them were no page views.
    pub has_events: bool,
    /// Rows that told the sums of a day.
    pub sums: u64,
    /// Requests that were no pages, by what they were.
    pub others: BTreeMap<Kind, u64>,
    /// Page views of programs.
    pub crawlers: u64,
    /// Which programs, by their family.
    pub families: HashMap<String, u64>,
    /// Page views that a rule refused.
    pub refused: BTreeMap<Reason, u64>,
    /// Hosts that no site takes, in the order in which they were met; at most eight.
    pub undeclared: Vec<String>,
    /// Lines that could not be read.
    pub bad: u64,
    /// Lines that were counted by an import before.
    pub known: u64,
    /// Comments, empty lines and other messages.
    pub empty: u64,
    /// How many of the counted came too late to be put in the order of their times.
    pub late: u64,
    /// When the first of the counted requests was, UTC milliseconds.
    pub first_ms: Option<i64>,
    /// When the last was.
    pub last_ms: Option<i64>,
}

impl Summary {
    /// How many lines there were.
    pub fn lines(&self) -> u64 {
        let others: u64 = self.others.values().sum();
        let refused: u64 = self.refused.values().sum();
        self.counted
            + self.sums
            + others
            + self.crawlers
            + refused
            + self.bad
            + self.known
            + self.empty
    }

    /// Whether anything of it is in the file.
    pub(super) fn is_counted(&self) -> bool {
        self.counted + self.sums + self.crawlers > 0 || !self.refused.is_empty()
    }

    pub(super) fn count(&mut self, at_ms: i64) {
        self.counted += 1;
        self.first_ms = Some(self.first_ms.map_or(at_ms, |first| first.min(at_ms)));
        self.last_ms = Some(self.last_ms.map_or(at_ms, |last| last.max(at_ms)));
    }

    pub(super) fn pass(&mut self, kind: Kind) {
        *self.others.entry(kind).or_default() += 1;
    }

    pub(super) fn refuse(&mut self, rejected: &Rejected) {
        if rejected.reason == Reason::Bot {
            self.crawlers += 1;
            let family = rejected.agent.clone().unwrap_or_default();
            *self.families.entry(family).or_default() += 1;
            return;
        }
        *self.refused.entry(rejected.reason).or_default() += 1;
        if let Some(host) = &rejected.undeclared
            && self.undeclared.len() < UNDECLARED_MAX
            && !self.undeclared.contains(host)
        {
            self.undeclared.push(host.clone());
        }
    }
}
