//! The registry as meant: checked sites and event types, ready to be used by every room above.

use std::{path::PathBuf, sync::Arc};

use jiff::{ToSpan as _, civil::Date, tz::TimeZone};

use super::wanted::{Alert, Goal, Receiver};
pub use super::{
    limits::{Rate, ServerLimits},
    listen::{Listen, Log},
    tls::{Acme, Source, Tls},
};
use crate::model::{
    dimension::Dimension,
    period::{Granularity, first_instant},
};

/// The name of the one site that takes every host when none is declared.
pub const DEFAULT_SITE: &str = "default";

/// Everything that `beacons.toml` says, checked.
#[derive(Debug, Clone)]
pub struct Registry {
    /// How the server runs.
    pub server: Server,
    /// The sites; at least one. A single one without hosts takes every host.
    pub sites: Vec<Arc<Site>>,
    /// The declared event types, in the order in which they stand in the file.
    pub events: Vec<Arc<EventType>>,
    /// What visitors are wanted to reach, in the order in which they stand in the file.
    pub goals: Vec<Goal>,
    /// Whom alerts are sent to.
    pub receivers: Vec<Receiver>,
    /// What the owner wants to be told of, in the order in which they stand in the file.
    pub alerts: Vec<Alert>,
    /// The rules for event types that nobody declared; `None` refuses them.
    pub unknown: Option<Arc<EventType>>,
}

/// How the server runs.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where it listens.
    pub listen: Listen,
    /// The database file.
    pub database: PathBuf,
    /// The address that browsers see, without a trailing slash; `None` derives it from `listen`.
    pub base_url: Option<String>,
    /// Who may look.
    pub access: Access,
    /// Networks whose forwarded headers are believed; empty believes none.
    pub trusted_proxies: Vec<Prefix>,
    /// What senders show that may tell addresses, user agents and times of others from anywhere.
    pub sender_tokens: Vec<Token>,
    /// The operator's country database, if any.
    pub country_database: Option<PathBuf>,
    /// The folder in which old buckets are kept once they leave the file, if any.
    pub archive: Option<PathBuf>,
    /// Which backups are made by the calendar, if any.
    pub backup: Option<BackupRule>,
    /// TLS of its own, if any.
    pub tls: Option<Tls>,
    /// Networks whose programs may read `/metrics` and the numbers of `/health`, beside this machine's
    /// own and who has signed in.
    pub metrics_from: Vec<Prefix>,
    /// How the log is written.
    pub log: Log,
    /// What is bounded by how much.
    pub limits: ServerLimits,
}

/// Who may look at what is not public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whoever has signed in, and programs with a token.
    SignIn,
    /// Whoever reaches the server.
    Open,
}

/// One backup a day, of which some are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupRule {
    /// Where they go.
    pub folder: PathBuf,
    /// How many of the last are kept, at least one.
    pub daily: usize,
    /// Of how many weeks the last one is kept.
    pub weekly: usize,
    /// Of how many months the last one is kept.
    pub monthly: usize,
}

/// A secret that a sender shows. It is kept as its hash alone, so that nothing can show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token(blake3::Hash);

/// A network: the addresses that share the first `bits` of `address`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    /// Any address of the network.
    pub address: std::net::IpAddr,
    /// How many leading bits count: 0 to 32, or 0 to 128.
    pub bits: u8,
}

