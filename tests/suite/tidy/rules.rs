//! The rules that a machine can hold, each with what breaks it and what does not.

use super::source::{Name, Source};

/// The rooms and their ranks: a room imports only from lower ones, or from itself.
pub(crate) const RANKS: &[(&str, u8)] = &[
    ("build", 0),
    ("files", 0),
    ("model", 0),
    ("network", 0),
    ("config", 1),
    ("clock", 1),
    ("metrics", 1),
    ("recent", 1),
    ("observed", 1),
    ("turns", 1),
    ("assets", 1),
    ("csv", 1),
    ("ingest", 2),
    ("fold", 2),
    ("store", 2),
    ("import", 2),
    ("tls", 2),
    ("writer", 3),
    ("report", 3),
    ("alert", 3),
    ("export", 3),
    ("page", 4),
    ("backup", 4),
    ("prune", 4),
    ("amend", 4),
    ("auth", 4),
    ("verify", 4),
    ("app", 5),
    ("intake", 5),
    ("share", 5),
    ("doctor", 5),
    ("web", 6),
    ("jobs", 6),
    ("control", 6),
    ("cli", 7),
    ("main", 8),
];

/// Crates that one room alone may know.
const CRATES: [(&str, &str); 6] = [
    ("rusqlite", "store"),
    ("askama", "page"),
    ("hyper", "web"),
    ("hyper_util", "web"),
    ("http_body_util", "web"),
    ("clap", "cli"),
];

/// The longest file of `src`, in lines.
pub(crate) const LINES_MAX: usize = 450;

/// A file that a rule is tried on: its path and what it says.
type Snippet = (&'static str, &'static str);

/// One rule.
pub(crate) struct Rule {
    /// What it demands.
    pub(crate) name: &'static str,
    /// What of a file breaks it.
    pub(crate) faults: fn(&Source) -> Vec<String>,
    /// Files that break it.
    pub(crate) wrong: &'static [Snippet],
    /// Files that keep it.
    pub(crate) right: &'static [Snippet],
}

