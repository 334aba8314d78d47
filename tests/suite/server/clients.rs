//! Clients of other products: what they have really sent is counted right, and answered as they
//! expect it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Server, http::Answer};

/// The site of the recorded requests.
const CONFIG: &str = r#"
[[site]]
domain = "site.test"
ids = ["94db1cb1-74f4-4a40-ad6c-962362670409", "7"]

[event.custom_event]
identifier = "key"
dimensions = ["source", "country", "device", "meta.plan", "meta.author", "meta.revenue"]
pairs = ["identifier × meta.plan"]
"#;

/// How often each identifier was counted, by event type: `page_view /docs`.
fn counted(server: &Server) -> BTreeMap<String, i64> {
    let file = server.file();
    let sql =
        "SELECT event_type || ' ' || ifnull(identifier, ''), sum(count) FROM beacon_aggregates
        WHERE granularity = 'day' AND (identifier IS NOT NULL OR event_type = 'signup') GROUP BY 1";
    let mut statement = file.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[track_caller]
fn check(server: &Server, expected: &[(&str, i64)]) {
    let expected = expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    assert_eq!(counted(server), expected);
}

/// The counts of a dimension's values, for an event type as a whole.
fn split(server: &Server, event_type: &str, dimension: &str) -> BTreeMap<String, i64> {
    let file = server.file();
    let sql = "SELECT value, sum(count) FROM beacon_breakdowns WHERE granularity = 'day'
        AND event_type = ?1 AND dimension = ?2 AND identifier IS NULL GROUP BY 1";
    let mut statement = file.prepare(sql).unwrap();
    let rows = statement.query_map([event_type, dimension], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}

#[track_caller]
fn check_split(server: &Server, event_type: &str, dimension: &str, expected: &[(&str, i64)]) {
    let expected = expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    assert_eq!(split(server, event_type, dimension), expected, "{event_type} by {dimension}");
}

/// The recorded requests of a file, as bytes.
fn recorded(text: &str) -> Vec<Vec<u8>> {
    let mut requests = Vec::new();
    for part in text.split("----------------------------------------\n") {
        let methods = ["GET ", "POST ", "OPTIONS "];
        let start = methods.iter().filter_map(|method| {
            part.match_indices(method)
                .map(|(at, _)| at)
                .find(|at| *at == 0 || part[..*at].ends_with('\n'))
        });
        let Some(start) = start.min() else { continue };
        // Some of the recordings have lost the end of the last header's line.
        let ends = ["\n\n", "\r\n\r\n"].map(|end| part[start..].find(end));
        let head_ends = ends.into_iter().flatten().min();
        let (head, body) = part[start..].split_at(head_ends.unwrap());
        let body = body.trim_matches(['\r', '\n']);
        requests.push(format!("{head}\r\n\r\n{body}").into_bytes());
    }
    requests
}

/// Sends what was recorded, and gives back what was answered to all but preflights.
fn replay(server: &Server, text: &str) -> Vec<Answer> {
    let mut client = server.client();
    let mut answers = Vec::new();
    for request in recorded(text) {
        client.write(&request).unwrap();
        let answer = client.answer().unwrap();
        if request.windows(8).any(|eight| eight == b"Origin: ") {
            assert_eq!(answer.header("access-control-allow-origin"), "https://site.test:9443");
            assert_eq!(answer.header("access-control-allow-credentials"), "true");
        }
        if request.starts_with(b"OPTIONS") {
            assert_eq!(answer.status, 204);
            assert!(answer.header("access-control-allow-headers").contains("content-type"));
        } else {
            answers.push(answer);
        }
    }
    answers
}

fn post(server: &Server, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    server.client().send("POST", path, headers, body.to_string().as_bytes()).unwrap()
}

fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

#[test]
fn what_plausibles_trackers_have_sent_is_counted() {
    let server = Server::start(CONFIG);
    let answers =
        replay(&server, include_str!("../../fixtures/clients/plausible/tracker-0.4.6.txt"));
    assert_eq!(answers.len(), 6);
    for answer in &answers {
        assert_eq!((answer.status, answer.text().as_str()), (202, "ok"));
        assert!(answer.all("x-plausible-dropped").is_empty());
    }
    let expected = [
        ("page_view /p/page.html", 1),
        ("page_view /p/second", 1),
        ("engagement /p/page.html", 1),
        ("engagement /p/second", 1),
        ("custom_event Signup", 1),
        ("custom_event Btn", 1),
    ];
    check(&server, &expected);
    // The second page is part of the visit that the campaign has brought.
    check_split(&server, "page_view", "utm_source", &[("news", 2)]);
    check_split(&server, "page_view", "utm_campaign", &[("x", 2)]);
    check_split(&server, "page_view", "hostname", &[("site.test", 2)]);
    check_split(&server, "custom_event", "meta.plan", &[("pro", 1)]);
    check_split(&server, "custom_event", "meta.author", &[("me", 2)]);
    check_split(&server, "custom_event", "meta.revenue", &[("12.5", 1)]);
    // They are on the overview, with the way to all of them.
    let page = server.get("/").text();
    assert!(page.contains("Signup") && page.contains("event_type=custom_event"), "{page}");
    let all = server.get("/top?event_type=custom_event");
    assert!(all.status == 200 && all.text().contains("Btn"));

    let older = include_str!("../../fixtures/clients/plausible/plausible-tracker-0.3.9.txt");
    assert!(replay(&server, older).iter().all(|answer| answer.status == 202));
    assert_eq!(counted(&server)["custom_event Signup"], 2);
    assert_eq!(counted(&server)["page_view /p/page.html"], 2);
    check_split(&server, "custom_event", "meta.plan", &[("pro", 2)]);
    check_split(&server, "page_view", "screen", &[("577 to 992 px", 1)]);
    assert_eq!(server.health("/beacons/rejected"), 0);
}

#[test]
fn what_umamis_script_has_sent_is_counted() {
    let server = Server::start(CONFIG);
    let answers = replay(&server, include_str!("../../fixtures/clients/umami/script-3.1.0.txt"));
    assert_eq!(answers.len(), 5);
    for answer in &answers {
        assert_eq!(answer.status, 200);
        let told = json(answer);
        assert!(
            ["cache", "sessionId", "visitId"].iter().all(|key| told[key].is_string()),
            "{told}"
        );
        assert!(told.get("disabled").is_none());
    }
    let expected = [
        ("page_view /p/page.html", 1),
        ("custom_event btn", 1),
        ("signup ", 1),
        ("vitals /p/page.html", 1),
    ];
    check(&server, &expected);
    check_split(&server, "page_view", "utm_source", &[("news", 1)]);
    check_split(&server, "page_view", "language", &[("en", 1)]);
    check_split(&server, "page_view", "screen", &[("577 to 992 px", 1)]);
}

#[test]
fn what_goatcounters_script_has_sent_is_counted() {
    let server = Server::start(CONFIG);
    let answers = replay(&server, include_str!("../../fixtures/clients/goatcounter/count.js.txt"));
    assert_eq!(answers.len(), 3);
    for answer in &answers {
        assert_eq!((answer.status, answer.header("content-type")), (200, "image/gif"));
        assert_eq!(answer.body.len(), 43);
        assert!(answer.all("x-goatcounter").is_empty());
    }
    let expected = [
        ("page_view /p/page.html", 1),
        ("custom_event my-event", 1),
        ("custom_event btn-click", 1),
    ];
    check(&server, &expected);
    check_split(&server, "page_view", "utm_source", &[("news", 1)]);
    check_split(&server, "page_view", "hostname", &[("site.test", 1)]);
}

#[test]
fn what_matomos_tracker_has_sent_is_counted() {
    let server = Server::start(CONFIG);
    let recorded = include_str!("../../fixtures/clients/matomo/matomo-tracker-2.2.4.txt");
    let answers = replay(&server, recorded);
    let (bulk, single) = answers.split_last().unwrap();
    assert_eq!(single.len(), 6);
    for answer in single {
        assert_eq!((answer.status, answer.header("content-type")), (200, "image/gif"));
    }
    let told = json(bulk);
    let told = (&told["status"], &told["tracked"], &told["invalid"]);
    assert_eq!(told, (&"success".into(), &2.into(), &0.into()));
    let expected = [
        ("page_view /docs/home", 1),
        ("custom_event Video: Play", 1),
        ("search beacons", 1),
        ("download_click a.pdf", 1),
        ("outbound_click other.example", 1),
        ("page_view /one", 1),
        ("custom_event Goal 2", 1),
    ];
    check(&server, &expected);
    check_split(&server, "page_view", "utm_campaign", &[("x", 2)]);
    check_split(&server, "custom_event", "meta.revenue", &[("9.5", 1)]);
    check_split(&server, "custom_event", "source", &[("Direct or unknown", 1), ("DuckDuckGo", 1)]);
}

#[test]
fn matomo_is_answered_in_its_own_words() {
    let server = Server::start(CONFIG);
    let ask = |method: &str, path: &str, body: &str| {
        // Its script calls bulk requests a form, and so does what it posts with an empty body.
        let kind = [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")];
        server.client().send(method, path, &kind, body.as_bytes()).unwrap()
    };
    let page = "url=https%3A%2F%2Fsite.test%2Fa&idsite=7&rec=1";
    assert_eq!(ask("POST", &format!("/matomo.php?{page}"), "").status, 200);
    assert_eq!(ask("POST", "/piwik.php", page).header("content-type"), "image/gif");
    let silent = ask("GET", &format!("/matomo.php?{page}&send_image=0"), "");
    assert_eq!((silent.status, silent.body.len()), (204, 0));
    for path in
        ["/matomo.php", "/matomo.php?idsite=7&rec=1", "/matomo.php?url=https%3A%2F%2Fsite.test%2F"]
    {
        assert_eq!(ask("GET", path, "").status, 400, "{path}");
    }
    // Of another site, but on a page of this one; and of one that nobody knows.
    assert_eq!(
        ask("GET", "/matomo.php?idsite=9&rec=1&url=https%3A%2F%2Fwww.site.test%2Fa", "").status,
        200
    );
    assert_eq!(
        ask("GET", "/matomo.php?idsite=9&rec=1&url=https%3A%2F%2Fno.test%2Fa", "").status,
        400
    );
    let body = json!({ "requests": [format!("?{page}"), { "idsite": 7, "rec": 1, "url": "https://site.test/b" },
        "?idsite=7&rec=1"], "token_auth": "x", "send_image": 0 });
    let told = json(&ask("POST", "/matomo.php", &body.to_string()));
    assert_eq!((&told["tracked"], &told["invalid_indices"]), (&2.into(), &json!([2])));
    check(&server, &[("page_view /a", 5), ("page_view /b", 1)]);
}

#[test]
fn what_scripts_of_ones_own_have_sent_is_counted() {
    let server = Server::start(CONFIG);
    let vitals = include_str!("../../fixtures/clients/handmade/web-vitals-6.2.3.txt");
    assert!(replay(&server, vitals).iter().all(|answer| answer.status == 204));
    check(&server, &[("vitals /p/page.html", 2)]);
    let told = server.json("/api/v1/reports/vitals");
    assert!(told.to_string().contains("\"lcp\"") || told.to_string().contains("LCP"), "{told}");

    let errors = include_str!("../../fixtures/clients/handmade/window-onerror.txt");
    let statuses: Vec<u16> = replay(&server, errors).iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [404, 204, 204, 204], "the first asks for a script that we don't have");
    let mut found = counted(&server);
    found.retain(|name, _| name.starts_with("error "));
    assert_eq!(found.values().copied().collect::<Vec<_>>(), [1, 1, 1], "{found:?}");
    assert!(found.keys().any(|name| name.contains("nope is not defined")), "{found:?}");

    let pixel = include_str!("../../fixtures/clients/goatcounter/noscript-pixel.txt");
    let statuses: Vec<u16> = replay(&server, pixel).iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [404, 200], "the first asks for a style sheet");
    assert_eq!(counted(&server)["page_view /x"], 1);
    for (path, body) in [("/vitals", "1"), ("/vitals", "{"), ("/err", "[[]")] {
        assert_eq!(server.client().send("POST", path, &[], body.as_bytes()).unwrap().status, 400);
    }
}

#[test]
fn a_site_says_where_user_agents_are_judged() {
    let proxied = "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n";
    let event = json!({ "n": "pageview", "u": "https://site.test/a", "d": "site.test" });
    let python = from("198.51.100.7", "python-requests/2.32.3");
    let strict = Server::start(&format!("{proxied}{CONFIG}"));
    let answer = post(&strict, "/api/event", &python, &event);
    assert_eq!((answer.status, answer.header("x-plausible-dropped")), (202, "1"));
    let open = CONFIG.replace("ids =", "judged = [\"beacon\", \"pixel\"]\nids =");
    let open = Server::start(&format!("{proxied}{open}"));
    let answer = post(&open, "/api/event", &python, &event);
    assert_eq!((answer.status, answer.all("x-plausible-dropped").len()), (202, 0));
    assert_eq!((counted(&strict).len(), counted(&open).len()), (0, 1));
}

#[test]
fn plausible_is_answered_in_its_own_words() {
    let server = Server::start(CONFIG);
    let url = "https://site.test/a";
    let wrong = [
        (json!({ "n": "pageview", "d": "site.test" }), "url"),
        (json!({ "u": url, "d": "site.test" }), "event_name"),
        (json!({ "n": "pageview", "u": "/a" }), "domain"),
        (json!({ "n": "pageview", "u": "data:text/html,x", "d": "site.test" }), "url"),
        (json!({ "n": "engagement", "u": url, "d": "site.test" }), "event"),
        (json!([]), "request"),
    ];
    for (body, field) in wrong {
        let answer = post(&server, "/api/event", &[], &body);
        assert_eq!(answer.status, 400, "{body}");
        assert!(json(&answer)["errors"][field][0].is_string(), "{body}: {}", answer.text());
    }
    let broken = server.client().send("POST", "/api/event", &[], b"{").unwrap();
    assert_eq!(broken.status, 400);
    // For two sites, one of which is not declared; and by a form.
    let two = json!({ "n": "pageview", "u": url, "d": "www.site.test, roll.up" });
    let answer = post(&server, "/api/event", &[], &two);
    assert_eq!((answer.status, answer.text().as_str()), (202, "ok"));
    assert_eq!(answer.header("x-plausible-dropped"), "1");
    let form = b"name=pageview&url=https%3A%2F%2Fsite.test%2Fform&domain=site.test";
    assert_eq!(server.client().send("POST", "/api/event", &[], form).unwrap().status, 202);
    // Routed by fragments; of an app; a path alone; and what its script sends by itself.
    for event in [
        json!({ "n": "pageview", "u": "https://site.test/app#/b", "d": "site.test", "h": 1 }),
        json!({ "n": "pageview", "u": "app://localhost/screen", "d": "site.test" }),
        json!({ "n": "pageview", "u": "/alone", "d": "site.test" }),
        json!({ "n": "pageleave", "u": url, "d": "site.test" }),
        json!({ "n": 404, "u": url, "d": "site.test" }),
        json!({ "n": "Outbound Link: Click", "u": url, "d": "site.test",
                "p": { "url": "https://other.example/x" } }),
        json!({ "n": "File Download", "u": url, "d": "site.test",
                "p": "{\"url\":\"https://site.test/files/a.pdf\"}" }),
    ] {
        let answer = post(&server, "/api/event", &[], &event);
        assert_eq!((answer.status, answer.all("x-plausible-dropped").len()), (202, 0), "{event}");
    }
    let expected = [
        ("page_view /a", 1),
        ("page_view /form", 1),
        ("page_view /app#/b", 1),
        ("page_view /screen", 1),
        ("page_view /alone", 1),
        ("custom_event 404", 1),
        ("outbound_click other.example", 1),
        ("download_click a.pdf", 1),
    ];
    check(&server, &expected);
}

#[test]
fn liwan_is_told_from_plausible_by_its_entity() {
    let server = Server::start(CONFIG);
    let agent = [("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")];
    let view = |name: &str, entity: &str| {
        json!({ "entity_id": entity, "name": name, "url": "https://site.test/docs/", "screen_width": "xl",
                "referrer": "https://news.ycombinator.com/item" })
    };
    assert_eq!(post(&server, "/api/event", &agent, &view("pageview", "site.test")).status, 200);
    assert_eq!(post(&server, "/api/event", &agent, &view("buy", "7")).status, 200);
    // Not declared, and yet its page is of a site that is.
    assert_eq!(post(&server, "/api/event", &agent, &view("buy", "other")).status, 200);
    assert_eq!(post(&server, "/api/event", &[], &view("pageview", "site.test")).status, 400);
    check(&server, &[("page_view /docs/", 1), ("custom_event buy", 2)]);
    check_split(&server, "page_view", "source", &[("Hacker News", 1)]);
}

#[test]
fn umami_is_answered_in_its_own_words() {
    let server = Server::start(CONFIG);
    let website = "94db1cb1-74f4-4a40-ad6c-962362670409";
    // As @umami/node sends it: neither page nor host.
    let event = json!({ "type": "event",
        "payload": { "website": website, "name": "order", "data": { "plan": "pro", "n": 1 } } });
    let agent = [("User-Agent", "Mozilla/5.0 Umami/v20.20.2"), ("Authorization", "Bearer None")];
    assert_eq!(post(&server, "/api/send", &agent, &event).status, 200);
    let path = json!({ "type": "event",
        "payload": { "website": website, "hostname": "site.test", "url": "/docs/é", "referrer": "/x" } });
    assert_eq!(post(&server, "/api/send", &agent, &path).status, 200);
    let wrong = [
        json!({ "type": "event", "payload": { "website": "other", "name": "x" } }),
        json!({ "type": "event", "payload": {} }),
        json!({ "type": "what", "payload": { "website": website } }),
        json!({ "type": "event" }),
    ];
    for body in &wrong {
        let answer = post(&server, "/api/send", &agent, body);
        assert_eq!(answer.status, 400, "{body}");
        assert!(json(&answer)["error"]["message"].is_string(), "{}", answer.text());
    }
    let batch =
        json!([event, wrong[0], path, { "type": "identify", "payload": { "website": website } }]);
    let told = json(&post(&server, "/api/batch", &agent, &batch));
    assert_eq!(
        (&told["size"], &told["processed"], &told["errors"]),
        (&4.into(), &3.into(), &1.into())
    );
    assert_eq!(told["details"][0]["index"], 1);
    check(&server, &[("page_view /docs/é", 2), ("custom_event order", 2)]);
    check_split(&server, "custom_event", "meta.plan", &[("pro", 2)]);
}

/// The facts of a request that came through the proxy from somewhere in the world.
fn from(client: &'static str, agent: &'static str) -> [(&'static str, &'static str); 2] {
    [("X-Forwarded-For", client), ("User-Agent", agent)]
}

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const SAFARI: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15";

#[test]
fn only_trusted_senders_speak_for_others() {
    let server = Server::start(&format!(
        "{CONFIG}[server]\ntrusted_proxies = [\"127.0.0.1\"]\nsender_tokens = [\"0123456789abcdef01234567\"]\n"
    ));
    let visitor = |ip: &str, agent: &str| {
        json!({ "type": "event", "payload": { "website": "7", "hostname": "site.test", "url": "/a",
                "ip": ip, "userAgent": agent } })
    };
    let figures = || {
        let month = server.json("/api/v1/reports/month");
        (month["total"]["count"].as_u64().unwrap(), month["total"]["visitors"].as_u64().unwrap())
    };
    // Somebody out there tells of three visitors, and is one.
    for ip in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        let answer =
            post(&server, "/api/send", &from("198.51.100.7", FIREFOX), &visitor(ip, SAFARI));
        assert_eq!(answer.status, 200);
    }
    assert_eq!(figures(), (3, 1));
    check_split(&server, "page_view", "browser", &[("Firefox", 3)]);
    // The proxy itself tells of two, and of a bot.
    for ip in ["192.0.2.1", "192.0.2.2"] {
        assert_eq!(post(&server, "/api/send", &[], &visitor(ip, SAFARI)).status, 200);
    }
    let bot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
    let answer = post(&server, "/api/send", &[], &visitor("192.0.2.9", bot));
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"beep":"boop"}"#));
    let answer =
        post(&server, "/api/send", &from("198.51.100.8", bot), &visitor("1.2.3.4", SAFARI));
    assert_eq!(answer.text(), r#"{"beep":"boop"}"#);
    assert_eq!(figures(), (5, 3));
    check_split(&server, "page_view", "browser", &[("Firefox", 3), ("Safari", 2)]);
    assert_eq!(server.refusals("bot"), 2);
    // Somebody out there with a token, as a header and as Matomo has it.
    let token = "Bearer 0123456789abcdef01234567";
    let headers = [("X-Forwarded-For", "198.51.100.7"), ("Authorization", token)];
    assert_eq!(post(&server, "/api/send", &headers, &visitor("192.0.2.3", SAFARI)).status, 200);
    for token in ["0123456789abcdef01234567", "wrong"] {
        let query = format!(
            "?idsite=7&rec=1&url=https%3A%2F%2Fsite.test%2Fa&cip=192.0.2.4&token_auth={token}"
        );
        let body = json!({ "requests": [query] });
        let told = json(&post(&server, "/matomo.php", &from("198.51.100.7", FIREFOX), &body));
        assert_eq!(told["tracked"], 1);
    }
    assert_eq!(figures(), (8, 5), "the last is who had come first");
    // What the proxy passes on without telling for whom is not the proxy's own.
    for header in [("X-Forwarded-For", "unknown"), ("Forwarded", "for=192.0.2.8"), ("Via", "1.1 a")]
    {
        let hits = json!({ "hits": [{ "path": "/b" }] });
        assert_eq!(post(&server, "/api/v0/count", &[header], &hits).status, 403, "{header:?}");
    }
    // A server's hits are only taken from one that is trusted.
    let hits = json!({ "no_sessions": true, "hits": [{ "path": "/b" }] });
    let answer = post(&server, "/api/v0/count", &from("198.51.100.7", FIREFOX), &hits);
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(json(&answer)["error"].is_string());
}

