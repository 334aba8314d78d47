//! What the overview shows beside figures and lists: all sites, the map, the hours of the week, goals.

use fantoccini::{Locator, elements::Element};
use serde_json::json;

use crate::{
    chromium::Browser,
    support::{Server, time::Clock},
};

const CONFIG: &str = "[[site]]\ndomain = \"a.example\"\n[[site]]\ndomain = \"b.example\"\n\
    [goal.\"Signed up\"]\nevent = \"signup\"\n";

fn visited() -> Server {
    let server = Server::start(CONFIG);
    for (event_type, zone) in [
        ("page_view", "Europe/Berlin"),
        ("page_view", "America/New_York"),
        ("signup", "Europe/Berlin"),
    ] {
        let meta = json!({ "url": "https://a.example/", "tz": zone });
        let beacon = json!({ "event_type": event_type, "site": "a.example", "meta": meta });
        assert_eq!(server.post(beacon.to_string()).status, 204, "{beacon}");
    }
    server
}

async fn find(browser: &Browser, css: &str) -> Element {
    let found = browser.page.wait().for_element(Locator::Css(css)).await;
    found.unwrap_or_else(|error| panic!("{css}: {error}"))
}

async fn follow(browser: &Browser, words: &str) {
    let found = browser.page.wait().for_element(Locator::LinkText(words)).await;
    found.unwrap_or_else(|error| panic!("{words}: {error}")).click().await.unwrap();
}

/// From all sites to one of them, over its map to one country of it.
async fn walk(browser: &Browser, server: &Server) {
    browser.page.goto(&format!("http://127.0.0.1:{}/", server.port)).await.unwrap();
    assert_eq!(find(browser, "h1").await.text().await.unwrap(), "All sites");
    follow(browser, "a.example").await;
    let events = find(browser, "[aria-labelledby=card-events]").await.text().await.unwrap();
    assert!(events.contains("signup"), "{events}");
    let goals = find(browser, "[aria-labelledby=card-goals]").await.text().await.unwrap();
    assert!(goals.contains("Signed up"), "{goals}");
    // The list comes first, the map is one step away.
    assert!(find(browser, "#card-country").await.text().await.unwrap().contains("Countries"));
    follow(browser, "Map").await;
    let country = find(browser, ".map a").await;
    let tabs = find(browser, ".card:has(.map) header").await.text().await.unwrap();
    assert_eq!(tabs.lines().collect::<Vec<_>>(), ["Map", "Countries", "Languages"]);
    let told = country.attr("aria-label").await.unwrap().unwrap();
    assert!(told == "Germany: 1\u{a0}visitor" || told == "United States: 1\u{a0}visitor", "{told}");
    let path = browser.page.find(Locator::Css(".map a[aria-label^=Germany] path")).await.unwrap();
    path.click().await.unwrap();
    let chip = find(browser, ".chips li").await.text().await.unwrap();
    assert!(chip.contains("Country is Germany"), "{chip}");
    assert!(browser.page.current_url().await.unwrap().as_str().contains("card=map"));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_sites_lead_to_one_and_its_map_to_a_country() {
    let server = visited();
    let browser = Browser::start().await;
    walk(&browser, &server).await;
    browser.check_silence().await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_sites_and_the_map_need_no_script() {
    let server = visited();
    let browser = Browser::start_without_scripts().await;
    walk(&browser, &server).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hours_of_the_week_are_a_picture_and_a_table() {
    let clock = Clock::at("2026-11-23 09:50:00");
    let server = Server::start_at(&clock, CONFIG);
    let meta = json!({ "url": "https://a.example/" });
    let beacon = json!({ "event_type": "page_view", "site": "a.example", "meta": meta });
    assert_eq!(server.post(beacon.to_string()).status, 204);
    clock.set("2026-11-23 10:05:00");
    let browser = Browser::start().await;
    let address = format!("http://127.0.0.1:{}/?site=a.example&period=today", server.port);
    browser.page.goto(&address).await.unwrap();
    let dark = find(&browser, ".heat .s5 title").await.html(true).await.unwrap();
    assert_eq!(dark, "Mondays, 9:00: 1.0 visits");
    find(&browser, ".week .folded summary").await.click().await.unwrap();
    let row = find(&browser, ".week tbody tr:nth-child(10)").await.text().await.unwrap();
    assert_eq!(row, "9:00 1.0 – – – – – –");
    browser.check_silence().await;
    browser.close().await;
}