/// Every rule that looks at one file at a time.
pub(crate) const RULES: [Rule; 9] = [
    Rule {
        name: "a room imports only lower ranks",
        faults: imports,
        wrong: &[
            ("src/model/a.rs", "use crate::store::Error;"),
            ("src/fold/a.rs", "use crate::{config::registry, ingest::{self, salt}};"),
            ("src/fold/a.rs", "fn f() { crate::store::open() }"),
            ("src/fold/a.rs", "use super::super::store::Error;"),
            ("src/fold/a.rs", "mod tests { use super::super::super::writer; }"),
            ("src/writer.rs", "use super::report::Question;"),
            ("src/store/a.rs", "fn f() { info!(\"{}\", crate::web::port()) }"),
            ("src/store/a.rs", "fn f() -> trim_beacons::app::App {}"),
            ("src/jobs/a.rs", "use crate::web;"),
            ("src/store/a.rs", "use crate::*;"),
            ("src/store/a.rs", "use crate::utils::Thing;"),
            ("src/utils/a.rs", "use crate::model::tally::TextId;"),
        ],
        right: &[
            ("src/store/a.rs", "use super::Error; use crate::{model::tally, store::names};"),
            ("src/store/mod.rs", "pub use self::error::Error; pub(crate) fn f() {}"),
            ("src/app.rs", "use std::sync::Arc; use crate::writer::{self, Writer};"),
            ("src/web/a.rs", "mod tests { use super::super::respond; }"),
            ("src/main.rs", "fn main() { trim_beacons::cli::main() }"),
        ],
    },
    Rule {
        name: "the crate has no other rooms",
        faults: rooms,
        wrong: &[("src/lib.rs", "pub mod model; mod utils;")],
        right: &[("src/lib.rs", "pub mod model; pub mod cli;")],
    },
    Rule {
        name: "a crate is known to its own room alone",
        faults: crates,
        wrong: &[
            ("src/writer/a.rs", "use rusqlite::Connection;"),
            ("src/report/a.rs", "fn f(_: &rusqlite::Connection) {}"),
            ("src/web/a.rs", "use askama::Template as _;"),
            ("src/web/a.rs", "#[derive(askama::Template)] struct A;"),
            ("src/cli/a.rs", "use hyper_util::rt::TokioIo;"),
            ("src/ingest/a.rs", "fn f() { let x = format!(\"{:?}\", hyper::Method::GET); }"),
            ("src/main.rs", "use clap::Parser;"),
            ("src/main.rs", "use clap;"),
        ],
        right: &[
            ("src/store/a.rs", "use rusqlite::Connection;"),
            ("src/web/server.rs", "use hyper::Request;"),
            ("src/cli/a.rs", "use clap::Parser;"),
        ],
    },
    Rule {
        name: "only clock.rs asks the system for the time",
        faults: clock,
        wrong: &[
            ("src/web/a.rs", "fn f() { std::time::SystemTime::now(); }"),
            ("src/web/a.rs", "use std::time::SystemTime;"),
            ("src/web/a.rs", "use std::time::UNIX_EPOCH;"),
            ("src/page/a.rs", "fn f() { jiff::Timestamp::now(); }"),
            ("src/page/a.rs", "fn f() { g(|| ZonedDateTime::now().date()) }"),
            ("src/web/a.rs", "fn f() { info!(\"{}\", OffsetDateTime::now_utc()) }"),
        ],
        right: &[
            ("src/clock.rs", "use std::time::SystemTime; fn f() { SystemTime::now(); }"),
            ("src/web/a.rs", "fn f() { std::time::Instant::now(); crate::clock::now(); }"),
        ],
    },
    Rule {
        name: "SQL stands in store alone",
        faults: sql,
        wrong: &[
            ("src/report/a.rs", "const A: &str = \"SELECT count FROM beacon_aggregate\";"),
            ("src/cli/a.rs", "fn f() { run(\"  pragma journal_mode\") }"),
            ("src/writer/a.rs", "fn f() { sql!(\"insert into text (value) values (?1)\") }"),
            ("src/writer/a.rs", "const A: &str = \"WITH a AS (VALUES (1)) DELETE FROM text\";"),
        ],
        right: &[
            ("src/store/a.rs", "const A: &str = \"SELECT 1 FROM text\";"),
            ("src/page/a.rs", "const A: &str = \"Select a site, update it from here\";"),
        ],
    },
    Rule {
        name: "a lint is expected with a reason, never allowed",
        faults: allowed,
        wrong: &[
            ("src/page/a.rs", "#![allow(dead_code)]"),
            ("src/page/a.rs", "fn f() { #[allow(clippy::unwrap_used)] let x = 1; }"),
            ("src/page/a.rs", "#[cfg_attr(test, allow(dead_code))] fn f() {}"),
            ("src/page/a.rs", "#[expect(dead_code)] fn f() {}"),
        ],
        right: &[
            ("src/page/a.rs", "#[expect(dead_code, reason = \"used by nobody\")] fn f() {}"),
            ("src/page/a.rs", "/// It must not `#[allow(x)]`.\nfn allow() {}"),
        ],
    },
    Rule {
        name: "nothing is unsafe",
        faults: is_unsafe,
        wrong: &[
            ("src/page/a.rs", "fn f() { unsafe { g() } }"),
            ("src/page/a.rs", "unsafe impl Send for A {}"),
            ("src/page/a.rs", "macro_rules! m { () => { unsafe { g() } } }"),
        ],
        right: &[("src/page/a.rs", "/// Nothing unsafe here.\nfn is_unsafe() {}")],
    },
    Rule {
        name: "a file is no longer than a reader's patience",
        faults: length,
        wrong: &[("src/page/a.rs", include_str!("too_long.txt"))],
        right: &[("src/page/a.rs", "fn f() {}"), ("tests/a.rs", include_str!("too_long.txt"))],
    },
    Rule {
        name: "no test is left out",
        faults: ignored,
        wrong: &[
            ("src/page/a.rs", "#[test] #[ignore] fn f() {}"),
            ("tests/suite/a.rs", "#[test] #[should_panic] fn f() {}"),
        ],
        right: &[("tests/suite/a.rs", "#[test] fn f() {}")],
    },
];

fn rank(room: &str) -> Option<u8> {
    RANKS.iter().find(|(name, _)| *name == room).map(|(_, rank)| *rank)
}

fn imports(source: &Source) -> Vec<String> {
    let Some(room) = source.room().filter(|room| room != "lib") else { return Vec::new() };
    let Some(own) = rank(&room) else { return vec![format!("the room {room} has no rank")] };
    let mut faults = Vec::new();
    for Name { segments, .. } in source.names.iter().filter(|name| name.is_own) {
        let Some(other) = segments.first().filter(|other| **other != room) else { continue };
        match rank(other) {
            Some(rank) if rank < own => {}
            Some(rank) => faults.push(format!(
                "{room} (rank {own}) names {}, which is of rank {rank}",
                segments.join("::")
            )),
            None => faults.push(format!("{} leads to no room with a rank", segments.join("::"))),
        }
    }
    faults
}

