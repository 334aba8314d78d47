//! From the link of the first start to the figures in a real browser, under a path of a proxy's; and whether
//! everyone can read the pages on the way.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use fantoccini::Locator;
use serde_json::json;

use crate::{
    chromium::Browser,
    dashboard::{arrive, axe, find, text, violations},
    pages::Pages,
    support::{Server, wait_until},
};

const PASSWORD: &str = "harbour violet anvil";

/// Pages that lead on and have forms.
const PAGES: [&str; 17] = [
    "/",
    "/top",
    "/page?identifier=/docs",
    "/month",
    "/year",
    "/goals",
    "/events",
    "/errors",
    "/speed",
    "/alerts",
    "/live",
    "/filtered",
    "/privacy",
    "/setup",
    "/storage",
    "/account",
    "/doctor",
];

/// A proxy that has the server under `/stats`, and nothing else.
struct Proxy {
    port: u16,
    listener: TcpListener,
}

impl Proxy {
    fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self { port: listener.local_addr().unwrap().port(), listener }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/stats{path}", self.port)
    }

    /// Passes on to `port`, with the path as it came or without `/stats`.
    fn serve(&self, port: u16, strips: bool) {
        let listener = self.listener.try_clone().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                // A browser opens connections that it never uses, and drops others.
                thread::spawn(move || drop(pass_on(stream, port, strips)));
            }
        });
    }
}

fn pass_on(mut stream: TcpStream, port: u16, strips: bool) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let lower = line.to_ascii_lowercase();
        if let Some(told) = lower.strip_prefix("content-length:") {
            length = told.trim().parse().unwrap_or(0);
        }
        if line == "\r\n" {
            break;
        }
        if !lower.starts_with("connection:") {
            head.push_str(&line);
        }
    }
    let (method, rest) = head.split_once(' ').unwrap();
    if !rest.starts_with("/stats") {
        return stream.write_all(
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        );
    }
    let inner = rest.strip_prefix("/stats").filter(|_| strips).unwrap_or(rest);
    let slash = if inner.starts_with('/') { "" } else { "/" };
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut server = TcpStream::connect(("127.0.0.1", port))?;
    server.write_all(format!("{method} {slash}{inner}Connection: close\r\n\r\n").as_bytes())?;
    server.write_all(&body)?;
    io::copy(&mut server, &mut stream)?;
    Ok(())
}

/// A server behind `proxy`, and the path of the link that it has printed.
fn mounted(proxy: &Proxy, strips: bool) -> (Server, String) {
    let config = format!("[server]\nbase_url = \"http://127.0.0.1:{}/stats\"\n", proxy.port);
    let server = Server::start_closed(&config);
    proxy.serve(server.port, strips);
    wait_until("the link", || server.told().contains("/claim/"));
    let told = server.told();
    let (_, token) = told.split_once(&proxy.url("/claim/")).unwrap_or_else(|| panic!("{told}"));
    let path = format!("/claim/{}", token.split_whitespace().next().unwrap());
    (server, path)
}

async fn fill(browser: &Browser, fields: &[(&str, &str)], button: &str) {
    for (name, value) in fields {
        find(browser, &format!("[name={name}]")).await.send_keys(value).await.unwrap();
    }
    find(browser, button).await.click().await.unwrap();
}

