//! Who may look: the first start, signing in and out, what each may see and change, and who may not.

use std::{fs, io::Write as _, process::Command};

use rusqlite::{Connection, types::Value};
use trim_beacons::{ingest::compat::PRODUCTS, web};

use crate::support::{BINARY, Server, http::Answer};

const CONFIG: &str = r#"
[[site]]
domain = "a.example"
public = true
embed_origins = ["https://blog.example"]
[[site]]
domain = "b.example"
[event.page_view]
visits = true
raw = "30d"
"#;

const PASSWORD: &str = "harbour violet anvil";

/// Where a form of ours comes from.
const HERE: (&str, &str) = ("Origin", "http://localhost");

/// A browser that is signed in, or a program with a token.
#[derive(Clone, Default)]
struct Visitor {
    cookie: String,
    form_token: String,
    bearer: String,
}

impl Visitor {
    fn headers(&self) -> Vec<(&str, &str)> {
        let all = [("Cookie", self.cookie.as_str()), ("Authorization", self.bearer.as_str())];
        all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }

    fn get(&self, server: &Server, path: &str) -> Answer {
        server.client().send("GET", path, &self.headers(), b"").unwrap()
    }

    /// Sends a form as its own page would.
    fn post(&self, server: &Server, path: &str, fields: &str) -> Answer {
        let body = format!("csrf={}&{fields}", self.form_token);
        self.send(server, path, &[HERE], &body)
    }

    fn send(&self, server: &Server, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let kind = [("Content-Type", "application/x-www-form-urlencoded")];
        let headers = [&self.headers(), headers, &kind[..]].concat();
        server.client().send("POST", path, &headers, body.as_bytes()).unwrap()
    }

    /// The one who has got these cookies.
    fn of(server: &Server, answer: &Answer) -> Self {
        let cookies: Vec<&str> = answer
            .all("set-cookie")
            .into_iter()
            .map(|line| line.split(';').next().unwrap())
            .collect();
        let mut visitor = Self { cookie: cookies.join("; "), ..Self::default() };
        let page = visitor.get(server, "/account").text();
        let (_, rest) =
            page.split_once("name=\"csrf\" value=\"").unwrap_or_else(|| panic!("{page}"));
        visitor.form_token = rest.split('"').next().unwrap().to_owned();
        visitor
    }

    fn program(server: &Server, words: &[&str]) -> Self {
        let said = done(server, &[&["token", "create"], words].concat(), "");
        let token = said.lines().last().unwrap();
        assert!(token.starts_with("tb_") && token.len() == 67, "{said}");
        Self { bearer: format!("Bearer {token}"), ..Self::default() }
    }
}

fn run(server: &Server, words: &[&str], input: &str) -> (bool, String) {
    let mut child = Command::new(BINARY)
        .args(words)
        .args(["--config", "beacons.toml"])
        .current_dir(server.folder.path())
        .envs(server.environment())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Whoever does not read it has ended.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let out = child.wait_with_output().unwrap();
    let said = [out.stdout, out.stderr].concat();
    (out.status.success(), String::from_utf8_lossy(&said).trim().to_owned())
}

fn done(server: &Server, words: &[&str], input: &str) -> String {
    let (done, said) = run(server, words, input);
    assert!(done, "{words:?}: {said}");
    said
}

/// The path of the link in what a server or a command has said.
fn claim_path(said: &str) -> String {
    let (_, rest) = said.split_once("/claim/").unwrap_or_else(|| panic!("{said}"));
    format!("/claim/{}", rest.split_whitespace().next().unwrap())
}

fn sign_in(server: &Server, name: &str, password: &str) -> Answer {
    let password = password.replace(' ', "+");
    let fields = format!("name={name}&password={password}");
    Visitor::default().send(server, "/sign-in", &[HERE], &fields)
}

/// A server that jo has set up, and jo.
fn claimed(config: &str) -> (Server, Visitor) {
    let server = Server::start_closed(config);
    done(&server, &["user", "add", "jo"], &format!("{PASSWORD}\n"));
    let answer = sign_in(&server, "jo", PASSWORD);
    assert_eq!(answer.status, 303, "{}", answer.text());
    let jo = Visitor::of(&server, &answer);
    (server, jo)
}

