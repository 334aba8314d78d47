//! What is wrong with a file, where it stands and what to do: always one sentence.

use std::{io, ops::Range, path::PathBuf};

use toml::Spanned;

use super::nearest;

/// Why there is no registry.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file can't be read.
    #[error("can't read {}: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// The file can be read, but not understood.
    #[error("{file}:{line}:{column}: {message}")]
    File {
        /// The file's name, as it was given.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What is wrong and what to do.
        message: String,
    },
}

/// A mistake somewhere in the text, before its line and column are worked out.
#[derive(Debug)]
pub(super) struct Fault {
    at: Range<usize>,
    message: String,
}

impl Fault {
    /// A mistake at the bytes that `value` was read from.
    pub(super) fn at<T>(value: &Spanned<T>, message: impl Into<String>) -> Self {
        Self { at: value.span(), message: message.into() }
    }

    /// Gives the mistake its place in `text`, the content of the file called `file`.
    pub(super) fn place(self, text: &str, file: &str) -> Error {
        let before = text.get(..self.at.start).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or("");
        Error::File {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: line.trim_start_matches('\u{feff}').chars().count() + 1,
            message: self.message,
        }
    }
}

/// Says what the parser and serde say in the words of this file.
///
/// Both only hand out text; the tests below hold the shapes that are relied on.
impl From<toml::de::Error> for Fault {
    fn from(mut error: toml::de::Error) -> Self {
        let at = error.span().unwrap_or(0..0);
        error.set_input(None);
        let shown = error.to_string();
        let place = shown
            .strip_prefix(error.message())
            .and_then(|rest| rest.trim().strip_prefix("in `")?.strip_suffix('`'))
            .unwrap_or("");
        let message = explain(error.message(), place)
            .unwrap_or_else(|| error.message().split_whitespace().collect::<Vec<_>>().join(" "));
        Self { at, message }
    }
}

/// `message`, about the key or table that the dotted `place` leads to, in plain words; `None` where
/// the message is plain already.
fn explain(message: &str, place: &str) -> Option<String> {
    if let Some(rest) = message.strip_prefix("unknown field `") {
        let (key, expected) = rest.rsplit_once("`, expected ")?;
        let names: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
        return Some(format!(
            "unknown key {} in {}{}",
            quoted(key),
            table(place),
            nearest::hint(key, &names)
        ));
    }
    if let Some(rest) = message.strip_prefix("missing field `") {
        let (key, _) = rest.split_once('`')?;
        return Some(format!("{} needs the key \"{key}\"", table(place)));
    }
    if message.starts_with("invalid type: ") || message.starts_with("invalid value: ") {
        let (found, expected) = message.rsplit_once(", expected ")?;
        let found = found.split_once(": ")?.1;
        return Some(format!(
            "{} must be {}, not {}",
            quoted(place),
            wanted(expected),
            kind(found)
        ));
    }
    if message == "duplicate key" {
        return Some("this stands twice in the file; keep one of the two".to_owned());
    }
    None
}

fn table(place: &str) -> String {
    match place {
        "" => "the file's top level".to_owned(),
        "site" => "[[site]]".to_owned(),
        _ => format!("[{}]", quoted(place).trim_matches('"')),
    }
}

fn wanted(expected: &str) -> &str {
    match expected {
        "a string" => "text in quotes",
        "a boolean" => "true or false",
        "f64" => "a number",
        "a sequence" => "a list in square brackets",
        "a map" => "a table",
        _ if expected.starts_with("struct ") => "a table",
        _ => "a whole number",
    }
}

/// What kind of value serde found, without the value.
fn kind(found: &str) -> &'static str {
    match found.split_whitespace().next() {
        Some("string") => "text",
        Some("integer") => "a whole number",
        Some("floating") => "a number with decimals",
        Some("boolean") => "true or false",
        Some("sequence") => "a list",
        Some("map") => "a table",
        _ => "something else",
    }
}

