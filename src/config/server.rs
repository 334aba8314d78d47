//! `[server]`: as written, then as meant.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use jiff::tz::TimeZone;
use toml::Spanned;

use super::{
    error::{Fault, quoted},
    file, registry, tls, value,
};

const DEFAULT_LISTEN: registry::Listen =
    registry::Listen::Address(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080));
/// The words for how the log is written.
const LOG: [(&str, registry::Log); 2] =
    [("text", registry::Log::Text), ("json", registry::Log::Json)];
/// The shortest token, in characters.
const TOKEN_CHARACTERS_MIN: usize = 24;
/// The words for who may look.
const ACCESS: [(&str, registry::Access); 2] =
    [("sign-in", registry::Access::SignIn), ("open", registry::Access::Open)];
const DEFAULT_DATABASE: &str = "trim-beacons.db";
/// How many backups of each kind may be kept.
const BACKUPS_MAX: i64 = 1000;
const DEFAULT_DAILY: usize = 7;
const DEFAULT_WEEKLY: usize = 4;
const DEFAULT_LIMITS: registry::ServerLimits = registry::ServerLimits {
    body_bytes: 8192,
    queue_beacons: 65_536,
    queue_bytes: 16_777_216,
    connections: 8192,
    connections_per_network: 256,
    beacons: registry::Rate { per_second: 10, burst: 300 },
    pages: registry::Rate { per_second: 5, burst: 150 },
};
/// The largest rate and the largest burst, for those who want next to none.
const RATE_MAX: i64 = 1_000_000;

/// The zone of sites that name none, and the zone's IANA name.
pub(super) fn zone(written: &file::Server) -> Result<(TimeZone, String), Fault> {
    match &written.time_zone {
        Some(text) => value::zone(text),
        None => Ok((TimeZone::UTC, "UTC".to_owned())),
    }
}

/// Checks `[server]`; its time zone is left to [`zone`].
pub(super) fn check(written: file::Server) -> Result<registry::Server, Fault> {
    let database = written.database.as_ref().map(value::path).transpose()?;
    let listen = written.listen.as_ref().map_or(Ok(DEFAULT_LISTEN), listen)?;
    let base_url = written.base_url.as_ref().map(value::base).transpose()?;
    let named = written.base_url.as_ref().zip(base_url.as_deref());
    Ok(registry::Server {
        tls: tls::check(written.tls.as_ref(), &listen, named)?,
        listen,
        database: database.unwrap_or_else(|| PathBuf::from(DEFAULT_DATABASE)),
        base_url,
        access: written.access.as_ref().map_or(Ok(registry::Access::SignIn), access)?,
        trusted_proxies: value::list(written.trusted_proxies.as_ref(), value::prefix)?,
        sender_tokens: value::list(written.sender_tokens.as_ref(), token)?,
        country_database: written.country_database.as_ref().map(value::path).transpose()?,
        archive: written.archive.as_ref().map(value::path).transpose()?,
        backup: backup(&written.backup)?,
        metrics_from: value::list(written.metrics_from.as_ref(), value::prefix)?,
        log: match &written.log {
            Some(word) => value::word("a value of log", word, &LOG)?,
            None => registry::Log::Text,
        },
        limits: limits(&written.limits)?,
    })
}

impl registry::Server {
    /// Keeps of `in_force` where it listens and which file it serves: only a restart changes these, and whoever
    /// asks the registry is told what is so. Says whether anything else was written.
    pub fn keep_until_restart(&mut self, in_force: &Self) -> bool {
        let is_same = self.listen == in_force.listen && self.database == in_force.database;
        self.listen.clone_from(&in_force.listen);
        self.database.clone_from(&in_force.database);
        !is_same
    }
}

fn listen(text: &Spanned<String>) -> Result<registry::Listen, Fault> {
    text.get_ref().parse().map_err(|_| {
        let written = quoted(text.get_ref());
        Fault::at(
            text,
            format!(
                "{written} is not an address and a port; write both in numbers, such as \
                 \"127.0.0.1:8080\" or \"[::]:8080\", or a Unix socket, such as \
                 \"unix:/run/trim-beacons/socket\""
            ),
        )
    })
}

fn access(text: &Spanned<String>) -> Result<registry::Access, Fault> {
    value::word("a value of access", text, &ACCESS)
}

/// A token that nobody guesses. The message does not repeat it.
fn token(text: &Spanned<String>) -> Result<registry::Token, Fault> {
    let characters = text.get_ref().trim().chars();
    if characters.clone().count() >= TOKEN_CHARACTERS_MIN
        && !characters.clone().any(char::is_whitespace)
    {
        return Ok(registry::Token::of(text.get_ref()));
    }
    let message = format!(
        "this token can be guessed; write at least {TOKEN_CHARACTERS_MIN} random letters and digits"
    );
    Err(Fault::at(text, message))
}

