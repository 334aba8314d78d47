//! The dashboard in a real browser: what it does by hover, touch, click and key, what is left of that
//! without JavaScript and on a small phone, and whether everyone can read it.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use fantoccini::{Locator, elements::Element, key::Key};
use serde_json::{Value, json};

use crate::{
    chromium::Browser,
    support::{BINARY, Server, wait_until},
};

const CONFIG: &str = "[[site]]\ndomain = \"a.example\"\npublic = true\n\
    embed_origins = [\"https://a.example\"]\n[[site]]\ndomain = \"b.example\"\n\
    [event.signup]\nidentifier = \"none\"\n[goal.signed-up]\nevent = \"signup\"\n";

/// Every page with something on it.
const PAGES: [&str; 26] = [
    "/sites",
    "/",
    "/?site=a.example",
    "/?site=b.example",
    "/?site=a.example&card=map&period=today",
    "/?period=12mo&compare=none",
    "/?period=28d&granularity=week",
    "/?filter=identifier:is:/docs",
    "/top",
    "/page?identifier=/docs",
    "/source?identifier=news.example",
    "/month",
    "/year",
    "/events",
    "/errors",
    "/speed",
    "/goals",
    "/alerts",
    "/filtered",
    "/storage",
    "/live",
    "/event?event_type=signup",
    "/public/a.example/",
    "/public/a.example/top",
    "/embed/a.example",
    "/doctor",
];

/// A link to a site that asks for a password.
fn locked(server: &Server) -> String {
    let mut child = Command::new(BINARY)
        .args(["share", "create", "--site", "a.example", "--password", "--config", "beacons.toml"])
        .current_dir(server.folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"correct horse battery\n").unwrap();
    let said = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    let (_, token) = said.split_once("/share/").unwrap_or_else(|| panic!("{said}"));
    format!("/share/{}", token.trim())
}

fn visited() -> Server {
    let server = Server::start(CONFIG);
    let send = |event_type: &str, identifier: Value, page: &str| {
        let beacon = json!({ "event_type": event_type, "identifier": identifier,
            "site": "a.example", "meta": { "url": format!("https://a.example{page}"),
            "ref": "https://news.example/", "title": "A page", "tz": "Europe/Berlin" } });
        assert_eq!(server.post(beacon.to_string()).status, 204, "{beacon}");
    };
    for page in ["/", "/docs", "/docs/home", "/", "/prices"] {
        send("page_view", json!(page), page);
    }
    send("signup", Value::Null, "/prices");
    send("error", json!("TypeError: e is null"), "/docs");
    let said = br#"{"text":"A <new> shop"}"#;
    let mut client = server.client();
    let json_type = [("content-type", "application/json")];
    assert_eq!(client.send("POST", "/api/v1/annotations", &json_type, said).unwrap().status, 201);
    server
}

fn url(server: &Server, path: &str) -> String {
    format!("http://127.0.0.1:{}{path}", server.port)
}

pub(crate) async fn find(browser: &Browser, css: &str) -> Element {
    browser.page.find(Locator::Css(css)).await.unwrap_or_else(|error| panic!("{css}: {error}"))
}

pub(crate) async fn text(browser: &Browser, css: &str) -> String {
    find(browser, css).await.text().await.unwrap()
}