/// One site whose visitors are counted together.
#[derive(Debug, Clone)]
pub struct Site {
    /// Its name in URLs and in the file: its domain, lower case.
    pub name: String,
    /// The hosts whose pages count for it, lower case; empty takes every host.
    pub hosts: Vec<String>,
    /// What clients of other products call it: an Umami website, a Matomo idsite, any name.
    pub ids: Vec<String>,
    /// A further path of the script, `/js/script.js`.
    pub script: Option<String>,
    /// A further path of `/beacon`.
    pub endpoint: Option<String>,
    /// The zone in which its days are cut.
    pub zone: TimeZone,
    /// The zone's IANA name.
    pub zone_name: String,
    /// The day with which its weeks begin.
    pub week_starts: jiff::civil::Weekday,
    /// Whether visitors whose browser says `Sec-GPC: 1` or `DNT: 1` are left out.
    pub honour_privacy_signals: bool,
    /// Networks whose own visits are not counted.
    pub ignored_networks: Vec<Prefix>,
    /// Hosts (and their subdomains) that are refused as sources of visits.
    pub denied_sources: Vec<String>,
    /// Hosts that the list of referrer spam must not refuse.
    pub allowed_sources: Vec<String>,
    /// Origins that may send beacons; empty allows each.
    pub allowed_origins: Vec<String>,
    /// Whether anybody may see its figures.
    pub public: bool,
    /// The origins whose pages may show its card in a frame.
    pub embed_origins: Vec<String>,
    /// The entrances at which user agents are judged, so that bots are refused there.
    pub judged: Vec<Entrance>,
}

/// Where a beacon comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entrance {
    /// `/beacon`.
    Beacon,
    /// `/beacon.gif`, which browsers load as an image.
    Pixel,
    /// Where clients of other products send to.
    Clients,
}

impl Entrance {
    /// Every entrance.
    pub const ALL: [Self; 3] = [Self::Beacon, Self::Pixel, Self::Clients];

    /// Its name in TOML.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Beacon => "beacon",
            Self::Pixel => "pixel",
            Self::Clients => "clients",
        }
    }
}

/// The rules of one event type.
#[derive(Debug, Clone)]
pub struct EventType {
    /// Its name: 1 to 64 of `A-Z a-z 0-9 _ - . :`, case kept.
    pub name: String,
    /// What is counted within it when a beacon does not say.
    pub identifier: IdentifierRule,
    /// If not empty, an identifier must match one of these whole.
    pub identifiers_allowed: Vec<regex::Regex>,
    /// The buckets that are kept, from the finest to the coarsest, at least one.
    pub granularities: Vec<Granularity>,
    /// The dimensions that totals are split by, in buckets of [`Self::finest_of_splits`] and longer.
    pub dimensions: Vec<Dimension>,
    /// Those of them that each identifier is split by too, in buckets of a day or longer.
    pub pairs: Vec<Dimension>,
    /// For how many days pairs are kept by day, where they are kept by month too; 0: as long as days are.
    pub pair_days: u32,
    /// Whether its beacons begin and continue visits, as page views do.
    pub visits: bool,
    /// The measures that go into histograms, with their bounds.
    pub measures: Vec<MeasureRule>,
    /// How long the buckets of a granularity are kept, in days; what is missing is kept for ever.
    pub retention_days: Vec<(Granularity, u32)>,
    /// How long raw events are kept, in days; 0 keeps none.
    pub raw_days: u32,
    /// Query parameters that stay part of a page path.
    pub query_kept: Vec<String>,
    /// What is bounded by how much.
    pub limits: EventLimits,
    /// Within how many seconds a repeat is the same beacon; 0 counts every one.
    pub dedupe_seconds: u32,
    /// Whether a beacon without an id is known by all that it says; else it counts every time.
    pub dedupe_by_request: bool,
}

/// What is counted within an event type when a beacon does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentifierRule {
    /// The path of the page, without its query.
    PagePath,
    /// The page's address without query and fragment, host included.
    CanonicalUrl,
    /// The first segment of the page's path: `/docs` of `/docs/home`.
    SiteSection,
    /// The path of the `Referer` header.
    RefererPath,
    /// A session id, kept as a keyed hash only.
    Session,
    /// A user id, kept as a keyed hash only.
    User,
    /// A key that the beacon must bring.
    Key,
    /// What an error is, whoever met it: made of its message and its stack.
    Fingerprint,
    /// Nothing: the event type is counted as a whole.
    None,
}

/// A number that beacons of an event type may carry.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasureRule {
    /// Its name, a key of the beacon's `meta`.
    pub name: String,
    /// Upper bounds of the histogram's bars, ascending, in thousandths of the measure's unit; a
    /// last bar without a bound takes the rest.
    pub bounds: Vec<i64>,
}