/// Backups are made once they have a folder.
fn backup(written: &file::Backup) -> Result<Option<registry::BackupRule>, Fault> {
    let file::Keep { daily, weekly, monthly } = &written.keep;
    let number = |name, value: &file::Value<i64>, least, default| match value {
        Some(value) => value::number(name, value, least..=BACKUPS_MAX),
        None => Ok(default),
    };
    let rule = registry::BackupRule {
        folder: PathBuf::new(),
        daily: number("daily", daily, 1, DEFAULT_DAILY)?,
        weekly: number("weekly", weekly, 0, DEFAULT_WEEKLY)?,
        monthly: number("monthly", monthly, 0, 0)?,
    };
    let folder = written.folder.as_ref().map(value::path).transpose()?;
    Ok(folder.map(|folder| registry::BackupRule { folder, ..rule }))
}

fn limits(written: &file::ServerLimits) -> Result<registry::ServerLimits, Fault> {
    let default = DEFAULT_LIMITS;
    let number = |name, value: &file::Value<i64>, range, default| match value {
        Some(value) => value::number(name, value, range),
        None => Ok(default),
    };
    Ok(registry::ServerLimits {
        body_bytes: number("body_bytes", &written.body_bytes, 256..=1_048_576, default.body_bytes)?,
        queue_beacons: number(
            "queue_beacons",
            &written.queue_beacons,
            64..=1_048_576,
            default.queue_beacons,
        )?,
        queue_bytes: number(
            "queue_bytes",
            &written.queue_bytes,
            1_048_576..=1_073_741_824,
            default.queue_bytes,
        )?,
        connections: number("connections", &written.connections, 16..=65_536, default.connections)?,
        connections_per_network: number(
            "connections_per_network",
            &written.connections_per_network,
            1..=65_536,
            default.connections_per_network,
        )?,
        beacons: rate(
            ["beacons_per_second", "beacons_burst"],
            [&written.beacons_per_second, &written.beacons_burst],
            default.beacons,
        )?,
        pages: rate(
            ["pages_per_second", "pages_burst"],
            [&written.pages_per_second, &written.pages_burst],
            default.pages,
        )?,
    })
}

fn rate(
    names: [&str; 2],
    written: [&file::Value<i64>; 2],
    default: registry::Rate,
) -> Result<registry::Rate, Fault> {
    let number = |at: usize, least, default| match written[at] {
        Some(value) => value::number(names[at], value, least..=RATE_MAX),
        None => Ok(default),
    };
    Ok(registry::Rate {
        per_second: number(0, 0, default.per_second)?,
        burst: number(1, 1, default.burst)?,
    })
}

#[cfg(test)]
mod tests {
    use crate::config::tests::check;

    #[test]
    fn a_server_is_checked() {
        check(
            "[server]\nlisten = \"localhost\"",
            "beacons.toml:2:10: \"localhost\" is not an address and a port; write both in numbers, \
             such as \"127.0.0.1:8080\" or \"[::]:8080\", or a Unix socket, such as \
             \"unix:/run/trim-beacons/socket\"",
        );
        check(
            "[server.backup]\nfolder = \"backups\"\nkeep = { daily = 0 }",
            "beacons.toml:3:18: daily = 0 is out of range; use 1 to 1000",
        );
        check(
            "[server]\nsender_tokens = [\"secret\"]",
            "beacons.toml:2:18: this token can be guessed; write at least 24 random letters and digits",
        );
        check("[server]\ndatabase = \"\"", "beacons.toml:2:12: this must be the path of a file");
        check(
            "[server]\nbase_url = \"example.com/stats\"",
            "beacons.toml:2:12: \"example.com/stats\" is not a web address; write one such as \
             \"https://example.com\" or \"https://example.com/stats\"",
        );
        check(
            "[server]\naccess = \"closed\"",
            "beacons.toml:2:10: \"closed\" is not a value of access; use \"sign-in\" or \"open\"",
        );
        check(
            "[server]\ntrusted_proxies = [\"127.0.0.1\", \"10.0.0.0/40\"]",
            "beacons.toml:2:33: \"10.0.0.0/40\" is neither an address nor a network; write one such \
             as \"192.0.2.7\", \"10.0.0.0/8\" or \"2001:db8::/32\"",
        );
        check(
            "[server.limits]\nbody_bytes = 1",
            "beacons.toml:2:14: body_bytes = 1 is out of range; use 256 to 1048576",
        );
        check(
            "[server]\ntime_zone = \"Europe/Berln\"",
            "beacons.toml:2:13: unknown time zone \"Europe/Berln\"; did you mean \"Europe/Berlin\"?",
        );
        check(
            "[server]\ntime_zone = \"\"",
            "beacons.toml:2:13: unknown time zone \"\"; write an IANA name such as \"Europe/Berlin\"",
        );
        check(
            "unknown = \"acept\"",
            "beacons.toml:1:11: \"acept\" is not a value of unknown; did you mean \
             \"accept\"?",
        );
    }
}
