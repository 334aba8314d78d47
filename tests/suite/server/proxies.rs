//! The recipes of the README, as they stand there: behind nginx and Caddy, on a host of its own or under a
//! path, each visitor counts as who it is, and pages work.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    process::{Child, Command, Stdio},
};

use regex::Regex;
use serde_json::Value;
use tempfile::TempDir;
use tokio::{net::TcpSocket, runtime::Runtime};

use crate::support::{BINARY, PATIENCE, wait_until};

const README: &str = include_str!("../../../README.md");

/// Where the recipes have the server.
const ADDRESS: &str = "127.0.0.1:8080";
const SOCKET: &str = "/run/trim-beacons/socket";

/// How the server is reached through its proxy.
#[derive(Clone, Copy)]
struct Way {
    is_under_path: bool,
    is_by_socket: bool,
}

const OWN_HOST: Way = Way { is_under_path: false, is_by_socket: false };
const UNDER_PATH: Way = Way { is_under_path: true, is_by_socket: false };
const BY_SOCKET: Way = Way { is_under_path: false, is_by_socket: true };

/// The indented text that follows `words` in the README.
fn recipe(words: &str) -> String {
    let (_, rest) = README.split_once(words).unwrap();
    let lines = rest.lines().skip_while(|line| !line.starts_with("    "));
    let lines = lines.take_while(|line| line.starts_with("    "));
    lines.map(|line| format!("{}\n", &line[4..])).collect()
}

/// A line without its comment, or with what the comment says instead of it.
fn choose(line: &str, is_other: bool) -> String {
    let Some((usual, comment)) = line.split_once('#') else { return line.to_owned() };
    let comment = comment.trim();
    match (comment.strip_prefix("or: "), comment.split_once(" for a path")) {
        (Some(other), _) if is_other && usual.contains("proxy_pass") => {
            format!("proxy_pass {other};")
        }
        (Some(other), _) if is_other => other.to_owned(),
        (_, Some((other, _))) if is_other => format!("base_url = {other}"),
        _ => usual.to_owned(),
    }
}

/// Ports that nobody has.
fn ports() -> [u16; 2] {
    let taken = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    taken.map(|listener| listener.local_addr().unwrap().port())
}

/// A server and a proxy before it.
struct Proxied {
    folder: TempDir,
    way: Way,
    port: u16,
    server_port: u16,
    running: Vec<Child>,
}

