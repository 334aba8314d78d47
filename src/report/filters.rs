//! Filters as an address has them: `filter=source:is:Google`, each of them to be met.

use super::question::Wrong;
use crate::{
    config::registry::{EventType, IdentifierRule},
    model::{
        country,
        dimension::Dimension,
        filter::{Filter, IDENTIFIER, Operator},
    },
};

/// How many filters one question has at most.
pub const FILTERS_MAX: usize = 8;

/// The longest text that a filter compares with, in bytes.
pub const FILTER_BYTES_MAX: usize = 512;

/// The parameter that holds a whole filter; it may stand several times.
pub const FILTER: &str = "filter";

/// The parameters of a form that adds one: what it looks at, how, and the text.
pub const PARTS: [&str; 3] = ["by", "how", "what"];

/// What the page is called in a filter, where identifiers are pages.
const PAGE: &str = "page";

/// The filters of an address: `whole` ones, and the one that a form adds, by its [`PARTS`].
///
/// # Errors
/// When one makes no sense, or there are too many.
pub(super) fn parse(
    whole: &[&str],
    parts: [&str; 3],
    event: &EventType,
) -> Result<Vec<Filter>, Wrong> {
    let mut filters: Vec<Filter> = Vec::new();
    let mut add = |written: &str, filter: Filter| {
        if !filters.contains(&filter) {
            filters.push(filter);
        }
        if filters.len() > FILTERS_MAX {
            let why = format!("is one filter too many; {FILTERS_MAX} are allowed");
            return Err(wrong(FILTER, written, &why));
        }
        Ok(())
    };
    for written in whole {
        add(written, read(written, event)?)?;
    }
    let [by, how, what] = parts;
    let what = what.trim();
    if !what.is_empty() {
        let how = if how.is_empty() { Operator::Is.slug() } else { how };
        add(what, filter(by, how, what, event)?)?;
    }
    Ok(filters)
}

fn read(written: &str, event: &EventType) -> Result<Filter, Wrong> {
    let mut parts = written.splitn(3, ':');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(by), Some(how), Some(what)) if !what.is_empty() => filter(by, how, what, event),
        _ => {
            let why = "is not a filter; write it as source:is:Google, with is, not or has";
            Err(wrong(FILTER, written, why))
        }
    }
}

fn filter(by: &str, how: &str, what: &str, event: &EventType) -> Result<Filter, Wrong> {
    let dimension = match by {
        IDENTIFIER => None,
        PAGE if has_pages(event) => None,
        name => {
            let known = Dimension::from_name(name);
            Some(known.ok_or_else(|| wrong(FILTER, name, "is not a dimension"))?)
        }
    };
    let operator = Operator::from_slug(how);
    let operator = operator.ok_or_else(|| wrong(FILTER, how, "is none of is, not, has"))?;
    if what.len() > FILTER_BYTES_MAX {
        let start: String = what.chars().take(40).collect();
        let why = format!("is longer than {FILTER_BYTES_MAX} bytes");
        return Err(wrong(FILTER, &format!("{start}…"), &why));
    }
    let value = match (&dimension, operator) {
        // People write the country, the file has its code.
        (Some(Dimension::Country), Operator::Is | Operator::IsNot) => {
            country::code(what).or_else(|| country::code_of(what)).unwrap_or(what)
        }
        _ => what,
    };
    Ok(Filter { dimension, operator, value: value.to_owned() })
}

/// Whether the identifiers of `event` are pages, so that filters may call them so.
pub fn has_pages(event: &EventType) -> bool {
    let rules =
        [IdentifierRule::PagePath, IdentifierRule::CanonicalUrl, IdentifierRule::RefererPath];
    rules.contains(&event.identifier) && !event.dimensions.contains(&Dimension::Page)
}

fn wrong(parameter: &str, value: &str, why: &str) -> Wrong {
    Wrong { parameter: parameter.to_owned(), value: value.to_owned(), why: why.to_owned() }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use crate::config;

    fn parsed(whole: &[&str], parts: [&str; 3]) -> Result<Vec<Filter>, String> {
        let registry = config::embedded().unwrap();
        parse(whole, parts, registry.event("page_view").unwrap()).map_err(|wrong| wrong.to_string())
    }

    #[test]
    fn what_is_written_is_read_back() {
        let written = ["identifier:is:/a:b", "source:not:Google", "browser:has:fire"];
        let filters = parsed(&written, ["", "", ""]).unwrap();
        let again: Vec<String> = filters.iter().map(Filter::written).collect();
        assert_eq!(again, written);
        assert_eq!(parsed(&["page:is:/x"], [""; 3]).unwrap(), [Filter::is(None, "/x")]);
    }

    #[test]
    fn a_form_adds_one_and_a_country_may_be_called_by_its_name() {
        let filters = parsed(&["page:is:/x"], ["country", "is", " germany "]).unwrap();
        assert_eq!(filters[1], Filter::is(Some(Dimension::Country), "DE"));
        assert_eq!(parsed(&["page:is:/x"], ["page", "", "/x"]).unwrap().len(), 1);
        assert!(parsed(&[], ["page", "is", ""]).unwrap().is_empty());
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        let many: Vec<String> = (0..=FILTERS_MAX).map(|at| format!("page:not:/{at}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let long = format!("page:is:{}", "x".repeat(FILTER_BYTES_MAX + 1));
        for (whole, words) in [
            (vec!["source"], "is not a filter"),
            (vec!["source:is:"], "is not a filter"),
            (vec!["colour:is:red"], "is not a dimension"),
            (vec!["source:was:Google"], "is none of is, not, has"),
            (vec![long.as_str()], "is longer than 512 bytes"),
            (many, "8 are allowed"),
        ] {
            assert!(parsed(&whole, [""; 3]).unwrap_err().contains(words), "{whole:?}");
        }
    }
}
