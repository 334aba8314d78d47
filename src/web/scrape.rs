//! `GET /metrics`: what an operator watches, as Prometheus reads it (text format 0.0.4). No name and no
//! label comes from a visitor, so that there are always as many lines.

use std::{fmt::Write as _, fs, path::PathBuf};

use hyper::StatusCode;
use serde_json::json;

use super::respond::{self, Answer};
use crate::{
    app::{App, VERSION},
    metrics::{Counter, Histogram},
    model::rejection::Reason,
};

const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All figures, for who may watch.
pub(super) fn get(app: &App, is_operator: bool) -> Answer {
    if !is_operator {
        let sentence = "these figures are for this machine, for networks in metrics_from, and for who \
                        shows a token";
        return respond::json(StatusCode::FORBIDDEN, &json!({ "error": sentence }));
    }
    let mut text = Text::default();
    text.info();
    let started = app.started.elapsed().as_secs();
    text.gauge("uptime_seconds", "Seconds since the start.", Some(started));
    beacons(&mut text, app);
    writing(&mut text, app);
    connections(&mut text, app);
    disk(&mut text, app);
    process(&mut text);
    respond::with_body(StatusCode::OK, KIND, text.0)
}

fn beacons(text: &mut Text, app: &App) {
    let metrics = &app.metrics;
    text.counters(
        "beacons_total",
        "Beacons, by what became of them.",
        "result",
        [
            ("stored", metrics.stored.get()),
            ("rejected", metrics.rejected.get()),
            ("unavailable", metrics.unavailable.get()),
        ],
    );
    let reasons = Reason::ALL.map(|reason| (reason.as_str(), metrics.rejected_for(reason)));
    text.counters(
        "rejections_total",
        "Beacons that were not counted, by reason.",
        "reason",
        reasons,
    );
    text.counter("beacons_folded_total", "Beacons that are in the sums.", &metrics.folded);
    text.counter(
        "beacons_not_kept_total",
        "Beacons that were counted but not kept singly.",
        &metrics.not_kept,
    );
}

fn writing(text: &mut Text, app: &App) {
    let metrics = &app.metrics;
    let (beacons, bytes) = app.writer.waiting();
    let limits = app.registry.get().server.limits;
    let wide = |number: usize| u64::try_from(number).ok();
    text.gauge("queue_beacons", "Beacons that wait for their commit.", wide(beacons));
    text.gauge("queue_beacons_max", "How many may.", wide(limits.queue_beacons));
    text.gauge("queue_bytes", "Bytes of them.", wide(bytes));
    text.gauge("queue_bytes_max", "How many there may be.", wide(limits.queue_bytes));
    text.gauge(
        "fold_lag_beacons",
        "Beacons that are stored and answered, and not in the sums yet.",
        Some(metrics.uncounted.get()),
    );
    text.counter("journal_commits_total", "Commits of beacons.", &metrics.journal_commits);
    text.histogram(
        "commit_seconds",
        "How long commits of beacons take: nearly all of it is the disk's fsync.",
        &metrics.commit_time,
    );
    text.gauge(
        "last_commit_timestamp_seconds",
        "When the last one was.",
        Some(metrics.last_commit.get()).filter(|at| *at > 0),
    );
    text.gauge("commit_failing", "1 while beacons can't be stored.", Some(metrics.failing.get()));
    text.counter("folds_total", "Transactions that add to the sums.", &metrics.folds);
    text.counter("fold_failures_total", "Those that failed.", &metrics.fold_failures);
    text.gauge("counting_put_off", "1 while they fail.", Some(metrics.put_off.get()));
    text.counter("checkpoints_total", "Checkpoints of the write-ahead log.", &metrics.checkpoints);
}

