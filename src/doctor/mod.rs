//! What is amiss with a server and its file: each question one function, which says why and what to do.
//!
//! What only a running server knows, it has counted since its start; without one, those questions are open.

mod file;
mod way;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    config::registry::Registry,
    observed::Seen,
    store::{self, Readers, Transaction, connection::read_one},
    tls::{self, Grade, InForce, Remark},
};

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Something is wrong.
    Wrong,
    /// It works, and could be better.
    Advice,
    /// It can't be told now.
    Open,
    /// All is well.
    Well,
}

impl State {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Advice => "advice",
            Self::Open => "open",
            Self::Well => "well",
        }
    }
}

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was asked about.
    pub about: String,
    /// How it stands.
    pub state: State,
    /// Why, in a sentence.
    pub why: String,
    /// What to do, in a sentence; empty where nothing is to be done.
    pub to_do: String,
}

/// Whom it is about.
#[derive(Debug, Clone, Copy)]
pub struct Patient<'a> {
    /// The registry in force.
    pub registry: &'a Registry,
    /// What a running server reads its file with; `None` without one.
    pub readers: Option<&'a Readers>,
    /// What a running server has seen; `None` without one.
    pub seen: Option<Seen>,
    /// How many answered beacons wait at a running server whose counting fails at the moment.
    pub put_off: Option<u64>,
    /// What a running server shows by TLS; `None` without one.
    pub in_force: Option<&'a InForce>,
    /// The time, UTC seconds.
    pub now: i64,
}

/// Every question with its answer, in their order.
pub fn examine(patient: &Patient<'_>) -> Vec<Finding> {
    let mut findings = file::examine(patient);
    findings.extend(way::examine(patient));
    findings.extend(certificate(patient));
    findings
}

/// What is to be said of the certificate, where there is one.
fn certificate(patient: &Patient<'_>) -> Vec<Finding> {
    let told = tls::examine(&patient.registry.server, patient.in_force, patient.now);
    let finding = |Remark { grade, why, to_do }| {
        let state = match grade {
            Grade::Wrong => State::Wrong,
            Grade::Advice => State::Advice,
            Grade::Well => State::Well,
        };
        finding("Certificate", state, why, to_do)
    };
    told.into_iter().map(finding).collect()
}

fn well(about: &str, why: impl Into<String>) -> Finding {
    finding(about, State::Well, why, "")
}

fn finding(about: &str, state: State, why: impl Into<String>, to_do: impl Into<String>) -> Finding {
    Finding { about: about.to_owned(), state, why: why.into(), to_do: to_do.into() }
}

/// What can't be told without a running server.
fn unknown(about: &str) -> Finding {
    finding(
        about,
        State::Open,
        "Only a running server knows.",
        "Ask again while one serves this file, as the user that runs it.",
    )
}

/// What the file tells.
struct Chart {
    latest: Option<i64>,
    refused: Vec<(crate::model::rejection::Reason, i64)>,
    has_accounts: bool,
    bytes: i64,
    sites: BTreeSet<String>,
}

fn chart(patient: &Patient<'_>) -> Result<Chart, store::Error> {
    let hour_before = patient.now - patient.now.rem_euclid(3600) - 3600;
    let read = |file: &Transaction<'_>| {
        Ok(Chart {
            latest: store::checkup::latest(file)?,
            refused: store::checkup::refused(file, hour_before)?,
            has_accounts: !store::accounts::all(file)?.is_empty(),
            bytes: store::upkeep::file_bytes(file)?,
            sites: store::checkup::sites(file)?,
        })
    };
    match patient.readers {
        // A server must never open and close its own file beside SQLite, as whoever waits for parts
        // does: that drops every lock it has on it.
        Some(readers) => readers.snapshot(read),
        None => read_one(&patient.registry.server.database, read),
    }
}
