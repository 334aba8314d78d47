//! A week of three sites, from a real browser and from people whose moments are written down: every
//! figure is the one that was worked out by hand, in UTC, half an hour off it, and across the change
//! of the clocks, with a clean stop and a kill in the middle of visits.

use std::{collections::BTreeSet, fs};

use fantoccini::Locator;

use super::{
    chromium::Browser,
    pages::Pages,
    support::{Server, time::Clock, wait_until},
    tag,
};

const SITES: [&str; 3] = ["utc.example", "kolkata.example", "newyork.example"];

const CONFIG: &str = r#"
[server]
trusted_proxies = ["127.0.0.1"]
limits = { beacons_per_second = 0 }
[[site]]
domain = "utc.example"
[[site]]
domain = "kolkata.example"
time_zone = "Asia/Kolkata"
[[site]]
domain = "newyork.example"
time_zone = "America/New_York"
"#;

/// Anna in Berlin and Bea in Mumbai: address, user agent, time zone.
const ANNA: [&str; 3] = [
    "198.51.100.7",
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "Europe/Berlin",
];
const BEA: [&str; 3] = [
    "203.0.113.9",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Asia/Kolkata",
];
const CRAWLER: [&str; 3] = [
    "192.0.2.4",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "America/Los_Angeles",
];

const GOOGLE: &str = "https://www.google.com/";
const HACKERS: &str = "https://news.ycombinator.com/";

/// Every total: its bucket, its first instant, then page views, visitors, visits, bounces, seconds.
///
/// Days begin at 18:30 UTC in Kolkata, and at 04:00 in New York, where on 1 November the hours from
/// 05:00 and from 06:00 are both the one from 1 to 2 o'clock.
const TOTALS: [(&str, &str); 3] = [
    (
        "utc.example",
        "day   2026-10-26T00:00:00Z  2 1 1 0  900
         day   2026-10-27T00:00:00Z  2 1 1 0 1200
         day   2026-10-28T00:00:00Z  1 1 1 1    0
         day   2026-10-29T00:00:00Z  2 1 1 0  600
         day   2026-10-30T00:00:00Z  2 1 1 0  600
         day   2026-10-31T00:00:00Z  4 2 3 2 1800
         day   2026-11-01T00:00:00Z  2 1 2 2    0
         day   2026-11-02T00:00:00Z  1 1 1 1    0
         month 2026-10-01T00:00:00Z 13 7 8 3 5100
         month 2026-11-01T00:00:00Z  3 2 3 3    0
         year  2026-01-01T00:00:00Z 16 9 11 6 5100",
    ),
    (
        "kolkata.example",
        "day   2026-10-25T18:30:00Z  2 1 1 0  900
         day   2026-10-26T18:30:00Z  1 1 1 1    0
         day   2026-10-27T18:30:00Z  1 1 1 1    0
         day   2026-10-28T18:30:00Z  3 1 1 0 1500
         day   2026-10-29T18:30:00Z  2 1 1 0  600
         day   2026-10-30T18:30:00Z  3 1 2 1 1800
         day   2026-10-31T18:30:00Z  3 1 3 3    0
         day   2026-11-01T18:30:00Z  1 1 1 1    0
         month 2026-09-30T18:30:00Z 12 6 7 3 4800
         month 2026-10-31T18:30:00Z  4 2 4 4    0
         year  2025-12-31T18:30:00Z 16 8 11 7 4800",
    ),
    (
        "newyork.example",
        "day   2026-10-25T04:00:00Z  1 1 1 1    0
         day   2026-10-26T04:00:00Z  1 1 1 1    0
         day   2026-10-27T04:00:00Z  2 1 1 0 1200
         day   2026-10-28T04:00:00Z  3 1 1 0 1500
         day   2026-10-30T04:00:00Z  2 1 1 0  600
         day   2026-10-31T04:00:00Z  4 2 3 2 1800
         day   2026-11-01T04:00:00Z  3 2 3 3    0
         month 2026-10-01T04:00:00Z 13 7 8 4 5100
         month 2026-11-01T04:00:00Z  3 2 3 3    0
         year  2026-01-01T05:00:00Z 16 9 11 7 5100",
    ),
];

