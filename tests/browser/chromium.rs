//! Headless Chromium, driven through chromedriver.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use fantoccini::{Client, ClientBuilder, wd::WebDriverCompatibleCommand};
use hyper::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use url::{ParseError, Url};

/// How Chromium is started.
pub(crate) const SWITCHES: [&str; 5] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
];

/// A browser and the driver that goes with it.
pub(crate) struct Browser {
    pub(crate) page: Client,
    driver: Driver,
}

/// The driver's process, which ends its browser when it ends.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        // It may have ended before, which is no matter here.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// How many drivers are started for one browser: the port that one has found may be taken by another
/// before it listens.
const DRIVERS_MAX: usize = 5;

/// A driver and its port, or nothing if it has ended at once.
fn start_driver() -> Option<(Driver, u16)> {
    let child = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).spawn();
    let mut driver = Driver(child.unwrap());
    let mut lines = BufReader::new(driver.0.stdout.take().unwrap()).lines();
    let port = lines.find_map(|line| {
        let line = line.ok()?;
        line.split_once("started successfully on port ")?.1.trim_end_matches('.').parse().ok()
    })?;
    std::thread::spawn(move || lines.for_each(drop));
    Some((driver, port))
}

impl Browser {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A browser that runs no scripts.
    pub(crate) async fn start_without_scripts() -> Self {
        let blocked = json!({ "profile.managed_default_content_settings.javascript": 2 });
        Self::start_set(&[], &json!({ "prefs": blocked })).await
    }

    /// A browser with further switches.
    pub(crate) async fn start_with(further: &[&str]) -> Self {
        Self::start_set(further, &json!({})).await
    }

    /// A browser with further switches and further options of its driver.
    pub(crate) async fn start_set(further: &[&str], options: &Value) -> Self {
        let (driver, port) = (0..DRIVERS_MAX).find_map(|_| start_driver()).unwrap();
        let switches = [&SWITCHES[..], further].concat();
        let mut chrome = options.clone();
        chrome["args"] = json!(switches);
        let wanted = json!({
            "goog:chromeOptions": chrome,
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let page = ClientBuilder::new(HttpConnector::new())
            .capabilities(wanted.as_object().unwrap().clone())
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .unwrap();
        Self { page, driver }
    }

    /// Holds that no page has written anything to the console.
    pub(crate) async fn check_silence(&self) {
        let log = self.console().await;
        assert_eq!(log, Value::Array(Vec::new()), "the console is not silent");
    }

    /// What pages have written to the console since this was asked last.
    pub(crate) async fn console(&self) -> Value {
        self.page.issue_cmd(ConsoleLog).await.unwrap()
    }

    /// Closes the page as its reader would, so that it may still send what it has to, then the browser.
    pub(crate) async fn leave(self) {
        self.page.close_window().await.unwrap();
        self.close().await;
    }

    /// Ends the browser. It isn't asked to close its page first: Chromium can't while one is on its way to
    /// another address.
    pub(crate) async fn close(self) {
        self.page.close().await.unwrap();
        drop(self.driver);
    }
}

/// What the console of the browser's pages says.
#[derive(Debug)]
struct ConsoleLog;

impl WebDriverCompatibleCommand for ConsoleLog {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "type": "browser" }).to_string()))
    }
}
