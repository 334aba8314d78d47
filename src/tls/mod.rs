//! TLS without a proxy: which certificate is shown, where it comes from and how long it holds.
//!
//! A build without the feature `tls` has the same room with nobody in it.

#[cfg(feature = "tls")]
mod authority;
#[cfg(feature = "tls")]
mod certificate;
#[cfg(feature = "tls")]
mod kept;
#[cfg(feature = "tls")]
mod keyring;
#[cfg(feature = "tls")]
mod told;
#[cfg(not(feature = "tls"))]
mod without;

#[cfg(not(feature = "tls"))]
pub use self::without::{Keyring, Session, examine};
#[cfg(feature = "tls")]
pub use self::{
    keyring::{Keyring, Session},
    told::examine,
};

/// What a running server shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InForce {
    /// When its certificate ends, UTC seconds; `None` without one.
    pub ends_at: Option<i64>,
    /// Why an authority has not given what it was asked for last.
    pub trouble: Option<String>,
}

/// What is to be said of the certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// How bad it is.
    pub grade: Grade,
    /// Why, in a sentence.
    pub why: String,
    /// What to do, in a sentence; empty where nothing is to be done.
    pub to_do: String,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grade {
    /// Browsers are turned away, or soon will be.
    Wrong,
    /// It works, and could be better.
    Advice,
    /// All is well.
    Well,
}
