//! Pages that go wrong in five ways, in a real browser: each is one group, with its count and its place.

use std::collections::BTreeMap;

use fantoccini::Locator;
use serde_json::Value;

use super::{
    chromium::Browser,
    pages::Pages,
    support::{Server, http::Client, wait_until},
    tag,
};

/// A page with the scripts, and a button for each way of going wrong.
fn page(server: &Server) -> String {
    let errors = tag(server, "").replace("defer ", "").replace("tb.js", "tb-errors.js");
    format!(
        r#"{errors}{}
        <script>
        function total(basket) {{ return basket.items.length }}
        function reject() {{ Promise.reject({{code: 7}}) }}
        </script>
        <script>let broken = ;</script>
        <img src="/missing-picture.png" alt="">
        <script src="http://127.0.0.1:{}/elsewhere.js"></script>
        <button id="thrown" onclick="total({{}})">Throw</button>
        <button id="rejected" onclick="reject()">Reject</button>"#,
        tag(server, ""),
        server.port
    )
}

fn groups(server: &Server) -> BTreeMap<String, Value> {
    let report = server.json("/api/v1/reports/errors");
    let groups = report["groups"].as_array().unwrap().clone();
    groups.into_iter().map(|group| (group["name"].as_str().unwrap().to_owned(), group)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn five_ways_of_going_wrong_are_five_groups() {
    let server = Server::start("");
    let body = page(&server);
    let pages = Pages::serve(server.port, move |path| match path {
        // What another site's script does wrong is told without a word on what or where.
        "/shop" => format!(
            "{body}<script>document.head.append(Object.assign(document.createElement('script'), \
            {{src: `http://127.0.0.1:${{location.port}}/foreign.js`}}))</script>"
        ),
        "/foreign.js" => "throw new Error('a secret')".to_owned(),
        _ => String::new(),
    });
    let browser = Browser::start().await;
    browser.page.goto(&pages.url("/shop")).await.unwrap();
    for id in ["#thrown", "#thrown", "#rejected"] {
        browser.page.find(Locator::Css(id)).await.unwrap().click().await.unwrap();
    }
    let expected = [
        ("TypeError: undefined has no properties · inline total", 2),
        ("UnhandledRejection: {…:…}", 1),
        ("SyntaxError: Unexpected token … · inline", 1),
        ("ResourceError: img could not be loaded · /missing-picture.png", 1),
        ("ResourceError: script could not be loaded · /elsewhere.js", 1),
        ("Error: Script error.", 1),
    ];
    wait_until("the errors", || {
        let found = groups(&server);
        expected.iter().all(|(name, count)| {
            found.get(*name).is_some_and(|group| group["figures"]["count"] == *count)
        })
    });
    browser.leave().await;
    let found = groups(&server);
    assert_eq!(found.len(), expected.len(), "{:?}", found.keys());
    let thrown = &found[expected[0].0];
    assert_eq!((&thrown["figures"]["visitors"], &thrown["pages"]), (&1.into(), &1.into()));
    check_single(&server, expected[0].0);
}

/// The last ones of a group are kept with their stacks, and its page shows them.
fn check_single(server: &Server, name: &str) {
    let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let events =
        server.json(&format!("/api/v1/reports/events?event_type=error&identifier={encoded}"));
    let rows = events["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "{events}");
    for row in rows {
        assert_eq!(row["dimensions"]["page"], "/shop");
        let stack = row["payload"]["stack"].as_str().unwrap();
        assert!(stack.contains("at total (http://localhost:"), "{stack}");
    }
    let page = server.get(&format!("/errors?identifier={encoded}")).text();
    assert!(page.contains("at total (http://localhost:") && page.contains("Resolve"), "{page}");
}

/// Sends an error as a browser would.
fn meet(server: &Server, user_agent: &str, meta: &str) {
    let headers = [("User-Agent", user_agent), ("X-Forwarded-For", "203.0.113.5")];
    let body =
        format!(r#"{{"event_type":"error","meta":{{"url":"https://shop.example/cart",{meta}}}}}"#);
    let answer = server.client().send("POST", "/beacon", &headers, body.as_bytes()).unwrap();
    assert_eq!(answer.status, 204, "{}", answer.text());
}

fn decide(server: &Server, name: &str, state: &str, headers: &[(&str, &str)]) -> u16 {
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("identifier", name), ("state", state)])
        .finish();
    let mut client: Client = server.client();
    client.send("POST", "/errors", headers, form.as_bytes()).unwrap().status
}

#[test]
fn one_error_on_three_browsers_is_one_and_is_resolved_muted_and_met_again() {
    let config = "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n";
    let mut server = Server::start(config);
    let met = [
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
            r#""name":"TypeError","message":"Cannot read properties of null (reading 'x')","stack":"TypeError: Cannot read properties of null (reading 'x')\n    at draw (https://shop.example/a.4f5e6d7c.js:1:20)""#,
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
            r#""name":"TypeError","message":"can't access property \"x\", item is null","stack":"draw@https://shop.example/a.4f5e6d7c.js:1:18""#,
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
            r#""name":"TypeError","message":"null is not an object (evaluating 'item.x')","stack":"draw@https://shop.example/a.4f5e6d7c.js:1:25""#,
        ),
    ];
    for (user_agent, meta) in met {
        meet(&server, user_agent, meta);
    }
    let name = "TypeError: null has no properties · /a.js draw";
    let group = |server: &Server| groups(server).remove(name).unwrap();
    let found = group(&server);
    assert_eq!((&found["figures"]["count"], &found["browsers"]), (&3.into(), &3.into()), "{found}");
    assert_eq!(groups(&server).len(), 1);

    // Nobody decides in the name of whoever looks at another page.
    let foreign: [&[(&str, &str)]; 3] = [
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Origin", "https://evil.example")],
        &[("Origin", "null")],
    ];
    for headers in foreign {
        assert_eq!(decide(&server, name, "muted", headers), 403, "{headers:?}");
    }
    assert_eq!(decide(&server, name, "gone", &[]), 400);
    assert_eq!(decide(&server, "no such error", "muted", &[]), 404);
    assert_eq!(decide(&server, name, "resolved", &[("Origin", "http://localhost")]), 303);
    assert_eq!(group(&server)["state"], "resolved");
    // It is resolved to the second: what is met in the same one is what was mended.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    meet(&server, met[1].0, met[1].1);
    assert_eq!(
        (&group(&server)["state"], &group(&server)["returned"]),
        (&"open".into(), &true.into())
    );
    assert_eq!(decide(&server, name, "muted", &[]), 303);
    server.kill();
    server.restart();
    meet(&server, met[2].0, met[2].1);
    assert_eq!(group(&server)["state"], "muted");
    assert_eq!(group(&server)["figures"]["count"], 5);
    let muted = server.json("/api/v1/reports/errors?state=muted");
    assert_eq!(muted["groups"].as_array().unwrap().len(), 1);
    assert!(server.get("/errors?state=open").text().contains("No such errors"));
}
