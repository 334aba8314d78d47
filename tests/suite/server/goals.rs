//! Goals: how many reached them, and from where.

use serde_json::{Value, json};

use crate::support::Server;

const CONFIG: &str = r#"
[server]
trusted_proxies = ["127.0.0.1"]
[goal."Signed up"]
event = "signup"
[goal."Read the prices"]
page = "/pricing"
[goal."Got the handbook"]
event = "download_click"
identifier = "handbook.pdf"
"#;

/// A beacon of the visitor with this number, who comes from `source`.
fn send(server: &Server, visitor: u8, event_type: &str, more: &str, page: &str, source: &str) {
    let address = format!("203.0.113.{visitor}");
    let headers =
        [("X-Forwarded-For", address.as_str()), ("User-Agent", "Mozilla/5.0 Firefox/145.0")];
    let body = format!(
        r#"{{"event_type":"{event_type}"{more},"meta":{{"url":"https://shop.example{page}","ref":"https://{source}/"}}}}"#
    );
    let answer = server.client().send("POST", "/beacon", &headers, body.as_bytes()).unwrap();
    assert_eq!(answer.status, 204, "{}", answer.text());
}

fn rows(rows: &Value) -> Vec<(String, i64, i64, Option<i64>)> {
    let row = |row: &Value| {
        let number = |key: &str| row[key].as_i64();
        let name = row["name"].as_str().unwrap().to_owned();
        (name, number("conversions").unwrap(), number("converters").unwrap(), number("visitors"))
    };
    rows.as_array().unwrap().iter().map(row).collect()
}

#[test]
fn goals_count_conversions_and_who_converts_by_source_and_page() {
    let server = Server::start(CONFIG);
    // Four visitors, three of them from the news; two sign up, one of them twice.
    for (visitor, source) in
        [(1, "news.example"), (2, "news.example"), (3, "news.example"), (4, "blog.example")]
    {
        send(&server, visitor, "page_view", "", "/", source);
    }
    send(&server, 1, "page_view", "", "/pricing", "");
    send(&server, 4, "page_view", "", "/pricing", "");
    for visitor in [1, 1, 4] {
        send(&server, visitor, "signup", "", "/pricing", "");
    }
    send(&server, 2, "download_click", r#","identifier":"handbook.pdf""#, "/", "");
    send(&server, 2, "download_click", r#","identifier":"other.pdf""#, "/", "");

    let report = server.json("/api/v1/reports/goals");
    assert_eq!(report["visitors"], 4);
    let goal = |at: usize| &report["goals"][at];
    let figures = |at: usize| {
        (goal(at)["name"].clone(), goal(at)["conversions"].clone(), goal(at)["converters"].clone())
    };
    assert_eq!(figures(0), (json!("Signed up"), json!(3), json!(2)));
    assert_eq!(figures(1), (json!("Read the prices"), json!(2), json!(2)));
    assert_eq!(figures(2), (json!("Got the handbook"), json!(1), json!(1)));
    // How they came is what counts, not the page before.
    let (news, blog) = ("news.example".to_owned(), "blog.example".to_owned());
    let by_source = [(news.clone(), 2, 1, Some(3)), (blog.clone(), 1, 1, Some(1))];
    assert_eq!(rows(&goal(0)["sources"]), by_source);
    let by_source = [(blog, 1, 1, Some(1)), (news.clone(), 1, 1, Some(3))];
    assert_eq!(rows(&goal(1)["sources"]), by_source);
    assert_eq!(rows(&goal(2)["sources"]), [(news, 1, 1, Some(3))]);
    assert_eq!(rows(&goal(0)["pages"]), [("/pricing".to_owned(), 3, 2, Some(2))]);
    assert_eq!(rows(&goal(2)["pages"]), [("/".to_owned(), 1, 1, Some(4))]);
    let page = server.get("/goals").text();
    assert!(page.contains("Signed up") && page.contains("50\u{a0}%"), "{page}");
}

#[test]
fn the_first_screen_tells_what_was_reached_and_sent_and_others_see_names_alone() {
    let server = Server::start(
        "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n[[site]]\ndomain = \"shop.example\"\npublic = true\n",
    );
    send(&server, 1, "page_view", "", "/", "news.example");
    let page = server.get("/").text();
    assert!(page.contains("No goals are declared yet"), "{page}");
    assert!(page.contains("trimBeacon(&#39;signup&#39;)"), "{page}");
    for visitor in [1, 1, 2] {
        send(&server, visitor, "signup", "", "/", "");
    }
    send(&server, 1, "custom_event", r#","identifier":"Asked""#, "/", "");
    send(&server, 1, "error", r#","identifier":"TypeError: secret""#, "/", "");
    let page = server.get("/").text();
    assert!(page.contains(">signup</a></th><td>3</td><td>2</td>"), "{page}");
    assert!(page.contains("event_type=signup"), "{page}");
    assert!(page.contains(">Asked</a></th><td>1</td><td>1</td>"), "{page}");
    assert!(page.contains("TypeError: secret"), "{page}");
    let public = server.get("/public/shop.example/").text();
    assert!(public.contains(">Asked</a></th><td>1</td><td>1</td>"), "{public}");
    for private in ["signup", "TypeError", "No goals"] {
        assert!(!public.contains(private), "{private}: {public}");
    }
}