#[test]
fn servers_count_for_their_visitors_with_times() {
    let server = Server::start(CONFIG);
    let me = server.json("/api/v0/me");
    assert_eq!(me["token"]["permissions"], 2);
    let now = jiff::Timestamp::now();
    let ago = |hours: i64| (now - jiff::SignedDuration::from_hours(hours)).to_string();
    let host = [("Host", "ignored")];
    let hit = |path: &str, ip: &str, created_at: String| {
        json!({ "path": path, "title": "T", "host": "site.test", "ip": ip, "user_agent": FIREFOX,
                "ref": "https://duckduckgo.com/", "size": [1920, 1080, 1], "query": "?utm_source=mail",
                "created_at": created_at })
    };
    let hits = json!({ "hits": [
        hit("/now", "192.0.2.1", now.to_string()),
        hit("/past", "192.0.2.1", ago(50)),
        hit("/past", "192.0.2.1", ago(50)),
        hit("/past", "192.0.2.2", ago(50)),
        hit("/future", "192.0.2.1", ago(-5)),
        hit("/ancient", "192.0.2.1", ago(24 * 90)),
        json!({ "path": "bought", "event": true, "host": "site.test", "ip": "192.0.2.1",
                "user_agent": FIREFOX }),
        json!({ "title": "no path" }),
        json!({ "path": "/bot", "host": "site.test", "user_agent": "curl/8.5.0" }),
    ]});
    let answer = post(&server, "/api/v0/count", &host[..0], &hits);
    assert_eq!(answer.status, 400);
    let errors = json(&answer)["errors"].as_object().unwrap().clone();
    assert_eq!(errors.keys().collect::<Vec<_>>(), ["4", "5", "7"]);
    assert_eq!(answer.header("x-goatcounter-filter"), "8");
    let expected = [("page_view /now", 1), ("page_view /past", 3), ("custom_event bought", 1)];
    check(&server, &expected);
    check_split(&server, "page_view", "utm_source", &[("mail", 4)]);
    check_split(&server, "page_view", "screen", &[("1441 to 1920 px", 4)]);
    // They stand on the day on which they were.
    let file = server.file();
    let sql = "SELECT period_start, visitors FROM beacon_aggregates
        WHERE granularity = 'day' AND identifier = '/past'";
    let (day, visitors): (String, i64) =
        file.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert!(ago(50).starts_with(&day[..10]), "{day}");
    assert_eq!(visitors, 2);

    let many =
        |count: usize| json!({ "hits": vec![json!({ "path": "/m", "host": "site.test" }); count] });
    assert_eq!(post(&server, "/api/v0/count", &[], &many(500)).status, 202);
    assert_eq!(counted(&server)["page_view /m"], 500);
    assert_eq!(post(&server, "/api/v0/count", &[], &many(501)).status, 400);
    assert_eq!(post(&server, "/api/v0/count", &[], &many(0)).status, 400);
}

