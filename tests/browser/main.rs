//! A real browser on real pages: what a visitor does is counted once, and the console stays silent.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a test may say what it has seen")]

mod access;
mod chromium;
mod clients;
mod dashboard;
mod errors;
mod hostile;
mod lists;
mod overview;
mod pages;
#[path = "../suite/support/mod.rs"]
#[expect(dead_code, reason = "the suite uses the rest")]
mod support;
#[cfg(feature = "tls")]
mod tls;
mod vitals;
mod week;

use std::{collections::BTreeMap, process::Command, time::Duration};

use fantoccini::Locator;

use self::{
    chromium::Browser,
    pages::Pages,
    support::{Server, wait_until},
};

/// What pages are told to put into their own code, without our script.
const INLINE: &str = "<script>navigator.sendBeacon('/beacon', new Blob([JSON.stringify({\
    event_type: 'page_view', identifier: location.pathname, meta: {ref: document.referrer || null}\
    })], {type: 'application/json'}))</script>";

/// The script tag, with further attributes.
fn tag(server: &Server, attributes: &str) -> String {
    format!(r#"<script defer src="http://127.0.0.1:{}/tb.js"{attributes}></script>"#, server.port)
}

/// How often each identifier was counted, by event type: `page_view /docs`.
fn counted(server: &Server) -> BTreeMap<String, i64> {
    let file = server.file();
    let sql = "SELECT event_type || ifnull(' ' || identifier, ''), count FROM beacon_aggregates
        WHERE granularity = 'day' AND (identifier IS NOT NULL OR event_type = 'signup')";
    let mut statement = file.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// What was counted but for engagement, which tells seconds and not how often.
fn events(server: &Server) -> BTreeMap<String, i64> {
    let mut events = counted(server);
    events.retain(|name, _| !name.starts_with("engagement"));
    events
}

/// Waits until all of `expected` is counted.
fn wait_for(server: &Server, expected: &[(&str, i64)]) {
    wait_until(&format!("{expected:?}"), || {
        let found = events(server);
        expected.iter().all(|(name, count)| found.get(*name).is_some_and(|found| found >= count))
    });
}

/// Holds what was counted in the end, once the browser is gone and nothing more can come.
fn check(server: &Server, expected: &[(&str, i64)]) {
    wait_for(server, expected);
    let expected = expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    assert_eq!(events(server), expected);
    assert_eq!(server.health("/beacons/rejected"), 0);
}

const CONFIG: &str = "[event.video]\nidentifier = \"key\"\ndimensions = [\"meta.plan\"]\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_hand_written_snippet_counts_each_page_once() {
    let server = Server::start(CONFIG);
    let pages = Pages::serve(server.port, |_| INLINE.to_owned());
    let browser = Browser::start().await;
    for path in ["/a", "/docs/home", "/a"] {
        browser.page.goto(&pages.url(path)).await.unwrap();
    }
    wait_for(&server, &[("page_view /a", 2), ("page_view /docs/home", 1)]);
    browser.check_silence().await;
    browser.leave().await;
    check(&server, &[("page_view /a", 2), ("page_view /docs/home", 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hand_written_snippet_reaches_another_site_too() {
    let server = Server::start(CONFIG);
    // JSON from another site: the browser asks for leave first.
    let there = format!("'http://127.0.0.1:{}/beacon'", server.port);
    let snippet = INLINE.replace("'/beacon'", &there);
    // A string, which needs no leave, and bytes, which have no type.
    let plain = format!(
        "<script>navigator.sendBeacon({there}, JSON.stringify({{event_type: 'page_view', identifier: '/text'}}))</script>"
    );
    let bytes = format!(
        "<script>navigator.sendBeacon({there}, new TextEncoder().encode(JSON.stringify({{event_type: 'page_view', identifier: '/bytes'}})))</script>"
    );
    let pages = Pages::serve(server.port, move |_| format!("{snippet}{plain}{bytes}"));
    let browser = Browser::start().await;
    browser.page.goto(&pages.url("/a")).await.unwrap();
    let expected = [("page_view /a", 1), ("page_view /text", 1), ("page_view /bytes", 1)];
    wait_for(&server, &expected);
    browser.check_silence().await;
    browser.leave().await;
    check(&server, &expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_script_counts_once_when_it_stands_twice_and_without_fetch() {
    let server = Server::start(CONFIG);
    let script = tag(&server, "");
    let pages = Pages::serve(server.port, move |path| match path {
        "/twice" => script.repeat(2),
        // An old browser, or one in which another script has broken it.
        _ => format!("<script>self.fetch = undefined</script>{script}"),
    });
    let browser = Browser::start().await;
    browser.page.goto(&pages.url("/twice")).await.unwrap();
    browser.page.execute("history.pushState({}, '', '/twice/on')", vec![]).await.unwrap();
    browser.page.goto(&pages.url("/old")).await.unwrap();
    let expected = [("page_view /twice", 1), ("page_view /twice/on", 1), ("page_view /old", 1)];
    wait_for(&server, &expected);
    browser.check_silence().await;
    browser.leave().await;
    check(&server, &expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_script_counts_loads_routes_and_returns_once() {
    let server = Server::start(CONFIG);
    let script = tag(&server, "");
    let pages = Pages::serve(server.port, move |_| script.clone());
    let browser = Browser::start().await;
    browser.page.goto(&pages.url("/start?utm_source=letter")).await.unwrap();
    wait_for(&server, &[("page_view /start", 1)]);
    for path in ["/one", "/two", "/three"] {
        let push = format!("history.pushState({{}}, '', '{path}')");
        browser.page.execute(&push, vec![]).await.unwrap();
        wait_for(&server, &[(&format!("page_view {path}"), 1)]);
    }
    // The same path again, with another state or another fragment, is no other page.
    browser.page.execute("history.replaceState({}, '', '/three?x=1')", vec![]).await.unwrap();
    browser.page.execute("location.hash = '#part'", vec![]).await.unwrap();
    browser.page.execute("history.go(-2)", vec![]).await.unwrap();
    wait_for(&server, &[("page_view /two", 2)]);
    // Away to another document, and back into this one as it was left.
    browser.page.execute("self.remembered = true", vec![]).await.unwrap();
    browser.page.goto(&pages.url("/other")).await.unwrap();
    wait_for(&server, &[("page_view /other", 1)]);
    browser.page.back().await.unwrap();
    wait_for(&server, &[("page_view /two", 3)]);
    let kept = browser.page.execute("return self.remembered === true", vec![]).await.unwrap();
    assert_eq!(kept, true, "the page was loaded anew instead of being kept");
    browser.check_silence().await;
    browser.leave().await;
    check(
        &server,
        &[
            ("page_view /start", 1),
            ("page_view /one", 1),
            ("page_view /two", 3),
            ("page_view /three", 1),
            ("page_view /other", 1),
        ],
    );
    let engaged = counted(&server);
    for path in ["/start", "/one", "/two", "/three", "/other"] {
        let times = engaged.get(&format!("engagement {path}")).copied().unwrap_or_default();
        let viewed = engaged[&format!("page_view {path}")];
        assert!((1..=viewed).contains(&times), "{path}: {times} times engaged, {viewed} viewed");
    }
    let month = server.json("/api/v1/reports/month");
    assert_eq!((&month["total"]["visits"], &month["total"]["visitors"]), (&1.into(), &1.into()));
    let sources = server.json("/api/v1/reports/top?dimension=utm_source");
    assert_eq!(sources["rows"][0]["name"], "letter", "{sources}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fragments_are_pages_where_they_are_routes() {
    let server = Server::start(CONFIG);
    let script = tag(&server, " data-hash");
    let pages = Pages::serve(server.port, move |_| script.clone());
    let browser = Browser::start().await;
    browser.page.goto(&pages.url("/app")).await.unwrap();
    wait_for(&server, &[("page_view /app", 1)]);
    browser.page.execute("location.hash = '#/settings'", vec![]).await.unwrap();
    wait_for(&server, &[("page_view /app#/settings", 1)]);
    browser.page.back().await.unwrap();
    wait_for(&server, &[("page_view /app", 2)]);
    browser.check_silence().await;
    browser.leave().await;
    check(&server, &[("page_view /app", 2), ("page_view /app#/settings", 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_from_markup_and_from_code() {
    let server = Server::start(CONFIG);
    // Served by the site itself, as behind its own proxy; and what is called early waits.
    let pages = Pages::serve(server.port, |_| {
        r#"<script>
            self.trimBeacon = (...event) => (trimBeacon.q = trimBeacon.q || []).push(event)
            trimBeacon('video', {identifier: 'early', meta: {plan: 'pro'}})
        </script>
        <script defer src="/tb.js"></script>
        <button id="b" data-trim-event="download_click" data-trim-identifier="a.pdf"><i>a.pdf</i></button>
        <form id="f" action="javascript:void 0" data-trim-event="form_submit" data-trim-identifier="letter">
            <input id="t"><button id="s">Send</button>
        </form>
        <button id="n">Nothing</button>"#
            .to_owned()
    });
    let browser = Browser::start().await;
    browser.page.goto(&pages.url("/shop")).await.unwrap();
    let click = async |id: &str| {
        let found = browser.page.find(Locator::Css(id)).await.unwrap();
        found.click().await.unwrap();
    };
    click("#b i").await;
    click("#b").await;
    click("#t").await;
    click("#s").await;
    click("#n").await;
    let code =
        "trimBeacon('signup', {meta: {plan: 'pro'}}); trimBeacon('video', {identifier: 'intro'})";
    browser.page.execute(code, vec![]).await.unwrap();
    let expected = [
        ("page_view /shop", 1),
        ("download_click a.pdf", 2),
        ("form_submit letter", 1),
        ("signup", 1),
        ("video early", 1),
        ("video intro", 1),
    ];
    wait_for(&server, &expected);
    browser.check_silence().await;
    browser.leave().await;
    check(&server, &expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_counted_who_has_not_agreed_or_does_not_want_to() {
    let server = Server::start(CONFIG);
    let (asking, plain) = (tag(&server, r#" data-consent="needed""#), tag(&server, ""));
    let pages = Pages::serve(server.port, move |path| {
        if path.starts_with("/asking") { asking.clone() } else { plain.clone() }
    });
    let browser = Browser::start().await;
    browser.page.goto(&pages.url("/asking/one")).await.unwrap();
    browser.page.goto(&pages.url("/asking/two")).await.unwrap();
    browser.page.execute("trimBeacon('video', {identifier: 'silent'})", vec![]).await.unwrap();
    browser.page.execute("trimBeacon('consent')", vec![]).await.unwrap();
    wait_for(&server, &[("page_view /asking/two", 1)]);
    browser.page.execute("localStorage.trim_beacons_ignore = 1", vec![]).await.unwrap();
    browser.page.goto(&pages.url("/mine")).await.unwrap();
    browser.page.goto(&pages.url("/back#trim-count")).await.unwrap();
    wait_for(&server, &[("page_view /back", 1)]);
    browser.page.goto(&pages.url("/again#trim-ignore")).await.unwrap();
    browser.page.goto(&pages.url("/still")).await.unwrap();
    browser.page.goto(&pages.url("/at/last#trim-count")).await.unwrap();
    let expected =
        [("page_view /asking/two", 1), ("page_view /back", 1), ("page_view /at/last", 1)];
    wait_for(&server, &expected);
    browser.check_silence().await;
    browser.leave().await;
    check(&server, &expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_left_at_once_or_closed_is_counted_too() {
    let server = Server::start(CONFIG);
    let script = tag(&server, "");
    let pages = Pages::serve(server.port, move |path| match path {
        // Left before the script has settled.
        "/brief" => {
            format!("{script}<script>addEventListener('load', () => location = '/next')</script>")
        }
        _ => script.clone(),
    });
    let browser = Browser::start().await;
    browser.page.goto(&pages.url("/brief")).await.unwrap();
    wait_for(&server, &[("page_view /brief", 1), ("page_view /next", 1)]);
    // A second tab that is closed while its page is still settling.
    let first = browser.page.window().await.unwrap();
    let tab = browser.page.new_window(true).await.unwrap().handle;
    browser.page.switch_to_window(tab).await.unwrap();
    browser.page.goto(&pages.url("/closed")).await.unwrap();
    browser.page.close_window().await.unwrap();
    browser.page.switch_to_window(first).await.unwrap();
    let expected = [("page_view /brief", 1), ("page_view /next", 1), ("page_view /closed", 1)];
    wait_for(&server, &expected);
    browser.leave().await;
    check(&server, &expected);
}

#[test]
fn a_page_drawn_ahead_is_counted_when_it_is_seen_and_never_before() {
    let server = Server::start(CONFIG);
    let script = tag(&server, "");
    let rules = r#"<script type="speculationrules">
        {"prerender": [{"urls": ["/next", "/never"], "eagerness": "immediate"}]}</script>"#;
    let pages = Pages::serve(server.port, move |path| match path {
        "/gate" => format!("{script}{rules}"),
        _ => script.clone(),
    });
    // A browser that is driven draws nothing ahead, so this one goes by itself.
    let folder = tempfile::tempdir().unwrap();
    let mut alone = Command::new("chromium")
        .args(chromium::SWITCHES)
        .arg("--remote-debugging-port=0")
        .arg(format!("--user-data-dir={}", folder.path().display()))
        .arg(pages.url("/gate"))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let ahead = |path: &str| {
        let asked = pages.asked();
        asked.iter().any(|(asked, purpose)| asked == path && purpose.contains("prerender"))
    };
    wait_until("both pages to be drawn ahead", || ahead("/next") && ahead("/never"));
    wait_for(&server, &[("page_view /gate", 1)]);
    // Time enough for a script that does not wait: its page would be counted by now.
    std::thread::sleep(Duration::from_millis(700));
    let before = events(&server);
    pages.let_go();
    wait_until("the visit to /next", || events(&server).contains_key("page_view /next"));
    alone.kill().unwrap();
    alone.wait().unwrap();
    assert_eq!(before.keys().map(String::as_str).collect::<Vec<_>>(), ["page_view /gate"]);
    check(&server, &[("page_view /gate", 1), ("page_view /next", 1)]);
    let loads = pages.asked().iter().filter(|(path, _)| path == "/next").count();
    assert_eq!(loads, 1, "the page that was drawn ahead was not the one that was shown");
}
