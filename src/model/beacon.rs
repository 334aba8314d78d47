//! One accepted beacon: typed, stripped of the person who sent it, ready to be stored and counted.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{
    dimension::Dimension,
    text::optional,
    visitor::{Network, Visitor},
};

/// What `ingest` accepts, the journal keeps and `fold` counts.
///
/// It borrows from the bytes it was read from where it can. No field holds an address or a full
/// user agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Beacon<'a> {
    /// When the server received it, UTC milliseconds. Client clocks are never believed.
    pub received_at: i64,
    /// The name of the site it counts for.
    #[serde(borrow)]
    pub site: Cow<'a, str>,
    /// The name of its event type.
    #[serde(borrow)]
    pub event_type: Cow<'a, str>,
    /// What is counted within the event type; `None` counts towards the total alone.
    #[serde(borrow, deserialize_with = "optional")]
    pub identifier: Option<Cow<'a, str>>,
    /// Who sent it, where that is counted.
    pub visitor: Option<Visitor>,
    /// From which network, where that is known.
    pub network: Option<Network>,
    /// By which a repeat of it is known.
    pub once: Once,
    /// The values it adds to breakdowns; at most one for a dimension.
    #[serde(borrow)]
    pub dimensions: Vec<DimensionValue<'a>>,
    /// Numbers that go into histograms.
    #[serde(borrow)]
    pub measures: Vec<Measure<'a>>,
    /// What else was sent, scrubbed, as a JSON object, where single beacons are kept.
    #[serde(borrow, deserialize_with = "optional")]
    pub raw: Option<Cow<'a, str>>,
}

/// Keyed hashes of what was sent, by which a repeat of it is known.
///
/// It is written as an `Option<u64>` was, which older journals have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Once {
    /// It counts every time.
    No,
    /// Under the key of its day.
    Today(u64),
    /// Under the key of its day, and under that of the day before, which has only just ended.
    OverMidnight(u64, u64),
}

/// One value of one dimension.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DimensionValue<'a> {
    /// The dimension.
    pub dimension: Dimension,
    /// Its value, never empty.
    #[serde(borrow)]
    pub value: Cow<'a, str>,
}

/// One number that a beacon carries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measure<'a> {
    /// What it measures: `seconds`, `scroll`.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// How much, in the measure's own unit; finite and not negative.
    pub value: f64,
}

/// About as many bytes are written for a page view, or a few more.
const ENCODED_BYTES: usize = 128;

/// Beacons do not read as what they were written as.
#[derive(Debug, thiserror::Error)]
#[error("the beacon can't be decoded: {0}")]
pub struct DecodeError(#[from] postcard::Error);

impl Beacon<'_> {
    /// Its received-at in UTC seconds, rounded down.
    pub const fn received_second(&self) -> i64 {
        self.received_at.div_euclid(1000)
    }

    /// The same, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> Beacon<'static> {
        fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
            Cow::Owned(text.into_owned())
        }
        let value = |DimensionValue { dimension, value }: DimensionValue<'_>| DimensionValue {
            dimension,
            value: owned(value),
        };
        let measure = |Measure { name, value }: Measure<'_>| Measure { name: owned(name), value };
        Beacon {
            received_at: self.received_at,
            site: owned(self.site),
            event_type: owned(self.event_type),
            identifier: self.identifier.map(owned),
            visitor: self.visitor,
            network: self.network,
            once: self.once,
            dimensions: self.dimensions.into_iter().map(value).collect(),
            measures: self.measures.into_iter().map(measure).collect(),
            raw: self.raw.map(owned),
        }
    }

    /// Appends it to `batch`, to be read back by [`decode_batch`].
    ///
    /// # Errors
    /// When it can't be serialized; a beacon made of its public fields always can.
    pub fn encode_into(&self, batch: &mut Vec<u8>) -> Result<(), DecodeError> {
        let taken = std::mem::take(batch);
        *batch = postcard::to_extend(self, taken)?;
        Ok(())
    }
}

/// Reads the beacons of a batch back, in the order in which they were appended.
///
/// # Errors
/// When the bytes end inside a beacon or were never one.
pub fn decode_batch(mut batch: &[u8]) -> Result<Vec<Beacon<'_>>, DecodeError> {
    let mut beacons = Vec::with_capacity(batch.len() / ENCODED_BYTES + 1);
    while !batch.is_empty() {
        let (beacon, rest) = postcard::take_from_bytes(batch)?;
        beacons.push(beacon);
        batch = rest;
    }
    Ok(beacons)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn a_batch_reads_back_as_it_was_written() {
        let beacon = Beacon {
            received_at: 1_790_000_000_123,
            site: "example.com".into(),
            event_type: "page_view".into(),
            identifier: Some("/docs/home".into()),
            visitor: Some(Visitor(7)),
            network: None,
            once: Once::Today(9),
            dimensions: vec![DimensionValue {
                dimension: Dimension::Meta("plan".into()),
                value: "pro".into(),
            }],
            measures: vec![Measure { name: "scroll".into(), value: 0.5 }],
            raw: Some("{}".into()),
        };
        let mut batch = Vec::new();
        beacon.encode_into(&mut batch).unwrap();
        beacon.encode_into(&mut batch).unwrap();
        let owned = decode_batch(&batch).unwrap().remove(0).into_owned();
        assert_eq!(decode_batch(&batch).unwrap(), [beacon, owned]);
        batch.pop();
        assert!(decode_batch(&batch).is_err());
        let written = |once| postcard::to_extend(&once, Vec::new()).unwrap();
        let once = |option: Option<u64>| postcard::to_extend(&option, Vec::new()).unwrap();
        assert_eq!((written(Once::No), written(Once::Today(9))), (once(None), once(Some(9))));
    }
}