#[test]
fn goatcounters_pixel_counts_and_its_mistakes_are_told() {
    let server = Server::start(CONFIG);
    let page = [("Referer", "https://site.test/")];
    let get = |path: &str| server.client().send("GET", path, &page, b"").unwrap();
    assert_eq!(get("/count?p=/docs&t=Docs&r=https://duckduckgo.com/&s=1280").status, 200);
    let other = [("Referer", "https://site.test/"), ("User-Agent", FIREFOX)];
    let path = "/count?p=/docs&r=Podcast";
    assert_eq!(server.client().send("GET", path, &other, b"").unwrap().status, 200);
    // A driven browser is answered like any other.
    assert_eq!(get("/count?p=/docs&b=153").status, 200);
    for path in ["/count", "/count?p=", "/count?p=/a&b=7"] {
        let answer = get(path);
        assert_eq!((answer.status, answer.header("content-type")), (400, "image/gif"), "{path}");
        assert!(!answer.header("x-goatcounter").is_empty());
    }
    // Sent again, because the first answer was lost.
    for _ in 0..2 {
        let again = "/count?p=/again&rnd=p8htb";
        assert_eq!(server.client().send("POST", again, &page, b"").unwrap().status, 200);
    }
    assert_eq!(counted(&server)["page_view /again"], 1);
    // An image that is fetched ahead may never be seen; a script that sends does so at the visit,
    // though the browser still calls it ahead.
    let ahead = [page[0], ("Sec-Purpose", "prefetch;prerender")];
    for method in ["GET", "POST"] {
        let path = "/count?p=/ahead";
        assert_eq!(server.client().send(method, path, &ahead, b"").unwrap().status, 200);
    }
    assert_eq!(counted(&server)["page_view /ahead"], 1);
    check_split(&server, "page_view", "source", &[("DuckDuckGo", 4), ("podcast", 1)]);
}

