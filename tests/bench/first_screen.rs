//! How long the server takes for the first screen, with a million and with ten million page views in
//! thirteen months: `cargo bench --bench first_screen`. It prints the medians and their ratio, and how long
//! it takes under filters, which look at the single page views of the last 28 days.
#![expect(clippy::unwrap_used, reason = "a measurement may stop at the first surprise")]
#![expect(clippy::print_stdout, reason = "it says what it has measured")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use trim_beacons::{
    clock, config,
    model::{
        beacon::{Beacon, DimensionValue},
        dimension::Dimension,
        visitor::{Network, Visitor},
    },
    writer::bulk::Bulk,
};

const DAYS: i64 = 395;
/// How long single page views are kept.
const RAW_DAYS: i64 = 30;
const PAGES: usize = 5_000;
const SOURCES: usize = 300;
const REQUESTS: usize = 60;
/// How often each address under filters is asked for.
const FILTERED_REQUESTS: usize = 9;
/// Addresses under filters: few, many and nearly all page views meet them.
const FILTERED: [&str; 4] = [
    "/?filter=source:is:source-9.example",
    "/?filter=country:is:DE",
    "/?filter=browser:not:browser%203",
    "/top?period=28d&filter=country:is:DE",
];
/// Page views of a visit.
const VIEWS: u64 = 3;

fn main() {
    let mut medians = Vec::new();
    for views in [1_000_000, 10_000_000] {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("bench.db");
        let begun = Instant::now();
        fill(&database, views);
        let bytes = std::fs::metadata(&database).unwrap().len();
        prune(&database);
        let filled = begun.elapsed().as_secs();
        let Measured { first, median, size, filtered } = measure(&database);
        println!(
            "{views} page views, {} MB, made in {filled} s: first screen {median:.1} ms median of \
             {REQUESTS}, {first:.1} ms the first time, {size} bytes packed",
            bytes / 1_000_000
        );
        for (path, median) in FILTERED.iter().zip(filtered) {
            println!("    {path}: {median:.0} ms median of {FILTERED_REQUESTS}");
        }
        medians.push(median);
    }
    println!("ratio {:.2}", medians[1] / medians[0]);
}

/// Values of which the first are frequent and the last are rare, each about as often as its rank says.
struct Skewed(Vec<f64>);

impl Skewed {
    fn new(count: usize) -> Self {
        let mut sum = 0.0;
        let sums = (1..=u32::try_from(count).unwrap()).map(|rank| {
            sum += 1.0 / f64::from(rank);
            sum
        });
        Self(sums.collect())
    }

    fn pick(&self, random: &mut fastrand::Rng) -> usize {
        let wanted = random.f64() * self.0.last().unwrap();
        self.0.partition_point(|sum| *sum < wanted)
    }
}