fn connections(text: &mut Text, app: &App) {
    let metrics = &app.metrics;
    text.gauge("connections", "Open connections.", Some(metrics.connections_open.get()));
    text.counter("connections_total", "Connections that were opened.", &metrics.connections);
    text.counter(
        "connections_refused_total",
        "Those that were closed at once, as their network had as many as it may.",
        &metrics.connections_refused,
    );
    if let Some(keyring) = &app.tls {
        text.counter(
            "tls_handshakes_failed_total",
            "Connections that came to nothing as TLS was agreed on.",
            &metrics.handshakes_failed,
        );
        text.gauge(
            "certificate_ends_timestamp_seconds",
            "When the certificate in force ends.",
            keyring.in_force().ends_at.and_then(|at| u64::try_from(at).ok()),
        );
    }
    let classes = ["1xx", "2xx", "3xx", "4xx", "5xx"];
    let counts = metrics.answers.iter().map(Counter::get);
    text.counters(
        "answers_total",
        "Answers, by the class of their status.",
        "class",
        classes.into_iter().zip(counts),
    );
    text.counter(
        "requests_refused_total",
        "What was no request, or could be read in two ways.",
        &metrics.requests_refused,
    );
    text.counter(
        "requests_turned_away_total",
        "Requests of networks that came too often.",
        &metrics.requests_turned_away,
    );
}

fn disk(text: &mut Text, app: &App) {
    let size = |path: PathBuf| fs::metadata(path).ok().map(|file| file.len());
    let beside = |suffix: &str| {
        let mut path = app.database.as_os_str().to_owned();
        path.push(suffix);
        size(path.into())
    };
    text.gauge("database_bytes", "The size of the database file.", beside(""));
    text.gauge("wal_bytes", "The size of its write-ahead log.", beside("-wal"));
    let free = app.disk_free().and_then(|bytes| u64::try_from(bytes).ok());
    text.gauge("disk_free_bytes", "What the disk of the database has free.", free);
}

/// Under the names that every exporter uses.
fn process(text: &mut Text) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = resident.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    let name = "process_resident_memory_bytes";
    text.plain(name, "Memory in use.", "gauge", kib.map(|kib| kib * 1024));
    let open = fs::read_dir("/proc/self/fd").ok().and_then(|all| u64::try_from(all.count()).ok());
    text.plain("process_open_fds", "Open file descriptors.", "gauge", open);
}

/// The text, as it grows. What is not known has no line.
#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to memory does not fail.
        let _written = self.0.write_fmt(line);
        self.0.push('\n');
    }

    fn head(&mut self, name: &str, help: &str, kind: &str) {
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    fn info(&mut self) {
        let name = "trim_beacons_build_info";
        self.head(name, "The release that runs.", "gauge");
        self.line(format_args!("{name}{{version=\"{}\"}} 1", VERSION));
    }

    fn plain(&mut self, name: &str, help: &str, kind: &str, value: Option<u64>) {
        if let Some(value) = value {
            self.head(name, help, kind);
            self.line(format_args!("{name} {value}"));
        }
    }

    fn gauge(&mut self, name: &str, help: &str, value: Option<u64>) {
        self.plain(&format!("trim_beacons_{name}"), help, "gauge", value);
    }

    fn counter(&mut self, name: &str, help: &str, counter: &Counter) {
        self.plain(&format!("trim_beacons_{name}"), help, "counter", Some(counter.get()));
    }

    fn counters<'n>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'n str, u64)>,
    ) {
        let name = format!("trim_beacons_{name}");
        self.head(&name, help, "counter");
        for (value, count) in values {
            self.line(format_args!("{name}{{{label}=\"{value}\"}} {count}"));
        }
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        let name = format!("trim_beacons_{name}");
        self.head(&name, help, "histogram");
        let mut up_to = 0;
        for (bound, count) in histogram.bars() {
            up_to += count;
            let bound = bound.map_or_else(|| "+Inf".to_owned(), |bound| bound.to_string());
            self.line(format_args!("{name}_bucket{{le=\"{bound}\"}} {up_to}"));
        }
        let sum = histogram.sum().as_secs_f64();
        self.line(format_args!("{name}_sum {sum}"));
        self.line(format_args!("{name}_count {up_to}"));
    }
}
