//! Which right name a wrong one was meant to be.

use super::error::quoted;

/// From here on two names are alike enough to ask "did you mean".
const LIKENESS_MIN: f64 = 0.8;
/// More names than this are not listed.
const NAMES_LISTED_MAX: usize = 20;

/// What to add to "unknown x": the nearest of `names`, or a short list of them all, or nothing.
pub(super) fn hint<S: AsRef<str>>(wrong: &str, names: &[S]) -> String {
    if let Some(name) = nearest(wrong, names) {
        return format!("; did you mean {}?", quoted(name));
    }
    match names {
        [] => String::new(),
        [name] => format!("; only {} is possible", quoted(name.as_ref())),
        [init @ .., last] if names.len() <= NAMES_LISTED_MAX => {
            let init: Vec<String> = init.iter().map(|name| quoted(name.as_ref())).collect();
            format!("; use {} or {}", init.join(", "), quoted(last.as_ref()))
        }
        _ => String::new(),
    }
}

fn nearest<'a, S: AsRef<str>>(wrong: &str, names: &'a [S]) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    let likeness = |name: &str| strsim::jaro_winkler(&wrong, &name.to_lowercase());
    names
        .iter()
        .map(|name| (likeness(name.as_ref()), name.as_ref()))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_gets_the_list() {
        fn check(wrong: &str, names: &[&str], expected: &str) {
            assert_eq!(hint(wrong, names), expected);
        }
        check(
            "granularites",
            &["dimensions", "granularities"],
            "; did you mean \"granularities\"?",
        );
        check("Contry", &["city", "country"], "; did you mean \"country\"?");
        check(
            "europe/berln",
            &["Europe/Bern", "Europe/Berlin"],
            "; did you mean \"Europe/Berlin\"?",
        );
        check("zzz", &["day", "hour", "year"], "; use \"day\", \"hour\" or \"year\"");
        check("zzz", &["day"], "; only \"day\" is possible");
        check("zzz", &["name"; 21], "");
        check("", &[], "");
    }
}
