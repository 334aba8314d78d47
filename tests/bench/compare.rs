//! What a change does to ingest: this program and the one that `TRIM_BEACONS_OTHER` names, in turns so short
//! that whatever else the machine does is the same for both.

use std::{path::PathBuf, time::Duration};

use super::{
    figures::{head, median, row},
    load::Load,
    server::{CONFIG, Figures, Server, program},
};

const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_secs(2);
const CLIENTS: u32 = 128;

pub(crate) fn measure() {
    let other = std::env::var_os("TRIM_BEACONS_OTHER").map(PathBuf::from);
    assert!(other.is_some(), "TRIM_BEACONS_OTHER names the other program");
    let programs = [program(), other.unwrap()];
    let load = Load::new();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let start = |at: usize| Server::start_other(&programs[at], folders[at].path(), CONFIG);
    let servers = [start(0), start(1)];
    for server in &servers {
        load.run(&server.address, CLIENTS, None, ROUND);
    }
    let mut taken: [Vec<(f64, f64)>; 2] = Default::default();
    for round in 0..ROUNDS * 2 {
        // Each goes first as often as the other.
        let at = (round + round / 2) % 2;
        let before = servers[at].figures();
        let outcome = load.run(&servers[at].address, CLIENTS, None, ROUND);
        assert_eq!(outcome.refused, 0, "everything is answered 204");
        // What was answered is counted before the next turn.
        servers[at].get("/");
        let after = servers[at].figures();
        taken[at].push((outcome.per_second(), after.cpu_micros_since(&before)));
    }
    let [this, other] = &taken;
    head(&["ingest", "this", "the other", "ratio, median of the rounds"]);
    let line = |name: &str, of: fn(&(f64, f64)) -> f64, places: usize| {
        let middle = |all: &[(f64, f64)]| median(&mut all.iter().map(of).collect::<Vec<_>>());
        let mut ratios: Vec<f64> =
            this.iter().zip(other).map(|(this, other)| of(this) / of(other)).collect();
        let cell = |value: f64| format!("{value:.places$}");
        row(
            name,
            &[cell(middle(this)), cell(middle(other)), format!("{:.3}", median(&mut ratios))],
        );
    };
    line("beacons a second", |round| round.0, 0);
    line("processor a beacon, µs", |round| round.1, 1);
    let [this, other] = servers.each_ref().map(Server::figures);
    let memory = |figures: &Figures| format!("{:.0}", figures.rss_most_mb);
    let ratio = this.rss_most_mb / other.rss_most_mb;
    row("memory at most, MB", &[memory(&this), memory(&other), format!("{ratio:.3}")]);
}