fn fill(server: &Server) {
    for site in ["a", "b"] {
        let body = format!(
            r#"{{"event_type":"page_view","meta":{{"url":"https://{site}.example/of-{site}"}}}}"#
        );
        assert_eq!(server.post(body).status, 204);
    }
    let error = r#"{"event_type":"error","identifier":"TypeError: e is null","site":"a.example"}"#;
    assert_eq!(server.post(error).status, 204);
}

#[test]
fn the_first_one_with_the_printed_link_takes_the_server_and_nobody_else() {
    let mut server = Server::start_closed(CONFIG);
    fill(&server);
    for path in ["/", "/top", "/sites", "/storage", "/account", "/sign-in", "/claim/guessed"] {
        let answer = server.get(path);
        assert_eq!(answer.status, 403, "{path}");
        let page = answer.text();
        assert!(page.contains("waits to be set up") && !page.contains("a.example"), "{page}");
    }
    assert_eq!(server.get("/api/v1/reports/overview").status, 401);
    crate::support::wait_until("the link", || server.told().contains("/claim/"));
    let first = claim_path(&server.told());
    assert_eq!(server.get(&first).status, 200);
    // A link of another start, or one that was made anew, ends the one before.
    server.terminate();
    server.restart();
    assert_eq!(server.get(&first).status, 403);
    crate::support::wait_until("the link", || server.told().contains("/claim/"));
    let second = claim_path(&server.told());
    let link = claim_path(&done(&server, &["setup-link"], ""));
    assert_eq!(server.get(&second).status, 403);
    let nobody = Visitor::default();
    let claim = |name: &str, password: &str, repeated: &str| {
        let fields =
            format!("name={name}&password={password}&repeated={repeated}").replace(' ', "+");
        nobody.send(&server, &link, &[HERE], &fields)
    };
    let wrong = [
        ("jo", "short", "short", "at least 12 characters"),
        ("jo", "Password1234!", "Password1234!", "first that are tried"),
        ("jo", PASSWORD, "harbour violet", "not the same"),
        ("j o", PASSWORD, PASSWORD, "letters, digits"),
    ];
    for (name, password, repeated, why) in wrong {
        let answer = claim(name, password, repeated);
        assert_eq!(answer.status, 400);
        assert!(answer.text().contains(why), "{why}: {}", answer.text());
    }
    // Of two at once one wins.
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let claims = ["jo", "eve"].map(|name| scope.spawn(move || claim(name, PASSWORD, PASSWORD)));
        claims.into_iter().map(|claim| claim.join().unwrap()).collect()
    });
    let won: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 303).collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    let owner = Visitor::of(&server, won[0]);
    assert_eq!(won[0].header("location"), "/");
    assert!(owner.get(&server, "/?site=a.example").text().contains("/of-a"));
    assert_eq!(server.get(&link).status, 404);
    assert_eq!(claim("eve", PASSWORD, PASSWORD).status, 404);
    assert!(!run(&server, &["setup-link"], "").0);
    assert_eq!(server.get("/").header("location"), "/sign-in");
    server.terminate();
    server.restart();
    assert!(!server.told().contains("/claim/"));
    assert_eq!(owner.get(&server, "/").status, 200, "a session outlives a restart");
}

