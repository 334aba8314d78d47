//! What an event type is split by: its dimensions, and the pairs that split each identifier too.

use toml::Spanned;

use super::{
    error::{Fault, quoted},
    file, nearest,
    registry::IdentifierRule,
    retention::{self, FOREVER},
    value::{NAME_BYTES_MAX, distinct},
};
use crate::model::{dimension::Dimension, period::Granularity};

/// The dimensions that totals are split by.
pub(super) fn dimensions(written: &file::Event) -> Result<Vec<Dimension>, Fault> {
    distinct(written.dimensions.as_ref(), |text| dimension_called(text.get_ref(), text))
}

/// The dimensions that each identifier is split by; written "page × source", "page x source" or
/// plainly "source".
pub(super) fn pairs(
    written: &file::Event,
    identifier: IdentifierRule,
    granularities: &[Granularity],
    dimensions: &[Dimension],
) -> Result<Vec<Dimension>, Fault> {
    let pairs = distinct(written.pairs.as_ref(), |text| {
        let dimension = dimension_called(right_of_pair(text)?, text)?;
        if dimensions.contains(&dimension) {
            return Ok(dimension);
        }
        let message = format!("this pair needs \"{dimension}\" among the dimensions; add it there");
        Err(Fault::at(text, message))
    })?;
    let Some(first) = written.pairs.iter().flatten().next() else {
        return Ok(pairs);
    };
    if identifier == IdentifierRule::None {
        let message = "pairs split identifiers, but identifier is \"none\"; remove one of the two";
        return Err(Fault::at(first, message));
    }
    if granularities.iter().all(|granularity| *granularity < Granularity::Day) {
        let message = "pairs are kept by day or longer; add \"day\" to the granularities";
        return Err(Fault::at(first, message));
    }
    Ok(pairs)
}

/// For how many days pairs are kept by day; 0 for as long as days are.
pub(super) fn pair_days(
    written: &file::Event,
    granularities: &[Granularity],
) -> Result<u32, Fault> {
    let Some(text) = &written.pairs_by_day else { return Ok(0) };
    let days = retention::days(text)?;
    if days == FOREVER {
        return Ok(0);
    }
    if [Granularity::Day, Granularity::Month].iter().all(|own| granularities.contains(own)) {
        return Ok(days);
    }
    let message =
        "pairs leave the days for the months; add \"day\" and \"month\" to the granularities";
    Err(Fault::at(text, message))
}

/// The dimension called `name`, which is all or part of `text`.
fn dimension_called(name: &str, text: &Spanned<String>) -> Result<Dimension, Fault> {
    match Dimension::from_name(name) {
        Some(Dimension::Meta(key)) if key.len() > NAME_BYTES_MAX => {
            let message = format!("{} is longer than {NAME_BYTES_MAX} bytes", quoted(&key));
            Err(Fault::at(text, message))
        }
        Some(dimension) => Ok(dimension),
        None => {
            let names = Dimension::FIXED.map(|one| one.name());
            let hint = match nearest::hint(name, &names) {
                hint if hint.is_empty() => {
                    "; keys of a beacon's meta are written \"meta.KEY\"".to_owned()
                }
                hint => hint,
            };
            Err(Fault::at(text, format!("unknown dimension {}{hint}", quoted(name))))
        }
    }
}

fn right_of_pair(text: &Spanned<String>) -> Result<&str, Fault> {
    let written = text.get_ref().trim();
    let Some((left, right)) = written.split_once('×').or_else(|| written.split_once(" x ")) else {
        return Ok(written);
    };
    if matches!(left.trim(), "page" | "identifier") {
        return Ok(right.trim());
    }
    let message = format!("{} is not a pair; write one such as \"page × source\"", quoted(written));
    Err(Fault::at(text, message))
}

#[cfg(test)]
mod tests {
    use crate::config::tests::{check, event};

    #[test]
    fn dimensions_and_pairs_are_known_and_fit_each_other() {
        let dimensions = "dimensions = [\"source\", \"country\", \"meta.plan\"]\n";
        let pairs = "pairs = [\"page × source\", \"identifier x country\", \"meta.plan\"]";
        let event = event(&format!("{dimensions}{pairs}"));
        assert_eq!(event.pairs, event.dimensions);
        check(
            "[event.a]\ndimensions = [\"contry\"]",
            "beacons.toml:2:15: unknown dimension \"contry\"; did you mean \"country\"?",
        );
        check(
            "[event.a]\ndimensions = [\"meta.\"]",
            "beacons.toml:2:15: unknown dimension \"meta.\"; keys of a beacon's meta are written \
             \"meta.KEY\"",
        );
        check(
            "[event.a]\npairs = [\"page × source\"]",
            "beacons.toml:2:10: this pair needs \"source\" among the dimensions; add it there",
        );
        check(
            &format!("[event.a]\nidentifier = \"none\"\n{dimensions}pairs = [\"source\"]"),
            "beacons.toml:4:10: pairs split identifiers, but identifier is \"none\"; remove one of \
             the two",
        );
        check(
            &format!("[event.a]\ngranularities = [\"hour\"]\n{dimensions}pairs = [\"source\"]"),
            "beacons.toml:4:10: pairs are kept by day or longer; add \"day\" to the granularities",
        );
    }

    #[test]
    fn pairs_leave_the_days_where_months_keep_them() {
        let days = |body: &str| event(body).pair_days;
        assert_eq!((days(""), days("pairs_by_day = \"forever\"")), (0, 0));
        assert_eq!(days("pairs_by_day = \"13w\""), 91);
        let event = event("pairs_by_day = \"92d\"");
        let from = |today| event.pairs_by_day_from(today, &jiff::tz::TimeZone::UTC);
        // 92 days before the 25th of November lies in August.
        assert_eq!(from(jiff::civil::date(2026, 11, 25)), Some(1_785_542_400));
        check(
            "[event.a]\ngranularities = [\"day\", \"year\"]\npairs_by_day = \"92d\"",
            "beacons.toml:3:16: pairs leave the days for the months; add \"day\" and \"month\" to the \
             granularities",
        );
    }
}
