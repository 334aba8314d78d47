//! Clients of other products as they are published, unchanged, against a real server: in Chromium,
//! under Node.js and under Python. `tests/run` installs them under `target/clients`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    chromium::Browser,
    pages::Pages,
    support::{Server, wait_until},
};

const CONFIG: &str = r#"
[[site]]
domain = "site.test"
ids = ["94db1cb1-74f4-4a40-ad6c-962362670409", "7"]

[event.custom_event]
identifier = "key"
dimensions = ["source", "country", "device", "meta.plan", "meta.n", "meta.author", "meta.revenue"]
pairs = ["identifier × meta.plan"]

[event.error]
identifier = "fingerprint"
dimensions = ["page", "meta.release", "meta.environment"]
"#;

/// A browser that nobody drives, as far as a page can tell, for which site.test is this machine.
const SWITCHES: [&str; 3] = [
    "--host-resolver-rules=MAP site.test 127.0.0.1",
    "--user-agent=Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
    "--disable-blink-features=AutomationControlled",
];

/// What is counted in each event type under each identifier, by the day.
fn counted(server: &Server) -> BTreeMap<String, i64> {
    rows(
        server,
        "SELECT event_type || ' ' || identifier, sum(count) FROM beacon_aggregates
         WHERE granularity = 'day' AND identifier IS NOT NULL AND event_type <> ?1 || ?2 GROUP BY 1",
        ["", ""],
    )
}

/// How often each value of a dimension was counted in an event type.
fn split(server: &Server, event_type: &str, dimension: &str) -> BTreeMap<String, i64> {
    rows(
        server,
        "SELECT value, sum(count) FROM beacon_breakdowns WHERE granularity = 'day'
         AND event_type = ?1 AND dimension = ?2 AND identifier IS NULL GROUP BY 1",
        [event_type, dimension],
    )
}