#[test]
fn signing_in_begins_a_new_session_and_signing_out_ends_it() {
    let (server, jo) = claimed(CONFIG);
    fill(&server);
    let asked = server.get("/top?site=a.example&show=count");
    assert_eq!(asked.status, 303);
    let way_in = asked.header("location").to_owned();
    let page = server.get(&way_in).text();
    assert!(page.contains("value=\"/top?site=a.example&#38;show=count\""), "{page}");
    let fields = "name=JO&password=harbour+violet+anvil&next=/top?site=a.example";
    let answer = Visitor::default().send(&server, "/sign-in", &[HERE], fields);
    assert_eq!((answer.status, answer.header("location")), (303, "/top?site=a.example"));
    let cookie = answer.all("set-cookie")[0].to_owned();
    assert!(cookie.starts_with("tb_session="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Max-Age=1209600; HttpOnly; SameSite=Lax"), "{cookie}");
    let again = Visitor::of(&server, &answer);
    assert!(again.cookie != jo.cookie && again.form_token != jo.form_token);
    // Whoever is led away is led nowhere but here.
    for next in ["//evil.example", "https://evil.example", "/\\evil.example", "/a%0d%0ab"] {
        let fields = format!("name=jo&password=harbour+violet+anvil&next={next}");
        let answer = Visitor::default().send(&server, "/sign-in", &[HERE], &fields);
        assert_eq!(answer.header("location"), "/", "{next}");
    }
    let gone = again.post(&server, "/sign-out", "");
    assert_eq!((gone.status, gone.header("location")), (303, "/sign-in"));
    assert!(gone.header("set-cookie").contains("tb_session=; Path=/; Max-Age=0"), "{gone:?}");
    assert_eq!(again.get(&server, "/").status, 303);
    assert_eq!(jo.get(&server, "/").status, 200);
    assert_eq!(jo.post(&server, "/sign-out", "session=all").status, 303);
    assert_eq!(jo.get(&server, "/").status, 303);
    // The file has nothing that would let anybody in.
    let answer = sign_in(&server, "jo", PASSWORD);
    let tokens =
        answer.all("set-cookie").into_iter().map(|line| line.split(['=', ';']).nth(1).unwrap());
    let tokens: Vec<&str> = tokens.collect();
    assert_eq!(tokens.len(), 2);
    for ending in ["", "-wal"] {
        let path = format!("{}{ending}", server.database().display());
        let bytes = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        assert!(!bytes.contains(PASSWORD) && tokens.iter().all(|token| !bytes.contains(token)));
    }
}

#[test]
fn by_https_cookies_have_the_prefix_that_browsers_hold() {
    let config = format!("[server]\nbase_url = \"https://stats.example\"\n{CONFIG}");
    let server = Server::start_closed(&config);
    done(&server, &["user", "add", "jo"], &format!("{PASSWORD}\n"));
    let fields = "name=jo&password=harbour+violet+anvil";
    let from_here = [("Origin", "https://stats.example")];
    let answer = Visitor::default().send(&server, "/sign-in", &from_here, fields);
    for (name, cookie) in
        ["__Host-tb_session=", "__Host-tb_device="].iter().zip(answer.all("set-cookie"))
    {
        assert!(cookie.starts_with(name), "{cookie}");
        assert!(
            cookie.contains("; Path=/; ") && cookie.ends_with("; SameSite=Lax; Secure"),
            "{cookie}"
        );
    }
}

#[test]
fn an_unknown_name_and_a_wrong_password_look_the_same_and_are_soon_refused() {
    let (server, jo) = claimed(CONFIG);
    let answers = ["jo", "nobody"].map(|name| sign_in(&server, name, "wrong wrong wrong"));
    let pages = answers.map(|answer| {
        assert_eq!(answer.status, 403);
        answer.text()
    });
    assert_eq!(pages[0], pages[1].replace("nobody", "jo"));
    for _ in 0..4 {
        assert_eq!(sign_in(&server, "jo", "wrong wrong wrong").status, 403);
    }
    let refused = sign_in(&server, "jo", PASSWORD);
    assert_eq!(refused.status, 429);
    assert!(refused.text().contains("Try again in 15 minutes"), "{}", refused.text());
    // Who guesses keeps nobody out who has signed in from this browser before.
    let device = jo.cookie.split("; ").find(|cookie| cookie.starts_with("tb_device=")).unwrap();
    let known = Visitor { cookie: device.to_owned(), ..Visitor::default() };
    let fields = "name=jo&password=harbour+violet+anvil";
    let answer = known.send(&server, "/sign-in", &[HERE], fields);
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert_eq!(jo.get(&server, "/").status, 200);
    let log = server.said();
    assert!(!log.contains("wrong wrong") && !log.contains("127.0.0.1"), "{log}");
}

/// Who asks, from the least to the most, by the heads of the columns of the table.
fn visitors(server: &Server, owner: &Visitor) -> Vec<Visitor> {
    for (name, site) in [("otto", "b.example"), ("vera", "a.example")] {
        let words = ["user", "add", name, "--role", "viewer", "--site", site];
        done(server, &words, &format!("{PASSWORD}\n"));
    }
    let viewer = |name| Visitor::of(server, &sign_in(server, name, PASSWORD));
    let program = |words: &[&str]| Visitor::program(server, words);
    vec![
        Visitor::default(),
        program(&["--scope", "ingest"]),
        viewer("otto"),
        viewer("vera"),
        program(&["--scope", "read", "--site", "a.example"]),
        program(&["--scope", "read"]),
        program(&["--scope", "admin"]),
        owner.clone(),
    ]
}

/// A path of the router with something in place of its words, and about the site a.example.
fn filled(path: &str, share: &str) -> String {
    let path = match path.strip_prefix("/share/{token}") {
        Some(rest) => format!("{share}{rest}"),
        None => path.to_owned(),
    };
    let values = [
        ("{site}", "a.example"),
        ("/badge/{name}", "/badge/a.example.svg"),
        ("{slug}", "overview"),
        ("{*rest}", "top"),
        ("{name}", "none"),
        ("{token}", "none"),
        ("{project_id}", "1"),
        ("{project}", "1"),
    ];
    let path = values.iter().fold(path, |path, (word, value)| path.replace(word, value));
    assert!(!path.contains('{'), "{path}");
    let identifier = if path == "/page" { "&identifier=/of-a" } else { "" };
    format!("{path}?site=a.example{identifier}")
}

fn is_ingest(path: &str) -> bool {
    path.starts_with("/beacon") || PRODUCTS.iter().any(|product| product.doors.contains(&path))
}

#[test]
fn who_may_go_through_which_door_is_as_the_table_says() {
    let (server, owner) = claimed(CONFIG);
    fill(&server);
    let said = done(&server, &["share", "create", "--site", "a.example"], "");
    let share = format!("/share/{}", said.rsplit("/share/").next().unwrap().trim_end_matches('/'));
    let visitors = visitors(&server, &owner);
    let mut paths = web::paths();
    paths.retain(|path| !is_ingest(path));
    paths.sort();
    let mut table = String::new();
    for path in paths {
        let asked = filled(&path, &share);
        let statuses = |method: &str| {
            let status = |visitor: &Visitor| match method {
                "GET" if path == "/live/events" => stream_status(&server, visitor, &asked),
                "GET" => visitor.get(&server, &asked).status,
                "POST" if path == "/storage/backup" => backup_status(&server, visitor),
                // A session that is not there: nobody is signed out by this.
                _ => visitor.post(&server, &asked, "session=999999").status,
            };
            visitors.iter().map(|visitor| format!(" {}", status(visitor))).collect::<String>()
        };
        table.push_str(&format!("{path:<26} GET {}  POST {}\n", statuses("GET"), statuses("POST")));
    }
    let expected = include_str!("access.txt");
    let expected: Vec<&str> = expected.lines().filter(|line| line.starts_with('/')).collect();
    assert_eq!(table.lines().collect::<Vec<_>>(), expected, "the table is now:\n{table}");
}

/// One backup is made at a time: that of the visitor before is waited for.
fn backup_status(server: &Server, visitor: &Visitor) -> u16 {
    let mut status = 503;
    crate::support::wait_until("the backup before", || {
        status = visitor.post(server, "/storage/backup", "").status;
        status != 503
    });
    status
}

/// A stream has no end to wait for: its head tells.
fn stream_status(server: &Server, visitor: &Visitor, path: &str) -> u16 {
    use std::io::{BufRead as _, BufReader};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    let request = crate::support::http::request("GET", path, &visitor.headers(), b"");
    stream.write_all(&request).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_viewer_meets_no_trace_of_another_site() {
    let (server, owner) = claimed(CONFIG);
    fill(&server);
    assert_eq!(
        server.post(r#"{"event_type":"page_view","site":"undeclared.example"}"#).status,
        400
    );
    let visitors = visitors(&server, &owner);
    for viewer in [&visitors[2], &visitors[3]] {
        let other = if viewer.get(&server, "/").text().contains("a.example") { "b" } else { "a" };
        for path in [
            "/",
            "/top",
            "/sites",
            "/live",
            "/events",
            "/events.csv",
            "/month",
            "/filtered",
            "/api/v1/reports/overview",
            "/api/v1/reports",
            "/api/v1/privacy",
            "/account",
            "/errors",
        ] {
            let answer = viewer.get(&server, path);
            assert_eq!(answer.status, 200, "{path}");
            let page = answer.text();
            for trace in
                [format!("{other}.example"), format!("of-{other}"), "undeclared".to_owned()]
            {
                assert!(!page.contains(&trace), "{path} tells of {trace}: {page}");
            }
            assert!(!page.contains("/storage") && !page.contains("Note it"), "{path}: {page}");
        }
        // What may not be seen is told in the words of what is not there.
        let of = |site: &str| {
            let told = viewer.get(&server, &format!("/top?site={site}"));
            (told.status, told.text().replace(site, "…"))
        };
        assert_eq!(of(&format!("{other}.example")), of("nowhere.example"));
        let storage = viewer.get(&server, "/storage");
        assert_eq!((storage.status, storage.text()), (404, viewer.get(&server, "/nowhere").text()));
    }
    // A viewer whose sites are gone sees nothing, and nothing breaks.
    let config = fs::read_to_string(server.folder.path().join("beacons.toml")).unwrap();
    let without = config.replace("domain = \"b.example\"", "domain = \"c.example\"");
    fs::write(server.folder.path().join("beacons.toml"), without).unwrap();
    server.signal("HUP");
    crate::support::wait_until("the reload", || visitors[2].get(&server, "/").status == 404);
    assert_eq!(visitors[2].get(&server, "/account").status, 200);
}

#[test]
fn no_form_is_taken_that_another_site_may_have_sent() {
    let (server, owner) = claimed(CONFIG);
    fill(&server);
    let said =
        done(&server, &["share", "create", "--site", "a.example", "--password"], "let me see\n");
    let share = format!("/share/{}", said.rsplit("/share/").next().unwrap().trim_end_matches('/'));
    let foreign: [&[(&str, &str)]; 6] = [
        &[],
        &[("Origin", "https://evil.example")],
        &[("Origin", "null")],
        &[("Origin", "http://localhost.evil.example")],
        &[HERE, ("Sec-Fetch-Site", "cross-site")],
        &[HERE, ("Sec-Fetch-Site", "same-site")],
    ];
    let mut taken = Vec::new();
    let before = digest(&server);
    for path in web::paths().iter().filter(|path| !is_ingest(path)) {
        let asked = filled(path, &share);
        let right = format!("csrf={}&session=999999", owner.form_token);
        let good = owner.send(&server, &asked, &[HERE], &right).status;
        let statuses = |headers: &[(&str, &str)], body: &str| {
            let status = owner.send(&server, &asked, headers, body).status;
            assert!(
                status == 403 || (status == 405 && good == 405),
                "{path} {headers:?}: {status}"
            );
        };
        for headers in foreign {
            statuses(headers, &right);
        }
        if good == 405 {
            continue;
        }
        taken.push(path.clone());
        if ["/sign-in", "/claim/{token}", "/share/{token}/unlock"].contains(&path.as_str()) {
            continue;
        }
        for body in ["session=999999", "csrf=&session=999999", "csrf=0000&session=999999"] {
            statuses(&[HERE], body);
        }
    }
    taken.sort();
    let expected = [
        "/account/password",
        "/account/people",
        "/account/tokens",
        "/api/v1/annotations",
        "/claim/{token}",
        "/errors",
        "/share/{token}/unlock",
        "/sign-in",
        "/sign-out",
        "/storage/backup",
    ];
    assert_eq!(taken, expected);
    assert_eq!(digest(&server), before, "a form that asks for nothing has changed something");
    // With all that it takes, the same forms do what they are for.
    let note = owner.post(&server, "/api/v1/annotations", "text=Hello&site=a.example");
    assert_eq!(note.status, 303, "{}", note.text());
    assert_ne!(digest(&server), before);
}

#[test]
fn to_look_changes_nothing() {
    let (server, owner) = claimed(CONFIG);
    fill(&server);
    let said = done(&server, &["share", "create", "--site", "a.example"], "");
    let share = format!("/share/{}", said.rsplit("/share/").next().unwrap().trim_end_matches('/'));
    // Everything is counted, and what is noted of a use is noted.
    assert_eq!(owner.get(&server, "/").status, 200);
    let before = digest(&server);
    for path in web::paths().iter().filter(|path| !is_ingest(path) && *path != "/live/events") {
        owner.get(&server, &filled(path, &share));
    }
    assert_eq!(digest(&server), before);
}

/// Every row of every table, but for those that the server itself writes now and then.
fn digest(server: &Server) -> Vec<String> {
    let file: Connection = server.file_as_it_is();
    let mut tables = file
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('uptime', 'file_size')")
        .unwrap();
    let tables = tables.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let mut rows = Vec::new();
    for table in tables.map(Result::unwrap) {
        let mut statement = file.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
        let columns = statement.column_count();
        let found = statement.query_map([], |row| {
            let values = (0..columns).map(|at| row.get::<_, Value>(at).unwrap());
            Ok(format!("{table} {:?}", values.collect::<Vec<_>>()))
        });
        rows.extend(found.unwrap().map(Result::unwrap));
    }
    rows
}

#[test]
fn people_and_tokens_are_managed_beside_a_server_and_without_one() {
    let (mut server, jo) = claimed(CONFIG);
    fill(&server);
    let words = ["user", "add", "vera", "--role", "viewer", "--site", "a.example"];
    done(&server, &words, &format!("{PASSWORD}\n"));
    let vera = Visitor::of(&server, &sign_in(&server, "vera", PASSWORD));
    assert_eq!(vera.get(&server, "/?site=a.example").status, 200);
    // Another role or password ends what was begun under the old one.
    done(&server, &["user", "role", "vera", "--role", "viewer", "--site", "b.example"], "");
    assert_eq!(vera.get(&server, "/").status, 303);
    let vera = Visitor::of(&server, &sign_in(&server, "vera", PASSWORD));
    done(&server, &["user", "password", "vera"], "saddle orchid winter\n");
    assert_eq!(vera.get(&server, "/").status, 303);
    assert_eq!(sign_in(&server, "vera", PASSWORD).status, 403);
    let vera = Visitor::of(&server, &sign_in(&server, "vera", "saddle orchid winter"));
    done(&server, &["user", "sign-out", "vera"], "");
    assert_eq!(vera.get(&server, "/").status, 303);
    let list = done(&server, &["user", "list"], "");
    assert!(list.contains("jo\towner") && list.contains("vera\tviewer of b.example"), "{list}");
    for (words, input, why) in [
        (&["user", "remove", "jo"][..], "", "the only owner"),
        (&["user", "role", "jo", "--role", "viewer", "--site", "a.example"], "", "the only owner"),
        (&["user", "add", "JO"], PASSWORD, "called jo already"),
        (&["user", "add", "eve", "--role", "viewer"], PASSWORD, "name one at least"),
        (
            &["user", "add", "eve", "--role", "viewer", "--site", "x.example"],
            PASSWORD,
            "no site x.example",
        ),
        (&["user", "remove", "eve"], "", "nobody is called eve"),
        (
            &["token", "create", "--scope", "admin", "--site", "a.example"],
            "",
            "only a token that reads",
        ),
        (&["token", "revoke", "77"], "", "no token 77"),
    ] {
        let (done, said) = run(&server, words, input);
        assert!(!done && said.contains(why), "{words:?}: {said}");
    }
    let reader = Visitor::program(&server, &["--scope", "read", "--label", "wall"]);
    assert_eq!(reader.get(&server, "/api/v1/reports/overview").status, 200);
    crate::support::wait_until("the last use", || {
        done(&server, &["token", "list"], "").contains("\tused 2")
    });
    let admin = Visitor::program(&server, &["--scope", "admin"]);
    let kind = [("Content-Type", "application/json"), ("Authorization", admin.bearer.as_str())];
    let mut client = server.client();
    let note = client.send("POST", "/api/v1/annotations", &kind, br#"{"text":"by a program"}"#);
    assert_eq!(note.unwrap().status, 201);
    done(&server, &["token", "revoke", "1"], "");
    assert_eq!(reader.get(&server, "/api/v1/reports/overview").status, 401);
    assert!(server.terminate().success());
    done(&server, &["user", "remove", "vera"], "");
    server.restart();
    assert_eq!(sign_in(&server, "vera", "saddle orchid winter").status, 403);
    assert_eq!(jo.get(&server, "/").status, 200);
}

#[test]
fn an_account_is_changed_on_its_own_page() {
    let (server, jo) = claimed(CONFIG);
    let other = Visitor::of(&server, &sign_in(&server, "jo", PASSWORD));
    let change = |old: &str, new: &str| {
        let fields = format!("old={old}&new={new}&repeated={new}").replace(' ', "+");
        jo.post(&server, "/account/password", &fields)
    };
    assert_eq!(change("wrong wrong wrong", "saddle orchid winter").status, 403);
    assert_eq!(change(PASSWORD, "password12345").status, 400);
    let changed = change(PASSWORD, "saddle orchid winter");
    assert_eq!((changed.status, changed.header("location")), (303, "/account"));
    assert_eq!(jo.get(&server, "/").status, 303, "the token is another one");
    assert_eq!(other.get(&server, "/").status, 303);
    let jo = Visitor::of(&server, &changed);
    let made = jo.post(&server, "/account/tokens", "scope=read&label=wall&site=").text();
    let (_, rest) = made.split_once("<code>tb_").unwrap_or_else(|| panic!("{made}"));
    let bearer = format!("Bearer tb_{}", rest.split('<').next().unwrap());
    let program = Visitor { bearer, ..Visitor::default() };
    assert_eq!(program.get(&server, "/api/v1/reports/overview").status, 200);
    assert!(!jo.get(&server, "/account").text().contains("tb_0"));
    assert_eq!(jo.post(&server, "/account/tokens", "revoke=1").status, 200);
    assert_eq!(program.get(&server, "/api/v1/reports/overview").status, 401);
    let fields = "do=add&name=vera&password=harbour+violet+anvil&role=viewer&site=b.example";
    let added = jo.post(&server, "/account/people", fields).text();
    assert!(added.contains("vera may look now, as viewer of b.example"), "{added}");
    let vera = Visitor::of(&server, &sign_in(&server, "vera", PASSWORD));
    let page = vera.get(&server, "/account").text();
    assert!(!page.contains("jo") && !page.contains("a.example"), "{page}");
    assert_eq!(vera.post(&server, "/account/people", "do=remove&name=jo").status, 404);
    assert_eq!(jo.post(&server, "/account/people", "do=remove&name=vera").status, 200);
    assert_eq!(vera.get(&server, "/").status, 303);
    // One session among several.
    let other = Visitor::of(&server, &sign_in(&server, "jo", "saddle orchid winter"));
    let page = jo.get(&server, "/account").text();
    let ids =
        page.split("name=\"session\" value=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let newest = ids.filter_map(|id| id.parse::<i64>().ok()).max().unwrap();
    let ended = jo.post(&server, "/sign-out", &format!("session={newest}"));
    assert_eq!(ended.header("location"), "/account");
    assert_eq!((other.get(&server, "/").status, jo.get(&server, "/").status), (303, 200));
}

#[test]
fn a_program_with_a_token_may_speak_for_visitors() {
    let config = format!("{CONFIG}[server]\ntrusted_proxies = []\n");
    let (server, _) = claimed(&config);
    let hit = |bearer: &str| {
        let body = br#"{"no_sessions":false,"hits":[{"path":"/told","host":"a.example","ip":"203.0.113.9","user_agent":"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}]}"#;
        // As somebody from elsewhere: what comes from this machine itself is believed.
        let headers = [
            ("Authorization", bearer),
            ("Content-Type", "application/json"),
            ("Via", "1.1 elsewhere"),
        ];
        server.client().send("POST", "/api/v0/count", &headers, body).unwrap().status
    };
    let ingest = Visitor::program(&server, &["--scope", "ingest"]);
    let read = Visitor::program(&server, &["--scope", "read"]);
    assert_eq!(hit(&ingest.bearer), 202);
    assert!(hit(&read.bearer) != 202 && hit("Bearer tb_guessed") != 202);
}

#[test]
fn with_a_base_url_no_page_is_shown_under_another_name() {
    let config = format!("[server]\nbase_url = \"https://stats.example/x\"\n{CONFIG}");
    let server = Server::start(&config);
    let ask = |method: &str, host: &str, path: &str| {
        let mut client = server.client();
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n");
        client.write(request.as_bytes()).unwrap();
        client.answer().unwrap()
    };
    for host in ["stats.example", "Stats.Example:81", "localhost:8080", "127.0.0.1", "[::1]:80"] {
        assert_eq!(ask("GET", host, "/x/").status, 200, "{host}");
    }
    for host in
        ["evil.example", "stats.example.evil.example", "evil.example:443", "10.0.0.1", "a b"]
    {
        for path in ["/x/", "/", "/x/api/v1/reports", "/x/public/a.example/", "/x/sign-in"] {
            let answer = ask("GET", host, path);
            assert!([400, 421].contains(&answer.status), "{host} {path}: {}", answer.status);
            assert!(!answer.text().contains(host), "{}", answer.text());
        }
    }
    // Pages of sites send beacons wherever they have been told to.
    assert_eq!(ask("GET", "other.example", "/x/tb.js").status, 200);
    assert_eq!(ask("GET", "other.example", "/x/health").status, 200);
}

#[test]
fn what_a_form_has_taken_back_is_closed_also_for_who_hung_up() {
    let (server, jo) = claimed(CONFIG);
    let programs: Vec<Visitor> =
        (0..12).map(|_| Visitor::program(&server, &["--scope", "read"])).collect();
    for (number, pause) in (1..=programs.len()).zip([700, 1_500, 2_500, 4_000].into_iter().cycle())
    {
        let body = format!("csrf={}&revoke={number}", jo.form_token);
        let kind = ("Content-Type", "application/x-www-form-urlencoded");
        let headers = [&jo.headers()[..], &[HERE, kind]].concat();
        let mut client = server.client();
        client
            .write(&crate::support::http::request(
                "POST",
                "/account/tokens",
                &headers,
                body.as_bytes(),
            ))
            .unwrap();
        // The moment is the point: there is nothing to wait for.
        std::thread::sleep(std::time::Duration::from_micros(pause));
    }
    // Whatever the file has taken back opens nothing any more, and without another form's help.
    crate::support::wait_until("tokens to be taken back", || {
        let left = done(&server, &["token", "list"], "");
        let is_left =
            |number: usize| left.lines().any(|line| line.starts_with(&format!("{number}\t")));
        let opens =
            |program: &Visitor| program.get(&server, "/api/v1/reports/overview").status == 200;
        let left = programs.iter().zip(1..).filter(|(_, number)| is_left(*number)).count();
        left < programs.len() && programs.iter().filter(|program| opens(program)).count() == left
    });
}

#[test]
fn a_backup_lets_nobody_in_without_the_password() {
    let (mut server, jo) = claimed(CONFIG);
    done(&server, &["backup", "copy.db"], "");
    let copy = Connection::open(server.folder.path().join("copy.db")).unwrap();
    let count = |table: &str| {
        let sql = format!("SELECT count(*) FROM {table}");
        copy.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!([count("session"), count("device"), count("account")], [0, 0, 1]);
    drop(copy);
    let copy = fs::read(server.folder.path().join("copy.db")).unwrap();
    assert!(!String::from_utf8_lossy(&copy).contains(PASSWORD));
    assert!(server.terminate().success());
    done(&server, &["restore", "copy.db"], "");
    server.restart();
    assert_eq!(jo.get(&server, "/").status, 303);
    assert_eq!(sign_in(&server, "jo", PASSWORD).status, 303);
    let inspected = done(&server, &["inspect"], "");
    assert!(
        inspected.contains("people who may look") && !inspected.contains("argon2"),
        "{inspected}"
    );
}
