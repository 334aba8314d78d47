//! How long pages take with one, ten and a hundred million page views in thirteen months: a page should
//! cost what its distinct values cost, not what was counted.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use super::{
    figures::{float, head, median, row},
    load::Load,
    server::{CONFIG, Server, database},
    traffic::Traffic,
};

const MILLION: u64 = 1_000_000;
/// How often each page is asked for.
const REQUESTS: usize = 40;
/// How long it is looked whether the server has settled, each time.
const SETTLING: Duration = Duration::from_secs(5);
/// Half of what two cores take a second, about, while pages are read.
const BUSY_RATE: f64 = 14_000.0;
const CLIENTS: u32 = 64;

const PAGES: [(&str, &str); 5] = [
    ("first screen, 28 days", "/?period=28d"),
    ("twelve months", "/?period=12mo"),
    ("one page, 28 days", "/page?identifier=/notes/page-3&period=28d"),
    ("filtered by source, 28 days", "/?period=28d&filter=source:is:source-3.example"),
    ("one filtered list, 28 days", "/top?period=28d&filter=source:is:source-3.example"),
];

/// Medians in milliseconds of all pages: the first time, and then.
type Times = Vec<(f64, f64)>;

pub(crate) fn measure() {
    compare(&[MILLION, 10 * MILLION]);
}

/// With a hundred million too, which takes three quarters of an hour to make.
pub(crate) fn measure_hundred() {
    compare(&[MILLION, 100 * MILLION]);
}

fn compare(sizes: &[u64; 2]) {
    let mut all: Vec<Times> = Vec::new();
    for views in sizes {
        let passing = tempfile::tempdir().unwrap();
        let folder = &kept(*views).unwrap_or_else(|| passing.path().to_owned());
        if !database(folder).exists() {
            Traffic { views: *views, days: 395, pages: 5_000, sources: 300 }.fill(folder);
        }
        let bytes = database(folder).metadata().unwrap().len();
        eprintln!("{} million page views, {} MB", views / MILLION, bytes / MILLION);
        let server = Server::start(folder, CONFIG);
        settle(&server);
        let quiet = times(&server);
        if *views == sizes[1] {
            while_busy(&server, &quiet);
        }
        all.push(quiet);
    }
    let small = format!("{} million", sizes[0] / MILLION);
    let large = format!("{} million", sizes[1] / MILLION);
    println!();
    head(&["page", &small, &large, "ratio", "the first time", "ratio"]);
    for (index, (name, _)) in PAGES.iter().enumerate() {
        let ((first, then), (first_large, large)) = (all[0][index], all[1][index]);
        let cells = [
            format!("{then:.1} ms"),
            format!("{large:.1} ms"),
            format!("{:.2}", large / then),
            format!("{first:.1} · {first_large:.1} ms"),
            format!("{:.2}", first_large / first),
        ];
        row(name, &cells);
    }
}

/// Where a file is kept from one time to another, if the environment names a folder for that. It is to be
/// made anew on another day.
fn kept(views: u64) -> Option<PathBuf> {
    let all = std::env::var_os("TRIM_BEACONS_FILES")?;
    let folder = Path::new(&all).join(format!("{}-million", views / MILLION));
    fs::create_dir_all(&folder).unwrap();
    Some(folder)
}

/// Waits until what is old has gone and what is over is sealed, as on any day but the first.
fn settle(server: &Server) {
    let mut before = server.figures();
    loop {
        thread::sleep(SETTLING);
        let now = server.figures();
        if now.cpu_seconds - before.cpu_seconds < 0.1 {
            return;
        }
        before = now;
    }
}

fn times(server: &Server) -> Times {
    let one = |(_, path): &(&str, &str)| {
        let first = server.get(path).1;
        let mut then: Vec<f64> = (0..REQUESTS).map(|_| server.get(path).1).collect();
        (first, median(&mut then))
    };
    PAGES.iter().map(one).collect()
}

/// The same pages while beacons come.
fn while_busy(server: &Server, quiet: &Times) {
    let time = Duration::from_secs(60);
    thread::scope(|scope| {
        let load = scope.spawn(|| {
            let load = Load::new();
            let idle = load.run(&server.address, CLIENTS, Some(BUSY_RATE), time / 4);
            (idle.wait(100), load.run(&server.address, CLIENTS, Some(BUSY_RATE), time))
        });
        thread::sleep(time / 4);
        let busy = times(server);
        println!();
        let busily = format!("while {BUSY_RATE} beacons a second come");
        head(&[&busily, "median", "to when none come"]);
        for ((name, _), (busy, quiet)) in PAGES.iter().zip(busy.iter().zip(quiet)) {
            row(name, &[format!("{:.1} ms", busy.1), format!("{:.2}", busy.1 / quiet.1)]);
        }
        let (alone, with_readers) = load.join().unwrap();
        assert_eq!(with_readers.refused, 0, "everything is answered 204");
        let waits = format!("{alone:.1} ms alone, {:.1} ms", with_readers.wait(100));
        row("beacons: waiting, 99 %", &[waits, format!("{:.2}", with_readers.wait(100) / alone)]);
        let stored = float(with_readers.stored) / 1e6;
        row("beacons meanwhile", &[format!("{stored:.1} million"), String::new()]);
    });
}
