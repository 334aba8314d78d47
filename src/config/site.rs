//! `[[site]]`: as written, then as meant.

use std::sync::Arc;

use jiff::{civil::Weekday, tz::TimeZone};
use toml::Spanned;

use super::{
    error::{Fault, quoted},
    file,
    registry::{DEFAULT_SITE, Entrance, Site},
    value,
};

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

/// The words for what happens to bots, and whether they are refused.
const BOTS: [(&str, bool); 2] = [("refuse", true), ("count", false)];

const ENTRANCES: [(&str, Entrance); 3] = [
    (Entrance::Beacon.name(), Entrance::Beacon),
    (Entrance::Pixel.name(), Entrance::Pixel),
    (Entrance::Clients.name(), Entrance::Clients),
];

/// The longest id of a site and the longest path that is its own, in bytes.
const NAME_BYTES_MAX: usize = 255;

/// Checks the sites of a file, which may declare none; `zone` is for those that name none.
pub(super) fn check_all(
    written: &[file::Site],
    zone: &(TimeZone, String),
) -> Result<Vec<Arc<Site>>, Fault> {
    let mut sites: Vec<Arc<Site>> = Vec::new();
    for one in written {
        let site = check(one, zone, &sites)?;
        sites.push(Arc::new(site));
    }
    if sites.is_empty() {
        sites.push(Arc::new(any_host(zone.clone())));
    }
    Ok(sites)
}

/// The one site that takes every host.
fn any_host((zone, zone_name): (TimeZone, String)) -> Site {
    Site {
        name: DEFAULT_SITE.to_owned(),
        hosts: Vec::new(),
        ids: Vec::new(),
        script: None,
        endpoint: None,
        zone,
        zone_name,
        week_starts: Weekday::Monday,
        honour_privacy_signals: true,
        ignored_networks: Vec::new(),
        denied_sources: Vec::new(),
        allowed_sources: Vec::new(),
        allowed_origins: Vec::new(),
        public: false,
        embed_origins: Vec::new(),
        judged: Entrance::ALL.to_vec(),
    }
}

fn check(
    written: &file::Site,
    zone: &(TimeZone, String),
    earlier: &[Arc<Site>],
) -> Result<Site, Fault> {
    let hosts = hosts(written, earlier)?;
    let zone = match &written.time_zone {
        Some(text) => value::zone(text)?,
        None => zone.clone(),
    };
    let base = any_host(zone);
    Ok(Site {
        name: value::host(&written.domain)?,
        hosts,
        ids: ids(written, earlier)?,
        script: written.script.as_ref().map(script).transpose()?,
        endpoint: written.endpoint.as_ref().map(path).transpose()?,
        week_starts: match &written.week_starts {
            Some(text) => value::word("a weekday", text, &WEEKDAYS)?,
            None => base.week_starts,
        },
        honour_privacy_signals: written.gpc.unwrap_or(base.honour_privacy_signals),
        ignored_networks: value::list(written.ignore.as_ref(), value::prefix)?,
        denied_sources: value::list(written.deny_sources.as_ref(), value::host)?,
        allowed_sources: value::list(written.allow_sources.as_ref(), value::host)?,
        allowed_origins: value::list(written.allowed_origins.as_ref(), value::origin)?,
        public: written.public.unwrap_or(base.public),
        embed_origins: value::list(written.embed_origins.as_ref(), value::origin)?,
        judged: judged(written)?,
        ..base
    })
}

/// The entrances at which bots are refused.
fn judged(written: &file::Site) -> Result<Vec<Entrance>, Fault> {
    let refused = match &written.bots {
        Some(text) => value::word("a value of bots", text, &BOTS)?,
        None => true,
    };
    let named = value::distinct(written.judged.as_ref(), |text| {
        value::word("an entrance", text, &ENTRANCES)
    })?;
    Ok(match (refused, &written.judged) {
        (false, _) => Vec::new(),
        (true, None) => Entrance::ALL.to_vec(),
        (true, Some(_)) => named,
    })
}

/// The names that clients of other products call it by; none may mean two sites.
fn ids(written: &file::Site, earlier: &[Arc<Site>]) -> Result<Vec<String>, Fault> {
    value::distinct(written.ids.as_ref(), |text| {
        let id = text.get_ref();
        if !(1..=NAME_BYTES_MAX).contains(&id.len()) || id.contains(char::is_control) {
            let message = format!("{} can't be an id; use 1 to 255 bytes of text", quoted(id));
            return Err(Fault::at(text, message));
        }
        match earlier.iter().find(|site| site.ids.contains(id)) {
            Some(site) => {
                let message = format!(
                    "{} already means the site \"{}\"; remove it from one of the two",
                    quoted(id),
                    site.name
                );
                Err(Fault::at(text, message))
            }
            None => Ok(id.clone()),
        }
    })
}

fn script(text: &Spanned<String>) -> Result<String, Fault> {
    if text.get_ref().ends_with(".js") {
        return path(text);
    }
    let message =
        format!("{} is not the path of a script; end it in \".js\"", quoted(text.get_ref()));
    Err(Fault::at(text, message))
}

/// A path of one's own. The server's own paths stay what they are.
fn path(text: &Spanned<String>) -> Result<String, Fault> {
    let written = text.get_ref();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/_-.~".contains(&byte);
    let is_path = written.starts_with('/') && written.len() > 1 && !written.contains("//");
    if is_path && written.len() <= NAME_BYTES_MAX && written.bytes().all(plain) {
        return Ok(written.clone());
    }
    let message = format!("{} is not a path; write one such as \"/js/script.js\"", quoted(written));
    Err(Fault::at(text, message))
}

