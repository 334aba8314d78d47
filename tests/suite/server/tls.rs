//! TLS without a proxy: certificates in files and of an authority, their reload, and who comes without.

use std::{
    fs,
    io::{ErrorKind, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    process::{Child, Command, Stdio},
};

use super::backup::run;
use crate::support::{
    PATIENCE, Server,
    http::Client,
    tls::{Authority, connect},
    wait_until,
};

const BEACON: &[u8] = br#"{"event_type":"page_view","identifier":"/a"}"#;

/// The configuration of a server that is called `localhost`, with more lines.
fn config(authority: &Authority, more: &str) -> String {
    format!("[server]\nbase_url = \"https://localhost\"\n{}{more}", authority.lines())
}

fn started() -> (Authority, Server) {
    let authority = Authority::new();
    authority.sign("localhost", 60);
    let server = Server::start(&config(&authority, "")).trusting(&authority.root());
    (authority, server)
}

#[test]
fn a_beacon_by_tls_is_stored_and_pages_know_that_they_are_safe() {
    let (_authority, server) = started();
    assert_eq!(server.post(BEACON).status, 204);
    assert_eq!(server.count("day", Some("/a")), 1);
    let page = server.get("/");
    assert_eq!(page.status, 200);
    assert_eq!(page.header("strict-transport-security"), "max-age=31536000");
    // A page larger than what is encrypted ahead, several on one connection.
    let mut client = server.client();
    let page = page.text();
    let at = page.find("/assets/dashboard.").unwrap();
    let path = page[at..].split('"').next().unwrap();
    for _ in 0..20 {
        let sheet = client.send("GET", path, &[], b"").unwrap();
        assert!(sheet.status == 200 && sheet.body.len() > 16 * 1024, "{}", sheet.body.len());
    }
    let metrics = server.get("/metrics").text();
    assert!(metrics.contains("\ntrim_beacons_certificate_ends_timestamp_seconds "), "{metrics}");
    let found = run(&server, &["doctor"]);
    let found = String::from_utf8(found.stdout).unwrap();
    assert!(found.contains("well    TLS: Browsers come by https."), "{found}");
    assert!(found.contains("well    Certificate: It holds until "), "{found}");
}

#[test]
fn a_session_by_tls_has_a_cookie_for_tls_alone() {
    let authority = Authority::new();
    authority.sign("localhost", 60);
    let server = Server::start_closed(&authority.lines()).trusting(&authority.root());
    wait_until("the link", || server.told().contains("/claim/"));
    let told = server.told();
    let link = told.split_whitespace().find(|word| word.contains("/claim/")).unwrap();
    let own = format!("https://127.0.0.1:{}", server.port);
    let path = link.strip_prefix(own.as_str()).unwrap();
    let form = b"name=me&password=correct+horse+battery&repeated=correct+horse+battery";
    let origin = [("Origin", "https://localhost")];
    let page = server.get(path).text();
    assert!(page.contains("password"), "{page}");
    let answer = server.client().send("POST", path, &origin, form).unwrap();
    let cookies = answer.all("set-cookie");
    let session = cookies.iter().find(|cookie| cookie.contains("tb_session="));
    let session = session.unwrap_or_else(|| panic!("{} {}", answer.status, answer.text()));
    assert!(session.starts_with("__Host-") && session.ends_with("; Secure"), "{session}");
    // Nothing is settled yet that browsers should remember for a year.
    assert_eq!(answer.header("strict-transport-security"), "");
}

#[test]
fn a_reload_shows_the_new_certificate_and_keeps_the_old_one_if_it_is_bad() {
    let (authority, server) = started();
    let shown = || connect(server.port, &authority.root()).unwrap().1;
    let (mut open, first) = connect(server.port, &authority.root()).unwrap();
    assert_eq!(open.send("POST", "/beacon", &[], BEACON).unwrap().status, 204);

    authority.sign("localhost", 90);
    let found = String::from_utf8(run(&server, &["doctor"]).stdout).unwrap();
    assert!(found.contains("advice  Certificate: The files have another one than"), "{found}");
    server.signal("HUP");
    wait_until("the new certificate", || shown() != first);
    let second = shown();
    assert_eq!(open.send("POST", "/beacon", &[], BEACON).unwrap().status, 204, "it lives on");

    let key = fs::read(authority.path("key.pem")).unwrap();
    authority.sign("localhost", 30);
    fs::write(authority.path("key.pem"), key).unwrap();
    server.signal("HUP");
    wait_until("the complaint", || server.said().contains("the old certificate stays in force"));
    let said = server.said();
    assert!(said.contains("is not that of the certificate in"), "{said}");
    assert_eq!(shown(), second);
    fs::remove_file(authority.path("key.pem")).unwrap();
    server.signal("HUP");
    wait_until("the complaint", || server.said().contains("No such file"));
    assert_eq!(shown(), second);
    assert_eq!(open.send("POST", "/beacon", &[], BEACON).unwrap().status, 204);
}

#[test]
fn whoever_says_nothing_or_half_a_greeting_is_closed() {
    let (_authority, server) = started();
    // Nothing; the first byte of a greeting; a greeting of which 500 bytes never come.
    let greetings: [&[u8]; 3] = [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00"];
    let waiting = greetings.map(|greeting| {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(greeting).unwrap();
        stream
    });
    assert_eq!(server.post(BEACON).status, 204, "nobody waits for them");
    for mut stream in waiting {
        assert!(matches!(stream.read(&mut [0; 1]), Ok(0)), "it was not closed");
    }
}

#[test]
fn when_all_places_are_taken_a_silent_client_makes_room() {
    let authority = Authority::new();
    authority.sign("localhost", 60);
    let few = config(&authority, "[server.limits]\nconnections = 16\n");
    let server = Server::start(&few).trusting(&authority.root());
    let silent: Vec<TcpStream> = (0..64)
        .map(|at| {
            let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
            stream.write_all(if at % 2 == 0 { b"" } else { b"\x16\x03\x01" }).unwrap();
            stream
        })
        .collect();
    assert_eq!(server.post(BEACON).status, 204);
    drop(silent);
}

#[test]
fn who_asks_by_tls_and_never_listens_is_let_go() {
    let (authority, server) = started();
    let padding = "x".repeat(8_000);
    let request = format!("GET /tb.js HTTP/1.1\r\nHost: localhost\r\nX: {padding}\r\n\r\n");
    let (mut deaf, _) = connect(server.port, &authority.root()).unwrap();
    let gone = (0..100_000).find_map(|_| deaf.write(request.as_bytes()).err());
    let gone = gone.unwrap_or_else(|| panic!("it took all")).kind();
    assert!([ErrorKind::ConnectionReset, ErrorKind::BrokenPipe].contains(&gone), "{gone}");
    assert_eq!(server.post(BEACON).status, 204);
}

/// Holds what `port` answers without TLS.
fn assert_redirects(port: u16, to: &str) {
    let plain = |method: &str, path: &str, host: &str| {
        let mut client = Client::connect(port).unwrap();
        let body = if method == "POST" { "Content-Length: 2\r\n\r\n{}" } else { "\r\n" };
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{body}");
        client.write(head.as_bytes()).unwrap();
        client.answer_to(method).unwrap()
    };
    for (method, path, host) in [
        ("GET", "/", "localhost"),
        ("HEAD", "/top?site=a&period=7d", "localhost"),
        ("GET", "/account", "evil.example"),
        ("GET", "//evil.example/", "evil.example"),
        ("POST", "/beacon", "localhost"),
        ("POST", "/api/event", "localhost"),
    ] {
        let answer = plain(method, path, host);
        assert_eq!((answer.status, answer.header("location")), (308, &*format!("{to}{path}")));
        assert_eq!(answer.header("strict-transport-security"), "");
    }
    let form = plain("POST", "/sign-in", "localhost");
    assert_eq!(form.status, 400);
    assert!(form.text().contains(&format!("by TLS: send it to {to}")), "{}", form.text());
    // A page of another site may follow, with what it may send.
    let mut client = Client::connect(port).unwrap();
    let origin = [("Origin", "http://site.example")];
    let asked = client.send("OPTIONS", "/beacon", &origin, b"").unwrap();
    let sent_on = client.send("POST", "/beacon", &origin, BEACON).unwrap();
    assert_eq!((asked.status, sent_on.status), (204, 308));
    for answer in [asked, sent_on] {
        assert_eq!(answer.header("access-control-allow-origin"), "http://site.example");
    }
    // What is no request is not sent on either.
    assert_eq!(plain("GET", "/ bad", "localhost").status, 400);
}

#[test]
fn whoever_comes_without_tls_is_sent_to_the_same_path_with_it() {
    let authority = Authority::new();
    authority.sign("localhost", 60);
    let config = config(&authority, "redirect = \"127.0.0.1:0\"\n");
    let server = Server::start(&config).trusting(&authority.root());
    assert_redirects(server.port, "https://localhost");
    assert_redirects(redirect_port(&server), "https://localhost");
    assert_eq!(server.count("day", None), 0, "nothing was taken in plain");
}

/// The port without TLS, of which the log tells.
fn redirect_port(server: &Server) -> u16 {
    let port = || {
        let said = server.said();
        let (before, _) = said.split_once("/ sends browsers to ")?;
        before.rsplit(':').next()?.parse().ok()
    };
    wait_until("the port without TLS", || port().is_some());
    port().unwrap()
}

#[test]
fn sockets_that_are_handed_over_are_told_apart_by_their_names() {
    let authority = Authority::new();
    authority.sign("localhost", 60);
    let main = TcpListener::bind("127.0.0.1:0").unwrap();
    let redirect = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("beacons.toml"), config(&authority, "")).unwrap();
    let port = |socket: &TcpListener| socket.local_addr().unwrap().port();
    let ports = [port(&main), port(&redirect)];
    let started = Command::new("sh")
        .args([
            "-c",
            "exec 3<&0 4<&1 </dev/null >/dev/null; export LISTEN_PID=$$ LISTEN_FDS=2 \
             LISTEN_FDNAMES=redirect:trim-beacons.socket; exec \"$0\" --open",
            crate::support::BINARY,
        ])
        .current_dir(folder.path())
        .stdin(Stdio::from(std::os::fd::OwnedFd::from(redirect)))
        .stdout(Stdio::from(std::os::fd::OwnedFd::from(main)))
        .spawn()
        .unwrap();
    let _ended = Ended(started);
    wait_until("an answer", || connect(ports[0], &authority.root()).is_ok());
    let (mut client, _) = connect(ports[0], &authority.root()).unwrap();
    assert_eq!(client.send("POST", "/beacon", &[], BEACON).unwrap().status, 204);
    assert_redirects(ports[1], "https://localhost");
}

#[test]
fn a_certificate_that_can_not_be_used_is_told_before_it_matters() {
    let authority = Authority::new();
    authority.sign("localhost", 60);
    let open = config(&authority, "").replacen("[server]", "[server]\naccess = \"open\"", 1);
    let mut server = Server::start(&open);
    server.terminate();
    let check = |command: &str, is_well: bool, part: &str| {
        let output = run(&server, &[command]);
        let told = [output.stdout, output.stderr].concat();
        let told = String::from_utf8(told).unwrap();
        assert!(told.contains(part), "{command}: {told}");
        assert_eq!(output.status.success(), is_well, "{command}: {told}");
    };
    check("check", true, "The certificate: It holds until ");
    authority.sign("localhost", 7);
    check("check", true, "and nothing here renews it. Put the next one into its files");
    authority.sign("other.example", 60);
    check("check", true, "It is not for localhost, the name in base_url.");
    check("doctor", true, "advice  Certificate: It is not for localhost");
    authority.sign("localhost", -1);
    check("check", false, "It has ended at ");
    check("doctor", false, "wrong   Certificate: It has ended at ");
    authority.sign("localhost", 60);
    let key = authority.path("key.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    check("check", true, "Every user of this machine may read or write ");
    check("doctor", true, "advice  Certificate: Every user of this machine may read or write ");
    fs::write(&key, "nothing").unwrap();
    check("check", false, "there is no key in ");
    fs::write(authority.path("chain.pem"), "").unwrap();
    check("check", false, "there is no certificate in ");
    fs::remove_file(&key).unwrap();
    check("check", false, "can’t be used: can't read ");
}

/// A program that ends with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Pebble, an authority for tests, which looks at port `tls` and signs for so many seconds.
fn pebble(own: &Authority, [port, management]: [u16; 2], tls: u16, seconds: u32) -> Ended {
    let config = serde_json::json!({ "pebble": {
        "listenAddress": format!("127.0.0.1:{port}"),
        "managementListenAddress": format!("127.0.0.1:{management}"),
        "certificate": own.path("chain.pem"), "privateKey": own.path("key.pem"),
        "httpPort": 1, "tlsPort": tls, "certificateValidityPeriod": seconds,
    }});
    let path = own.path(&format!("pebble-{port}-{seconds}.json"));
    fs::write(&path, config.to_string()).unwrap();
    let started = Command::new("pebble")
        .args(["-strict", "-config", path.to_str().unwrap()])
        .env("PEBBLE_VA_NOSLEEP", "1")
        // It turns away good nonces by chance, and the third in a row ends an attempt: the next is minutes later.
        .env("PEBBLE_WFE_NONCEREJECT", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("pebble, of the package of that name: {error}"));
    let ended = Ended(started);
    wait_until("pebble", || connect(management, &own.root()).is_ok());
    ended
}

/// Ports that nobody has.
fn free_ports() -> [u16; 2] {
    let free = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    free.map(|socket| socket.local_addr().unwrap().port())
}

#[test]
fn an_authority_that_comes_back_gives_a_certificate_and_renews_it() {
    let own = Authority::new();
    own.sign("localhost", 60);
    let ports @ [port, management] = free_ports();
    let root = own.path("root.pem");
    let config = format!(
        "[server.tls]\nacme = {{ hosts = [\"localhost\"], contact = \"me@example.com\", directory = \
         \"https://localhost:{port}/dir\", directory_root = {root:?} }}\n"
    );
    let mut server = Server::start(&config);
    // Nobody answers yet: that is told, and nothing breaks.
    wait_until("the first attempt", || server.said().contains("no certificate was given"));
    let doctor = |server: &Server| String::from_utf8(run(server, &["doctor"]).stdout).unwrap();
    let told = doctor(&server);
    assert!(told.contains("wrong   Certificate: None was given at the last attempt: "), "{told}");
    assert!(connect(server.port, &own.root()).is_err());

    let authority = pebble(&own, ports, server.port, 45);
    server.signal("HUP");
    wait_until("a certificate", || server.said().contains("a new certificate is in force"));
    let root = || {
        let (mut client, _) = connect(management, &own.root()).unwrap();
        client.send("GET", "/roots/0", &[], b"").unwrap().text()
    };
    let signed_by = root();
    let (mut open, first) = connect(server.port, &signed_by).unwrap();
    assert_eq!(open.send("POST", "/beacon", &[], BEACON).unwrap().status, 204);
    let told = doctor(&server);
    assert!(told.contains("well    Certificate: It holds until "), "{told}");
    let kept = server.folder.path().join(format!("trim-beacons.db-acme/localhost-{port}"));
    for name in ["account.json", "certificate.pem"] {
        let mode = fs::metadata(kept.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }

    // After two thirds of its time.
    let shown = |server: &Server| connect(server.port, &signed_by).unwrap().1;
    wait_until("the renewal", || {
        let answer = open.send("POST", "/beacon", &[], BEACON).unwrap();
        assert_eq!(answer.status, 204, "it lives on");
        shown(&server) != first
    });
    let account = fs::read(kept.join("account.json")).unwrap();

    // What was given outlives a restart, and nobody is asked for it again.
    let second = shown(&server);
    drop(authority);
    server.terminate();
    server.restart();
    assert_eq!(shown(&server), second);
    assert_eq!(fs::read(kept.join("account.json")).unwrap(), account);
}

#[test]
fn an_authority_that_does_not_find_the_server_says_why() {
    let own = Authority::new();
    own.sign("localhost", 60);
    let ports @ [port, _] = free_ports();
    // It looks where nobody listens.
    let _authority = pebble(&own, ports, free_ports()[0], 60);
    let root = own.path("root.pem");
    let server = Server::start(&format!(
        "[server.tls]\nacme = {{ hosts = [\"localhost\"], directory = \"https://localhost:{port}/dir\", \
         directory_root = {root:?} }}\n"
    ));
    wait_until("the refusal", || server.said().contains("no certificate was given"));
    let said = server.said();
    assert!(said.contains("could not prove that localhost is this server: "), "{said}");
    assert!(said.contains("the next attempt is in 5 minutes, or at once after a reload"), "{said}");
}