fn rooms(source: &Source) -> Vec<String> {
    if source.path != "src/lib.rs" {
        return Vec::new();
    }
    let modules = source.text.split(';').filter_map(|item| {
        let (_, name) = item.rsplit_once("mod ")?;
        Some(name.trim().to_owned())
    });
    modules.filter(|name| rank(name).is_none()).collect()
}

fn crates(source: &Source) -> Vec<String> {
    let Some(room) = source.room() else { return Vec::new() };
    let foreign = source.names.iter().filter(|name| !name.is_own);
    foreign
        .filter(|name| {
            CRATES.iter().any(|(known, owner)| name.segments[0] == *known && *owner != room)
        })
        .map(|name| name.segments.join("::"))
        .collect()
}

fn clock(source: &Source) -> Vec<String> {
    if source.path == "src/clock.rs" || source.room().is_none() {
        return Vec::new();
    }
    let asks = |name: &&Name| {
        let segments = &name.segments;
        let is_system = |part: &String| part == "SystemTime" || part == "UNIX_EPOCH";
        let is_now = segments.last().is_some_and(|last| last.starts_with("now"));
        let of = segments.len().checked_sub(2).map(|at| segments[at].as_str());
        let civil = [
            "Timestamp",
            "Zoned",
            "ZonedDateTime",
            "OffsetDateTime",
            "UtcDateTime",
            "Utc",
            "Local",
        ];
        segments.iter().any(is_system) || (is_now && of.is_some_and(|of| civil.contains(&of)))
    };
    source.names.iter().filter(asks).map(|name| name.segments.join("::")).collect()
}

fn sql(source: &Source) -> Vec<String> {
    if source.room().is_none_or(|room| room == "store") {
        return Vec::new();
    }
    let patterns = [
        r"^\s*select\s.*\sfrom\s+[a-z_]+",
        r"^\s*(insert|replace)\s+(or\s+\w+\s+)?into\s",
        r"^\s*update\s+\w+\s+set\s",
        r"delete\s+from\s",
        r"^\s*(create|drop|alter)\s+(temp\s+)?(table|view|index|trigger)\s",
        r"^\s*pragma\s",
        r"^\s*with\s+\w+\s+as\s+\(",
        r"^\s*(?-i:BEGIN|COMMIT|ROLLBACK|VACUUM)\b",
    ];
    let pattern = format!("(?is){}", patterns.join("|"));
    let pattern = regex::Regex::new(&pattern).unwrap();
    // A sentence that begins like a statement is told by its capital and small letters.
    let is_sentence = |text: &str| {
        let word = text.split_whitespace().next().unwrap_or_default();
        word.chars().next().is_some_and(char::is_uppercase) && word.chars().any(char::is_lowercase)
    };
    let strings = source.strings.iter();
    strings.filter(|text| pattern.is_match(text) && !is_sentence(text)).cloned().collect()
}

fn allowed(source: &Source) -> Vec<String> {
    let allows = |(path, inside): &&(String, String)| {
        path == "allow"
            || (path == "cfg_attr" && inside.contains("allow ("))
            || (path == "cfg_attr" && inside.contains("allow("))
            || (path == "expect" && !inside.contains("reason"))
    };
    source
        .attributes
        .iter()
        .filter(allows)
        .map(|(path, inside)| format!("{path} {inside}"))
        .collect()
}

fn is_unsafe(source: &Source) -> Vec<String> {
    fn holds(tokens: proc_macro2::TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            proc_macro2::TokenTree::Group(group) => holds(group.stream()),
            proc_macro2::TokenTree::Ident(ident) => ident == "unsafe",
            _ => false,
        })
    }
    let found = holds(source.text.parse().unwrap());
    found.then(|| "it says unsafe".to_owned()).into_iter().collect()
}

fn length(source: &Source) -> Vec<String> {
    let lines = source.text.lines().count();
    let too_long = source.room().is_some() && lines > LINES_MAX;
    too_long.then(|| format!("{lines} lines")).into_iter().collect()
}

fn ignored(source: &Source) -> Vec<String> {
    let paths = source.attributes.iter().map(|(path, _)| path);
    paths.filter(|path| *path == "ignore" || *path == "should_panic").cloned().collect()
}
