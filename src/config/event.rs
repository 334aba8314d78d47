//! `[event.NAME]`: as written, then as meant.

use regex::{Regex, RegexBuilder};
use toml::Spanned;

use super::{
    breakdown,
    error::{Fault, quoted},
    file,
    registry::{EventLimits, EventType, IdentifierRule, MeasureRule},
    retention,
    value::{self, DAY_SECONDS, Duration, NAME_BYTES_MAX},
};
use crate::model::period::Granularity;

/// The most bars that a histogram has bounds for.
const BOUNDS_MAX: usize = 64;
/// How large the program for a pattern may get, in bytes.
const PATTERN_BYTES_MAX: usize = 1 << 20;
/// Raw events are kept for no longer than this.
const RAW_DAYS_MAX: u32 = 3650;
/// Repeats are recognised for no longer than this.
const DEDUPE_SECONDS_MAX: u32 = 3600;

const DEFAULT_GRANULARITIES: [Granularity; 4] =
    [Granularity::Hour, Granularity::Day, Granularity::Month, Granularity::Year];
const DEFAULT_DEDUPE_SECONDS: u32 = 10;
const DEFAULT_LIMITS: EventLimits = EventLimits {
    identifiers_per_day: 5000,
    values_per_dimension: 500,
    identifier_bytes: 512,
    meta_bytes: 2048,
};

/// Whether a beacon without an id is known by all that it says.
const DEDUPE_BY: [(&str, bool); 2] = [("id", false), ("request", true)];

const IDENTIFIERS: [(&str, IdentifierRule); 9] = [
    ("page_path", IdentifierRule::PagePath),
    ("canonical_url", IdentifierRule::CanonicalUrl),
    ("site_section", IdentifierRule::SiteSection),
    ("referer_path", IdentifierRule::RefererPath),
    ("session", IdentifierRule::Session),
    ("user", IdentifierRule::User),
    ("key", IdentifierRule::Key),
    ("fingerprint", IdentifierRule::Fingerprint),
    ("none", IdentifierRule::None),
];

/// Checks the event type called `name`.
pub(super) fn check(name: &Spanned<String>, written: &file::Event) -> Result<EventType, Fault> {
    check_name("an event type", name)?;
    let granularities = granularities(written)?;
    let identifier = match &written.identifier {
        Some(text) => value::word("an identifier", text, &IDENTIFIERS)?,
        None => IdentifierRule::PagePath,
    };
    let dimensions = breakdown::dimensions(written)?;
    let pairs = breakdown::pairs(written, identifier, &granularities, &dimensions)?;
    Ok(EventType {
        name: name.get_ref().clone(),
        identifier,
        identifiers_allowed: value::list(written.identifiers.as_ref(), pattern)?,
        pair_days: breakdown::pair_days(written, &granularities)?,
        retention_days: retention::check(&written.retention, &granularities)?,
        granularities,
        dimensions,
        pairs,
        visits: written.visits.unwrap_or(false),
        measures: written.measures.0.iter().map(measure).collect::<Result<_, _>>()?,
        raw_days: written.raw.as_ref().map_or(Ok(0), raw_days)?,
        query_kept: value::distinct(written.query_kept.as_ref(), query_parameter)?,
        limits: limits(&written.limits)?,
        dedupe_seconds: written
            .dedupe
            .as_ref()
            .map_or(Ok(DEFAULT_DEDUPE_SECONDS), dedupe_seconds)?,
        dedupe_by_request: match &written.dedupe_by {
            Some(text) => value::word("a way to know repeats", text, &DEDUPE_BY)?,
            None => false,
        },
    })
}

fn check_name(what: &str, name: &Spanned<String>) -> Result<(), Fault> {
    let written = name.get_ref();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
    if (1..=NAME_BYTES_MAX).contains(&written.len()) && written.bytes().all(plain) {
        return Ok(());
    }
    Err(Fault::at(
        name,
        format!(
            "{} can't be the name of {what}; use 1 to {NAME_BYTES_MAX} letters, digits and _ - . :",
            quoted(written)
        ),
    ))
}

