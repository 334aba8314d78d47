//! The dashboard in a browser: filters, tabs, lists, what is live, what is shared.

use std::time::Duration;

use fantoccini::{Client, Locator};

use crate::{
    chromium::Browser,
    support::{Server, wait_until},
};

const CONFIG: &str = "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n[[site]]\ndomain = \"shop.example\"\npublic = true\n";

/// A page view of the visitor with this number.
fn view(server: &Server, visitor: u8, page: &str, source: &str) {
    let address = format!("203.0.113.{visitor}");
    let headers =
        [("X-Forwarded-For", address.as_str()), ("User-Agent", "Mozilla/5.0 Firefox/145.0")];
    let body = format!(
        r#"{{"event_type":"page_view","meta":{{"url":"https://shop.example{page}","ref":"https://{source}/"}}}}"#
    );
    let answer = server.client().send("POST", "/beacon", &headers, body.as_bytes()).unwrap();
    assert_eq!(answer.status, 204, "{}", answer.text());
}

fn filled() -> Server {
    let server = Server::start(CONFIG);
    view(&server, 1, "/", "news.example");
    view(&server, 1, "/pricing", "news.example");
    view(&server, 2, "/pricing", "news.example");
    view(&server, 3, "/", "blog.example");
    server
}

fn url(server: &Server, path: &str) -> String {
    format!("http://127.0.0.1:{}{path}", server.port)
}

/// The text of the first element that `css` finds, once there is one.
async fn text(page: &Client, css: &str) -> String {
    let found = page.wait().at_most(Duration::from_secs(20)).for_element(Locator::Css(css));
    found.await.unwrap().text().await.unwrap()
}

async fn click(page: &Client, css: &str) {
    let found = page.wait().at_most(Duration::from_secs(20)).for_element(Locator::Css(css));
    found.await.unwrap().click().await.unwrap();
}

/// Clicks the link with this text.
async fn follow(page: &Client, words: &str) {
    let found = page.wait().at_most(Duration::from_secs(20)).for_element(Locator::LinkText(words));
    found.await.unwrap().click().await.unwrap();
}

/// The visitors that the strip tells.
async fn visitors(page: &Client) -> String {
    text(page, ".strip .value").await
}

async fn wait_for_address(page: &Client, what: &str) {
    for _ in 0..400 {
        if page.current_url().await.unwrap().as_str().contains(what) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what} is not in {}", page.current_url().await.unwrap());
}

/// Clicks a row, adds another filter by the form, takes one out again.
async fn filter(page: &Client) {
    assert_eq!(visitors(page).await, "3");
    follow(page, "news.example").await;
    wait_for_address(page, "filter=source:is:news.example").await;
    assert_eq!(visitors(page).await, "2");
    click(page, ".filters summary").await;
    let form = page.form(Locator::Css(".filters form")).await.unwrap();
    form.set_by_name("what", "pric").await.unwrap();
    click(page, ".filters select[name=how] option[value=has]").await;
    click(page, ".filters button").await;
    wait_for_address(page, "what=pric").await;
    assert!(text(page, ".chips li:last-child").await.contains("Page contains pric"));
    assert_eq!(text(page, ".strip > :nth-child(3) .value").await, "2");
    // The way out of the first one.
    click(page, ".chips li:first-child > a").await;
    wait_for_address(page, "filter=identifier:has:pric").await;
    assert_eq!(page.find_all(Locator::Css(".chips li")).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_filter_a_form_adds_and_escape_clears() {
    let server = filled();
    let browser = Browser::start().await;
    let page = &browser.page;
    page.goto(&url(&server, "/")).await.unwrap();
    filter(page).await;
    page.find(Locator::Css("body")).await.unwrap().send_keys("\u{e00c}").await.unwrap();
    for _ in 0..400 {
        if !page.current_url().await.unwrap().as_str().contains("filter") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(visitors(page).await, "3");
    browser.check_silence().await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_tabs_and_lists_need_no_script() {
    let server = filled();
    let browser = Browser::start_without_scripts().await;
    let page = &browser.page;
    page.goto(&url(&server, "/")).await.unwrap();
    filter(page).await;
    click(page, ".clear").await;
    assert_eq!(visitors(page).await, "3");
    follow(page, "Channels").await;
    wait_for_address(page, "card=channel").await;
    assert!(text(page, "#card-channel").await.contains("Channels"));
    // The list in full, in another order, and from there to a page of its own.
    page.goto(&url(&server, "/top")).await.unwrap();
    follow(page, "Page views").await;
    wait_for_address(page, "show=count").await;
    follow(page, "/pricing").await;
    wait_for_address(page, "/page?").await;
    assert!(text(page, "h1").await.contains("/pricing"));
    page.goto(&url(&server, "/live")).await.unwrap();
    assert!(text(page, "[data-beacons]").await.contains("page_view /pricing"));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_turns_in_its_place() {
    let server = filled();
    let browser = Browser::start().await;
    let page = &browser.page;
    page.goto(&url(&server, "/")).await.unwrap();
    page.execute("window.stays = true", vec![]).await.unwrap();
    follow(page, "Channels").await;
    assert!(text(page, "#card-channel").await.contains("Channels"));
    wait_for_address(page, "card=channel").await;
    let stays = page.execute("return window.stays === true", vec![]).await.unwrap();
    assert_eq!(stays, true, "the page was loaded anew");
    browser.check_silence().await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_appears_on_the_live_page_and_ends_the_waiting() {
    let server = Server::start(CONFIG);
    let browser = Browser::start().await;
    let page = &browser.page;
    page.goto(&url(&server, "/")).await.unwrap();
    assert_eq!(text(page, "h1").await, "Waiting for the first beacon");
    let refused = r#"{"event_type":"page_view","meta":{"url":"https://copy.example/"}}"#;
    assert_eq!(server.post(refused).status, 400);
    assert!(text(page, ".refused").await.contains("Another site"));
    view(&server, 1, "/first", "news.example");
    assert_eq!(visitors(page).await, "1");
    page.goto(&url(&server, "/live")).await.unwrap();
    view(&server, 2, "/second", "news.example");
    let told = page.wait().at_most(Duration::from_secs(20));
    let row = Locator::XPath("//tbody[@data-beacons]/tr[1][contains(., '/second')]");
    told.for_element(row).await.unwrap();
    assert!(text(page, "[data-now]").await.starts_with('2'));
    browser.check_silence().await;
    browser.close().await;
    wait_until("the listener to be gone", || server.get("/health").status == 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn others_see_a_public_site_and_filter_it() {
    let server = filled();
    let browser = Browser::start().await;
    let page = &browser.page;
    page.goto(&url(&server, "/public/shop.example/")).await.unwrap();
    follow(page, "news.example").await;
    wait_for_address(page, "/public/shop.example/?filter=source:is:news.example").await;
    assert_eq!(visitors(page).await, "2");
    browser.check_silence().await;
    browser.close().await;
}
