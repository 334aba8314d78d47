//! What the owner wants: goals that visitors should reach, and alerts to be told of.

use crate::model::period::Granularity;

/// What visitors are wanted to reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goal {
    /// Its name.
    pub name: String,
    /// The event type that counts it.
    pub event: String,
    /// The identifier that counts it; every one for `None`.
    pub identifier: Option<String>,
}

/// Whom an alert is sent to.
#[derive(Clone, PartialEq, Eq)]
pub struct Receiver {
    /// Its name.
    pub name: String,
    /// How it is reached. It may hold a secret, so it is never logged.
    pub by: By,
}

/// How a receiver is reached.
#[derive(Clone, PartialEq, Eq)]
pub enum By {
    /// By a webhook that takes JSON, as those of Slack, Discord and ntfy do.
    Webhook {
        /// Its address.
        url: url::Url,
        /// The topic, where the address needs one (ntfy).
        topic: Option<String>,
    },
    /// By e-mail.
    Mail {
        /// The mail server: `smtp://` or `smtps://`, perhaps with a name and a password.
        server: url::Url,
        /// Who it comes from.
        from: String,
        /// Whom it goes to.
        to: Vec<String>,
    },
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Receiver({})", self.name)
    }
}

/// What the owner wants to be told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Its name.
    pub name: String,
    /// The site; every one for `None`.
    pub site: Option<String>,
    /// The identifier that is looked at; all of them together for `None`.
    pub identifier: Option<String>,
    /// When.
    pub when: When,
    /// The receivers that it is sent to.
    pub send_to: Vec<String>,
}

/// When the owner wants to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// More than so many within so many seconds.
    Above {
        /// The event type.
        event: String,
        /// How many are not too many yet.
        most: i64,
        /// The window.
        seconds: u32,
        /// The buckets that the window is made of.
        bucket: Granularity,
    },
    /// The last full hour has so many percent more than is usual for that hour of the week.
    Spike {
        /// The event type.
        event: String,
        /// How many percent.
        percent: i64,
    },
    /// The last full hour has so many percent less than is usual for that hour of the week.
    Drop {
        /// The event type.
        event: String,
        /// How many percent.
        percent: i64,
    },
    /// An error was met for the first time, or came back after it was resolved.
    Error {
        /// The event type.
        event: String,
        /// Whether it came back.
        returned: bool,
    },
    /// No beacon at all for so many seconds, after there were some.
    Silent {
        /// How long.
        seconds: u32,
    },
    /// The file is larger than so many bytes.
    FileAbove {
        /// How many.
        bytes: i64,
    },
    /// The disk has fewer than so many bytes free.
    DiskBelow {
        /// How many.
        bytes: i64,
    },
}