fn granularities(written: &file::Event) -> Result<Vec<Granularity>, Fault> {
    let Some(list) = &written.granularities else {
        return Ok(DEFAULT_GRANULARITIES.to_vec());
    };
    let mut granularities = value::distinct(Some(list.get_ref()), value::granularity)?;
    if granularities.is_empty() {
        return Err(Fault::at(list, "granularities is empty; name one at least, such as \"day\""));
    }
    granularities.sort_unstable();
    Ok(granularities)
}

/// A regular expression that must match from the first letter to the last.
fn pattern(text: &Spanned<String>) -> Result<Regex, Fault> {
    let compile = |pattern: &str| {
        RegexBuilder::new(pattern).size_limit(PATTERN_BYTES_MAX).build().map_err(|error| {
            let shown = error.to_string();
            let cause = shown.lines().last().unwrap_or("").trim_start_matches("error: ");
            let message =
                format!("{} is not a regular expression: {cause}", quoted(text.get_ref()));
            Fault::at(text, message)
        })
    };
    // Alone first, so that "a)(b" can't close our group and open another.
    compile(text.get_ref())?;
    compile(&format!(r"\A(?:{})\z", text.get_ref()))
}

fn measure(
    (name, bounds): &(Spanned<String>, Spanned<Vec<Spanned<f64>>>),
) -> Result<MeasureRule, Fault> {
    check_name("a measure", name)?;
    let count = bounds.get_ref().len();
    if !(1..=BOUNDS_MAX).contains(&count) {
        let message = format!("\"{}\" has {count} bounds; use 1 to {BOUNDS_MAX}", name.get_ref());
        return Err(Fault::at(bounds, message));
    }
    let mut checked: Vec<i64> = Vec::with_capacity(count);
    for bound in bounds.get_ref() {
        let thousandths = value::thousandths(bound)?;
        if checked.last().is_some_and(|previous| *previous >= thousandths) {
            let message = format!(
                "the bounds of \"{}\" must grow, but {} doesn't; sort them",
                name.get_ref(),
                bound.get_ref()
            );
            return Err(Fault::at(bound, message));
        }
        checked.push(thousandths);
    }
    Ok(MeasureRule { name: name.get_ref().clone(), bounds: checked })
}

fn raw_days(raw: &Spanned<toml::Value>) -> Result<u32, Fault> {
    let days = match raw.get_ref() {
        toml::Value::Boolean(false) => return Ok(0),
        toml::Value::String(text) => {
            match value::duration(&Spanned::new(raw.span(), text.clone()))? {
                Duration::Seconds(seconds) if seconds % DAY_SECONDS == 0 => seconds / DAY_SECONDS,
                _ => 0,
            }
        }
        _ => 0,
    };
    if (1..=RAW_DAYS_MAX).contains(&days) {
        return Ok(days);
    }
    let message = format!("raw must be false, or whole days from \"1d\" to \"{RAW_DAYS_MAX}d\"");
    Err(Fault::at(raw, message))
}

fn query_parameter(text: &Spanned<String>) -> Result<String, Fault> {
    let written = text.get_ref();
    if (1..=NAME_BYTES_MAX).contains(&written.len()) && !written.contains(['&', '=', '?', '#']) {
        return Ok(written.clone());
    }
    let message = format!("{} is not the name of a query parameter", quoted(written));
    Err(Fault::at(text, message))
}

fn limits(written: &file::EventLimits) -> Result<EventLimits, Fault> {
    let mut limits = DEFAULT_LIMITS;
    if let Some(value) = &written.identifiers_per_day {
        limits.identifiers_per_day = value::number("identifiers_per_day", value, 1..=1_000_000)?;
    }
    if let Some(value) = &written.values_per_dimension {
        limits.values_per_dimension = value::number("values_per_dimension", value, 1..=100_000)?;
    }
    if let Some(value) = &written.identifier_bytes {
        limits.identifier_bytes = value::number("identifier_bytes", value, 16..=4096)?;
    }
    if let Some(value) = &written.meta_bytes {
        limits.meta_bytes = value::number("meta_bytes", value, 0..=65_536)?;
    }
    Ok(limits)
}