#[test]
fn browsers_reports_are_errors() {
    let server = Server::start(&format!(
        "{CONFIG}\n[event.error]\nidentifier = \"fingerprint\"\ndimensions = [\"page\"]\n"
    ));
    let kind = [("Content-Type", "application/reports+json"), ("Origin", "https://site.test")];
    let report = |kind: &str, body: Value| json!({ "age": 1200, "type": kind, "url": "https://site.test/shop?x=1", "user_agent": FIREFOX, "body": body });
    let csp = json!({ "blockedURL": "https://evil.example/x.js", "effectiveDirective": "script-src-elem",
                      "documentURL": "https://site.test/shop", "disposition": "enforce" });
    let reports = json!([
        report("csp-violation", csp.clone()),
        report("csp-violation", csp),
        report("deprecation", json!({ "id": "UnloadHandler", "message": "long" })),
        report("network-error", json!({ "type": "tcp.closed", "phase": "application" })),
        report("network-error", json!({ "type": "ok" })),
        report("never-heard-of", json!({})),
    ]);
    assert_eq!(post(&server, "/reports", &kind, &reports).status, 204);
    let old = json!({ "csp-report": { "document-uri": "https://site.test/old", "violated-directive": "img-src 'self'",
                      "blocked-uri": "data" } });
    let old_kind = [("Content-Type", "application/csp-report"), ("Origin", "https://site.test")];
    assert_eq!(post(&server, "/reports", &old_kind, &old).status, 204);
    assert_eq!(post(&server, "/reports", &kind, &json!({ "what": 1 })).status, 400);
    let preflight =
        [("Origin", "https://site.test"), ("Access-Control-Request-Headers", "content-type")];
    let answer = server.client().send("OPTIONS", "/reports", &preflight, b"").unwrap();
    assert_eq!(
        (answer.status, answer.header("access-control-allow-headers")),
        (204, "content-type")
    );
    let found = counted(&server);
    assert_eq!(found.values().sum::<i64>(), 5, "{found:?}");
    let policy = found.iter().find(|(name, _)| name.contains("evil.example")).unwrap();
    assert_eq!(*policy.1, 2, "{found:?}");
    for what in ["UnloadHandler", "tcp.closed", "img-src"] {
        assert!(found.keys().any(|name| name.contains(what)), "{what}: {found:?}");
    }
    check_split(&server, "error", "page", &[("/shop", 4), ("/old", 1)]);
}

