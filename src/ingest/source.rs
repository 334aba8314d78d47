//! Where a visit came from: source name, channel and referrer, from what the client claims about it.
//! Names and kinds stand in `assets/data/sources.tsv`, referrer spam in `assets/data/spammers.txt`.

use std::borrow::Cow;

use super::channel::{self, Signs};
use super::referrer::{self, Referrer, bare_host, cut};
use super::sorted_text;

pub use super::channel::Channel;

/// Name of the source of visits that say nothing about it.
pub const DIRECT: &str = "Direct or unknown";

/// Longest source name that is kept, in bytes.
const NAME_BYTES_MAX: usize = 128;

/// Host, Android package or `utm_source`; display name; kind. A `*` stands for a country's domain.
const SOURCES: &str = include_str!("../../assets/data/sources.tsv");

/// Hosts, one a line.
const SPAMMERS: &str = include_str!("../../assets/data/spammers.txt");

/// Click identifier, `utm_source` that it implies, whether only advertisements carry it.
const CLICK_IDS: [(&str, &str, bool); 20] = [
    ("gclid", "google", true),
    ("gbraid", "google", true),
    ("wbraid", "google", true),
    ("gclsrc", "google", true),
    ("gad_source", "google", true),
    ("dclid", "google", true),
    ("srsltid", "google_shopping", false),
    ("msclkid", "bing", true),
    ("yclid", "yandex", true),
    ("ysclid", "yandex", false),
    ("ttclid", "tiktok", true),
    ("twclid", "twitter", true),
    ("li_fat_id", "linkedin", true),
    ("sccid", "snapchat", true),
    ("rdt_cid", "reddit", true),
    ("epik", "pinterest", true),
    ("fbclid", "facebook", false),
    ("igshid", "instagram", false),
    ("mc_cid", "mailchimp", false),
    ("mc_eid", "mailchimp", false),
];

/// What a client says about where it came from. All texts are as sent, unchecked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Claims<'a> {
    /// Address of the page before.
    pub referrer: Option<&'a str>,
    /// Value of `utm_source`.
    pub utm_source: Option<&'a str>,
    /// Value of `utm_medium`.
    pub utm_medium: Option<&'a str>,
    /// Value of `utm_campaign`.
    pub utm_campaign: Option<&'a str>,
    /// Name of the click identifier among the page's parameters, such as `gclid`.
    pub click_id: Option<&'a str>,
}

/// Where a visit came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Display name, at most 128 bytes: a known name, a host without `www.`, a `utm_source`, or [`DIRECT`].
    pub name: Cow<'static, str>,
    /// Channel of the visit.
    pub channel: Channel,
    /// Host and path of the page before, at most 512 bytes, without query, fragment, port and user.
    pub referrer: Option<String>,
}

/// A row of [`SOURCES`].
#[derive(Clone, Copy)]
struct Known {
    name: &'static str,
    kind: &'static str,
}

/// Decides the source of a visit: `utm_source` wins over the referrer, the referrer over the click identifier.
///
/// `own_hosts` says of a host in lower case whether it belongs to the site itself; such referrers do not count.
pub fn classify(claims: &Claims<'_>, own_hosts: &dyn Fn(&str) -> bool) -> Source {
    let referrer =
        claims.referrer.and_then(referrer::parse).filter(|referrer| !own_hosts(&referrer.host));
    let click = claims
        .click_id
        .and_then(|id| CLICK_IDS.iter().find(|(name, ..)| name.eq_ignore_ascii_case(id.trim())));
    let utm_source = claims.utm_source.map(str::trim).filter(|source| !source.is_empty());
    let known = match (utm_source, &referrer, click) {
        (Some(source), ..) => known_word(source),
        (None, Some(referrer), _) => known_referrer(referrer),
        (None, None, Some((_, source, _))) => known_word(source),
        (None, None, None) => None,
    };
    let name = match (known, utm_source, &referrer) {
        (Some(known), ..) => Cow::Borrowed(known.name),
        (None, Some(source), _) => Cow::Owned(cut(source, NAME_BYTES_MAX).to_owned()),
        (None, None, Some(referrer)) => {
            Cow::Owned(cut(bare_host(&referrer.host), NAME_BYTES_MAX).to_owned())
        }
        (None, None, None) => Cow::Borrowed(DIRECT),
    };
    let signs = Signs {
        kind: known.map_or("", |known| known.kind),
        medium: &lower(claims.utm_medium),
        campaign: &lower(claims.utm_campaign),
        is_paid_click: click.is_some_and(|(_, _, is_paid)| *is_paid),
        has_referrer: referrer.is_some(),
        is_tagged: utm_source.is_some(),
    };
    Source {
        name,
        channel: channel::decide(&signs),
        referrer: referrer.map(|referrer| referrer.text),
    }
}

