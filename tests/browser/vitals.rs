//! How fast a page is, as a real browser tells it when the page is left.

use fantoccini::Locator;

use super::{
    chromium::Browser,
    pages::Pages,
    support::{Server, wait_until},
    tag,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_page_tells_its_vitals_once_when_it_is_left() {
    let server = Server::start("");
    let vitals = tag(&server, "").replace("tb.js", "tb-vitals.js");
    let body = format!(
        "{}{vitals}<h1 style='font-size:4em'>A large heading</h1><button id=b onclick=\"\
         let t = performance.now(); while (performance.now() < t + 120);\
         document.body.prepend(Object.assign(document.createElement('p'), {{style: 'height:300px'}}))\">Work</button>",
        tag(&server, "")
    );
    let pages = Pages::serve(server.port, move |path| match path {
        "/slow" => body.clone(),
        _ => String::new(),
    });
    let browser = Browser::start().await;
    browser.page.goto(&pages.url("/slow")).await.unwrap();
    browser.page.find(Locator::Css("#b")).await.unwrap().click().await.unwrap();
    // The browser tells of a click once what it led to is drawn.
    let drawn = "const done = arguments[0]; requestAnimationFrame(() => setTimeout(done, 300))";
    browser.page.execute_async(drawn, vec![]).await.unwrap();
    // What was slow is the page that was loaded, whatever a single-page application calls itself later.
    browser.page.execute("history.pushState({}, '', '/later')", vec![]).await.unwrap();
    browser.page.goto(&pages.url("/next")).await.unwrap();
    wait_until("the vitals", || {
        let report = server.json("/api/v1/reports/vitals");
        report["pages"].as_array().is_some_and(|pages| !pages.is_empty())
    });
    browser.check_silence().await;
    browser.leave().await;
    let report = server.json("/api/v1/reports/vitals");
    assert_eq!(
        (&report["pages_in_all"], &report["pages"][0]["name"]),
        (&1.into(), &"/slow".into())
    );
    for vital in report["pages"][0]["vitals"].as_array().unwrap() {
        assert_eq!(vital["count"], 1, "{report}");
    }
    let spread = server.json("/api/v1/reports/spread?event_type=vitals&identifier=/slow");
    let value = |name: &str| {
        let measures = spread["measures"].as_array().unwrap();
        let found = measures.iter().find(|measure| measure["name"] == name);
        found.unwrap_or_else(|| panic!("no {name}: {spread}"))["max"].as_f64().unwrap()
    };
    assert!(value("inp") >= 120.0, "the click took 120 ms at least: {spread}");
    assert!(value("lcp") >= value("fcp") && value("fcp") > 0.0, "{spread}");
    assert!(value("ttfb") >= 0.0 && value("cls") >= 0.0, "{spread}");
    assert!(server.get("/speed").text().contains("/slow"));
}
