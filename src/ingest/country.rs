//! The country that a browser's IANA time zone lies in, for sites without a location database.

use super::sorted_text;

/// Zone and country, sorted, including old names of zones.
const TIME_ZONES: &str = include_str!("../../assets/data/time_zones.tsv");

/// The ISO 3166-1 alpha-2 code of the country that a zone of the IANA time zone database stands for.
///
/// `None` for zones of no country (`UTC`, `Etc/GMT+3`, `CET`) and for unknown names.
pub fn of_time_zone(iana: &str) -> Option<&'static str> {
    sorted_text::find(TIME_ZONES, iana)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(zone: &str, expected: Option<&str>) {
        assert_eq!(of_time_zone(zone), expected, "{zone}");
    }

    #[test]
    fn zones_lie_in_their_country() {
        check("Europe/Berlin", Some("DE"));
        check("Europe/Oslo", Some("NO"));
        check("America/New_York", Some("US"));
        check("America/Argentina/Buenos_Aires", Some("AR"));
        check("Africa/Abidjan", Some("CI"));
        check("Pacific/Auckland", Some("NZ"));
        check("Antarctica/McMurdo", Some("AQ"));
        check("America/Coyhaique", Some("CL"));
    }

    #[test]
    fn old_names_of_zones_are_known() {
        check("Asia/Calcutta", Some("IN"));
        check("Asia/Saigon", Some("VN"));
        check("Europe/Kiev", Some("UA"));
        check("Europe/Kyiv", Some("UA"));
        check("US/Pacific", Some("US"));
        check("Iceland", Some("IS"));
        check("Pacific/Truk", Some("FM"));
        check("GB", Some("GB"));
    }

    #[test]
    fn zones_of_no_country_have_none() {
        for zone in [
            "",
            "UTC",
            "Etc/UTC",
            "Etc/GMT+3",
            "GMT",
            "CET",
            "EST5EDT",
            "Mars/Olympus",
            "europe/berlin",
            "Europe",
        ] {
            check(zone, None);
        }
    }

    #[test]
    fn the_data_are_sorted_and_complete() {
        sorted_text::assert_sorted(TIME_ZONES);
        for line in TIME_ZONES.lines() {
            let (zone, code) = line.split_once('\t').unwrap_or_default();
            check(zone, Some(code));
            assert!(
                code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()),
                "{line}"
            );
        }
    }
}
