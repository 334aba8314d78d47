//! A real server on a real file, and clients that speak to it.

pub(crate) mod descriptors;
pub(crate) mod http;
pub(crate) mod time;
#[cfg(feature = "tls")]
pub(crate) mod tls;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use self::{
    http::{Answer, Client},
    time::Clock,
};

/// How long anything may take before a test gives up on it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_trim-beacons");

/// A running server, in a folder of its own that goes when it goes.
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) folder: tempfile::TempDir,
    child: Child,
    /// What it has said on stderr.
    said: Arc<Mutex<String>>,
    /// What it is started by: nothing, or a tracer and its words.
    before: Vec<String>,
    /// What it finds in its environment beside the rest.
    environment: Vec<(String, String)>,
    /// Whether anybody may look, as most tests do.
    open: bool,
    /// What it has said on stdout up to where it serves, and after that.
    told: Arc<Mutex<String>>,
    /// Where it listens.
    listen: String,
    /// Whose certificate it shows, in PEM; "" if it speaks no TLS.
    #[cfg(feature = "tls")]
    root: String,
}

impl Server {
    /// A server with `config` as its beacons.toml.
    pub(crate) fn start(config: &str) -> Self {
        Self::start_by(&[], config)
    }

    /// A server that asks who it is.
    pub(crate) fn start_closed(config: &str) -> Self {
        Self::start_as(Vec::new(), Vec::new(), "127.0.0.1:0", config, false)
    }

    /// A server that listens on `listen`.
    pub(crate) fn start_on(listen: &str, config: &str) -> Self {
        Self::start_as(Vec::new(), Vec::new(), listen, config, true)
    }

    /// A server that another program starts: `strace -o calls`.
    pub(crate) fn start_by(before: &[&str], config: &str) -> Self {
        let before = before.iter().map(|word| (*word).to_owned()).collect();
        Self::start_in(before, Vec::new(), config)
    }

    /// A server that believes `clock`.
    pub(crate) fn start_at(clock: &Clock, config: &str) -> Self {
        Self::start_in(Vec::new(), clock.environment(), config)
    }

    /// A server that finds this in its environment.
    pub(crate) fn start_with(environment: Vec<(String, String)>, config: &str) -> Self {
        Self::start_in(Vec::new(), environment, config)
    }

    fn start_in(before: Vec<String>, environment: Vec<(String, String)>, config: &str) -> Self {
        Self::start_as(before, environment, "127.0.0.1:0", config, true)
    }