#[test]
fn sentrys_envelopes_are_read_item_by_item() {
    let server = Server::start(CONFIG);
    let event = json!({ "event_id": "9ec79c33ec9942ab8353589fcb2e04dc",
        "request": { "url": "https://site.test/cart" },
        "exception": { "values": [{ "type": "Error", "value": "first" },
            { "type": "TypeError", "value": "x is not a function",
              "stacktrace": { "frames": [{ "filename": "https://site.test/app.js", "function": "pay" }] } }] } });
    let header =
        r#"{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","sent_at":"2026-11-24T12:00:00Z"}"#;
    let event = event.to_string();
    let session = r#"{"sid":"x","errors":1}"#;
    let envelope = format!(
        "{header}\n{{\"type\":\"session\"}}\n{session}\n{{\"type\":\"attachment\",\"length\":3}}\na\nb\n{{\"type\":\"event\",\"length\":{}}}\n{event}\n",
        event.len()
    );
    for path in ["/api/7/envelope/?sentry_version=7&sentry_key=k", "/api/7/envelope"] {
        let answer = server.client().send("POST", path, &[], envelope.as_bytes()).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(json(&answer)["id"], "9ec79c33ec9942ab8353589fcb2e04dc");
    }
    let found = counted(&server);
    assert_eq!(found.values().copied().collect::<Vec<_>>(), [2], "{found:?}");
    assert!(found.keys().all(|name| name.starts_with("error TypeError")), "{found:?}");
    let broken = server.client().send("POST", "/api/7/envelope/", &[], b"nothing").unwrap();
    assert_eq!(broken.status, 400);
    // What the other reports say stays where it was.
    assert_eq!(server.get("/api/v1/reports").status, 200);
}