/// October and November of each page, and of each value: count, visitors, visits, bounces, seconds.
const SPLIT: [(&str, &str); 3] = [
    (
        "utc.example",
        "10 /                 7 6 7 2 5100
         10 /docs             4 4 1 1 0
         10 /pricing          2 2 0 0 0
         10 entry_page=/      7 0 7 2 0
         10 entry_page=/docs  1 0 1 1 0
         10 exit_page=/       2 0 2 0 0
         10 exit_page=/docs   4 0 4 0 0
         10 exit_page=/pricing 2 0 2 0 0
         10 source=Direct_or_unknown 11 6 7 3 4200
         10 source=Google     2 1 1 0 900
         10 country=DE        8 4 5 2 3300
         10 country=IN        3 2 2 1 1200
         10 device=Phone      3 2 2 1 1200
         11 /                 1 1 1 1 0
         11 /docs             2 1 2 2 0
         11 entry_page=/      1 0 1 1 0
         11 entry_page=/docs  2 0 2 2 0
         11 exit_page=/       1 0 1 0 0
         11 exit_page=/docs   2 0 2 0 0
         11 source=Direct_or_unknown 1 1 1 1 0
         11 source=Hacker_News 2 1 2 2 0
         11 country=DE        1 1 1 1 0
         11 country=IN        2 1 2 2 0
         11 device=Phone      2 1 2 2 0",
    ),
    (
        "kolkata.example",
        "10 /                 6 5 5 2 3900
         10 /docs             4 4 1 0 900
         10 /pricing          2 2 1 1 0
         10 entry_page=/      5 0 5 2 0
         10 entry_page=/docs  1 0 1 0 0
         10 entry_page=/pricing 1 0 1 1 0
         10 exit_page=/       2 0 2 0 0
         10 exit_page=/docs   3 0 3 0 0
         10 exit_page=/pricing 2 0 2 0 0
         10 source=Direct_or_unknown 10 5 6 3 3900
         10 source=Google     2 1 1 0 900
         10 country=DE        8 3 4 1 4200
         10 country=IN        2 2 2 2 0
         10 device=Phone      2 2 2 2 0
         11 /                 2 2 2 2 0
         11 /docs             2 1 2 2 0
         11 entry_page=/      2 0 2 2 0
         11 entry_page=/docs  2 0 2 2 0
         11 exit_page=/       2 0 2 0 0
         11 exit_page=/docs   2 0 2 0 0
         11 source=Direct_or_unknown 2 2 2 2 0
         11 source=Hacker_News 2 1 2 2 0
         11 country=DE        1 1 1 1 0
         11 country=IN        3 1 3 3 0
         11 device=Phone      3 1 3 3 0",
    ),
    (
        "newyork.example",
        "10 /                 7 6 6 3 4200
         10 /docs             4 4 2 1 900
         10 /pricing          2 2 0 0 0
         10 entry_page=/      6 0 6 3 0
         10 entry_page=/docs  2 0 2 1 0
         10 exit_page=/       3 0 3 0 0
         10 exit_page=/docs   3 0 3 0 0
         10 exit_page=/pricing 2 0 2 0 0
         10 source=Direct_or_unknown 12 6 7 3 5100
         10 source=Google     1 1 1 1 0
         10 country=DE        8 4 5 3 3300
         10 country=IN        3 2 2 1 1200
         10 device=Phone      3 2 2 1 1200
         11 /                 1 1 1 1 0
         11 /docs             2 1 2 2 0
         11 entry_page=/      1 0 1 1 0
         11 entry_page=/docs  2 0 2 2 0
         11 exit_page=/       1 0 1 0 0
         11 exit_page=/docs   2 0 2 0 0
         11 source=Direct_or_unknown 1 1 1 1 0
         11 source=Hacker_News 2 1 2 2 0
         11 country=DE        1 1 1 1 0
         11 country=IN        2 1 2 2 0
         11 device=Phone      2 1 2 2 0",
    ),
];

struct Week {
    clock: Clock,
    server: Server,
    /// Every key that has ever stood in the file of the day's keys, as hex digits.
    keys: BTreeSet<String>,
}

