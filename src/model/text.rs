//! What counting needs to know of names: their numbers, and since when they are known.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};

use super::tally::TextId;

/// Where a name is counted: as an identifier or as the value of a dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NameScope {
    /// The site's name.
    pub site: TextId,
    /// The event type's name.
    pub event_type: TextId,
    /// The dimension's name, or [`TextId::TOTAL`] for identifiers.
    pub dimension: TextId,
}

/// The names of the file, whoever keeps them.
///
/// `fold` counts with numbers alone. It asks here for the number of a string, and since when a name
/// is known, and it never sees what is behind.
pub trait Names {
    /// Why names can't be read or written.
    type Error;

    /// The number of `text`, or `None` if the file does not have it.
    ///
    /// # Errors
    /// When the file can't be read.
    fn find(&mut self, text: &str) -> Result<Option<TextId>, Self::Error>;

    /// The number of `text`, which is added if need be.
    ///
    /// # Errors
    /// When the file can't be read or written.
    fn intern(&mut self, text: &str) -> Result<TextId, Self::Error>;

    /// The day (its first instant, UTC seconds) on which `value` was admitted in `scope`.
    ///
    /// # Errors
    /// When the file can't be read.
    fn admitted_on(&mut self, scope: NameScope, value: TextId) -> Result<Option<i64>, Self::Error>;

    /// How many names of `scope` were admitted on `day`.
    ///
    /// # Errors
    /// When the file can't be read.
    fn admitted_count(&mut self, scope: NameScope, day: i64) -> Result<u32, Self::Error>;

    /// Admits `value` in `scope` from `day` on.
    ///
    /// # Errors
    /// When the file can't be written.
    fn admit(&mut self, scope: NameScope, value: TextId, day: i64) -> Result<(), Self::Error>;
}

/// A text that borrows where it can.
///
/// As a field, a [`Cow`] that is marked so does that by itself; as a key or within an `Option` it never would.
#[derive(Debug, Deserialize)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// Reads a text that may be missing, and borrows where it can.
///
/// # Errors
/// When it is neither a text nor nothing.
pub fn optional<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Cow<'de, str>>, D::Error> {
    Ok(Option::<Text<'de>>::deserialize(deserializer)?.map(|Text(text)| text))
}