/// `text` in quotes on one line, cut where it gets long.
pub(super) fn quoted(text: &str) -> String {
    const CHARACTERS_MAX: usize = 60;
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{:?}", format!("{}…", text.get(..end).unwrap_or(""))),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::tests::check;

    #[test]
    fn unknown_keys_are_refused_with_their_place_and_the_nearest_right_one() {
        check(
            "[event.page_view]\n  granularites = [\"day\"]",
            "beacons.toml:2:3: unknown key \"granularites\" in [event.page_view]; did you mean \
             \"granularities\"?",
        );
        check(
            "[sever]",
            "beacons.toml:1:2: unknown key \"sever\" in the file's top level; did you mean \"server\"?",
        );
        check(
            "[server.limits]\nzzz = 1",
            "beacons.toml:2:1: unknown key \"zzz\" in [server.limits]; use \"body_bytes\", \
             \"queue_beacons\", \"queue_bytes\", \"connections\", \"connections_per_network\", \
             \"beacons_per_second\", \"beacons_burst\", \"pages_per_second\" or \"pages_burst\"",
        );
        check(
            "[[site]]\ndomain = \"a.example\"\ntimezone = \"UTC\"",
            "beacons.toml:3:1: unknown key \"timezone\" in [[site]]; did you mean \"time_zone\"?",
        );
        check(
            "[event.a]\n\"`, expected `x\\ny\" = 1",
            "beacons.toml:2:1: unknown key \"`, expected `x\\ny\" in [event.a]; use \"identifier\", \
             \"identifiers\", \"granularities\", \"retention\", \"dimensions\", \"pairs\", \
             \"pairs_by_day\", \"visits\", \"measures\", \"raw\", \"query_kept\", \"limits\", \"dedupe\" or \"dedupe_by\"",
        );
    }

    #[test]
    fn columns_are_characters_and_lines_count_from_one() {
        check(
            "# é\r\n[event.a]\r\nlimits = { \"é\" = 1 }",
            "beacons.toml:3:12: unknown key \"é\" in [event.a.limits]; use \"identifiers_per_day\", \
             \"values_per_dimension\", \"identifier_bytes\" or \"meta_bytes\"",
        );
        check(
            "[event.a]\npairs = [\"é × source\", \"x\"]",
            "beacons.toml:2:10: \"é × source\" is not a pair; write one such as \"page × source\"",
        );
        check(
            "[event.a]\nmeasures = { \"é\" = [1] }",
            "beacons.toml:2:14: \"é\" can't be the name of a measure; use 1 to 64 letters, digits and \
             _ - . :",
        );
    }

    #[test]
    fn wrong_kinds_of_values_are_told_in_plain_words() {
        check(
            "[event.a]\nvisits = \"yes\"",
            "beacons.toml:2:10: \"event.a.visits\" must be true or false, not text",
        );
        check(
            "[event.a]\ndedupe = 10",
            "beacons.toml:2:10: \"event.a.dedupe\" must be text in quotes, not a whole number",
        );
        check(
            "[event.a]\nmeasures = { a = [1, \"2\"] }",
            "beacons.toml:2:22: \"event.a.measures.a\" must be a number, not text",
        );
        check(
            "[server.limits]\nconnections = 1.5",
            "beacons.toml:2:15: \"server.limits.connections\" must be a whole number, not a number \
             with decimals",
        );
        check("event = 3", "beacons.toml:1:9: \"event\" must be a table, not a whole number");
        check("server = true", "beacons.toml:1:10: \"server\" must be a table, not true or false");
        check(
            "[site]",
            "beacons.toml:1:1: \"site\" must be a list in square brackets, not a table",
        );
        check("[[site]]", "beacons.toml:1:1: [[site]] needs the key \"domain\"");
    }

    #[test]
    fn a_byte_order_mark_is_no_column() {
        check("\u{feff}[[site]]", "beacons.toml:1:1: [[site]] needs the key \"domain\"");
    }

    #[test]
    fn broken_toml_is_one_sentence() {
        check("[event.a", "beacons.toml:1:9: unclosed table, expected `]`");
        check("[event.a]\nvisits true", "beacons.toml:2:8: key with no value, expected `=`");
        check(
            "[event.a]\n[event.a]",
            "beacons.toml:2:8: this stands twice in the file; keep one of the two",
        );
    }
}
