//! A beacon that is not counted: why, and what its sender is told.

use super::identifier::is_forbidden;
use crate::model::rejection::Reason;

/// The longest name of a site, in bytes: that of a host.
const SITE_BYTES_MAX: usize = 253;

/// The longest sentence, in bytes.
const SENTENCE_BYTES_MAX: usize = 900;

/// Why a beacon is not counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The rule that refused it.
    pub reason: Reason,
    /// What was wrong, in a sentence that repeats nothing of the person.
    pub sentence: String,
    /// The site it was for, where that was told.
    pub site: Option<String>,
    /// The family of the user agent, where that was why.
    pub agent: Option<String>,
    /// What the site that nobody has declared was called, where that was why; at most 253 bytes.
    pub undeclared: Option<String>,
}

impl Rejected {
    /// Refused because of `reason`; `sentence` says what was wrong. Of what it repeats of the beacon, no
    /// character stays that could lead whoever reads it elsewhere, and no more than fits a line.
    pub fn new(reason: Reason, sentence: String) -> Self {
        let sentence = tidy(sentence);
        Self { reason, sentence, site: None, agent: None, undeclared: None }
    }

    /// The same, for a beacon of `site`.
    #[must_use]
    pub fn at(self, site: &str) -> Self {
        Self { site: Some(site.to_owned()), ..self }
    }

    /// The same, because of a user agent of this family.
    #[must_use]
    pub fn by(self, agent: &str) -> Self {
        Self { agent: Some(agent.to_owned()), ..self }
    }

    /// The same, because nobody has declared a site called `name`.
    #[must_use]
    pub fn of_undeclared(self, name: &str) -> Self {
        let end = name.floor_char_boundary(SITE_BYTES_MAX);
        Self { undeclared: name.get(..end).map(str::to_owned), ..self }
    }

    /// Whether the sender's request was in order, and only who sent it was not wanted: it is then
    /// answered like any other, so that nobody learns the rules by trying.
    pub const fn is_silent(&self) -> bool {
        matches!(
            self.reason,
            Reason::Bot
                | Reason::Automated
                | Reason::Implausible
                | Reason::Prefetch
                | Reason::ReferrerSpam
                | Reason::OwnVisit
                | Reason::PrivacySignal
        )
    }
}

fn tidy(sentence: String) -> String {
    let mut tidy = sentence;
    if tidy.len() > SENTENCE_BYTES_MAX {
        tidy.truncate(tidy.floor_char_boundary(SENTENCE_BYTES_MAX - '…'.len_utf8()));
        tidy.push('…');
    }
    if tidy.contains(is_forbidden) { tidy.replace(is_forbidden, "\u{fffd}") } else { tidy }
}
