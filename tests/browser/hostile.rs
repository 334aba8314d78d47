//! What harms careless pages, through every field of a beacon, an import and an address to every page: nothing runs,
//! nothing is reported, and no page has an element or attribute that it has not with harmless names.

use std::collections::BTreeSet;

use fantoccini::Client;
use serde_json::{Value, json};

use crate::{
    chromium::Browser,
    support::{Server, http},
};

const CONFIG: &str = r#"
[server.limits]
body_bytes = 65_536
[[site]]
domain = "a.example"
[event.page_view]
visits = true
raw = "7d"
dimensions = ["source", "channel", "referrer", "hostname", "title", "entry_page", "exit_page", "utm_source",
    "utm_medium", "utm_campaign", "utm_content", "utm_term", "country", "browser", "os", "device", "screen",
    "language", "meta.plan"]
pairs = ["page × source", "page × meta.plan"]
limits = { identifiers_per_day = 20_000, values_per_dimension = 20_000, meta_bytes = 16_384 }
dedupe = "0s"
"#;

/// What stands in the rankings.
const DIMENSIONS: [&str; 15] = [
    "identifier",
    "title",
    "entry_page",
    "exit_page",
    "source",
    "referrer",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_content",
    "utm_term",
    "meta.plan",
    "browser",
    "os",
    "device",
];

/// Pages beside the rankings; `TEXT` is each of a few of the texts.
const PAGES: [&str; 22] = [
    "/",
    "/?period=today&granularity=hour",
    "/events",
    "/events?event_type=custom_event",
    "/errors",
    "/live",
    "/filtered",
    "/goals",
    "/alerts",
    "/storage",
    "/setup",
    "/privacy",
    "/year",
    "/month?identifier=TEXT",
    "/page?identifier=TEXT",
    "/source?identifier=TEXT",
    "/event?event_type=custom_event&identifier=TEXT",
    "/top?search=TEXT",
    "/top?dimension=TEXT",
    "/?filter=identifier:is:TEXT",
    "/?from=TEXT",
    "/nothing/TEXT?site=TEXT",
];

/// How many rows of a ranking a page shows.
const ROWS: usize = 50;

/// How many of the texts stand in addresses, and how many are said of moments.
const IN_ADDRESSES: usize = 12;
const ANNOTATIONS: usize = 60;

/// All that a page is made of: elements, their attributes, and where addresses lead.
const PARTS: &str = r#"
    const page = new DOMParser().parseFromString(arguments[0], 'text/html');
    const parts = new Set();
    for (const element of page.querySelectorAll('*')) {
        parts.add(element.localName);
        for (const { name, value } of element.attributes) {
            parts.add(`${element.localName} ${name}`);
            if (/^(href|src|action|formaction|xlink:href|data|poster|background)$/.test(name)) {
                let scheme = 'none';
                try { scheme = new URL(value, 'http://own.example/').protocol; } catch {}
                parts.add(`${element.localName} ${name} ${scheme}`);
            }
        }
    }
    return [...parts];
"#;

fn texts() -> Vec<String> {
    let scripts = include_str!("../fixtures/hostile/xss.txt").lines().map(str::to_owned);
    let strings: Vec<String> =
        serde_json::from_str(include_str!("../fixtures/hostile/strings.json")).unwrap();
    scripts.chain(strings).collect()
}

/// Sends a text in every field that a client may fill. What has no place there is refused.
fn send(client: &mut http::Client, text: &str, number: usize) {
    let url = format!("https://a.example/{text}");
    let meta = json!({ "url": url, "title": text, "ref": format!("utm:{text}"), "plan": text, "lang": text,
        "tz": text, "utm_source": text, "utm_medium": text, "utm_campaign": text, "utm_content": text,
        "utm_term": text });
    let referred = json!({ "url": url, "title": text, "ref": format!("https://{text}/{text}") });
    let beacons = [
        json!({ "event_type": "page_view", "identifier": text, "meta": meta }),
        json!({ "event_type": "page_view", "meta": referred }),
        json!({ "event_type": "custom_event", "identifier": text, "meta": { text: text, "url": url } }),
        json!({ "event_type": "error", "meta": { "message": text, "stack": format!("at {text}:1:2"), "url": url } }),
        json!({ "event_type": text, "site": text, "identifier": text }),
    ];
    let agent: String = text.chars().filter(|c| (' '..='~').contains(c)).collect();
    // Each from somebody else: a visit keeps how it came, whatever its later pages say.
    let browser = format!("Mozilla/5.0 (X11; Linux x86_64; {number}) Firefox/145.0");
    for (beacon, agent) in beacons.iter().flat_map(|beacon| {
        [(beacon, browser.as_str())].into_iter().chain(
            // Every tenth also comes from a program that calls itself so.
            number.is_multiple_of(10).then_some((beacon, agent.as_str())),
        )
    }) {
        let headers = [("User-Agent", agent)];
        let answer =
            client.send("POST", "/beacon", &headers, beacon.to_string().as_bytes()).unwrap();
        assert!(matches!(answer.status, 204 | 400), "{} {}", answer.status, answer.text());
    }
}

