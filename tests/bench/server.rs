//! The server under test: the program as it is released, on a file of its own.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::figures::float;

/// The program: what was built with this, or the one that the environment names, to compare.
pub(crate) fn program() -> PathBuf {
    let other = std::env::var_os("TRIM_BEACONS_PROGRAM");
    other.map_or_else(|| env!("CARGO_BIN_EXE_trim-beacons").into(), PathBuf::from)
}

/// All as it comes, but that a proxy tells the addresses of clients, and that nobody has to sign in.
pub(crate) const CONFIG: &str = "[server]\naccess = \"open\"\ntrusted_proxies = [\"127.0.0.1\"]\n";

/// How many ticks of the processor's clock make a second: the same on every Linux.
const TICKS: f64 = 100.0;

pub(crate) struct Server {
    pub(crate) address: String,
    child: Child,
    /// How long it took from its start to its address.
    pub(crate) started_ms: f64,
}

/// What a running server has done so far.
pub(crate) struct Figures {
    pub(crate) stored: u64,
    commits: u64,
    checkpoints: u64,
    pub(crate) cpu_seconds: f64,
    /// What it has told the system to write.
    pub(crate) written: u64,
    pub(crate) rss_mb: f64,
    pub(crate) rss_most_mb: f64,
}

impl Server {
    /// A server in `folder` with `config`, on whatever file lies there as `bench.db`.
    pub(crate) fn start(folder: &Path, config: &str) -> Self {
        Self::start_other(&program(), folder, config)
    }

    /// The same, of `program`.
    pub(crate) fn start_other(program: &Path, folder: &Path, config: &str) -> Self {
        fs::write(folder.join("beacons.toml"), config).unwrap();
        let begun = Instant::now();
        let mut child = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--database"])
            .arg(database(folder))
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.find_map(|line| {
            let line = line.ok()?;
            let rest = line.split_once("http://")?.1;
            Some(rest.split('/').next()?.to_owned())
        });
        let started_ms = begun.elapsed().as_secs_f64() * 1000.0;
        thread::spawn(move || lines.for_each(drop));
        Self { address: address.unwrap(), child, started_ms }
    }

    /// The body of a page and how many milliseconds it took.
    pub(crate) fn get(&self, path: &str) -> (Vec<u8>, f64) {
        let begun = Instant::now();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n",
            self.address
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(
            answer.starts_with(b"HTTP/1.1 200"),
            "{path}: {}",
            String::from_utf8_lossy(&answer)
        );
        let body = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        (answer.split_off(body), begun.elapsed().as_secs_f64() * 1000.0)
    }

    pub(crate) fn figures(&self) -> Figures {
        let (health, _) = self.get("/health");
        let health: Value = serde_json::from_slice(&health).unwrap();
        let number = |name: &str| health.pointer(name).unwrap().as_u64().unwrap();
        let stat = self.proc("stat");
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
        Figures {
            stored: number("/beacons/stored"),
            commits: number("/journal_commits"),
            checkpoints: number("/checkpoints"),
            cpu_seconds: ticks / TICKS,
            written: self.field("io", "write_bytes:"),
            rss_mb: float(self.field("status", "VmRSS:")) / 1024.0,
            rss_most_mb: float(self.field("status", "VmHWM:")) / 1024.0,
        }
    }

    /// Ends it as a service manager does; how many bytes it has told the system to write by then.
    pub(crate) fn stop(mut self) -> u64 {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap().success());
        // A process that has ended can be looked at until somebody asks how it ended.
        while !self.proc("stat").rsplit_once(')').unwrap().1.starts_with(" Z") {
            thread::sleep(Duration::from_millis(10));
        }
        let written = self.field("io", "write_bytes:");
        assert!(self.child.wait().unwrap().success());
        written
    }

    fn proc(&self, name: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).unwrap()
    }

    fn field(&self, name: &str, field: &str) -> u64 {
        let text = self.proc(name);
        let line = text.lines().find(|line| line.starts_with(field)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been stopped before.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

impl Figures {
    fn beacons_since(&self, before: &Self) -> f64 {
        float(self.stored - before.stored)
    }

    pub(crate) fn cpu_micros_since(&self, before: &Self) -> f64 {
        (self.cpu_seconds - before.cpu_seconds) * 1e6 / self.beacons_since(before)
    }

    pub(crate) fn beacons_per_commit_since(&self, before: &Self) -> f64 {
        self.beacons_since(before) / float((self.commits - before.commits).max(1))
    }

    pub(crate) fn commits_since(&self, before: &Self) -> u64 {
        self.commits - before.commits
    }

    /// How often it waited for the disk: once a commit, twice or three times a checkpoint.
    pub(crate) fn syncs_since(&self, before: &Self) -> u64 {
        self.commits + 2 * self.checkpoints - (before.commits + 2 * before.checkpoints)
    }
}

/// The file of a folder.
pub(crate) fn database(folder: &Path) -> PathBuf {
    folder.join("bench.db")
}