/// The limits of an event type, for each site and day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventLimits {
    /// New identifiers; the rest counts as "(other)".
    pub identifiers_per_day: u32,
    /// New values of each dimension; the rest counts as "(other)".
    pub values_per_dimension: u32,
    /// The longest identifier, in bytes.
    pub identifier_bytes: usize,
    /// The largest `meta`, in bytes of JSON.
    pub meta_bytes: usize,
}

impl Token {
    /// The token of which `hash` is the BLAKE3 hash.
    pub const fn of_hash(hash: [u8; 32]) -> Self {
        Self(blake3::Hash::from_bytes(hash))
    }

    /// The token that is written `text`.
    pub fn of(text: &str) -> Self {
        Self(blake3::hash(text.trim().as_bytes()))
    }

    /// Whether `sent` is one of `tokens`. How long that takes tells nothing of them.
    pub fn is_among(tokens: &[Self], sent: &str) -> bool {
        let sent = Self::of(sent);
        // All are compared, whichever it is.
        tokens.iter().filter(|token| token.0 == sent.0).count() > 0
    }
}

impl Registry {
    /// The rules for `event_type`, or `None` when it is refused.
    pub fn event(&self, event_type: &str) -> Option<&Arc<EventType>> {
        self.events.iter().find(|event| event.name == event_type).or(self.unknown.as_ref())
    }

    /// The site called `name`.
    pub fn site(&self, name: &str) -> Option<&Arc<Site>> {
        self.sites.iter().find(|site| site.name == name)
    }

    /// The site that a client of another product calls `name`: by one of its ids, or by a host.
    pub fn site_called(&self, name: &str) -> Option<&Arc<Site>> {
        let by_id = self.sites.iter().find(|site| site.ids.iter().any(|id| id == name));
        by_id.or_else(|| self.site_of_host(&name.to_ascii_lowercase()))
    }

    /// The site that pages on `host` (lower case, without a port) count for.
    pub fn site_of_host(&self, host: &str) -> Option<&Arc<Site>> {
        self.sites.iter().find(|site| site.takes_host(host))
    }
}

impl Site {
    /// Whether pages on `host` (lower case, without a port) count for it. `www.` makes no
    /// difference.
    pub fn takes_host(&self, host: &str) -> bool {
        let bare = host.strip_prefix("www.").unwrap_or(host);
        self.hosts.is_empty()
            || self.hosts.iter().any(|own| own.strip_prefix("www.").unwrap_or(own) == bare)
    }
}

impl EventType {
    /// The finest granularity that is kept.
    pub fn finest(&self) -> Granularity {
        self.granularities.first().copied().unwrap_or(Granularity::Day)
    }

    /// The coarsest granularity that is kept.
    pub fn coarsest(&self) -> Granularity {
        self.granularities.last().copied().unwrap_or(Granularity::Day)
    }

    /// The finest granularity in which totals are split: days, as dates are made of no shorter ones; without
    /// days, what stands for them.
    pub fn finest_of_splits(&self) -> Granularity {
        let days = self.granularities.iter().rev().find(|kept| **kept <= Granularity::Day);
        days.copied().unwrap_or_else(|| self.finest())
    }

    /// The finest granularity in which identifiers are split, if there is any of a day or longer.
    pub fn finest_of_pairs(&self) -> Option<Granularity> {
        self.granularities.iter().copied().find(|kept| *kept >= Granularity::Day)
    }

    /// The first instant (UTC seconds) from which on pairs are kept by day, seen from `today` in `zone`; none
    /// if they are for as long as days are. It begins a month: a month has the pairs of all of its days or
    /// of none, so that what it lacks is known.
    pub fn pairs_by_day_from(&self, today: Date, zone: &TimeZone) -> Option<i64> {
        let first = today.saturating_sub(i64::from(self.pair_days).days());
        (self.pair_days > 0).then(|| first_instant(first.first_of_month(), zone))
    }
}

