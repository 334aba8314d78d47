//! Why a beacon was not counted.

use serde::{Deserialize, Serialize};

use super::tally::TextId;

/// The reasons, each with a number for the file and a word for pages and answers. A new one is the last:
/// their order is in the file too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The body is larger than the limit.
    BodyTooLarge,
    /// The body is neither JSON nor a form, or its coding is unknown.
    UnsupportedBody,
    /// The body is not UTF-8.
    NotUtf8,
    /// The body is not the JSON that a beacon is made of.
    Malformed,
    /// No registry entry has this event type.
    UnknownEventType,
    /// No site takes the host of the page.
    UnknownSite,
    /// The event type needs an identifier, and none was sent nor could be derived.
    IdentifierMissing,
    /// The identifier is longer than the limit.
    IdentifierTooLong,
    /// The identifier is not one of those allowed, or holds control characters.
    IdentifierNotAllowed,
    /// `meta` is larger than the limit.
    MetaTooLarge,
    /// The origin is not on the site's list.
    OriginNotAllowed,
    /// The queue is full: the server has more to store than it can.
    Overloaded,
    /// The file could not be written.
    NotStored,
    /// The user agent is a bot's.
    Bot,
    /// The browser says that a program drives it.
    Automated,
    /// The headers are not those of a browser.
    Implausible,
    /// A pixel was fetched ahead of a visit that may never come.
    Prefetch,
    /// The source is known for referrer spam, or on the site's deny list.
    ReferrerSpam,
    /// The address is one of the site's own networks.
    OwnVisit,
    /// The browser asks not to be tracked (`Sec-GPC`, `DNT`).
    PrivacySignal,
    /// The same beacon came before, within the event type's `dedupe`.
    Repeat,
    /// The client's network sends more beacons than the server takes of one.
    TooMany,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 22] = [
        Self::BodyTooLarge,
        Self::UnsupportedBody,
        Self::NotUtf8,
        Self::Malformed,
        Self::UnknownEventType,
        Self::UnknownSite,
        Self::IdentifierMissing,
        Self::IdentifierTooLong,
        Self::IdentifierNotAllowed,
        Self::MetaTooLarge,
        Self::OriginNotAllowed,
        Self::Overloaded,
        Self::NotStored,
        Self::Bot,
        Self::Automated,
        Self::Implausible,
        Self::Prefetch,
        Self::ReferrerSpam,
        Self::OwnVisit,
        Self::PrivacySignal,
        Self::Repeat,
        Self::TooMany,
    ];

    /// The number that stands for it in the file. It never changes.
    pub const fn code(self) -> i64 {
        match self {
            Self::BodyTooLarge => 1,
            Self::UnsupportedBody => 2,
            Self::NotUtf8 => 3,
            Self::Malformed => 4,
            Self::UnknownEventType => 5,
            Self::UnknownSite => 6,
            Self::IdentifierMissing => 7,
            Self::IdentifierTooLong => 8,
            Self::IdentifierNotAllowed => 9,
            Self::MetaTooLarge => 10,
            Self::OriginNotAllowed => 11,
            Self::Overloaded => 12,
            Self::NotStored => 13,
            Self::Bot => 14,
            Self::Automated => 15,
            Self::Implausible => 16,
            Self::Prefetch => 17,
            Self::ReferrerSpam => 18,
            Self::OwnVisit => 19,
            Self::PrivacySignal => 20,
            Self::Repeat => 21,
            Self::TooMany => 22,
        }
    }

    /// The reason with this number, or `None`.
    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// The word that stands for it in answers, metrics and URLs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BodyTooLarge => "body_too_large",
            Self::UnsupportedBody => "unsupported_body",
            Self::NotUtf8 => "not_utf8",
            Self::Malformed => "malformed",
            Self::UnknownEventType => "unknown_event_type",
            Self::UnknownSite => "unknown_site",
            Self::IdentifierMissing => "identifier_missing",
            Self::IdentifierTooLong => "identifier_too_long",
            Self::IdentifierNotAllowed => "identifier_not_allowed",
            Self::MetaTooLarge => "meta_too_large",
            Self::OriginNotAllowed => "origin_not_allowed",
            Self::Overloaded => "overloaded",
            Self::NotStored => "not_stored",
            Self::Bot => "bot",
            Self::Automated => "automated",
            Self::Implausible => "implausible",
            Self::Prefetch => "prefetch",
            Self::ReferrerSpam => "referrer_spam",
            Self::OwnVisit => "own_visit",
            Self::PrivacySignal => "privacy_signal",
            Self::Repeat => "repeat",
            Self::TooMany => "too_many",
        }
    }
}

/// Refusals of one kind within one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RefusalKey {
    /// The hour's first instant, UTC seconds.
    pub hour: i64,
    /// The site, or [`TextId::TOTAL`] when none could be told.
    pub site: TextId,
    /// Why.
    pub reason: Reason,
    /// The user-agent family, or [`TextId::TOTAL`].
    pub agent: TextId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words_tell_the_reasons_apart() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason.code()), Some(reason));
            assert_eq!(Reason::ALL.iter().filter(|r| r.as_str() == reason.as_str()).count(), 1);
        }
    }
}