#[test]
fn a_site_that_nobody_has_declared_is_shown_until_somebody_does() {
    let server = Server::start(CONFIG);
    assert!(!server.get("/").text().contains("not declared"));
    let event = |domain: &str| json!({ "n": "pageview", "u": "https://x.test/", "d": domain });
    assert_eq!(post(&server, "/api/event", &[], &event("<b>new</b>.test")).status, 202);
    assert_eq!(post(&server, "/api/event", &[], &event("second.test")).status, 202);
    let page = server.get("/").text();
    assert!(page.contains("arrived for a site you have not declared"), "{page}");
    assert!(page.contains("&#60;b&#62;new") && !page.contains("<strong>second.test"), "{page}");
    assert_eq!(server.refusals("unknown_site"), 2);
    let config = format!("{CONFIG}[[site]]\ndomain = \"new.test\"\nids = [\"<b>new</b>.test\"]\n");
    std::fs::write(server.folder.path().join("beacons.toml"), config).unwrap();
    server.signal("HUP");
    crate::support::wait_until("the new site", || {
        !server.get("/").text().contains("have not declared")
    });
    assert_eq!(post(&server, "/api/event", &[], &event("second.test")).status, 202);
    assert!(server.get("/").text().contains("second.test"));
}

#[test]
fn a_site_gives_the_script_and_its_endpoint_names_of_their_own() {
    let server = Server::start(
        "[[site]]\ndomain = \"site.test\"\nscript = \"/js/script.js\"\nendpoint = \"/js/hello\"\n",
    );
    let script = server.get("/js/script.js");
    assert_eq!((script.status, script.header("access-control-allow-origin")), (200, "*"));
    assert!(
        script.text().contains("new URL('/js/hello',src)") && !script.text().contains("/beacon")
    );
    let known = [("If-None-Match", script.header("etag"))];
    assert_eq!(server.client().send("GET", "/js/script.js", &known, b"").unwrap().status, 304);
    assert!(server.get("/tb.js").text().contains("'/beacon'"));
    let origin = [("Origin", "https://site.test")];
    assert_eq!(server.client().send("OPTIONS", "/js/hello", &origin, b"").unwrap().status, 204);
    let beacon = json!({ "event_type": "page_view", "identifier": "/a" });
    assert_eq!(post(&server, "/js/hello", &origin, &beacon).status, 204);
    check(&server, &[("page_view /a", 1)]);
    assert_eq!(server.get("/js/other.js").status, 404);
    assert!(server.get("/setup").text().contains("/js/script.js"));
}