impl Prefix {
    /// Whether `address` lies in the network. An IPv4 address in IPv6 clothes counts as IPv4.
    pub fn contains(&self, address: std::net::IpAddr) -> bool {
        match (self.address.to_canonical(), address.to_canonical()) {
            (std::net::IpAddr::V4(own), std::net::IpAddr::V4(other)) => {
                let shift = 32_u32.saturating_sub(u32::from(self.bits));
                own.to_bits().checked_shr(shift) == other.to_bits().checked_shr(shift)
            }
            (std::net::IpAddr::V6(own), std::net::IpAddr::V6(other)) => {
                let shift = 128_u32.saturating_sub(u32::from(self.bits));
                own.to_bits().checked_shr(shift) == other.to_bits().checked_shr(shift)
            }
            _ => false,
        }
    }
}

impl EventType {
    /// The rules of an event type that nobody declares: its total, by day and month.
    pub fn bare(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            identifier: IdentifierRule::None,
            identifiers_allowed: Vec::new(),
            granularities: vec![Granularity::Day, Granularity::Month],
            dimensions: Vec::new(),
            pairs: Vec::new(),
            pair_days: 0,
            visits: false,
            measures: Vec::new(),
            retention_days: Vec::new(),
            raw_days: 0,
            query_kept: Vec::new(),
            limits: EventLimits::default(),
            dedupe_seconds: 0,
            dedupe_by_request: false,
        }
    }
}

impl Default for EventLimits {
    fn default() -> Self {
        Self {
            identifiers_per_day: 5000,
            values_per_dimension: 500,
            identifier_bytes: 512,
            meta_bytes: 2048,
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn a_site_takes_its_own_hosts_with_or_without_www() {
        fn check(hosts: &[&str], host: &str, expected: bool) {
            let site = Site {
                name: "test".into(),
                hosts: hosts.iter().copied().map(String::from).collect(),
                ids: Vec::new(),
                script: None,
                endpoint: None,
                zone: TimeZone::UTC,
                zone_name: "UTC".into(),
                week_starts: jiff::civil::Weekday::Monday,
                honour_privacy_signals: true,
                ignored_networks: Vec::new(),
                denied_sources: Vec::new(),
                allowed_sources: Vec::new(),
                allowed_origins: Vec::new(),
                public: false,
                embed_origins: Vec::new(),
                judged: Entrance::ALL.to_vec(),
            };
            assert_eq!(site.takes_host(host), expected, "{hosts:?} {host}");
        }
        check(&[], "anything.example", true);
        check(&["a.example", "b.example"], "b.example", true);
        check(&["a.example"], "www.a.example", true);
        check(&["www.a.example"], "a.example", true);
        check(&["a.example"], "shop.a.example", false);
        check(&["a.example"], "xa.example", false);
        check(&["a.example"], "", false);
    }

    #[test]
    fn a_network_contains_the_addresses_that_share_its_bits() {
        fn check(network: &str, bits: u8, address: &str, expected: bool) {
            let prefix = Prefix { address: network.parse().unwrap(), bits };
            assert_eq!(
                prefix.contains(address.parse().unwrap()),
                expected,
                "{network}/{bits} {address}"
            );
        }
        check("10.0.0.0", 8, "10.255.0.1", true);
        check("10.0.0.0", 8, "11.0.0.0", false);
        check("10.1.2.3", 8, "10.9.9.9", true);
        check("192.0.2.7", 32, "192.0.2.7", true);
        check("192.0.2.7", 32, "192.0.2.6", false);
        check("192.0.2.6", 31, "192.0.2.7", true);
        check("0.0.0.0", 0, "255.255.255.255", true);
        check("0.0.0.0", 0, "::1", false);
        check("10.0.0.0", 8, "::ffff:10.1.1.1", true);
        check("2001:db8::", 32, "2001:db8:ffff::1", true);
        check("2001:db8::", 32, "2001:db9::", false);
        check("::1", 128, "::1", true);
        check("::1", 128, "::2", false);
        check("::", 0, "ffff::", true);
        check("::", 0, "127.0.0.1", false);
    }
}
