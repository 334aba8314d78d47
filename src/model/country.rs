//! English names of countries by ISO 3166-1 code.

/// Code, name and continent of every country, sorted by code.
const COUNTRIES: &str = include_str!("../../assets/data/countries.tsv");

/// English short name of an ISO 3166-1 alpha-2 code in capitals, also of the user-assigned `XK`, Kosovo.
pub fn name(code: &str) -> Option<&'static str> {
    columns(code).map(|(name, _)| name)
}

/// The code itself, in capitals, if `text` is one, whatever its case.
pub fn code(text: &str) -> Option<&'static str> {
    let lines = COUNTRIES.lines().filter_map(|line| line.get(..2));
    lines.into_iter().find(|code| code.eq_ignore_ascii_case(text.trim()))
}

/// The code of the country that is called `name` in English, whatever its case.
pub fn code_of(name: &str) -> Option<&'static str> {
    let found = COUNTRIES.lines().find(|line| {
        line.split('\t').nth(1).is_some_and(|own| own.to_lowercase() == name.trim().to_lowercase())
    });
    found?.get(..2)
}

/// English name of the continent that a country is counted to; one of seven, the Americas are two.
pub fn continent(code: &str) -> Option<&'static str> {
    columns(code).map(|(_, continent)| continent)
}

fn columns(code: &str) -> Option<(&'static str, &'static str)> {
    COUNTRIES.lines().find_map(|line| line.strip_prefix(code)?.strip_prefix('\t')?.split_once('\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_names_and_continents() {
        for (code, expected, part) in [
            ("DE", "Germany", "Europe"),
            ("US", "United States", "North America"),
            ("GB", "United Kingdom", "Europe"),
            ("CI", "Côte d'Ivoire", "Africa"),
            ("TR", "Türkiye", "Asia"),
            ("AQ", "Antarctica", "Antarctica"),
            ("XK", "Kosovo", "Europe"),
        ] {
            assert_eq!((name(code), continent(code)), (Some(expected), Some(part)), "{code}");
        }
    }

    #[test]
    fn a_name_leads_to_its_code() {
        assert_eq!(code_of(" türkiye"), Some("TR"));
        assert_eq!(code_of("Nowhere"), None);
    }

    #[test]
    fn other_codes_have_none() {
        for code in ["", "D", "de", "DEU", "ZZ", "Germany"] {
            assert_eq!(name(code), None, "{code}");
        }
    }

    #[test]
    fn every_row_has_three_columns() {
        assert_eq!(COUNTRIES.lines().count(), 250);
        assert!(
            COUNTRIES.lines().all(|line| line
                .split('\t')
                .filter(|column| !column.is_empty())
                .count()
                == 3)
        );
    }
}