impl Week {
    /// Moves the clock, then sends a beacon to each site from `who`: on `path`, come from `referrer`.
    fn beacon(&mut self, moment: &str, who: [&str; 3], path: &str, referrer: &str) {
        let more =
            if referrer.is_empty() { String::new() } else { format!(r#","ref":"{referrer}""#) };
        self.send(moment, who, "page_view", path, &more);
    }

    fn send(&mut self, moment: &str, who: [&str; 3], event_type: &str, path: &str, more: &str) {
        self.clock.set(moment);
        let [address, user_agent, zone] = who;
        let headers = [("X-Forwarded-For", address), ("User-Agent", user_agent)];
        for site in SITES {
            let body = format!(
                r#"{{"event_type":"{event_type}","meta":{{"url":"https://{site}{path}","tz":"{zone}"{more}}}}}"#
            );
            let answer = self.server.client().send("POST", "/beacon", &headers, body.as_bytes());
            assert_eq!(answer.unwrap().status, 204);
        }
        self.note_keys();
    }

    fn note_keys(&mut self) {
        self.keys.extend(keys(&self.server));
    }

    /// What the dashboard says of who is there.
    fn now(&self, site: &str) -> String {
        let page = self.server.get(&format!("/?site={site}")).text();
        let (_, rest) = page.split_once(r#"class="now""#).unwrap_or_else(|| panic!("{page}"));
        let (_, rest) = rest.split_once("</svg> ").unwrap();
        rest.split('<').next().unwrap().to_owned()
    }
}

/// The keys that the file of keys holds now.
fn keys(server: &Server) -> Vec<String> {
    let mut keys = None;
    // While it is being overwritten it holds no words.
    wait_until("the file of keys", || {
        let text = fs::read_to_string(server.folder.path().join("trim-beacons.db-salt")).unwrap();
        keys = text.lines().map(|line| Some(line.split(' ').nth(2)?.to_owned())).collect();
        keys.is_some()
    });
    keys.unwrap_or_default()
}

fn rows(server: &Server, sql: &str, site: &str) -> BTreeSet<String> {
    let file = server.file();
    let mut statement = file.prepare(sql).unwrap();
    let rows = statement.query_map([site], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// A table's lines, with single spaces.
fn lines(table: &str) -> BTreeSet<String> {
    table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

const COUNTERS: &str =
    "count || ' ' || visitors || ' ' || visits || ' ' || bounces || ' ' || seconds";

fn check_figures(server: &Server) {
    for (site, expected) in TOTALS {
        let sql = format!(
            "SELECT granularity || ' ' || period_start || ' ' || {COUNTERS} FROM beacon_aggregates
             WHERE site = ?1 AND event_type = 'page_view' AND identifier IS NULL
                 AND granularity IN ('day', 'month', 'year')"
        );
        assert_eq!(rows(server, &sql, site), lines(expected), "{site}");
    }
    for (site, expected) in SPLIT {
        // The local month, whichever zone: ten days on from its first instant.
        let month = "strftime('%m', period_start, '+10 days') || ' '";
        let of = "WHERE site = ?1 AND event_type = 'page_view' AND granularity = 'month'";
        let sql = format!(
            "SELECT {month} || identifier || ' ' || {COUNTERS} FROM beacon_aggregates
             {of} AND identifier IS NOT NULL
             UNION ALL
             SELECT {month} || dimension || '=' || replace(value, ' ', '_') || ' ' || {COUNTERS}
             FROM beacon_breakdowns {of} AND identifier IS NULL
                 AND (dimension IN ('entry_page', 'exit_page', 'source', 'country')
                     OR dimension = 'device' AND value = 'Phone')"
        );
        assert_eq!(rows(server, &sql, site), lines(expected), "{site}");
    }
    check_clock_change(server);
    check_engagement(server);
    check_report(server);
}

/// The hour from 1 to 2 o'clock came twice, and the day had 25 hours.
fn check_clock_change(server: &Server) {
    let sql = "SELECT period_start || ' ' || count FROM beacon_aggregates
        WHERE site = ?1 AND event_type = 'page_view' AND identifier IS NULL
            AND granularity = 'hour' AND period_start > '2026-11'";
    let expected = "2026-11-01T05:00:00Z 1\n2026-11-01T06:00:00Z 1\n2026-11-02T04:00:00Z 1";
    assert_eq!(rows(server, sql, "newyork.example"), lines(expected));
    let day = "/api/v1/reports/trend?site=newyork.example&from=2026-11-01&to=2026-11-01";
    let report = server.json(&format!("{day}&granularity=hour"));
    let hours = report["points"].as_array().unwrap();
    let counted: Vec<_> =
        hours.iter().map(|hour| hour["figures"]["count"].as_i64().unwrap()).collect();
    assert_eq!((counted.len(), counted[1], counted[2], counted[24]), (25, 1, 1, 1), "{report}");
    let clock = |at: usize| hours[at]["hour"].as_i64().unwrap();
    assert_eq!((clock(1), clock(2), clock(24)), (1, 1, 23));
}

/// How long Bea looked at the prices: kept, and no page view, and no end of a bounce.
fn check_engagement(server: &Server) {
    for (site, day) in [("utc.example", "2026-10-27"), ("kolkata.example", "2026-10-28")] {
        let question = format!("site={site}&event_type=engagement&identifier=/pricing");
        let report = format!("/api/v1/reports/spread?{question}&from={day}&to={day}");
        let spread = server.json(&report);
        let measure = |name: &str| {
            let measures = spread["measures"].as_array().unwrap();
            let found = measures.iter().find(|measure| measure["name"] == name).unwrap();
            (found["count"].as_i64().unwrap(), found["mean"].as_f64().unwrap())
        };
        assert_eq!((measure("seconds"), measure("scroll")), ((1, 95.0), (1, 80.0)), "{site}");
    }
}

/// The page's own arithmetic: the same figures, as the dashboard asks for them.
fn check_report(server: &Server) {
    for (site, count, visits, bounces, seconds) in [
        ("utc.example", 13, 8, 3, 5100),
        ("kolkata.example", 12, 7, 3, 4800),
        ("newyork.example", 13, 8, 4, 5100),
    ] {
        let report = format!("/api/v1/reports/overview?site={site}&from=2026-10-01&to=2026-10-31");
        let total = &server.json(&report)["series"]["total"];
        let figure = |name: &str| total[name].as_i64().unwrap();
        let found = (figure("count"), figure("visits"), figure("bounces"), figure("seconds"));
        assert_eq!(found, (count, visits, bounces, seconds), "{site}");
    }
    let filtered = "/api/v1/reports/filtered?site=utc.example&from=2026-10-27&to=2026-10-27";
    let filtered = server.json(filtered);
    assert_eq!(filtered["reasons"][0]["reason"], "bot", "{filtered}");
    assert_eq!(filtered["reasons"][0]["count"], 1, "{filtered}");
    assert_eq!(filtered["agents"][0]["name"], "Googlebot", "{filtered}");
}

/// Until the browser's page view of `path` is counted at every site.
fn wait_for_view(server: &Server, path: &str) {
    wait_until(path, || {
        let sql = "SELECT site FROM beacon_aggregates WHERE identifier = ?1
            AND event_type = 'page_view' AND granularity = 'hour' AND period_start = '2026-10-30T10:00:00Z'";
        let half = sql.replace("10:00:00Z'", "09:30:00Z'");
        rows(server, sql, path).len() + rows(server, &half, path).len() == SITES.len()
    });
}

async fn browse(week: &mut Week) {
    let script = format!("{}<a href=/docs>Docs</a>", tag(&week.server, ""));
    let pages = Pages::serve(week.server.port, move |_| script.clone());
    let browser = Browser::start_with(&["--host-resolver-rules=MAP *.example 127.0.0.1"]).await;
    let mut tabs = Vec::new();
    week.clock.set("2026-10-30 10:00:00");
    for site in SITES {
        let tab = browser.page.new_window(true).await.unwrap().handle;
        browser.page.switch_to_window(tab.clone()).await.unwrap();
        browser.page.goto(&pages.url_at(site, "/")).await.unwrap();
        tabs.push(tab);
    }
    wait_for_view(&week.server, "/");
    week.clock.set("2026-10-30 10:10:00");
    for tab in tabs {
        browser.page.switch_to_window(tab).await.unwrap();
        browser.page.find(Locator::Css("a")).await.unwrap().click().await.unwrap();
    }
    wait_for_view(&week.server, "/docs");
    assert_eq!(SITES.map(|site| week.now(site)), ["1 now"; 3]);
    week.note_keys();
    browser.check_silence().await;
    browser.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_is_counted_as_by_hand_in_every_zone_and_whatever_stops_the_server() {
    let clock = Clock::at("2026-10-26 03:49:00");
    let server = Server::start_at(&clock, CONFIG);
    let mut week = Week { clock, server, keys: BTreeSet::new() };
    // A midnight in New York lies between them.
    week.beacon("2026-10-26 03:50:00", ANNA, "/", GOOGLE);
    week.beacon("2026-10-26 04:05:00", ANNA, "/docs", "");
    let crawler = [("X-Forwarded-For", CRAWLER[0]), ("User-Agent", CRAWLER[1])];
    week.clock.set("2026-10-27 09:00:00");
    let body = br#"{"event_type":"page_view","meta":{"url":"https://utc.example/"}}"#;
    let answer = week.server.client().send("POST", "/beacon", &crawler, body).unwrap();
    assert_eq!(answer.status, 204, "a bot is answered like anybody");
    // A clean stop in the middle of a visit, and a midnight in Kolkata.
    week.beacon("2026-10-27 18:20:00", BEA, "/", "");
    assert!(week.server.terminate().success());
    week.server.restart();
    week.beacon("2026-10-27 18:40:00", BEA, "/pricing", "");
    let looked = r#","seconds":95,"scroll":80"#;
    week.send("2026-10-27 18:41:40", BEA, "engagement", "/pricing", looked);
    // A midnight in UTC, then a kill in the middle of a visit.
    week.beacon("2026-10-28 23:55:00", ANNA, "/docs", "");
    week.beacon("2026-10-29 00:10:00", ANNA, "/", "");
    week.server.kill();
    week.server.restart();
    week.beacon("2026-10-29 00:20:00", ANNA, "/pricing", "");
    browse(&mut week).await;
    // Thirty idle minutes go on, a second more does not.
    week.beacon("2026-10-31 12:00:00", ANNA, "/", "");
    week.beacon("2026-10-31 12:30:00", ANNA, "/docs", "");
    week.beacon("2026-10-31 13:00:01", ANNA, "/", "");
    week.beacon("2026-10-31 18:45:00", BEA, "/", "");
    // The clocks go back in New York between them.
    week.beacon("2026-11-01 05:30:00", BEA, "/docs", HACKERS);
    week.beacon("2026-11-01 06:15:00", BEA, "/docs", HACKERS);
    week.beacon("2026-11-02 04:30:00", ANNA, "/", "");
    check_figures(&week.server);
    week.server.kill();
    week.server.restart();
    check_figures(&week.server);
    check_keys(&week);
}

/// Every day of every site had its own key; when the last day is over, no file knows any of them, and
/// the database has never known one.
fn check_keys(week: &Week) {
    let days = TOTALS.iter().flat_map(|(_, table)| table.lines());
    let days = days.filter(|line| line.trim_start().starts_with("day")).count();
    assert_eq!(week.keys.len(), days);
    assert_eq!(files_with(week, &|name| name != "trim-beacons.db-salt"), Vec::<String>::new());
    week.clock.set("2026-11-03 12:00:00");
    wait_until("the keys to be erased", || keys(&week.server).is_empty());
    assert_eq!(files_with(week, &|_| true), Vec::<String>::new());
}

/// The files in the server's folder in which a key of any day stands, as digits or as bytes.
fn files_with(week: &Week, is_searched: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(week.server.folder.path()).unwrap() {
        let entry = entry.unwrap();
        // The way in for commands is no file.
        if !entry.file_type().unwrap().is_file() {
            continue;
        }
        let name = entry.file_name().into_string().unwrap();
        let bytes = fs::read(entry.path()).unwrap();
        let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        let digit = |key: &str, at: usize| u8::from_str_radix(&key[at..at + 2], 16).unwrap();
        for key in week.keys.iter().filter(|_| is_searched(&name)) {
            // Half a key would be too much.
            let raw: Vec<u8> = (0..16).map(|byte| digit(key, 2 * byte)).collect();
            if holds(&key.as_bytes()[..32]) || holds(&raw) {
                found.insert(name.clone());
            }
        }
    }
    found.into_iter().collect()
}
