//! What is shown to others: one site, read only, and no way out.

use std::{io::Write as _, process::Command};

use crate::support::{BINARY, Server};

const CONFIG: &str = r#"
[[site]]
domain = "open.example"
public = true
embed_origins = ["https://blog.example", "https://shop.example"]
[[site]]
domain = "closed.example"
"#;

/// Runs a command beside the server, with this input.
fn run(server: &Server, words: &[&str], input: &str) -> (bool, String) {
    let mut child = Command::new(BINARY)
        .args(words)
        .args(["--config", "beacons.toml"])
        .current_dir(server.folder.path())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    (out.status.success(), String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned())
}

/// The path of the link that a command has told.
fn path(said: &str) -> String {
    let (_, path) = said.split_once("/share/").unwrap_or_else(|| panic!("{said}"));
    format!("/share/{}", path.trim())
}

fn fill(server: &Server) {
    for site in ["open", "closed"] {
        let body = format!(
            r#"{{"event_type":"page_view","meta":{{"url":"https://{site}.example/of-{site}"}}}}"#
        );
        assert_eq!(server.post(body).status, 204);
    }
}

/// Holds that nothing on the pages under `root` leads anywhere else, or tells of the other site.
fn check_enclosed(server: &Server, root: &str, cookie: &str, own: &str, other: &str) {
    let get = |path: &str| server.client().send("GET", path, &[("Cookie", cookie)], b"").unwrap();
    for rest in ["", "top", "month", "year", &format!("page?identifier=/of-{own}")] {
        let answer = get(&format!("{root}{rest}"));
        assert_eq!(answer.status, 200, "{root}{rest}");
        let page = answer.text();
        assert!(page.contains(&format!("of-{own}")) || rest == "month" || rest == "year", "{page}");
        assert!(!page.contains(other), "{other}: {page}");
        for attribute in ["href=\"", "action=\""] {
            for part in page.split(attribute).skip(1) {
                let target = part.split('"').next().unwrap();
                let inside = target.starts_with(root) || target.starts_with("/assets/");
                assert!(inside || target.starts_with('#'), "{root}{rest} leads to {target}");
            }
        }
    }
    for closed in ["events", "errors", "storage", "alerts", "setup", "filtered", "live", "nowhere"]
    {
        assert_eq!(get(&format!("{root}{closed}")).status, 404, "{closed}");
    }
    for closed in ["top", "month", "event"] {
        let answer = get(&format!("{root}{closed}?event_type=error"));
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
    // Naming another site changes nothing.
    let page = get(&format!("{root}?site={other}")).text();
    assert!(
        page.contains(&format!("of-{own}")) && !page.contains(&format!("of-{other}")),
        "{page}"
    );
}

#[test]
fn a_public_site_is_open_and_the_other_is_not() {
    let server = Server::start(CONFIG);
    fill(&server);
    check_enclosed(&server, "/public/open.example/", "", "open", "closed.example");
    for closed in ["/public/closed.example/", "/badge/closed.example.svg", "/embed/closed.example"]
    {
        assert_eq!(server.get(closed).status, 404, "{closed}");
    }
}

#[test]
fn a_badge_and_a_card_stand_in_other_pages() {
    let server = Server::start(CONFIG);
    fill(&server);
    let badge = server.get("/badge/open.example.svg");
    assert_eq!(badge.header("content-type"), "image/svg+xml");
    assert!(badge.text().contains(">1 / month</text>"), "{}", badge.text());
    let number = server.json("/badge/open.example.json");
    assert_eq!((number["visitors"].as_i64(), number["days"].as_i64()), (Some(1), Some(30)));
    let card = server.get("/embed/open.example");
    assert_eq!(card.status, 200);
    let policy = card.header("content-security-policy").to_owned();
    assert!(
        policy.ends_with("frame-ancestors https://blog.example https://shop.example"),
        "{policy}"
    );
    assert_eq!(card.header("x-frame-options"), "");
    assert!(!card.text().contains("href=\"/\""), "{}", card.text());
    // Nothing else may stand in a frame.
    assert!(server.get("/").header("content-security-policy").contains("frame-ancestors 'none'"));
}

#[test]
fn a_secret_link_opens_one_site_until_it_is_taken_back() {
    let server = Server::start(CONFIG);
    fill(&server);
    let (done, said) = run(&server, &["share", "create"], "");
    assert!(!done && said.contains("--site one of open.example, closed.example"), "{said}");
    let of_closed = ["share", "create", "--site", "closed.example", "--label", "for Jo"];
    let (done, said) = run(&server, &of_closed, "");
    assert!(done, "{said}");
    let root = path(&said);
    assert_eq!(root.len(), "/share//".len() + 64);
    check_enclosed(&server, &root, "", "closed", "open.example");
    // The file has no token by which somebody else could open it.
    let token = root.trim_start_matches("/share/").trim_matches('/');
    let bytes = std::fs::read(server.database()).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains(token));
    let (_, list) = run(&server, &["share", "list"], "");
    assert!(list.contains("closed.example") && list.contains("for Jo") && !list.contains(token));
    assert_eq!(server.get(&format!("/share/{}/", "0".repeat(64))).status, 404);
    assert!(run(&server, &["share", "revoke", "1"], "").0);
    assert_eq!(server.get(&root).status, 404);
    assert!(!run(&server, &["share", "revoke", "1"], "").0);
}

#[test]
fn a_link_may_ask_for_a_password_and_may_end() {
    let server = Server::start(CONFIG);
    fill(&server);
    let words = ["share", "create", "--site", "open.example", "--password"];
    let (done, said) = run(&server, &words, "short\n");
    assert!(!done && said.contains("8 to 256 bytes"), "{said}");
    let (_, said) = run(&server, &words, "correct horse\n");
    let root = path(&said);
    for rest in ["", "top"] {
        let answer = server.get(&format!("{root}{rest}"));
        assert_eq!(answer.status, 401);
        assert!(!answer.text().contains("of-open"), "{}", answer.text());
    }
    let unlock = |password: &str| {
        let form = format!("password={password}");
        server
            .client()
            .send(
                "POST",
                &format!("{root}unlock"),
                &[("Origin", "http://localhost")],
                form.as_bytes(),
            )
            .unwrap()
    };
    assert_eq!(unlock("wrong+horse").status, 403);
    let answer = unlock("correct+horse");
    assert_eq!((answer.status, answer.header("location")), (303, root.as_str()));
    let cookie = answer.header("set-cookie").to_owned();
    assert!(cookie.contains("HttpOnly; SameSite=Lax"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    check_enclosed(&server, &root, cookie, "open", "closed.example");
    // Who guesses is slowed down, and told so.
    let tried: Vec<u16> = (0..7).map(|number| unlock(&format!("guess+{number}")).status).collect();
    assert_eq!(tried[..2], [403, 403]);
    assert_eq!(tried[5..], [429, 429], "{tried:?}");
    assert!(unlock("guess").text().contains("Too many tries"));
    // One that has ended opens nothing.
    let (_, said) = run(&server, &["share", "create", "--site", "open.example", "--days", "0"], "");
    assert_eq!(server.get(&path(&said)).status, 404);
}
