//! A long steady load on a server whose days pass quickly, with dashboards every hour of its clock and
//! backups every six: does its memory stay where it is, do its files stay closed and its log short, and
//! is every beacon that was answered counted in the end?
//!
//! `cargo test --release --test soak -- --minutes 240 --rate 500 --days 5`
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a measurement may stop at the first surprise"
)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it says what it has measured")]

#[path = "../suite/support/mod.rs"]
#[expect(dead_code, reason = "the suite uses the rest")]
mod support;

use std::{
    env,
    fmt::Write as _,
    fs,
    process::{Command, ExitCode},
    thread,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, civil::DateTime};

use self::support::{BINARY, Server, count, http::Client, time::Clock};

/// When the server's clock begins. Clocks go forward in its zone on the night that follows.
const BEGIN: &str = "2026-03-28T06:00:00";

const CONFIG: &str = r#"
[server]
trusted_proxies = ["127.0.0.1"]
limits = { beacons_per_second = 0 }
[[site]]
domain = "soak.example"
time_zone = "Europe/Berlin"
[event.page_view]
raw = "2d"
"#;

/// What somebody who looks at everything asks for.
const LOOKED_AT: [&str; 9] = [
    "/",
    "/?period=today",
    "/?period=28d&compare=previous",
    "/top?dimension=source",
    "/month",
    "/filtered",
    "/storage",
    "/api/v1/reports/overview",
    "/api/v1/reports/top?dimension=country",
];

/// How often beacons are sent and the clock is moved.
const STEP: Duration = Duration::from_millis(100);

/// How many different visitors, pages and sources there are.
const VISITORS: u32 = 5_000;
const PAGES: f64 = 400.0;
const SOURCES: u32 = 60;

/// After how many hours every cache is full, and how long a run must be to be judged by what comes after.
const SETTLED_HOURS: f64 = 2.0;
const JUDGED_HOURS: f64 = 3.0;

/// What is too much: growth of the memory in MiB an hour once it has settled, memory in MiB, open files more
/// than after the first minute, and bytes of the write-ahead log.
const GROWTH_MAX: f64 = 1.0;
const MEMORY_MAX: u32 = 128;
const FILES_MORE_MAX: usize = 16;
const LOG_MAX: u64 = 64 << 20;

/// What is asked for on the command line.
struct Asked {
    minutes: f64,
    rate: f64,
    days: f64,
}

/// What was seen of the server at one moment.
#[derive(Clone, Copy)]
struct Sample {
    /// Since the start, in hours of a real clock.
    hours: f64,
    /// Resident memory in KiB.
    memory: u32,
    files: usize,
    threads: u32,
    log_bytes: u64,
    file_bytes: u64,
}

#[derive(Default)]
struct Done {
    answered: u64,
    looks: u64,
    backups: u64,
    errors: Vec<String>,
}

fn main() -> ExitCode {
    let asked = match Asked::read(env::args().skip(1)) {
        Ok(asked) => asked,
        Err(sentence) => {
            eprintln!("{sentence}");
            return ExitCode::from(2);
        }
    };
    let (faults, samples) = run(&asked);
    println!("{}", summary(&samples));
    faults.iter().for_each(|fault| println!("NOT WELL: {fault}"));
    if faults.is_empty() {
        println!("All is well.");
        return ExitCode::SUCCESS;
    }
    ExitCode::FAILURE
}

impl Asked {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut asked = Self { minutes: 240.0, rate: 500.0, days: 5.0 };
        while let Some(word) = words.next() {
            let place = match word.as_str() {
                "--minutes" => &mut asked.minutes,
                "--rate" => &mut asked.rate,
                "--days" => &mut asked.days,
                _ => return Err(format!("{word} is none of --minutes, --rate and --days")),
            };
            let number = words.next().and_then(|word| word.parse().ok());
            *place = number
                .filter(|number| *number > 0.0)
                .ok_or_else(|| format!("{word} needs a number above 0"))?;
        }
        Ok(asked)
    }
}