impl Drop for Proxied {
    fn drop(&mut self) {
        for child in &mut self.running {
            // It may have ended before, which is no matter here.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

impl Proxied {
    /// A server that is told of its proxy as the README says, or not at all.
    fn new(way: Way, is_told: bool) -> Self {
        let [port, server_port] = ports();
        let folder = tempfile::tempdir().unwrap();
        let mut proxied = Self { folder, way, port, server_port, running: Vec::new() };
        let config = recipe("`beacons.toml` says who it is");
        let mut lines: Vec<String> =
            config.lines().map(|line| choose(line, way.is_under_path)).collect();
        lines.retain(|line| is_told || !line.starts_with("trusted_proxies"));
        assert_eq!(lines.len(), if is_told { 3 } else { 2 });
        proxied.write("beacons.toml", &lines.join("\n"));
        let listen = proxied.at_home(if way.is_by_socket { SOCKET } else { ADDRESS });
        let listen = if way.is_by_socket { format!("unix:{listen}") } else { listen };
        proxied.run(Command::new(BINARY).args(["--open", "--listen", &listen]));
        proxied
    }

    fn behind_nginx(way: Way, is_told: bool) -> Self {
        let mut proxied = Self::new(way, is_told);
        let recipe = recipe("nginx; it must not");
        let location: String = recipe
            .lines()
            .map(|line| {
                let is_location = line.starts_with("location");
                let is_other = if is_location { way.is_under_path } else { way.is_by_socket };
                format!("{}\n", choose(line, is_other))
            })
            .collect();
        let (location, port) = (proxied.at_home(&location), proxied.port);
        let folder = proxied.folder.path().display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|of| format!("{of}_temp_path {folder}/{of};\n"))
            .concat();
        let user = if rustix::process::getuid().is_root() { "user root;" } else { "" };
        let config = format!(
            "daemon off;\n{user}\npid {folder}/nginx.pid;\nerror_log stderr;\nevents {{}}\n\
             http {{\naccess_log off;\n{temporary}server {{\nlisten 127.0.0.1:{port};\n{location}}}\n}}\n"
        );
        proxied.write("nginx.conf", &config);
        let path = proxied.folder.path().join("nginx.conf");
        proxied.run(Command::new("/usr/sbin/nginx").args(["-e", "stderr", "-c"]).arg(path));
        proxied.wait();
        proxied
    }

    /// No authority signs certificates for a test: `http` is put before the names.
    fn behind_caddy(way: Way, is_told: bool) -> Self {
        let mut proxied = Self::new(way, is_told);
        let port = proxied.port;
        let sites = Regex::new(r"(?m)^(\S+) \{").unwrap();
        let text = recipe("Caddy (`Caddyfile`)");
        assert_eq!(sites.captures_iter(&text).count(), 2);
        let text = sites.replace_all(&text, format!("http://$1:{port} {{"));
        let text = format!("{{\nadmin off\n}}\n{}", proxied.at_home(&text));
        proxied.write("Caddyfile", &text);
        let home = proxied.folder.path().to_owned();
        let path = home.join("Caddyfile");
        let mut caddy = Command::new("caddy");
        caddy.args(["run", "--adapter", "caddyfile", "--config"]).arg(path).env("HOME", &home);
        proxied.run(caddy.env("XDG_DATA_HOME", &home).env("XDG_CONFIG_HOME", &home));
        proxied.wait();
        proxied
    }

    /// A recipe with the addresses of this very server.
    fn at_home(&self, recipe: &str) -> String {
        let socket = self.folder.path().join("socket").display().to_string();
        recipe.replace(ADDRESS, &format!("127.0.0.1:{}", self.server_port)).replace(SOCKET, &socket)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn run(&mut self, command: &mut Command) {
        let said = fs::File::options()
            .append(true)
            .create(true)
            .open(self.folder.path().join("said"))
            .unwrap();
        command.current_dir(&self.folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(said);
        let child = command.spawn();
        let what = command.get_program().display();
        self.running.push(child.unwrap_or_else(|error| panic!("{what}: {error}")));
    }

    fn wait(&mut self) {
        let socket = self.folder.path().join("socket");
        for (at, what) in ["the server", "the proxy"].into_iter().enumerate() {
            wait_until(what, || {
                let ended = self.running[at].try_wait().unwrap();
                assert!(ended.is_none(), "{what}: {}", self.said());
                match (at, self.way.is_by_socket) {
                    (0, true) => UnixStream::connect(&socket).is_ok(),
                    (0, false) => TcpStream::connect(("127.0.0.1", self.server_port)).is_ok(),
                    _ => TcpStream::connect(("127.0.0.1", self.port)).is_ok(),
                }
            });
        }
    }

    fn said(&self) -> String {
        fs::read_to_string(self.folder.path().join("said")).unwrap()
    }

    /// What stands before every path.
    fn prefix(&self) -> &'static str {
        if self.way.is_under_path { "/stats" } else { "" }
    }

    fn host(&self) -> &'static str {
        if self.way.is_under_path { "example.com" } else { "stats.example.com" }
    }

    /// A connection to the proxy from an address of this machine, on which a request is sent.
    fn ask(&self, from: &str, method: &str, path: &str, body: &str) -> TcpStream {
        let from: IpAddr = from.parse().unwrap();
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let connected = Runtime::new().unwrap().block_on(async {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind((from, 0).into()).unwrap();
            socket.connect(to).await.unwrap().into_std().unwrap()
        });
        connected.set_nonblocking(false).unwrap();
        connected.set_read_timeout(Some(PATIENCE)).unwrap();
        let (prefix, host, length) = (self.prefix(), self.host(), body.len());
        let head = format!(
            "{method} {prefix}{path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Mozilla/5.0 Firefox/145.0\r\n\
             Origin: https://shop.example\r\n\
             Connection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        (&connected).write_all(head.as_bytes()).unwrap();
        connected
    }

    /// The status and all of the answer.
    fn answer(&self, from: &str, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut text = Vec::new();
        self.ask(from, method, path, body).read_to_end(&mut text).unwrap();
        let text = String::from_utf8_lossy(&text).into_owned();
        let status = text.get(9..12).and_then(|status| status.parse().ok());
        (status.unwrap_or_else(|| panic!("{path}: {text:?}")), text)
    }

    fn get(&self, path: &str) -> String {
        let (status, text) = self.answer("127.0.0.1", "GET", path, "");
        assert_eq!(status, 200, "{path}: {text} {}", self.said());
        text
    }

    fn beacon(&self, from: &str) {
        let body = format!(
            r#"{{"event_type":"page_view","identifier":"/a","meta":{{"url":"https://{}/a"}}}}"#,
            self.host()
        );
        let (status, text) = self.answer(from, "POST", "/beacon", &body);
        assert_eq!(status, 204, "{text} {}", self.said());
        assert_eq!(text.to_lowercase().matches("access-control-allow-origin").count(), 1, "{text}");
    }

    /// How many page views and visitors are counted.
    fn counted(&self) -> (i64, i64) {
        let text = self.get("/api/v1/reports/top?event_type=page_view");
        let (from, to) = (text.find('{').unwrap(), text.rfind('}').unwrap());
        let report: Value = serde_json::from_str(&text[from..=to]).unwrap();
        let figures = &report["rows"][0]["figures"];
        (figures["count"].as_i64().unwrap(), figures["visitors"].as_i64().unwrap())
    }

    /// Pages lead nowhere but to where the server is, and load what they are made of.
    fn check_pages(&self) {
        let page = self.get("/");
        let links = Regex::new(r#"(?:href|src|action)="(/[^"]*)""#).unwrap();
        let mut loaded = 0;
        for link in links.captures_iter(&page).map(|found| found[1].to_owned()) {
            let inner = link.strip_prefix(self.prefix());
            let inner = inner.unwrap_or_else(|| panic!("{link} leads out of {}", self.prefix()));
            if inner.starts_with("/assets/") {
                assert!(self.get(inner).len() > 500, "{link}");
                loaded += 1;
            }
        }
        assert!(loaded > 0, "{page}");
    }

    /// What happens is told while it happens.
    fn check_live(&self) {
        let mut live = self.ask("127.0.0.1", "GET", "/live/events", "");
        let mut heard = String::new();
        let mut some = [0; 4096];
        let mut hear = |messages: usize| {
            while heard.matches("data:").count() < messages {
                let length = live.read(&mut some).unwrap();
                assert!(length > 0, "{heard}");
                heard.push_str(&String::from_utf8_lossy(&some[..length]));
            }
        };
        hear(1);
        self.beacon("127.0.0.4");
        hear(2);
    }
}

fn check(proxied: &Proxied) {
    for from in ["127.0.0.2", "127.0.0.3", "127.0.0.2"] {
        proxied.beacon(from);
    }
    assert_eq!(proxied.counted(), (3, 2), "{}", proxied.said());
    proxied.check_pages();
    proxied.check_live();
}

#[test]
fn behind_nginx_each_visitor_is_one_and_pages_work() {
    for way in [OWN_HOST, UNDER_PATH, BY_SOCKET] {
        check(&Proxied::behind_nginx(way, true));
    }
}

#[test]
fn behind_caddy_each_visitor_is_one_and_pages_work() {
    for way in [OWN_HOST, UNDER_PATH] {
        check(&Proxied::behind_caddy(way, true));
    }
}

#[test]
fn a_proxy_that_nobody_has_told_of_looks_like_one_visitor() {
    for proxied in [Proxied::behind_nginx(OWN_HOST, false), Proxied::behind_caddy(OWN_HOST, false)]
    {
        for from in ["127.0.0.2", "127.0.0.3"] {
            proxied.beacon(from);
        }
        assert_eq!(proxied.counted(), (2, 1), "{}", proxied.said());
    }
}