#[test]
fn the_setup_page_has_the_line_for_every_product() {
    let server = Server::start(CONFIG);
    let page = server.get("/setup");
    assert_eq!(page.status, 200);
    let page = page.text();
    for product in
        ["Plausible", "Umami", "GoatCounter", "Liwan", "Matomo", "Sentry", "Browser reports"]
    {
        assert!(page.contains(&format!("<h3>{product}</h3>")), "{product}");
    }
    let base = "http://localhost/api/event";
    assert!(page.contains(base) && page.contains("site.test"), "{page}");
    assert!(!page.contains("{base}") && !page.contains("{site}") && !page.contains("{host}"));
    assert!(server.get("/").text().contains("/setup"));
}

#[test]
fn what_clients_send_is_bounded() {
    let server = Server::start(CONFIG);
    let huge = vec![b' '; 2 * 1024 * 1024];
    for path in
        ["/api/event", "/api/send", "/api/v0/count", "/matomo.php", "/reports", "/api/7/envelope/"]
    {
        let answer =
            server.client().send("POST", path, &[("Origin", "https://a.test")], &huge).unwrap();
        assert_eq!((answer.status, answer.header("connection")), (413, "close"), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "https://a.test");
        for body in [&b""[..], b"{", b"[[[", b"null", b"\xff\xfe", b"{\"requests\":[1,{}]}"] {
            let answer = server.client().send("POST", path, &[], body).unwrap();
            assert!([200, 202, 400].contains(&answer.status), "{path} {body:?}: {}", answer.status);
        }
        let answer = server.client().send("PUT", path, &[], b"").unwrap();
        assert_eq!(answer.status, 405, "{path}");
    }
    let many: Vec<Value> = vec![json!({}); 501];
    assert_eq!(post(&server, "/api/batch", &[], &json!(many)).status, 400);
    // More properties, and longer ones, than anybody keeps: the event counts, and those that fit.
    let mut properties: serde_json::Map<String, Value> =
        (0..60).map(|at| (format!("key{at}"), "x".repeat(500).into())).collect();
    properties.insert("author".to_owned(), "me".into());
    let event =
        json!({ "n": "Big", "u": "https://site.test/a", "d": "site.test", "p": properties });
    assert_eq!(post(&server, "/api/event", &[], &event).all("x-plausible-dropped").len(), 0);
    check(&server, &[("custom_event Big", 1)]);
    assert!(server.get("/").status == 200);
}