    fn start_as(
        before: Vec<String>,
        environment: Vec<(String, String)>,
        listen: &str,
        config: &str,
        open: bool,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("beacons.toml"), config).unwrap();
        let (said, told) = (Arc::default(), Arc::default());
        let listen = listen.to_owned();
        let child = spawn(&before, &environment, &listen, &folder, &said, open);
        let mut server = Self {
            port: 0,
            folder,
            child,
            said,
            before,
            environment,
            open,
            told,
            listen,
            #[cfg(feature = "tls")]
            root: String::new(),
        };
        server.wait_for_port();
        server
    }

    /// The same, asked by TLS, with a certificate that `root` has signed.
    #[cfg(feature = "tls")]
    pub(crate) fn trusting(mut self, root: &str) -> Self {
        root.clone_into(&mut self.root);
        self
    }

    /// Begins anew on the same file, once the process has ended.
    pub(crate) fn restart(&mut self) {
        self.respawn();
        self.wait_for_port();
    }

    /// Begins anew with this in its environment. Says whether it serves; if not, it has ended.
    pub(crate) fn restart_with(&mut self, environment: Vec<(String, String)>) -> bool {
        self.environment = environment;
        self.respawn();
        let port = self.port_it_says();
        self.port = port.unwrap_or_default();
        port.is_some()
    }

    /// Begins anew without waiting until it serves.
    pub(crate) fn respawn(&mut self) {
        let (environment, listen) = (&self.environment, &self.listen);
        self.child = spawn(&self.before, environment, listen, &self.folder, &self.said, self.open);
    }

    /// Waits until it says where it serves.
    pub(crate) fn wait_for_port(&mut self) {
        let port = self.port_it_says();
        self.port = port.unwrap_or_else(|| panic!("it did not serve: {}", self.said()));
    }

    fn port_it_says(&mut self) -> Option<u16> {
        let stdout = self.child.stdout.take().unwrap();
        let mut lines = BufReader::new(stdout).lines();
        let port = lines.find_map(|line| {
            let line = line.ok()?;
            let (_, rest) = line.split_once("://127.0.0.1:")?;
            rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
        });
        // The rest is read too, so that the server never waits for us.
        let told = Arc::clone(&self.told);
        told.lock().unwrap().clear();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                told.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
        port
    }

    /// What it finds in its environment beside the rest.
    pub(crate) fn environment(&self) -> impl Iterator<Item = (String, String)> {
        self.environment.iter().cloned()
    }

    /// The end that no process notices.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.ended()
    }

    /// Waits until it has ended.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let mut ended = None;
        let child = &mut self.child;
        wait_until("the end", || {
            ended = child.try_wait().unwrap();
            ended.is_some()
        });
        ended.unwrap()
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// The server's own process, not that of a tracer.
    pub(crate) fn pid(&self) -> u32 {
        let started = self.child.id();
        if self.before.is_empty() {
            return started;
        }
        let children = format!("/proc/{started}/task/{started}/children");
        let children = fs::read_to_string(children).unwrap();
        children.split_whitespace().next().unwrap().parse().unwrap()
    }

    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// What it has said on stdout after where it serves.
    pub(crate) fn told(&self) -> String {
        self.told.lock().unwrap().clone()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("trim-beacons.db")
    }

    pub(crate) fn client(&self) -> Client {
        #[cfg(feature = "tls")]
        if !self.root.is_empty() {
            return tls::connect(self.port, &self.root).unwrap().0;
        }
        Client::connect(self.port).unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.client().send("GET", path, &[], b"").unwrap()
    }

    pub(crate) fn post(&self, body: impl AsRef<[u8]>) -> Answer {
        self.client().send("POST", "/beacon", &[], body.as_ref()).unwrap()
    }

    /// The JSON at `path`.
    pub(crate) fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// A number of /health, by its JSON pointer.
    pub(crate) fn health(&self, pointer: &str) -> u64 {
        self.json("/health").pointer(pointer).and_then(Value::as_u64).unwrap()
    }

    /// Opens the file as anybody may, once all that was answered is counted.
    pub(crate) fn file(&self) -> Connection {
        self.json("/api/v1/reports/overview");
        self.file_as_it_is()
    }

    /// Opens the file of a server that has ended.
    pub(crate) fn file_as_it_is(&self) -> Connection {
        let file = Connection::open_with_flags(self.database(), OpenFlags::SQLITE_OPEN_READ_ONLY);
        let file = file.unwrap();
        file.busy_timeout(PATIENCE).unwrap();
        file
    }

    /// Imports `table`, of which `columns` are named, from a file of this name. What it has said.
    pub(crate) fn import(&self, name: &str, table: &str, columns: &str) -> String {
        fs::write(self.folder.path().join(name), table).unwrap();
        let out = Command::new(BINARY)
            .args(["import", "csv", "--config", "beacons.toml", "--columns", columns, name])
            .envs(self.environment())
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8([out.stdout, out.stderr].concat()).unwrap();
        assert!(out.status.success(), "{said}");
        said
    }

    /// How many beacons of `identifier` are counted by `granularity`; those of all for `None`.
    pub(crate) fn count(&self, granularity: &str, identifier: Option<&str>) -> i64 {
        count(&self.file(), granularity, identifier)
    }

    /// How often the server has noted a refusal for this reason.
    pub(crate) fn refusals(&self, reason: &str) -> u64 {
        let path = "/api/v1/reports/filtered";
        let answer = self.json(path);
        let reasons = answer["reasons"].as_array().unwrap();
        let found = reasons.iter().find(|found| found["reason"] == reason);
        found.map_or(0, |found| found["count"].as_u64().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the server said:\n{}", self.said());
        }
        if !self.before.is_empty() && self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.signal("KILL");
        }
        // It may have ended before, which is no matter here.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The sum of `identifier` over the buckets of `granularity`; of the total row for `None`.
pub(crate) fn count(file: &Connection, granularity: &str, identifier: Option<&str>) -> i64 {
    let sql = "SELECT ifnull(sum(count), 0) FROM beacon_aggregates
               WHERE granularity = ?1 AND identifier IS ?2";
    file.query_row(sql, (granularity, identifier), |row| row.get(0)).unwrap()
}

/// Waits until `is_so`, and not for ever.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited too long for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn spawn(
    before: &[String],
    environment: &[(String, String)],
    listen: &str,
    folder: &tempfile::TempDir,
    said: &Arc<Mutex<String>>,
    open: bool,
) -> Child {
    let words: Vec<&str> = before.iter().map(String::as_str).chain([BINARY]).collect();
    let mut child = Command::new(words[0])
        .args(&words[1..])
        .args(["--config", "beacons.toml", "--listen", listen])
        .args(open.then_some("--open"))
        .envs(environment.iter().cloned())
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let said = Arc::clone(said);
    thread::spawn(move || {
        let mut some = [0; 4096];
        while let Ok(length @ 1..) = stderr.read(&mut some) {
            said.lock().unwrap().push_str(&String::from_utf8_lossy(&some[..length]));
        }
    });
    child
}
