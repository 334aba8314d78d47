//! Look-ups in an embedded text whose lines are sorted by bytes: no index, no heap.

/// The columns after `key` in the line that starts with it, empty for a line that is only the key.
///
/// `text` must be sorted as `LC_ALL=C sort` does, with a tab after the key where more columns follow.
pub(super) fn find<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let bytes = text.as_bytes();
    let (mut low, mut high) = (0, bytes.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start =
            bytes.get(..middle)?.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let end = bytes
            .get(middle..)?
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(bytes.len(), |at| middle + at);
        let line = text.get(start..end)?;
        let (found, rest) = line.split_once('\t').unwrap_or((line, ""));
        match found.cmp(key) {
            std::cmp::Ordering::Equal => return Some(rest),
            std::cmp::Ordering::Less => low = end + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    None
}

/// Panics in a test where `text` is not sorted as [`find`] needs it, or has a key twice.
#[cfg(test)]
pub(super) fn assert_sorted(text: &str) {
    let mut keys = text.lines().map(|line| line.split('\t').next().unwrap_or_default());
    let mut previous = keys.next().unwrap_or_default();
    for key in keys {
        assert!(previous < key, "{previous} before {key}");
        previous = key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_found_and_nothing_else() {
        let text = "a\t1\nbb\nc c\t3\tx\nd";
        for (key, rest) in [("a", "1"), ("bb", ""), ("c c", "3\tx"), ("d", "")] {
            assert_eq!(find(text, key), Some(rest), "{key}");
        }
        for key in ["", "0", "aa", "b", "bbb", "c", "e", "a\t1"] {
            assert_eq!(find(text, key), None, "{key}");
        }
        assert_eq!(find("", "a"), None);
    }
}