fn rows(server: &Server, sql: &str, parameters: [&str; 2]) -> BTreeMap<String, i64> {
    let file = server.file();
    let mut statement = file.prepare(sql).unwrap();
    let rows = statement.query_map(parameters, |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn named(rows: &[(&str, i64)]) -> BTreeMap<String, i64> {
    rows.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[track_caller]
fn check_split(server: &Server, event_type: &str, dimension: &str, expected: &[(&str, i64)]) {
    assert_eq!(
        split(server, event_type, dimension),
        named(expected),
        "{event_type} by {dimension}"
    );
}

/// Holds that exactly `expected` was counted, with as many beacons, and that nothing was refused.
#[track_caller]
fn check(server: &Server, expected: &[(&str, i64)]) {
    assert_eq!(counted(server), named(expected));
    let sum: i64 = expected.iter().map(|(_, count)| count).sum();
    assert_eq!(server.health("/beacons/stored"), u64::try_from(sum).unwrap());
    assert_eq!(server.health("/beacons/rejected"), 0);
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn installed() -> PathBuf {
    let folder = root().join("target/clients");
    assert!(folder.join("installed").exists(), "tests/run installs the clients; run that once");
    folder
}

/// The output of a command that must end well.
fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?}: {said}{}",
        String::from_utf8_lossy(&output.stdout)
    );
    output.stdout
}

fn run_node(server: &Server, script: &str) {
    let modules = installed().join("node_modules");
    run(Command::new("node")
        .arg(root().join("tests/clients").join(script))
        .arg(format!("http://127.0.0.1:{}", server.port))
        .env("NODE_PATH", modules));
}

fn run_python(server: &Server, script: &str) {
    run(Command::new("python3")
        .arg(root().join("tests/clients").join(script))
        .arg(format!("http://127.0.0.1:{}", server.port))
        .env("PYTHONPATH", installed().join("python"))
        .env("PYTHONDONTWRITEBYTECODE", "1"));
}

/// The page of somebody who bundles `script`.
fn bundle(server: &Server, script: &str) -> String {
    let modules = installed().join("node_modules");
    let mut command = Command::new(modules.join(".bin/esbuild"));
    command.arg(Path::new("tests/clients").join(script)).current_dir(root());
    command.args(["--bundle", "--format=iife", "--log-level=warning"]).env("NODE_PATH", modules);
    let bundle = String::from_utf8(run(&mut command)).unwrap();
    format!(
        "<script>self.collector = 'http://127.0.0.1:{}'</script><script>{bundle}</script>",
        server.port
    )
}

/// Waits until the server has stored so many beacons.
fn wait_for(server: &Server, beacons: u64) {
    wait_until(&format!("{beacons} beacons"), || server.health("/beacons/stored") >= beacons);
}

#[tokio::test(flavor = "multi_thread")]
async fn plausibles_tracker_counts_unchanged() {
    let server = Server::start(CONFIG);
    let script = bundle(&server, "plausible_new.js");
    let pages = Pages::serve(server.port, move |_| {
        format!(
            "{script}<a id=out href='http://other.test/' target=_blank onclick='event.preventDefault()'>out</a>
             <a id=pdf href='/files/a.pdf' onclick='event.preventDefault()'>pdf</a>"
        )
    });
    let browser = Browser::start_with(&SWITCHES).await;
    let url = |path: &str| pages.url_at("site.test", path);
    browser.page.goto(&url("/start?utm_source=letter&utm_campaign=may")).await.unwrap();
    wait_for(&server, 1);
    browser.page.execute("signUp()", vec![]).await.unwrap();
    browser.page.execute("document.getElementById('pdf').click()", vec![]).await.unwrap();
    wait_for(&server, 3);
    browser.page.execute("history.pushState({}, '', '/next')", vec![]).await.unwrap();
    // The end of the first page is told as the second begins.
    wait_until("the second page", || counted(&server).contains_key("page_view /next"));
    browser.check_silence().await;
    browser.leave().await;
    wait_until("engagement", || counted(&server).contains_key("engagement /next"));
    let mut found = counted(&server);
    found.retain(|name, _| !name.starts_with("engagement"));
    let expected = [
        ("page_view /start", 1),
        ("page_view /next", 1),
        ("custom_event Signup", 1),
        ("download_click a.pdf", 1),
    ];
    assert_eq!(found, named(&expected));
    assert_eq!(server.health("/beacons/rejected"), 0);
    check_split(&server, "page_view", "source", &[("letter", 2)]);
    check_split(&server, "page_view", "utm_campaign", &[("may", 2)]);
    check_split(&server, "page_view", "browser", &[("Chrome", 2)]);
    check_split(&server, "custom_event", "meta.plan", &[("pro", 1)]);
    check_split(&server, "custom_event", "meta.n", &[("3", 1)]);
    check_split(&server, "custom_event", "meta.author", &[("me", 1)]);
    check_split(&server, "custom_event", "meta.revenue", &[("12.5", 1)]);
}

/// The older package and its fork: both count `/start` and `/next`, and a sign-up.
async fn check_older(script: &str) {
    let server = Server::start(CONFIG);
    let script = bundle(&server, script);
    let pages = Pages::serve(server.port, move |_| script.clone());
    let browser = Browser::start_with(&SWITCHES).await;
    browser.page.goto(&pages.url_at("site.test", "/start?ref=letter")).await.unwrap();
    wait_for(&server, 1);
    browser.page.execute("history.pushState({}, '', '/next')", vec![]).await.unwrap();
    wait_for(&server, 2);
    browser.page.execute("signUp()", vec![]).await.unwrap();
    wait_for(&server, 3);
    browser.check_silence().await;
    browser.leave().await;
    let expected = [("page_view /start", 1), ("page_view /next", 1), ("custom_event Signup", 1)];
    check(&server, &expected);
    check_split(&server, "page_view", "source", &[("letter", 2)]);
    check_split(&server, "custom_event", "meta.plan", &[("pro", 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn plausibles_older_tracker_counts_unchanged() {
    check_older("plausible_old.js").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fork_of_plausibles_tracker_counts_unchanged() {
    check_older("plausible_fork.js").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sentrys_browser_package_reports_unchanged() {
    let server = Server::start(CONFIG);
    let script = bundle(&server, "sentry_browser.js");
    let pages = Pages::serve(server.port, move |_| script.clone());
    let browser = Browser::start_with(&SWITCHES).await;
    browser.page.goto(&pages.url_at("site.test", "/cart")).await.unwrap();
    browser.page.execute("signUp()", vec![]).await.unwrap();
    wait_for(&server, 1);
    browser.check_silence().await;
    browser.leave().await;
    let found = counted(&server);
    assert_eq!(found.values().sum::<i64>(), 1, "{found:?}");
    assert!(found.keys().all(|name| name.starts_with("error TypeError")), "{found:?}");
    check_split(&server, "error", "page", &[("/cart", 1)]);
    check_split(&server, "error", "meta.release", &[("shop@1.2.3", 1)]);
    assert_eq!(server.health("/beacons/rejected"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn umamis_script_counts_unchanged() {
    let server = Server::start(CONFIG);
    let code = std::fs::read_to_string(installed().join("package/src/tracker/index.js")).unwrap();
    let script = format!(
        "<script data-website-id=94db1cb1-74f4-4a40-ad6c-962362670409
            data-host-url=http://127.0.0.1:{}>{code}</script>
         <button id=buy data-umami-event=buy data-umami-event-plan=pro>Buy</button>",
        server.port
    );
    let pages = Pages::serve(server.port, move |_| script.clone());
    let browser = Browser::start_with(&SWITCHES).await;
    let start = pages.url_at("site.test", "/caf%C3%A9/start?utm_source=letter");
    browser.page.goto(&start).await.unwrap();
    wait_for(&server, 1);
    browser.page.execute("umami.track('order', {plan: 'free', n: 2})", vec![]).await.unwrap();
    wait_for(&server, 2);
    browser.page.execute("umami.identify({name: 'Jo'})", vec![]).await.unwrap();
    browser.page.execute("document.getElementById('buy').click()", vec![]).await.unwrap();
    wait_for(&server, 3);
    browser.page.execute("history.pushState({}, '', '/next')", vec![]).await.unwrap();
    wait_for(&server, 4);
    browser.check_silence().await;
    browser.leave().await;
    let expected = [
        ("page_view /café/start", 1),
        ("page_view /next", 1),
        ("custom_event order", 1),
        ("custom_event buy", 1),
    ];
    check(&server, &expected);
    check_split(&server, "page_view", "utm_source", &[("letter", 2)]);
    check_split(&server, "page_view", "language", &[("en", 2)]);
    check_split(&server, "custom_event", "meta.plan", &[("free", 1), ("pro", 1)]);
    check_split(&server, "custom_event", "meta.n", &[("2", 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn our_script_counts_under_names_of_a_sites_own() {
    let names = "domain = \"site.test\"\nscript = \"/js/script.js\"\nendpoint = \"/js/hello\"";
    let server = Server::start(&CONFIG.replace("domain = \"site.test\"", names));
    let script =
        format!("<script defer src='http://127.0.0.1:{}/js/script.js'></script>", server.port);
    let pages = Pages::serve(server.port, move |_| script.clone());
    let browser = Browser::start_with(&SWITCHES).await;
    browser.page.goto(&pages.url_at("site.test", "/start")).await.unwrap();
    wait_for(&server, 1);
    // The beacon is counted before the browser has its answer, and only then is it in the list.
    let asked = "return new Promise(done => new PerformanceObserver(() => {
            const all = performance.getEntriesByType('resource').map(one => new URL(one.name).pathname);
            if (all.includes('/js/hello') || all.includes('/beacon')) done(all);
        }).observe({type: 'resource', buffered: true}))";
    let asked = browser.page.execute(asked, vec![]).await.unwrap().to_string();
    assert!(asked.contains("/js/hello") && !asked.contains("/beacon"), "{asked}");
    browser.check_silence().await;
    browser.leave().await;
    assert_eq!(counted(&server)["page_view /start"], 1);
    assert_eq!(server.health("/beacons/rejected"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_reports_what_a_policy_has_blocked() {
    let server = Server::start(CONFIG);
    let policy = format!(
        "Content-Security-Policy: img-src 'none'; report-uri http://127.0.0.1:{}/reports\r\n",
        server.port
    );
    let pages = Pages::serve_with(&policy, server.port, |_| {
        "<img src='http://other.test/a.png' alt=''>".to_owned()
    });
    let browser = Browser::start_with(&SWITCHES).await;
    browser.page.goto(&pages.url_at("site.test", "/cart")).await.unwrap();
    wait_for(&server, 1);
    browser.leave().await;
    let found = counted(&server);
    assert_eq!(found.values().sum::<i64>(), 1, "{found:?}");
    assert!(found.keys().all(|name| name.contains("img-src blocked other.test")), "{found:?}");
    check_split(&server, "error", "page", &[("/cart", 1)]);
    assert_eq!(server.health("/beacons/rejected"), 0);
}

#[test]
fn umamis_package_for_node_counts_unchanged() {
    let server = Server::start(CONFIG);
    run_node(&server, "umami_node.cjs");
    check(&server, &[("page_view /from/node", 1), ("custom_event order", 1)]);
    check_split(&server, "page_view", "source", &[("DuckDuckGo", 1)]);
    check_split(&server, "custom_event", "meta.plan", &[("pro", 1)]);
}

#[test]
fn umamis_client_for_python_counts_unchanged() {
    let server = Server::start(CONFIG);
    run_python(&server, "umami_client.py");
    check(&server, &[("page_view /from/python", 2), ("custom_event order", 1)]);
    // It speaks for two visitors, and from this machine it may.
    let month = server.json("/api/v1/reports/month");
    assert_eq!(month["total"]["visitors"], 2);
    check_split(&server, "custom_event", "meta.plan", &[("pro", 1)]);
}

#[test]
fn matomos_tracker_for_node_counts_unchanged() {
    let server = Server::start(CONFIG);
    run_node(&server, "matomo_node.cjs");
    let expected = [
        ("page_view /from/node", 1),
        ("page_view /one", 1),
        ("page_view /two", 1),
        ("custom_event Video: Play", 1),
    ];
    check(&server, &expected);
    assert!(split(&server, "page_view", "utm_campaign").contains_key("spring"));
}

#[test]
fn matomos_middleware_for_python_counts_unchanged() {
    let server = Server::start(CONFIG);
    run_python(&server, "matomo_asgi.py");
    check(&server, &[("page_view /from/python", 2)]);
    check_split(&server, "page_view", "browser", &[("Firefox", 2)]);
    let month = server.json("/api/v1/reports/month");
    assert_eq!(month["total"]["visitors"], 2);
}

#[test]
fn sentrys_packages_for_servers_report_unchanged() {
    let server = Server::start(CONFIG);
    run_node(&server, "sentry_node.cjs");
    run_python(&server, "sentry_client.py");
    let found = counted(&server);
    assert_eq!(found.values().sum::<i64>(), 2, "{found:?}");
    for kind in ["error RangeError", "error KeyError"] {
        assert!(found.keys().any(|name| name.starts_with(kind)), "{found:?}");
    }
    assert_eq!(split(&server, "error", "meta.environment")["production"], 2);
    assert_eq!(server.health("/beacons/rejected"), 0);
}