/// Waits until the address holds `part`.
pub(crate) async fn arrive(browser: &Browser, part: &str) {
    let mut at = String::new();
    for _ in 0..200 {
        at = browser.page.current_url().await.unwrap().to_string();
        if at.contains(part) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("{at} is not {part}");
}

async fn press(browser: &Browser, keys: &str) {
    find(browser, "body").await.send_keys(keys).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn dates_comparison_points_and_figures_are_chosen_by_click_and_key() {
    let server = visited();
    let browser = Browser::start().await;
    browser.page.goto(&url(&server, "/?site=a.example")).await.unwrap();
    // The first day of a site shows today, by the hour.
    assert_eq!(text(&browser, ".picker summary").await, "Change dates:\nToday");
    for (key, part) in [
        ("e", "period=yesterday"),
        ("h", "period=2d"),
        ("w", "period=7d"),
        ("f", "period=28d"),
        ("t", "period=30d"),
        ("n", "period=91d"),
        ("m", "period=month"),
        ("p", "period=last_month"),
        ("y", "period=year"),
        ("s", "period=6mo"),
        ("l", "period=12mo"),
        ("a", "period=all"),
        ("d", "period=today"),
    ] {
        press(&browser, key).await;
        arrive(&browser, part).await;
    }
    press(&browser, "f").await;
    arrive(&browser, "period=28d").await;
    press(&browser, "i").await;
    arrive(&browser, "granularity=week").await;
    press(&browser, "x").await;
    arrive(&browser, "compare=none").await;
    press(&browser, "2").await;
    arrive(&browser, "site=b.example").await;
    press(&browser, "3").await;
    browser.page.wait().for_element(Locator::Css("table.sites")).await.unwrap();
    assert!(text(&browser, ".sites").await.contains("a.example"));
    // By the mouse: another figure drives the chart, a range is picked, a day is zoomed into.
    browser.page.goto(&url(&server, "/?site=a.example&period=month")).await.unwrap();
    find(&browser, ".strip > div:nth-child(5) a").await.click().await.unwrap();
    arrive(&browser, "show=bounce_rate").await;
    assert!(text(&browser, ".chart figcaption").await.starts_with("Bounce rate"));
    find(&browser, ".picker summary").await.click().await.unwrap();
    let form = ".picker form";
    let set = "for (const [name, value] of [['from', '2026-01-05'], ['to', '2026-01-11']])
        document.querySelector(`.picker input[name=${name}]`).value = value";
    browser.page.execute(set, vec![]).await.unwrap();
    find(&browser, &format!("{form} button")).await.click().await.unwrap();
    arrive(&browser, "from=2026-01-05&to=2026-01-11").await;
    assert_eq!(text(&browser, "h1").await, "5 – 11 January 2026");
    find(&browser, ".bucket:nth-of-type(3) .hit").await.click().await.unwrap();
    arrive(&browser, "from=2026-01-07&to=2026-01-07").await;
    assert_eq!(text(&browser, "h1").await, "Wed 7 January 2026");
    browser.check_silence().await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chart_tells_what_is_pointed_at_and_what_the_keys_walk_to() {
    let server = visited();
    let browser = Browser::start().await;
    browser.page.goto(&url(&server, "/?site=a.example&period=today")).await.unwrap();
    let point = "const bucket = [...document.querySelectorAll('.bucket')].at(-1);
        bucket.querySelector('.hit').dispatchEvent(new PointerEvent('pointermove',
            {bubbles: true, pointerType: arguments[0]}))";
    browser.page.execute(point, vec![json!("mouse")]).await.unwrap();
    let tip = text(&browser, ".tip").await;
    assert!(tip.contains("1 visitor so far") && tip.contains("A <new> shop"), "{tip}");
    find(&browser, ".plot").await.send_keys(&Key::Home.to_string()).await.unwrap();
    assert!(text(&browser, ".tip").await.contains(", 0:00"), "the first hour");
    find(&browser, ".plot").await.send_keys(&Key::Right.to_string()).await.unwrap();
    let second = text(&browser, ".tip").await;
    assert!(second.contains(", 1:00") || second.contains(", 0:00"), "{second}");
    // A first touch tells, a second one leads into the day.
    browser.page.goto(&url(&server, "/?site=a.example&period=month")).await.unwrap();
    let touch = "const hit = document.querySelector('.bucket .hit');
        hit.dispatchEvent(new PointerEvent('pointerdown', {bubbles: true, pointerType: 'touch'}));
        hit.dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true}));
        return document.querySelector('.tip').hidden";
    assert_eq!(browser.page.execute(touch, vec![]).await.unwrap(), json!(false));
    assert!(browser.page.current_url().await.unwrap().as_str().ends_with("period=month"));
    browser.page.execute(touch, vec![]).await.unwrap();
    arrive(&browser, "from=").await;
    browser.page.goto(&url(&server, "/?site=a.example&period=today")).await.unwrap();
    // The same as a table, and what happened as a list.
    find(&browser, ".legend .folded summary").await.click().await.unwrap();
    assert!(text(&browser, ".legend table").await.contains("so far"));
    find(&browser, ".notes summary").await.click().await.unwrap();
    assert!(text(&browser, ".notes").await.contains("A <new> shop"));
    find(&browser, ".notes input[name=text]").await.send_keys("By hand").await.unwrap();
    find(&browser, ".notes form.controls button").await.click().await.unwrap();
    wait_until("what was said", || {
        let found = server.json("/api/v1/annotations?site=a.example");
        found["annotations"].as_array().is_some_and(|found| found.len() == 2)
    });
    browser.check_silence().await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_theme_is_kept_without_a_cookie() {
    let server = visited();
    let browser = Browser::start_with(&["--blink-settings=preferredColorScheme=1"]).await;
    browser.page.goto(&url(&server, "/?site=a.example")).await.unwrap();
    let ground = "return getComputedStyle(document.documentElement).backgroundColor";
    let light = browser.page.execute(ground, vec![]).await.unwrap();
    find(&browser, ".foot button").await.click().await.unwrap();
    let dark = browser.page.execute(ground, vec![]).await.unwrap();
    assert_ne!(light, dark);
    browser.page.goto(&url(&server, "/month")).await.unwrap();
    assert_eq!(browser.page.execute(ground, vec![]).await.unwrap(), dark);
    let cookie = browser.page.execute("return document.cookie", vec![]).await.unwrap();
    assert_eq!(cookie, "");
    browser.check_silence().await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_javascript_only_hover_live_and_keys_are_lost() {
    let server = visited();
    let prefs = json!({ "profile.managed_default_content_settings.javascript": 2 });
    let browser = Browser::start_set(&[], &json!({ "prefs": prefs })).await;
    browser.page.goto(&url(&server, "/?site=a.example&period=28d")).await.unwrap();
    assert!(browser.page.find(Locator::Css(".foot button")).await.is_err(), "scripts run");
    find(&browser, ".picker summary").await.click().await.unwrap();
    browser.page.find(Locator::LinkText("Last 7 days")).await.unwrap().click().await.unwrap();
    arrive(&browser, "period=7d").await;
    find(&browser, "details[data-key=x] summary").await.click().await.unwrap();
    browser.page.find(Locator::LinkText("Nothing")).await.unwrap().click().await.unwrap();
    arrive(&browser, "compare=none").await;
    find(&browser, ".legend .folded summary").await.click().await.unwrap();
    find(&browser, ".legend table tbody a").await.click().await.unwrap();
    arrive(&browser, "from=").await;
    find(&browser, "a[rel=next]").await.click().await.unwrap();
    arrive(&browser, "/").await;
    browser.page.goto(&url(&server, "/?site=a.example&period=today")).await.unwrap();
    find(&browser, ".notes summary").await.click().await.unwrap();
    assert!(text(&browser, ".notes").await.contains("A <new> shop"));
    find(&browser, ".notes li button").await.click().await.unwrap();
    wait_until("the note to go", || {
        let found = server.json("/api/v1/annotations");
        found["annotations"].as_array().is_some_and(Vec::is_empty)
    });
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_wider_than_a_small_phone() {
    let server = visited();
    let metrics = json!({ "deviceMetrics": { "width": 320, "height": 700, "pixelRatio": 2.0 } });
    let browser = Browser::start_set(&[], &json!({ "mobileEmulation": metrics })).await;
    for page in PAGES {
        browser.page.goto(&url(&server, page)).await.unwrap();
        let width = "return document.documentElement.scrollWidth";
        let width = browser.page.execute(width, vec![]).await.unwrap();
        assert!(width.as_i64().unwrap() <= 320, "{page}: {width}");
    }
    browser.page.goto(&url(&server, "/?site=a.example")).await.unwrap();
    find(&browser, ".picker summary").await.click().await.unwrap();
    let menu =
        "const menu = document.querySelector('.picker details > div').getBoundingClientRect();
        return [menu.left, menu.right]";
    let menu = browser.page.execute(menu, vec![]).await.unwrap();
    let edges = [menu[0].as_f64().unwrap(), menu[1].as_f64().unwrap()];
    assert!(edges[0] >= 0.0 && edges[1] <= 320.0, "{edges:?}");
    browser.close().await;
}

/// The script that looks for what not everyone can read.
pub(crate) fn axe() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target/clients/node_modules/axe-core/axe.min.js");
    fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; tests/run installs it", path.display()))
}

/// What axe-core finds on the page that is open, a line each.
pub(crate) async fn violations(browser: &Browser, axe: &str) -> Vec<String> {
    browser.page.execute(axe, vec![]).await.unwrap();
    let run = "const done = arguments[arguments.length - 1];
        axe.run(document, { resultTypes: ['violations'] }).then((found) => done(
            found.violations.map((it) => `${it.id}: ${it.help}: `
                + it.nodes.map((node) => node.html.slice(0, 200)).join(' | '))))";
    let found = browser.page.execute_async(run, vec![]).await.unwrap();
    found.as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_on_any_page_light_or_dark() {
    let (axe, server) = (axe(), visited());
    let locked = locked(&server);
    let mut found = Vec::new();
    for theme in ["preferredColorScheme=1", "preferredColorScheme=0"] {
        let browser = Browser::start_with(&[&format!("--blink-settings={theme}")]).await;
        for page in PAGES.iter().chain(&["/privacy", "/setup", "/nothing", "/?from=soon", &*locked])
        {
            browser.page.goto(&url(&server, page)).await.unwrap();
            let open = "document.querySelectorAll('.folded').forEach((it) => { it.open = true })";
            browser.page.execute(open, vec![]).await.unwrap();
            let lines = violations(&browser, &axe).await;
            found.extend(lines.iter().map(|line| format!("{theme} {page}: {line}")));
        }
        browser.close().await;
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