/// Domain and aliases; no host may count twice, be it for one site or for two.
fn hosts(written: &file::Site, earlier: &[Arc<Site>]) -> Result<Vec<String>, Fault> {
    let mut own = any_host((TimeZone::UTC, String::new()));
    for text in std::iter::once(&written.domain).chain(written.aliases.iter().flatten()) {
        let host = value::host(text)?;
        let taken = earlier.iter().find(|site| site.takes_host(&host));
        if let Some(site) = taken {
            let message = format!(
                "{} already counts for the site \"{}\"; remove it from one of the two",
                quoted(&host),
                site.name
            );
            return Err(Fault::at(text, message));
        }
        if !own.hosts.is_empty() && own.takes_host(&host) {
            let message = format!(
                "{} is listed twice, as \"www.\" makes no difference; remove one",
                quoted(&host)
            );
            return Err(Fault::at(text, message));
        }
        own.hosts.push(host);
    }
    Ok(own.hosts)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::Entrance;
    use crate::config::{
        parse,
        tests::{FILE, check},
    };

    #[test]
    fn sites_keep_their_own_zone_and_their_own_hosts() {
        let text = "[server]\ntime_zone = \"Asia/Kathmandu\"\n[[site]]\ndomain = \"A.example\"\n\
                    aliases = [\"b.example\"]\n[[site]]\ndomain = \"c.example\"\ntime_zone = \"utc\"\n\
                    gpc = false\nbots = \"count\"\nweek_starts = \"sunday\"";
        let registry = parse(text, FILE).unwrap();
        let one = registry.site_of_host("www.b.example").unwrap();
        assert_eq!((one.name.as_str(), one.zone_name.as_str()), ("a.example", "Asia/Kathmandu"));
        assert!(one.honour_privacy_signals);
        assert_eq!(one.judged, Entrance::ALL);
        let other = registry.site("c.example").unwrap();
        assert_eq!(other.zone_name, "UTC");
        assert!(!other.honour_privacy_signals && other.judged.is_empty());
        assert_eq!(other.week_starts, jiff::civil::Weekday::Sunday);
        assert!(registry.site_of_host("d.example").is_none());
    }

    #[test]
    fn user_agents_are_judged_where_the_site_says() {
        let text = "[[site]]\ndomain = \"a.example\"\njudged = [\"pixel\"]";
        assert_eq!(parse(text, FILE).unwrap().sites[0].judged, [Entrance::Pixel]);
        check(
            "[[site]]\ndomain = \"a.example\"\njudged = [\"pixels\"]",
            "beacons.toml:3:11: \"pixels\" is not an entrance; did you mean \"pixel\"?",
        );
    }

    #[test]
    fn a_site_has_ids_and_paths_of_its_own() {
        let one = "[[site]]\ndomain = \"a.example\"\nids = [\"7\", \"x-y\"]\n";
        let text = format!("{one}script = \"/js/script.js\"\nendpoint = \"/js/hello\"");
        let registry = parse(&text, FILE).unwrap();
        for name in ["7", "x-y", "a.example", "www.A.example"] {
            assert_eq!(registry.site_called(name).unwrap().name, "a.example", "{name}");
        }
        assert!(registry.site_called("8").is_none());
        assert_eq!(registry.sites[0].endpoint.as_deref(), Some("/js/hello"));
        check(
            &format!("{one}[[site]]\ndomain = \"b.example\"\nids = [\"7\"]"),
            "beacons.toml:6:8: \"7\" already means the site \"a.example\"; remove it from one of the \
             two",
        );
        check(
            "[[site]]\ndomain = \"a.example\"\nids = [\"\"]",
            "beacons.toml:3:8: \"\" can't be an id; use 1 to 255 bytes of text",
        );
        check(
            "[[site]]\ndomain = \"a.example\"\nscript = \"/js/script\"",
            "beacons.toml:3:10: \"/js/script\" is not the path of a script; end it in \".js\"",
        );
        check(
            "[[site]]\ndomain = \"a.example\"\nendpoint = \"https://b.example/\"",
            "beacons.toml:3:12: \"https://b.example/\" is not a path; write one such as \
             \"/js/script.js\"",
        );
    }

    #[test]
    fn a_host_counts_for_one_site_once() {
        let site = "[[site]]\ndomain = \"a.example\"\n";
        check(
            &format!("{site}[[site]]\ndomain = \"www.a.example\""),
            "beacons.toml:4:10: \"www.a.example\" already counts for the site \"a.example\"; remove \
             it from one of the two",
        );
        check(
            &format!("{site}aliases = [\"b.example\", \"WWW.A.example\"]"),
            "beacons.toml:3:25: \"www.a.example\" is listed twice, as \"www.\" makes no difference; \
             remove one",
        );
        check(
            "[[site]]\ndomain = \"https://a.example\"",
            "beacons.toml:2:10: \"https://a.example\" is not a host; write it alone, such as \
             \"example.com\", without \"https://\", port, path or \"*\"",
        );
        check(
            &format!("{site}week_starts = \"munday\""),
            "beacons.toml:3:15: \"munday\" is not a weekday; did you mean \"monday\"?",
        );
        check(
            &format!("{site}bots = \"hide\""),
            "beacons.toml:3:8: \"hide\" is not a value of bots; use \"refuse\" or \"count\"",
        );
    }
}
