//! What of a person the file could hold: counted, table by table, and looked for in its texts.

use regex::{Regex, RegexBuilder};
use rusqlite::Connection;

use super::Error;

/// A part of the file that has to do with people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub name: &'static str,
    /// How many rows it has.
    pub rows: i64,
    /// What a row tells, and until when.
    pub explanation: &'static str,
}

/// Each part with its table.
const PARTS: [(&str, &str, &str); 8] = [
    (
        "beacon_journal",
        "batches of beacons that are answered but not counted yet",
        "Each beacon has a hash of its visitor under a key that is not in this file. Counted within a \
         second, then gone.",
    ),
    (
        "tally_part",
        "parts of what was counted, on their way into the sums",
        "Beside sums, the single beacons of the last second, as below. Added within a second, then gone.",
    ),
    (
        "seen",
        "blobs of hashes: who was seen today",
        "Hashes of a hash, under a key that is not in this file and erased soon after midnight. \
         Gone the next day.",
    ),
    (
        "visit",
        "blobs of visits that may go on",
        "The same hash, the pages where a visit began and was last, and when. Gone after half an hour.",
    ),
    (
        "repeatable",
        "blobs of hashes: beacons that a repeat may follow",
        "Hashes of a whole beacon under the day's key. Gone within the hour.",
    ),
    (
        "beacon_event",
        "single beacons, where \"raw\" keeps them",
        "The day's hash of a visitor, which nobody can turn back once its key is erased, what the beacon \
         is split by, and what else the page told, without addresses, tokens and e-mail addresses. Gone \
         after the days that \"raw\" names.",
    ),
    (
        "account",
        "people who may look at the figures",
        "The name that each was given, and a hash of the password. Gone when you remove the account.",
    ),
    (
        "session",
        "browsers that are signed in",
        "A hash of the browser's token, whose it is, when it began and was last used: no address, no user \
         agent. Gone after two weeks, or when it signs out.",
    ),
];

/// A kind of text that tells of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// What it is.
    pub name: &'static str,
    pattern: &'static str,
}

/// Each kind that is looked for.
pub const KINDS: [Kind; 4] = [
    Kind {
        name: "IPv4 addresses",
        pattern: r"(?:^|[^0-9.])(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(?:$|[^0-9.])",
    },
    Kind {
        name: "IPv6 addresses",
        pattern: r"(?:[0-9a-f]{1,4}:){3,7}(?::|[0-9a-f]{1,4})|[0-9a-f]{1,4}::",
    },
    Kind { name: "full user agents", pattern: r"mozilla/[0-9]|applewebkit/" },
    Kind { name: "e-mail addresses", pattern: r"[a-z0-9._+-]+(?:@|%40)[a-z0-9-]+\.[a-z]{2,}" },
];

/// Texts of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Suspicious {
    /// How many there are.
    pub in_all: u64,
    /// The first of them.
    pub examples: Vec<String>,
}

/// The parts of the file that have to do with people.
///
/// # Errors
/// When the file can't be read.
pub fn parts(connection: &Connection) -> Result<Vec<Part>, Error> {
    let part = |(table, name, explanation): (&str, &'static str, &'static str)| {
        let rows =
            connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
        Ok(Part { name, rows, explanation })
    };
    PARTS.into_iter().map(part).collect()
}

/// The texts of a kind, in any table: all of them lie in one.
///
/// # Errors
/// When the file can't be read.
pub fn suspicious(
    connection: &Connection,
    kind: Kind,
    examples_max: u32,
) -> Result<Suspicious, Error> {
    let mut found = Suspicious::default();
    let Some(pattern) = pattern(kind) else { return Ok(found) };
    let examples_max = usize::try_from(examples_max).unwrap_or(usize::MAX);
    let mut statement = connection.prepare(
        "SELECT value FROM text UNION ALL SELECT meta FROM beacon_aggregate WHERE meta IS NOT NULL
         UNION ALL SELECT payload FROM beacon_event WHERE payload IS NOT NULL",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let text = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        if pattern.is_match(text) {
            found.in_all += 1;
            if found.examples.len() < examples_max {
                found.examples.push(text.to_owned());
            }
        }
    }
    Ok(found)
}

/// `None` never happens: the patterns stand above and are tested below.
fn pattern(kind: Kind) -> Option<Regex> {
    RegexBuilder::new(kind.pattern).case_insensitive(true).build().ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    fn check(kind: usize, text: &str, expected: bool) {
        assert_eq!(pattern(KINDS[kind]).unwrap().is_match(text), expected, "{text}");
    }

    #[test]
    fn each_kind_is_told_from_what_looks_alike() {
        check(0, "/from/192.0.2.7", true);
        check(0, "/v1.2.3", false);
        check(0, "/1.2.3.4.5", false);
        check(0, "/999.1.1.1", false);
        check(1, "2001:db8::1", true);
        check(1, "/at/12:30:45", false);
        check(1, "2001:db8:1:2:3:4:5:6", true);
        check(2, "Mozilla/5.0 (X11)", true);
        check(2, "Firefox 132", false);
        check(3, "/hello/jo.e+x@mail.example", true);
        check(3, "/hello/jo%40mail.example", true);
        check(3, "/@handle/post", false);
    }
}
