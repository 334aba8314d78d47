//! Filters in addresses: what they tell, what they can't, and what makes no sense.

use serde_json::Value;

use crate::support::{Server, time::Clock};

const CONFIG: &str = "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n";

/// A page view of the visitor with this number, who comes from `source`.
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

/// Three visitors from two places: one looks at two pages.
fn fill(server: &Server) {
    view(server, 1, "/", "news.example");
    view(server, 1, "/pricing", "news.example");
    view(server, 2, "/pricing", "news.example");
    view(server, 3, "/", "blog.example");
}

/// Count, visitors, visits, bounces.
fn figures(total: &Value) -> [i64; 4] {
    ["count", "visitors", "visits", "bounces"].map(|name| total[name].as_i64().unwrap())
}

#[test]
fn filters_narrow_figures_and_rankings() {
    let server = Server::start(CONFIG);
    fill(&server);
    for (filters, expected) in [
        ("filter=source:is:news.example", [3, 2, 2, 1]),
        ("filter=source:not:news.example", [1, 1, 1, 1]),
        ("filter=page:is:/pricing", [2, 2, 1, 1]),
        ("filter=page:is:/&filter=source:is:news.example", [1, 1, 1, 0]),
        ("filter=page:has:PRIC&filter=entry_page:is:/", [1, 1, 0, 0]),
        ("filter=page:is:/&by=source&how=not&what=news.example", [1, 1, 1, 1]),
        ("filter=page:is:/nowhere", [0, 0, 0, 0]),
    ] {
        let report = server.json(&format!("/api/v1/reports/overview?{filters}"));
        assert_eq!(figures(&report["series"]["total"]), expected, "{filters}");
    }
    let report = server.json("/api/v1/reports/top?dimension=source&filter=page:is:/pricing");
    assert_eq!(report["rows"].as_array().unwrap().len(), 1);
    assert_eq!(figures(&report["rows"][0]["figures"]), [2, 2, 1, 1]);
    let report = server.json("/api/v1/reports/top?filter=source:is:news.example&search=pri");
    assert_eq!(report["rows"][0]["name"], "/pricing");
    assert_eq!(report["rows_in_all"], 1);
}

#[test]
fn what_a_name_holds_is_found_whatever_its_case_and_countries_by_their_names() {
    let server = Server::start(CONFIG);
    view(&server, 1, "/M%C3%9CNCHEN", "news.example");
    view(&server, 2, "/other", "news.example");
    // As a database of countries would have told.
    server.file();
    let file = rusqlite::Connection::open(server.database()).unwrap();
    file.execute("INSERT INTO text (value) VALUES ('DE'), ('US')", []).unwrap();
    let code = "(SELECT id FROM text WHERE value = 'DE')";
    file.execute(&format!("UPDATE beacon_event SET country = {code}"), []).unwrap();
    drop(file);
    let count = |filter: &str| {
        let told = server.json(&format!("/api/v1/reports/overview?period=today&filter={filter}"));
        figures(&told["series"]["total"])[0]
    };
    for (filter, expected) in [
        ("page:has:M%C3%9CN", 1),
        ("page:has:m%C3%BCn", 1),
        ("page:has:nchen", 1),
        ("page:has:x", 0),
        ("country:has:german", 2),
        ("country:has:de", 2),
        ("country:has:united", 0),
    ] {
        assert_eq!(count(filter), expected, "{filter}");
    }
}

#[test]
fn the_last_thirty_days_can_be_filtered_and_what_is_not_told_is_no_table() {
    let clock = Clock::at("2026-10-20 10:00:00");
    let mut server = Server::start_at(&clock, CONFIG);
    for moment in
        ["2026-10-20 10:00:00", "2026-10-28 00:30:00", "2026-10-28 15:00:00", "2026-11-26 12:00:00"]
    {
        clock.set(moment);
        view(&server, 1, "/pricing", "news.example");
        server.file();
    }
    clock.set("2026-11-27 09:00:00");
    assert!(server.terminate().success());
    let pruned = super::backup::command(&server, &["prune"]).envs(server.environment()).output();
    assert!(pruned.unwrap().status.success());
    server.restart();
    let count = |dates: &str| {
        let told = server.json(&format!("/api/v1/reports/overview?{dates}&filter=page:has:pric"));
        (figures(&told["series"]["total"])[0], told["not_told"].is_string())
    };
    assert_eq!(count("period=30d"), (3, false));
    assert_eq!(count("from=2026-10-27&to=2026-11-26"), (0, true));
    let csv = |dates: &str| {
        server.get(&format!("/api/v1/reports/top?{dates}&filter=page:has:pric&format=csv"))
    };
    assert_eq!(csv("period=30d").status, 200);
    let untold = csv("from=2026-10-27&to=2026-11-26");
    assert_eq!(untold.status, 422);
    assert!(untold.text().contains("Before 28 October 2026"), "{}", untold.text());
}