/// Waits until the element says `part`: what a form leads to comes when the password was looked at.
async fn says(browser: &Browser, css: &str, part: &str) -> String {
    let mut said = String::new();
    for _ in 0..400 {
        let found = browser.page.find(Locator::Css(css)).await;
        said = match found {
            Ok(element) => element.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        };
        if said.contains(part) {
            return said;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{css} says {said:?} and not {part:?}");
}

async fn claim(browser: &Browser) {
    let fields = [("name", "jo"), ("password", PASSWORD), ("repeated", PASSWORD)];
    fill(browser, &fields, "main form button").await;
    says(browser, "h1", "Waiting for the first beacon").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn under_a_path_everything_works_whether_the_proxy_takes_it_off_or_not() {
    for strips in [true, false] {
        let proxy = Proxy::bind();
        let (server, link) = mounted(&proxy, strips);
        let browser = Browser::start().await;
        browser.page.goto(&proxy.url(&link)).await.unwrap();
        claim(&browser).await;
        // The first page waits for a beacon, which comes by the very line that it shows.
        let snippet = text(&browser, "main pre").await;
        assert_eq!(snippet, format!("<script defer src=\"{}\"></script>", proxy.url("/tb.js")));
        let pages = Pages::serve(server.port, move |_| snippet.clone());
        browser.page.goto(&pages.url("/docs")).await.unwrap();
        wait_until("the beacon", || server.health("/beacons/stored") > 0);
        for path in PAGES {
            browser.page.goto(&proxy.url(path)).await.unwrap();
            let leads = "return [...document.querySelectorAll('[href], [src], [action]')].flatMap((it) =>
                ['href', 'src', 'action'].map((name) => it.getAttribute(name))).filter((it) => it !== null
                && !it.startsWith('/stats/') && !it.startsWith('#'))";
            let out = browser.page.execute(leads, vec![]).await.unwrap();
            assert_eq!(out, json!([]), "{path} leads out");
        }
        browser.page.goto(&proxy.url("/")).await.unwrap();
        says(&browser, "main", "/docs").await;
        find(&browser, ".notes summary").await.click().await.unwrap();
        fill(&browser, &[("text", "A new shop")], ".notes form button").await;
        says(&browser, ".notes summary", "What happened: 1").await;
        browser.page.goto(&proxy.url("/live")).await.unwrap();
        browser.page.goto(&proxy.url("/account")).await.unwrap();
        find(&browser, ".bar-above button").await.click().await.unwrap();
        arrive(&browser, "/stats/sign-in").await;
        browser.page.goto(&proxy.url("/top?show=count")).await.unwrap();
        arrive(&browser, "/stats/sign-in?next=/top%3Fshow%3Dcount").await;
        fill(&browser, &[("name", "jo"), ("password", PASSWORD)], "main form button").await;
        arrive(&browser, "/stats/top?show=count").await;
        let cookies = browser.page.get_all_cookies().await.unwrap();
        let own = cookies.iter().filter(|cookie| cookie.name().starts_with("tb_"));
        assert!(
            own.clone().count() == 2 && own.clone().all(|cookie| cookie.path() == Some("/stats"))
        );
        browser.check_silence().await;
        browser.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_about_who_may_look_are_for_everyone_on_any_screen() {
    let axe = axe();
    for theme in ["preferredColorScheme=1", "preferredColorScheme=0"] {
        let server =
            Server::start_closed("[[site]]\ndomain = \"a-rather-long-name-of-a-site.example\"\n");
        wait_until("the link", || server.told().contains("/claim/"));
        let told = server.told();
        let link = told.split_whitespace().find(|word| word.contains("/claim/")).unwrap();
        let url = |path: &str| format!("http://127.0.0.1:{}{path}", server.port);
        let metrics = json!({ "deviceMetrics": { "width": 320, "height": 640, "pixelRatio": 1 } });
        let options = json!({ "mobileEmulation": metrics });
        let switches = [format!("--blink-settings={theme}")];
        let switches: Vec<&str> = switches.iter().map(String::as_str).collect();
        let browser = Browser::start_set(&switches, &options).await;
        let mut found = Vec::new();
        let mut look = async |name: &str| {
            let open = "document.querySelectorAll('.folded').forEach((it) => { it.open = true });
                return document.documentElement.scrollWidth";
            let width = browser.page.execute(open, vec![]).await.unwrap();
            assert!(width.as_i64().unwrap() <= 320, "{name}: {width}");
            let lines = violations(&browser, &axe).await;
            found.extend(lines.iter().map(|line| format!("{theme} {name}: {line}")));
        };
        browser.page.goto(&url("/")).await.unwrap();
        look("closed").await;
        browser.page.goto(link).await.unwrap();
        look("claim").await;
        claim(&browser).await;
        browser.page.goto(&url("/account")).await.unwrap();
        look("account").await;
        fill(&browser, &[("label", "The screen in the hall")], "#tokens ~ details button").await;
        says(&browser, "main pre", "tb_").await;
        look("account with a token").await;
        find(&browser, ".bar-above button").await.click().await.unwrap();
        arrive(&browser, "/sign-in").await;
        look("sign-in").await;
        fill(&browser, &[("name", "jo"), ("password", "wrong wrong wrong")], "main form button")
            .await;
        says(&browser, "[role=alert]", "don’t belong together").await;
        look("sign-in again").await;
        assert!(found.is_empty(), "{}", found.join("\n"));
        browser.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_signs_in_without_javascript_too() {
    let server = Server::start_closed("");
    wait_until("the link", || server.told().contains("/claim/"));
    let told = server.told();
    let link = told.split_whitespace().find(|word| word.contains("/claim/")).unwrap();
    let browser = Browser::start_without_scripts().await;
    browser.page.goto(link).await.unwrap();
    claim(&browser).await;
    browser.page.goto(&format!("http://127.0.0.1:{}/account", server.port)).await.unwrap();
    find(&browser, ".bar-above button").await.click().await.unwrap();
    arrive(&browser, "/sign-in").await;
    fill(&browser, &[("name", "jo"), ("password", PASSWORD)], "main form button").await;
    says(&browser, "h1", "Waiting for the first beacon").await;
    browser.close().await;
}