fn dedupe_seconds(text: &Spanned<String>) -> Result<u32, Fault> {
    match value::duration(text)? {
        Duration::Seconds(seconds) if seconds <= DEDUPE_SECONDS_MAX => Ok(seconds),
        _ => Err(Fault::at(
            text,
            format!("dedupe = {} is too long; use \"0s\" to \"1h\"", quoted(text.get_ref())),
        )),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use crate::config::{
        parse,
        tests::{FILE, check, event},
    };

    #[test]
    fn granularities_are_sorted_and_distinct() {
        assert_eq!(
            event("granularities = [\"year\", \"second\", \"day\"]").granularities,
            [Granularity::Second, Granularity::Day, Granularity::Year]
        );
        check(
            "[event.a]\ngranularities = []",
            "beacons.toml:2:17: granularities is empty; name one at least, such as \"day\"",
        );
        check(
            "[event.a]\ngranularities = [\"day\", \"day\"]",
            "beacons.toml:2:25: \"day\" is listed twice; remove one",
        );
        check(
            "[event.a]\ngranularities = [\"week\"]",
            "beacons.toml:2:18: \"week\" is not a granularity; use \"second\", \"minute\", \"hour\", \
             \"day\", \"month\" or \"year\"",
        );
    }

    #[test]
    fn names_of_event_types_are_plain() {
        assert!(parse("[event.\"Sign-up:v1.2_x\"]", FILE).is_ok());
        check(
            "[event.\"sign up\"]",
            "beacons.toml:1:8: \"sign up\" can't be the name of an event type; use 1 to 64 letters, \
             digits and _ - . :",
        );
        assert!(parse(&format!("[event.{}]", "a".repeat(65)), FILE).is_err());
    }

    #[test]
    fn patterns_match_identifiers_whole() {
        let event = event("identifiers = ['/docs/\\d+', 'a|bc']");
        let allowed = |text: &str| event.identifiers_allowed.iter().any(|one| one.is_match(text));
        assert!(allowed("/docs/12") && allowed("a") && allowed("bc"));
        assert!(!allowed("/docs/12/") && !allowed("ac") && !allowed("a\n") && !allowed("/docs/"));
    }

    #[test]
    fn the_rest_of_an_event_type_is_checked() {
        let body = "raw = \"30d\"\ndedupe = \"0s\"\nquery_kept = [\"page\"]\n\
                    measures = { load = [0.25, 1, 2.5] }\nlimits.identifiers_per_day = 9";
        let event = event(body);
        assert_eq!((event.raw_days, event.dedupe_seconds), (30, 0));
        assert!(!event.dedupe_by_request);
        assert_eq!(event.limits.identifiers_per_day, 9);
        assert_eq!(event.limits.meta_bytes, 2048);
        assert_eq!(event.measures.first().unwrap().bounds, [250, 1000, 2500]);
        let check = |line: &str, expected: &str| {
            check(&format!("[event.a]\n{line}"), &format!("beacons.toml:2:{expected}"));
        };
        check("raw = true", "7: raw must be false, or whole days from \"1d\" to \"3650d\"");
        check("raw = \"forever\"", "7: raw must be false, or whole days from \"1d\" to \"3650d\"");
        check("dedupe = \"1d\"", "10: dedupe = \"1d\" is too long; use \"0s\" to \"1h\"");
        check(
            "dedupe_by = \"body\"",
            "13: \"body\" is not a way to know repeats; use \"id\" or \"request\"",
        );
        check("query_kept = [\"\"]", "15: \"\" is not the name of a query parameter");
        check("measures.a = []", "14: \"a\" has 0 bounds; use 1 to 64");
        check("measures.a = [2, 1]", "18: the bounds of \"a\" must grow, but 1 doesn't; sort them");
        check("measures.a = [0.0001]", "15: 0.0001 has too many decimals; write three at most");
        check("measures.a = [nan]", "15: NaN is out of range; use 0 to 1000000000000");
        check(
            "limits = { identifiers_per_day = 0 }",
            "34: identifiers_per_day = 0 is out of range; use 1 to 1000000",
        );
        check(
            "identifier = \"path\"",
            "14: \"path\" is not an identifier; use \"page_path\", \"canonical_url\", \"site_section\", \
             \"referer_path\", \"session\", \"user\", \"key\", \"fingerprint\" or \"none\"",
        );
        check("identifiers = [\"(\"]", "16: \"(\" is not a regular expression: unclosed group");
        check(
            "identifiers = [\"a)(b\"]",
            "16: \"a)(b\" is not a regular expression: unopened group",
        );
    }
}
