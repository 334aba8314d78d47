//! `beacons.toml` as written: the shape of the file, with the places of values that are checked
//! later. Every key may be left out unless its type says otherwise.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use toml::Spanned;

/// A value and where it stands.
pub(super) type Value<T> = Option<Spanned<T>>;
/// A list whose members are checked one by one.
pub(super) type List<T> = Option<Vec<Spanned<T>>>;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    pub(super) unknown: Value<String>,
    pub(super) server: Server,
    pub(super) site: Vec<Site>,
    pub(super) event: Entries<Event>,
    pub(super) goal: Entries<Goal>,
    pub(super) receiver: Entries<Receiver>,
    pub(super) alert: Entries<Alert>,
}

/// `[server]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Server {
    pub(super) listen: Value<String>,
    pub(super) database: Value<String>,
    pub(super) time_zone: Value<String>,
    pub(super) base_url: Value<String>,
    pub(super) access: Value<String>,
    pub(super) trusted_proxies: List<String>,
    pub(super) sender_tokens: List<String>,
    pub(super) country_database: Value<String>,
    pub(super) archive: Value<String>,
    pub(super) metrics_from: List<String>,
    pub(super) log: Value<String>,
    pub(super) backup: Backup,
    pub(super) tls: Value<Tls>,
    pub(super) limits: ServerLimits,
}

/// `[server.backup]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Backup {
    pub(super) folder: Value<String>,
    pub(super) keep: Keep,
}

/// `keep` of `[server.backup]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Keep {
    pub(super) daily: Value<i64>,
    pub(super) weekly: Value<i64>,
    pub(super) monthly: Value<i64>,
}

/// `[server.tls]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Tls {
    pub(super) certificate: Value<String>,
    pub(super) key: Value<String>,
    pub(super) redirect: Value<String>,
    pub(super) acme: Value<Acme>,
}

/// `acme` of `[server.tls]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Acme {
    pub(super) hosts: List<String>,
    pub(super) contact: Value<String>,
    pub(super) directory: Value<String>,
    pub(super) directory_root: Value<String>,
    pub(super) folder: Value<String>,
}

/// `[server.limits]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ServerLimits {
    pub(super) body_bytes: Value<i64>,
    pub(super) queue_beacons: Value<i64>,
    pub(super) queue_bytes: Value<i64>,
    pub(super) connections: Value<i64>,
    pub(super) connections_per_network: Value<i64>,
    pub(super) beacons_per_second: Value<i64>,
    pub(super) beacons_burst: Value<i64>,
    pub(super) pages_per_second: Value<i64>,
    pub(super) pages_burst: Value<i64>,
}

/// One `[[site]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Site {
    pub(super) domain: Spanned<String>,
    pub(super) aliases: List<String>,
    pub(super) ids: List<String>,
    pub(super) script: Value<String>,
    pub(super) endpoint: Value<String>,
    pub(super) time_zone: Value<String>,
    pub(super) week_starts: Value<String>,
    pub(super) gpc: Option<bool>,
    pub(super) bots: Value<String>,
    pub(super) judged: Option<Vec<Spanned<String>>>,
    pub(super) ignore: List<String>,
    pub(super) deny_sources: List<String>,
    pub(super) allow_sources: List<String>,
    pub(super) allowed_origins: List<String>,
    pub(super) public: Option<bool>,
    pub(super) embed_origins: List<String>,
}

/// One `[event.NAME]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Event {
    pub(super) identifier: Value<String>,
    pub(super) identifiers: List<String>,
    pub(super) granularities: Value<Vec<Spanned<String>>>,
    pub(super) retention: Entries<Spanned<String>>,
    pub(super) dimensions: List<String>,
    pub(super) pairs: List<String>,
    pub(super) pairs_by_day: Value<String>,
    pub(super) visits: Option<bool>,
    pub(super) measures: Entries<Spanned<Vec<Spanned<f64>>>>,
    pub(super) raw: Value<toml::Value>,
    pub(super) query_kept: List<String>,
    pub(super) limits: EventLimits,
    pub(super) dedupe: Value<String>,
    pub(super) dedupe_by: Value<String>,
}

/// One `[goal.NAME]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Goal {
    pub(super) event: Value<String>,
    pub(super) identifier: Value<String>,
    pub(super) page: Value<String>,
}

/// One `[receiver.NAME]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Receiver {
    pub(super) webhook: Value<String>,
    pub(super) topic: Value<String>,
    pub(super) smtp: Value<String>,
    pub(super) from: Value<String>,
    pub(super) to: List<String>,
}

/// One `[alert.NAME]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Alert {
    pub(super) site: Value<String>,
    pub(super) event: Value<String>,
    pub(super) identifier: Value<String>,
    pub(super) above: Value<i64>,
    pub(super) within: Value<String>,
    pub(super) spike: Value<i64>,
    pub(super) drop: Value<i64>,
    pub(super) new_error: Option<bool>,
    pub(super) returned_error: Option<bool>,
    pub(super) silent_for: Value<String>,
    pub(super) file_above: Value<i64>,
    pub(super) disk_below: Value<i64>,
    pub(super) send_to: List<String>,
}

/// `limits` of an event type.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct EventLimits {
    pub(super) identifiers_per_day: Value<i64>,
    pub(super) values_per_dimension: Value<i64>,
    pub(super) identifier_bytes: Value<i64>,
    pub(super) meta_bytes: Value<i64>,
}

/// A table whose keys are names that the owner chose, in the order in which they stand in the file.
#[derive(Debug)]
pub(super) struct Entries<T>(pub(super) Vec<(Spanned<String>, T)>);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor(PhantomData))
    }
}

struct EntriesVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for EntriesVisitor<T> {
    type Value = Entries<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}
