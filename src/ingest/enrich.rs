//! The values that a beacon is split by, from what its page and its headers tell.

use std::borrow::Cow;

use super::{Request, identifier::is_forbidden, page_address::PageAddress, payload::Payload};
use crate::{
    config::registry::{EventType, Site},
    model::{beacon::DimensionValue, dimension::Dimension},
};

/// The longest value, in bytes; what is longer is cut.
const VALUE_BYTES_MAX: usize = 256;

/// The values of every dimension that `event` is split by, as far as they are known.
pub fn dimensions(
    payload: &Payload<'_>,
    address: &PageAddress,
    request: &Request<'_>,
    _site: &Site,
    event: &EventType,
) -> Vec<DimensionValue<'static>> {
    let mut values: Vec<DimensionValue<'static>> = Vec::new();
    for dimension in event.dimensions.iter().chain(&event.pairs) {
        if values.iter().any(|known| known.dimension == *dimension) {
            continue;
        }
        let value = value(dimension, payload, address, request).map(|value| tidy(&value));
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            values.push(DimensionValue { dimension: dimension.clone(), value: value.into() });
        }
    }
    values
}

fn value<'a>(
    dimension: &Dimension,
    payload: &'a Payload<'_>,
    address: &'a PageAddress,
    _request: &'a Request<'_>,
) -> Option<Cow<'a, str>> {
    let meta = |key: &str| payload.meta.text(key).map(Cow::Borrowed);
    match dimension {
        Dimension::Hostname => address.host.as_deref().map(Cow::Borrowed),
        Dimension::Title => meta("title"),
        Dimension::UtmSource
        | Dimension::UtmMedium
        | Dimension::UtmCampaign
        | Dimension::UtmContent
        | Dimension::UtmTerm => {
            address.parameter(&dimension.name()).or_else(|| meta(&dimension.name()))
        }
        Dimension::Meta(key) => meta(key),
        _ => None,
    }
}

/// One line without control characters, at most [`VALUE_BYTES_MAX`] long.
fn tidy(value: &str) -> String {
    let mut tidy = String::with_capacity(value.len().min(VALUE_BYTES_MAX));
    for word in value.split_whitespace() {
        if !tidy.is_empty() {
            tidy.push(' ');
        }
        tidy.extend(word.chars().filter(|c| !is_forbidden(*c)));
    }
    if tidy.len() > VALUE_BYTES_MAX {
        tidy.truncate(tidy.floor_char_boundary(VALUE_BYTES_MAX - '…'.len_utf8()));
        tidy.push('…');
    }
    tidy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_short_line() {
        assert_eq!(tidy("  a\tb\n\u{0}c \u{202e}d "), "a b c d");
        let cut = tidy(&"é".repeat(300));
        assert!(cut.len() <= VALUE_BYTES_MAX && cut.ends_with("é…"));
    }
}
