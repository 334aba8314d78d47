//! What a visit is split by, kept small: there may be a quarter of a million of them.

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeSeq as _};

use crate::model::tally::TextId;

/// (dimension, value) pairs, encoded one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Profile(Box<[u8]>);

impl Profile {
    pub(super) fn of(pairs: impl IntoIterator<Item = (TextId, TextId)>) -> Self {
        // Pairs of numbers: only a lack of memory could keep them from being encoded.
        let push = |bytes, pair| postcard::to_extend(&pair, bytes).unwrap_or_default();
        Self(pairs.into_iter().fold(Vec::with_capacity(64), push).into())
    }

    /// Each dimension with its value, in the order in which they were given.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (TextId, TextId)> {
        let mut rest = &*self.0;
        std::iter::from_fn(move || {
            let (pair, after) = postcard::take_from_bytes(rest).ok()?;
            rest = after;
            Some(pair)
        })
    }
}

// In the file they are pairs of numbers like all others.
impl Serialize for Profile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut written = serializer.serialize_seq(Some(self.pairs().count()))?;
        self.pairs().try_for_each(|pair| written.serialize_element(&pair))?;
        written.end()
    }
}

impl<'de> Deserialize<'de> for Profile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::of(Vec::<(TextId, TextId)>::deserialize(deserializer)?))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_back_and_the_file_has_plain_pairs() {
        let numbers = [0, 1, 127, 128, 16_383, 16_384, u32::MAX - 1, u32::MAX];
        let pairs: Vec<(TextId, TextId)> = numbers
            .iter()
            .zip(numbers.iter().rev())
            .map(|(a, b)| (TextId(*a), TextId(*b)))
            .collect();
        let profile = Profile::of(pairs.iter().copied());
        assert_eq!(profile.pairs().collect::<Vec<_>>(), pairs);
        let written = postcard::to_stdvec(&profile).unwrap();
        assert_eq!(written, postcard::to_stdvec(&pairs).unwrap());
        assert_eq!(postcard::from_bytes::<Profile>(&written).unwrap(), profile);
    }
}