fn fill(database: &Path, views: u64) {
    let registry = Arc::new(config::embedded().unwrap());
    let site = registry.sites[0].name.clone();
    let mut bulk = Bulk::open(database, registry).unwrap();
    let mut random = fastrand::Rng::with_seed(5);
    let (pages, sources) = (Skewed::new(PAGES), Skewed::new(SOURCES));
    let kinds = [
        (Dimension::Channel, Skewed::new(8)),
        (Dimension::Country, Skewed::new(COUNTRIES.len())),
        (Dimension::Language, Skewed::new(20)),
        (Dimension::Device, Skewed::new(3)),
        (Dimension::Screen, Skewed::new(6)),
        (Dimension::Browser, Skewed::new(12)),
        (Dimension::BrowserVersion, Skewed::new(60)),
        (Dimension::Os, Skewed::new(8)),
        (Dimension::OsVersion, Skewed::new(30)),
    ];
    let now_ms = clock::now_ms();
    let first_ms = now_ms - DAYS * 86_400_000;
    let step = (now_ms - first_ms) / i64::try_from(views).unwrap();
    // Several visits go on at a time, each with a person's own values.
    let mut visits: Vec<(u64, Vec<DimensionValue<'static>>)> = Vec::new();
    for view in 0..views {
        let slot = usize::try_from(view % 16).unwrap();
        if (view / 16) % VIEWS == 0 {
            let mut values: Vec<DimensionValue<'static>> = Vec::new();
            let source = format!("source-{}.example", sources.pick(&mut random));
            values.push(DimensionValue { dimension: Dimension::Source, value: source.into() });
            for (dimension, skewed) in &kinds {
                let index = skewed.pick(&mut random);
                let value = match dimension {
                    Dimension::Country => COUNTRIES[index].to_owned(),
                    other => format!("{} {index}", other.name()),
                };
                values.push(DimensionValue { dimension: dimension.clone(), value: value.into() });
            }
            if visits.len() <= slot {
                visits.push((0, Vec::new()));
            }
            visits[slot] = (random.u64(..), values);
        }
        let (who, values) = &visits[slot];
        let page = format!("/notes/page-{}", pages.pick(&mut random));
        let beacon = Beacon {
            received_at: first_ms + i64::try_from(view).unwrap() * step,
            site: site.clone().into(),
            event_type: "page_view".into(),
            identifier: Some(page.into()),
            visitor: Some(Visitor(*who)),
            network: Some(Network(random.u32(..50_000))),
            once: None,
            dimensions: values.clone(),
            measures: Vec::new(),
            raw: (DAYS - RAW_DAYS
                <= i64::try_from(view).unwrap() * DAYS / i64::try_from(views).unwrap())
            .then(|| "{}".into()),
        };
        bulk.count(beacon).unwrap();
    }
    bulk.finish().unwrap();
}

/// Removes what is older than it is kept, which a server does by and by.
fn prune(database: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trim-beacons"));
    command.args(["prune", "--database"]).arg(database).stdout(Stdio::null());
    assert!(command.current_dir(database.parent().unwrap()).status().unwrap().success());
}

/// Milliseconds of the first request, of the median of the others, and of the median of each address under
/// filters; and how many bytes an answer has.
struct Measured {
    first: f64,
    median: f64,
    size: usize,
    filtered: Vec<f64>,
}

fn measure(database: &Path) -> Measured {
    let mut server = Command::new(env!("CARGO_BIN_EXE_trim-beacons"))
        .args(["serve", "--listen", "127.0.0.1:0", "--database"])
        .arg(database)
        .current_dir(database.parent().unwrap())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let address = lines.find_map(|line| {
        let line = line.ok()?;
        let rest = line.split_once("http://")?.1;
        Some(rest.split('/').next()?.to_owned())
    });
    thread::spawn(move || lines.for_each(drop));
    let address = address.unwrap();
    wait_for_rest(database);
    let (first, size) = request(&address, "/");
    let median = |path: &str, requests: usize| {
        let mut times: Vec<f64> = (0..requests).map(|_| request(&address, path).0).collect();
        times.sort_by(f64::total_cmp);
        times[requests / 2]
    };
    let measured = Measured {
        first,
        median: median("/", REQUESTS),
        size,
        filtered: FILTERED.iter().map(|path| median(path, FILTERED_REQUESTS)).collect(),
    };
    server.kill().unwrap();
    server.wait().unwrap();
    measured
}

/// Waits until what is old has gone and what is over is sealed, as on any day but the first.
fn wait_for_rest(database: &Path) {
    let seals = || {
        let file = rusqlite::Connection::open(database).unwrap();
        let count = file.query_row("SELECT count(*) FROM seal", [], |row| row.get(0));
        count.unwrap_or(0_i64)
    };
    let mut last = -1;
    loop {
        let now = seals();
        if now > 0 && now == last {
            return;
        }
        last = now;
        thread::sleep(Duration::from_secs(5));
    }
}

fn request(address: &str, path: &str) -> (f64, usize) {
    let begun = Instant::now();
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    (begun.elapsed().as_secs_f64() * 1000.0, answer.len())
}

const COUNTRIES: [&str; 60] = [
    "DE", "US", "FR", "GB", "NL", "IN", "CH", "AT", "ES", "IT", "PL", "SE", "DK", "NO", "FI", "BE",
    "CA", "BR", "JP", "AU", "MX", "PT", "CZ", "HU", "RO", "GR", "TR", "UA", "IE", "NZ", "ZA", "AR",
    "CL", "CO", "PE", "CN", "KR", "TW", "HK", "SG", "MY", "TH", "VN", "ID", "PH", "IL", "AE", "SA",
    "EG", "MA", "NG", "KE", "BG", "HR", "SK", "SI", "LT", "LV", "EE", "LU",
];