/// Whether the query parameter `name` is one that an advertiser or a network adds to tell clicks apart.
pub fn is_click_id(name: &str) -> bool {
    CLICK_IDS.iter().any(|(id, ..)| name.eq_ignore_ascii_case(id))
}

/// Whether a host or one of its parent domains is on the list of referrer spammers.
pub fn is_spam(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    parents(&host).any(|domain| sorted_text::find(SPAMMERS, domain).is_some())
}

fn lower(text: Option<&str>) -> String {
    cut(text.unwrap_or_default().trim(), NAME_BYTES_MAX).to_lowercase()
}

/// A host, then its parents, down to two labels.
fn parents(host: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(host), |domain| Some(domain.split_once('.')?.1))
        .filter(|domain| domain.contains('.'))
}

fn known_key(key: &str) -> Option<Known> {
    let (name, kind) = sorted_text::find(SOURCES, key)?.split_once('\t')?;
    Some(Known { name, kind })
}

/// The most exact row for a host: the host itself, then its parents, each also as a country's variant.
fn known_host(host: &str) -> Option<Known> {
    parents(host)
        .find_map(|domain| known_key(domain).or_else(|| known_key(&country_pattern(domain)?)))
}

/// `google.*` for `google.de` and `google.co.uk`, `mail.yandex.*` for `mail.yandex.ru`.
fn country_pattern(domain: &str) -> Option<String> {
    let is_suffix = |label: &str| {
        (2..=3).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    let (rest, last) = domain.rsplit_once('.').filter(|(_, last)| is_suffix(last))?;
    let site = rest
        .rsplit_once('.')
        .filter(|(_, label)| is_suffix(label) && last.len() == 2)
        .map_or(rest, |(site, _)| site);
    Some(format!("{site}.*"))
}

/// A `utm_source`: a word of the list, a host, or a display name as we write it.
fn known_word(word: &str) -> Option<Known> {
    let word = cut(word, NAME_BYTES_MAX).to_lowercase();
    known_key(&word).or_else(|| known_host(bare_host(&word))).or_else(|| {
        let mut rows = SOURCES.lines().filter_map(|line| line.split_once('\t')?.1.split_once('\t'));
        rows.find(|(name, _)| name.to_lowercase() == word).map(|(name, kind)| Known { name, kind })
    })
}

fn known_referrer(referrer: &Referrer) -> Option<Known> {
    if referrer.is_app { known_key(&referrer.host) } else { known_host(&referrer.host) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(host: &str) -> bool {
        matches!(host, "my.example" | "www.my.example")
    }

    fn check(claims: Claims<'_>, name: &str, channel: Channel) {
        let source = classify(&claims, &own);
        assert_eq!((source.name.as_ref(), source.channel), (name, channel), "{claims:?}");
    }

    fn tagged<'a>(source: &'a str, medium: &'a str) -> Claims<'a> {
        Claims { utm_source: Some(source), utm_medium: Some(medium), ..Claims::default() }
    }

    #[test]
    fn referrers_have_names_and_channels() {
        let table = include_str!("../../tests/fixtures/referrers.tsv");
        assert!(table.lines().count() > 20);
        for row in table.lines() {
            let columns: Vec<&str> = row.split('\t').collect();
            assert_eq!(columns.len(), 4, "{row}");
            let source =
                classify(&Claims { referrer: Some(columns[0]), ..Claims::default() }, &own);
            let kept = source.referrer.as_deref().unwrap_or_default();
            assert_eq!([columns[0], &source.name, source.channel.as_str(), kept][..], columns);
        }
    }

    #[test]
    fn what_says_nothing_is_direct() {
        for referrer in
            ["", "null", "about:blank", "https://my.example/a", "https://WWW.my.example/"]
        {
            let claims = Claims { referrer: Some(referrer), ..Claims::default() };
            check(claims, DIRECT, Channel::Direct);
            assert_eq!(classify(&claims, &own).referrer, None, "{referrer}");
        }
        check(Claims::default(), DIRECT, Channel::Direct);
        check(tagged(" ", ""), DIRECT, Channel::Direct);
    }

    #[test]
    fn utm_source_wins_over_the_referrer() {
        check(tagged("google", "cpc"), "Google", Channel::PaidSearch);
        check(tagged("HN", ""), "Hacker News", Channel::Forum);
        check(tagged("fb", "paid"), "Facebook", Channel::PaidSocial);
        check(tagged("chatgpt.com", ""), "ChatGPT", Channel::AiAssistant);
        check(tagged("www.linkedin.com", ""), "LinkedIn", Channel::OrganicSocial);
        check(tagged("hacker news", ""), "Hacker News", Channel::Forum);
        check(tagged("newsletter", ""), "newsletter", Channel::Email);
        check(tagged("  Spring Mailing ", "email"), "Spring Mailing", Channel::Email);
        check(tagged("Flyer", "qr"), "Flyer", Channel::Campaign);
        let both = Claims { referrer: Some("https://www.google.com/"), ..tagged("flyer", "") };
        check(both, "flyer", Channel::Campaign);
        assert_eq!(classify(&both, &own).referrer.as_deref(), Some("www.google.com"));
    }

    #[test]
    fn click_identifiers_tell_advertisements() {
        let google = Some("https://www.google.com/");
        check(
            Claims { referrer: google, click_id: Some("gclid"), ..Claims::default() },
            "Google",
            Channel::PaidSearch,
        );
        check(
            Claims { click_id: Some("msclkid"), ..Claims::default() },
            "Bing",
            Channel::PaidSearch,
        );
        check(
            Claims { click_id: Some("ttclid"), ..Claims::default() },
            "TikTok",
            Channel::PaidSocial,
        );
        check(
            Claims { click_id: Some("fbclid"), ..Claims::default() },
            "Facebook",
            Channel::OrganicSocial,
        );
        check(Claims { click_id: Some("unknown"), ..Claims::default() }, DIRECT, Channel::Direct);
    }

    #[test]
    fn long_texts_are_cut() {
        let long = format!("https://a.example/{}", "ä".repeat(10_000));
        let source = classify(
            &Claims { referrer: Some(&long), utm_source: Some(&long), ..Claims::default() },
            &own,
        );
        assert!(source.name.len() <= 128 && source.referrer.is_some_and(|text| text.len() <= 512));
    }

    #[test]
    fn spammers_and_their_subdomains_are_known() {
        for host in ["semalt.com", "www.semalt.com", "a.b.SEMALT.com.", "xn--c1acygb.xn--p1ai"] {
            assert!(is_spam(host), "{host}");
        }
        for host in ["", "com", "notsemalt.com", "google.com", "semalt.com.example"] {
            assert!(!is_spam(host), "{host}");
        }
    }

    #[test]
    fn the_data_are_sorted_and_complete() {
        sorted_text::assert_sorted(SOURCES);
        sorted_text::assert_sorted(SPAMMERS);
        assert!(SOURCES.lines().all(|line| line.split('\t').count() == 3));
        for (_, source, _) in CLICK_IDS {
            assert!(known_word(source).is_some(), "{source}");
        }
    }
}