fn run(asked: &Asked) -> (Vec<String>, Vec<Sample>) {
    let begin: DateTime = BEGIN.parse().unwrap();
    let clock = Clock::at(&begin.to_string().replace('T', " "));
    let mut server = Server::start_at(&clock, CONFIG);
    let (begun, length) = (Instant::now(), Duration::from_secs_f64(asked.minutes * 60.0));
    let scale = asked.days * 86_400.0 / length.as_secs_f64();
    let mut client = server.client();
    let mut random = fastrand::Rng::with_seed(20_260_328);
    let (mut done, mut samples, mut sent, mut hour) = (Done::default(), Vec::new(), 0.0, 0);
    while begun.elapsed() < length {
        let elapsed = begun.elapsed().as_secs_f64();
        let moment = begin + SignedDuration::from_secs_f64(elapsed * scale);
        clock.set(&moment.strftime("%Y-%m-%d %H:%M:%S").to_string());
        while sent < elapsed * asked.rate {
            send(&mut client, &server, &mut random, &mut done);
            sent += 1.0;
        }
        let due = SignedDuration::from_secs_f64(elapsed * scale).as_hours();
        if due > hour {
            hour = due;
            look(&server, &mut done);
            if hour % 6 == 0 {
                back_up(&server, &mut done);
            }
        }
        if elapsed / 60.0 >= number(samples.len()) {
            let sample = sample(&server, elapsed / 3600.0);
            println!("{} {}", moment.strftime("%Y-%m-%d %H:%M"), line(&sample, &done));
            samples.push(sample);
        }
        thread::sleep(STEP);
    }
    let mut faults = judge(&samples);
    faults.append(&mut done.errors);
    let counted = u64::try_from(count(&server.file(), "month", None)).unwrap();
    println!("{} answered, {counted} counted", done.answered);
    if counted != done.answered {
        faults.push(format!("{} beacons were answered, {counted} are counted", done.answered));
    }
    if !server.terminate().success() {
        faults.push("the server did not end well".to_owned());
    }
    let verified = command(&server, &["verify"]);
    faults.extend(verified.err());
    (faults, samples)
}