#[test]
fn a_page_has_chips_links_and_a_form_that_need_no_script() {
    let server = Server::start(CONFIG);
    fill(&server);
    let page = server.get("/").text();
    assert!(page.contains("href=\"/?filter=source:is:news.example\""), "{page}");
    assert!(page.contains("<select name=\"by\">"), "{page}");
    let page = server.get("/?filter=source:is:news.example&filter=page:has:pric").text();
    assert!(
        page.contains("Source is <b dir=\"auto\"><a href=\"/source?identifier=news.example\""),
        "{page}"
    );
    assert!(page.contains("Page contains <b dir=\"auto\">pric</b>"), "{page}");
    // The way out of each, and of both.
    assert!(page.contains("<a href=\"/?filter=identifier:has:pric\" aria-label=\"Remove"));
    assert!(page.contains("<a class=\"clear\" href=\"/\""), "{page}");
    // What is asked stays while dates, figures and lists change.
    let along = "filter=source:is:news.example&filter=identifier:has:pric";
    for link in [format!("/?{along}&"), format!("/top?{along}")] {
        assert!(page.contains(&format!("href=\"{}", link.replace('&', "&#38;"))), "{link}: {page}");
    }
    assert!(page.contains("name=\"filter\" value=\"identifier:has:pric\""), "{page}");
    // A name stays text, also as a filter.
    let page = server.get("/?filter=page:is:%3Cscript%3Ealert(1)%3C/script%3E").text();
    assert!(page.contains("&#60;script&#62;") && !page.contains("<script>"), "{page}");
}

#[test]
fn what_makes_no_sense_is_told_in_a_sentence() {
    let server = Server::start(CONFIG);
    let many: String = (0..9).map(|at| format!("&filter=page:not:/{at}")).collect();
    for (address, words) in [
        ("/?filter=source".to_owned(), "is not a filter"),
        ("/?filter=colour:is:red".to_owned(), "is not a dimension"),
        (format!("/?site={many}"), "8 are allowed"),
        (format!("/?filter=page:is:{}", "x".repeat(600)), "longer than 512 bytes"),
        ("/month?filter=page:is:/".to_owned(), "narrow this page"),
        ("/api/v1/reports/trend?filter=page:is:/".to_owned(), "narrow this report"),
    ] {
        let answer = server.get(&address);
        assert_eq!(answer.status, 400, "{address}");
        assert!(answer.text().contains(words), "{address}: {}", answer.text());
    }
}

#[test]
fn before_single_page_views_only_pairs_are_told_and_the_page_says_so() {
    let clock = Clock::at("2026-03-01 12:00:00");
    let server = Server::start_at(
        &clock,
        &format!(
            "{CONFIG}[event.page_view]\nvisits = true\ndimensions = [\"source\", \"browser\"]\npairs = [\"page × source\"]\n"
        ),
    );
    fill(&server);
    let told = |filters: &str| server.json(&format!("/api/v1/reports/overview?{filters}"));
    for (filters, expected) in [
        ("filter=source:is:news.example", [3, 2, 2, 1]),
        ("filter=page:is:/pricing", [2, 2, 1, 1]),
        ("filter=page:is:/&filter=source:is:news.example", [1, 1, 1, 0]),
    ] {
        assert_eq!(figures(&told(filters)["series"]["total"]), expected, "{filters}");
    }
    for filters in ["filter=page:has:pric", "filter=page:is:/&filter=browser:is:Firefox"] {
        let why = told(filters)["not_told"].as_str().unwrap().to_owned();
        assert!(why.contains("only these are kept together: page and source"), "{why}");
        let page = server.get(&format!("/?{filters}")).text();
        assert!(page.contains("can’t be answered over these dates"), "{page}");
    }
    // Before anybody clicks: browsers of one page can't be told, so their rows lead nowhere.
    let page = server.get("/?filter=page:is:/").text();
    assert!(page.contains("filter=source:is:news.example"), "{page}");
    assert!(!page.contains("filter=browser:is:"), "{page}");
    assert!(page.contains("only these are kept together"), "{page}");
}