fn filled(texts: &[String]) -> Server {
    let server = Server::start(CONFIG);
    let mut client = server.client();
    for (number, text) in texts.iter().enumerate() {
        send(&mut client, text, number);
    }
    for text in texts.iter().take(ANNOTATIONS) {
        let said = json!({ "text": text }).to_string();
        let headers = [("content-type", "application/json")];
        client.send("POST", "/api/v1/annotations", &headers, said.as_bytes()).unwrap();
    }
    import(&server, texts);
    server
}

/// Texts in every column of what is imported, the names of sites and of the file among them.
fn import(server: &Server, texts: &[String]) {
    let quoted = |text: &String| format!("\"{}\"", text.replace('"', "\"\""));
    let now = jiff::Timestamp::now().as_second();
    let columns = [
        "path",
        "host",
        "event",
        "title",
        "referrer",
        "user_agent",
        "language",
        "country",
        "browser",
        "os",
        "device",
    ];
    let of = |table: &mut String, first: &str, host: Option<&str>, text: &String| {
        let cells = columns.map(|column| match (column, host) {
            ("host", Some(host)) => host.to_owned(),
            _ => quoted(text),
        });
        table.push_str(&format!("{first},{}\n", cells.join(",")));
    };
    let header = columns.join(",");
    let (mut hits, mut sums) = (format!("time,{header}\n"), format!("time,count,{header}\n"));
    for text in texts {
        of(&mut hits, &now.to_string(), Some("a.example"), text);
        of(&mut hits, &now.to_string(), None, text);
        of(&mut sums, "2026-01-02,1", None, text);
    }
    let all = columns.map(|column| format!("{column}={column}")).join(",");
    let name = format!("{}.csv", texts[1].replace('/', "|"));
    let said = server.import(&name, &hits, &format!("time=time,{all}"));
    assert!(said.contains("refused as unknown_site"), "{said}");
    let named = "time=time,count=count,path=path,country=country,browser=browser,os=os,device=device,referrer=referrer";
    server.import(&format!("sums {name}"), &sums, named);
    server.import("events.csv", &sums, "time=time,count=count,event=event");
}

/// Every page to look at, for these texts.
fn paths(texts: &[String]) -> Vec<String> {
    let in_address =
        |text: &String| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let chosen: Vec<String> =
        texts.iter().step_by(texts.len() / IN_ADDRESSES).map(in_address).collect();
    let mut paths = Vec::new();
    for page in PAGES {
        if page.contains("TEXT") {
            paths.extend(chosen.iter().map(|text| page.replace("TEXT", text)));
        } else {
            paths.push(page.to_owned());
        }
    }
    for dimension in DIMENSIONS {
        for offset in (0..texts.len()).step_by(ROWS) {
            paths.push(format!("/top?dimension={dimension}&offset={offset}"));
        }
    }
    paths
}

async fn parts(page: &Client, server: &Server, paths: &[String]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for path in paths {
        let answer = server.get(path);
        assert!(matches!(answer.status, 200 | 400 | 404), "{path}: {}", answer.status);
        let found = page.execute(PARTS, vec![Value::String(answer.text())]).await.unwrap();
        for part in found.as_array().unwrap() {
            all.insert(part.as_str().unwrap().to_owned());
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_texts_are_texts_on_every_page() {
    let texts = texts();
    let harmless: Vec<String> = (0..texts.len()).map(|number| format!("name-{number}")).collect();
    let (hostile, control) = (filled(&texts), filled(&harmless));
    for dimension in ["utm_source", "meta.plan", "identifier"] {
        let path = format!("/api/v1/reports/top?dimension={dimension}&limit=1");
        let there = hostile.json(&path)["rows_in_all"].as_u64().unwrap();
        assert!(there > 900, "{dimension}: {there} of them are shown");
    }
    let browser = Browser::start().await;
    browser.page.goto("about:blank").await.unwrap();
    let expected = parts(&browser.page, &control, &paths(&harmless)).await;
    let found = parts(&browser.page, &hostile, &paths(&texts)).await;
    let strange: Vec<&String> = found.difference(&expected).collect();
    assert!(strange.is_empty(), "{strange:?}");
    for part in &found {
        assert!(!part.contains(" on") && !part.ends_with("javascript:"), "{part}");
    }

    // The pages themselves, where a script would run: a dialog would break the next step off, and what the
    // policy forbids stands in the console.
    for path in paths(&texts).iter().filter(|path| !path.contains("offset") || path.contains("=0"))
    {
        let address = format!("http://127.0.0.1:{}{path}", hostile.port);
        browser.page.goto(&address).await.unwrap();
        let title = browser.page.title().await.unwrap();
        assert!(title.contains("Trim Beacons"), "{path}: {title}");
    }
    let log = browser.console().await;
    let violations: Vec<&Value> = log
        .as_array()
        .unwrap()
        .iter()
        // That an address leads nowhere is said of those that do.
        .filter(|line| !line["message"].as_str().unwrap().contains("Failed to load resource"))
        .collect();
    assert!(violations.is_empty(), "{violations:?}");
    println!(
        "{} texts on {} pages: {} kinds of parts",
        texts.len(),
        paths(&texts).len(),
        found.len()
    );
    browser.close().await;
}