#[test]
fn nothing_of_a_person_is_left_by_any_door() {
    let config = format!("{CONFIG}[server]\ntrusted_proxies = [\"127.0.0.1\"]\n");
    let mut server = Server::start(&config);
    let agent = "Mozilla/5.0 (X11; Linux x86_64; qqmarkqq; rv:140.0) Gecko/20100101 Firefox/140.0";
    let (client, told) = ("198.51.100.177", "203.0.113.188");
    let id = "mark-of-a-person";
    let url = "https://site.test/a";
    let sent = [
        ("/api/event", json!({ "n": "pageview", "u": url, "d": "site.test", "p": { "user": id } })),
        ("/api/event", json!({ "entity_id": "7", "name": "pageview", "url": url })),
        (
            "/api/send",
            json!({ "type": "event", "payload": { "website": "7", "url": url, "id": id, "ip": told,
            "userAgent": agent, "hostname": "site.test" } }),
        ),
        (
            "/api/send",
            json!({ "type": "identify", "payload": { "website": "7", "id": id, "data": { "name": id } } }),
        ),
        (
            "/api/v0/count",
            json!({ "hits": [{ "path": "/a", "host": "site.test", "ip": told, "user_agent": agent,
            "session": id }] }),
        ),
        (
            "/matomo.php",
            json!({ "requests": [{ "idsite": 7, "rec": 1, "url": url, "cip": told, "ua": agent,
            "uid": id, "_id": id, "cid": id }] }),
        ),
        (
            "/err",
            json!({ "message": format!("no mail for {told}"), "stack": format!("at {told}") }),
        ),
        (
            "/api/event",
            json!({ "n": "pageview", "u": format!("{url}?email={id}"), "d": "site.test" }),
        ),
    ];
    let from_proxy = [("User-Agent", agent), ("Referer", url)];
    let from_world = [("X-Forwarded-For", client), ("User-Agent", agent), ("Referer", url)];
    let mut said = String::new();
    for (path, body) in &sent {
        for headers in [&from_proxy[..], &from_world] {
            let answer = post(&server, path, headers, body);
            assert!([200, 202, 204, 403].contains(&answer.status), "{path}: {}", answer.text());
            said.push_str(&format!("{:?}{}", answer.headers, answer.text()));
        }
    }
    let filtered = server.json("/api/v1/reports/filtered");
    assert_eq!(server.health("/beacons/stored"), 13, "{filtered}");
    said.push_str(&server.get("/").text());
    server.terminate();
    said.push_str(&server.said());
    let mut files = 0;
    for entry in std::fs::read_dir(server.folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        said.push_str(&String::from_utf8_lossy(&bytes));
        files += 1;
    }
    assert!(files >= 2 && said.contains("/a"));
    for mark in [client, told, "qqmarkqq", id] {
        assert!(!said.contains(mark), "{mark} is left");
    }
}