fn send(client: &mut Client, server: &Server, random: &mut fastrand::Rng, done: &mut Done) {
    let visitor = random.u32(..VISITORS);
    // The first pages are frequent, the last are rare.
    let page = PAGES.powf(random.f64()).floor();
    let source = random.u32(..SOURCES * 4);
    let mut meta = r#""url":"https://soak.example/""#.to_owned();
    if source < SOURCES {
        write!(meta, r#","ref":"https://source-{source}.example/""#).unwrap();
    }
    let body = format!(
        r#"{{"event_type":"page_view","site":"soak.example","identifier":"/page/{page}","id":"{}","meta":{{{meta}}}}}"#,
        random.u64(..)
    );
    let address = format!("198.18.{}.{}", visitor / 250, visitor % 250);
    let agent =
        format!("Mozilla/5.0 (X11; Linux x86_64; rv:14{0}.0) Firefox/14{0}.0", visitor % 10);
    let headers = [("X-Forwarded-For", address.as_str()), ("User-Agent", &agent)];
    match client.send("POST", "/beacon", &headers, body.as_bytes()) {
        Ok(answer) if answer.status == 204 => done.answered += 1,
        Ok(answer) => done.errors.push(format!("a beacon: {} {}", answer.status, answer.text())),
        Err(error) => {
            done.errors.push(format!("a beacon: {error}"));
            *client = server.client();
        }
    }
}

fn look(server: &Server, done: &mut Done) {
    for path in LOOKED_AT {
        let answer = server.get(path);
        done.looks += 1;
        if answer.status != 200 {
            done.errors.push(format!("{path}: {}", answer.status));
        }
    }
}

fn back_up(server: &Server, done: &mut Done) {
    let backup = server.folder.path().join("backup.db");
    let made = command(server, &["backup", backup.to_str().unwrap()]);
    done.errors.extend(made.err());
    done.backups += 1;
    if let Err(error) = fs::remove_file(backup) {
        done.errors.push(format!("the backup: {error}"));
    }
}

/// Runs a command on the server's file, by the server's clock.
fn command(server: &Server, words: &[&str]) -> Result<(), String> {
    let output = Command::new(BINARY)
        .args(words)
        .args(["--config", "beacons.toml"])
        .envs(server.environment())
        .current_dir(server.folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{words:?}: {said}")) }
}

fn sample(server: &Server, hours: f64) -> Sample {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let bytes = |suffix: &str| {
        let path = format!("{}{suffix}", server.database().display());
        fs::metadata(path).map_or(0, |metadata| metadata.len())
    };
    Sample {
        hours,
        memory: field("VmRSS:"),
        files: fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap().count(),
        threads: field("Threads:"),
        log_bytes: bytes("-wal"),
        file_bytes: bytes(""),
    }
}

fn line(sample: &Sample, done: &Done) -> String {
    format!(
        "{:>9} answered, {} looks, {} backups, {} errors; {} MiB, {} files, {} threads, log {} KiB, file {} KiB",
        done.answered,
        done.looks,
        done.backups,
        done.errors.len(),
        sample.memory / 1024,
        sample.files,
        sample.threads,
        sample.log_bytes / 1024,
        sample.file_bytes / 1024
    )
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// Whether the run was long enough to say how the memory goes on.
fn is_judged(samples: &[Sample]) -> bool {
    samples.last().is_some_and(|last| last.hours >= JUDGED_HOURS)
}

/// By how many MiB an hour the memory grows once it has settled, in a short run after the first third: the
/// slope of the line through it.
fn growth(samples: &[Sample]) -> f64 {
    let settled = samples.partition_point(|sample| sample.hours < SETTLED_HOURS);
    let from = if is_judged(samples) { settled } else { samples.len() / 3 };
    let settled = &samples[from..];
    let many = number(settled.len());
    let mean = |of: fn(&Sample) -> f64| settled.iter().map(of).sum::<f64>() / many;
    let memory = |sample: &Sample| f64::from(sample.memory) / 1024.0;
    let (hours_mean, memory_mean) =
        (mean(|sample| sample.hours), settled.iter().map(memory).sum::<f64>() / many);
    let spread: f64 = settled.iter().map(|sample| (sample.hours - hours_mean).powi(2)).sum();
    let common: f64 = settled
        .iter()
        .map(|sample| (sample.hours - hours_mean) * (memory(sample) - memory_mean))
        .sum();
    if spread > 0.0 { common / spread } else { 0.0 }
}

fn judge(samples: &[Sample]) -> Vec<String> {
    let mut faults = Vec::new();
    let growth = growth(samples);
    if is_judged(samples) && growth > GROWTH_MAX {
        faults.push(format!("the memory grows by {growth:.2} MiB an hour"));
    }
    let largest = samples.iter().map(|sample| sample.memory / 1024).max().unwrap_or(0);
    if largest > MEMORY_MAX {
        faults.push(format!("the memory grew to {largest} MiB"));
    }
    let first = samples.get(1).or(samples.first()).map_or(0, |sample| sample.files);
    let most = samples.iter().map(|sample| sample.files).max().unwrap_or(0);
    if most > first + FILES_MORE_MAX {
        faults.push(format!("{most} files are open, there were {first}"));
    }
    let longest = samples.iter().map(|sample| sample.log_bytes).max().unwrap_or(0);
    if longest > LOG_MAX {
        faults.push(format!("the write-ahead log grew to {longest} bytes"));
    }
    faults
}

fn summary(samples: &[Sample]) -> String {
    let most = |of: fn(&Sample) -> u64| samples.iter().map(of).max().unwrap_or(0);
    let files = |pick: fn(std::slice::Iter<'_, Sample>) -> Option<&Sample>| {
        pick(samples.iter()).map_or(0, |sample| sample.files)
    };
    format!(
        "memory at most {} MiB, growing by {:.2} MiB an hour in the end; files {} at first, {} at \
         last; log at most {} KiB; file {} KiB",
        most(|sample| sample.memory.into()) / 1024,
        growth(samples),
        files(|mut all| all.next()),
        files(|all| all.last()),
        most(|sample| sample.log_bytes) / 1024,
        most(|sample| sample.file_bytes) / 1024
    )
}
