//! Lists in full, and the pages of single things.

use crate::support::Server;

/// A beacon of the visitor with this number.
fn send(server: &Server, visitor: u8, body: &str) {
    let address = format!("203.0.113.{visitor}");
    let headers =
        [("X-Forwarded-For", address.as_str()), ("User-Agent", "Mozilla/5.0 Firefox/145.0")];
    let answer = server.client().send("POST", "/beacon", &headers, body.as_bytes()).unwrap();
    assert_eq!(answer.status, 204, "{}", answer.text());
}

fn view(server: &Server, visitor: u8, page: &str, source: &str) {
    let meta = format!(
        r#"{{"url":"https://shop.example{page}","ref":"https://{source}/","title":"Of {page}"}}"#
    );
    send(server, visitor, &format!(r#"{{"event_type":"page_view","meta":{meta}}}"#));
}

const CONFIG: &str = "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n[event.order]\nidentifier = \"key\"\nraw = \"7d\"\ndimensions = [\"source\", \"meta.plan\"]\npairs = [\"identifier × meta.plan\"]\n";

#[test]
fn a_list_is_sorted_by_any_of_its_figures() {
    let server = Server::start(CONFIG);
    for visitor in 1..=3 {
        view(&server, visitor, "/many-visitors", "news.example");
    }
    for _ in 0..5 {
        view(&server, 9, "/many-views", "blog.example");
    }
    let first = |show: &str| {
        let page = server.get(&format!("/top?show={show}")).text();
        let (_, rows) = page.split_once("<tbody>").unwrap();
        rows.find("/many-visitors").unwrap() < rows.find("/many-views").unwrap()
    };
    assert!(first("visitors") && !first("count"));
    let page = server.get("/top?show=count").text();
    assert!(page.contains("<th scope=\"col\" aria-sort=\"descending\">"), "{page}");
}

#[test]
fn a_page_and_a_source_have_pages_of_their_own() {
    let server = Server::start(CONFIG);
    view(&server, 1, "/a", "news.example");
    view(&server, 1, "/b", "news.example");
    view(&server, 2, "/a", "blog.example");
    let list = server.get("/top").text();
    assert!(list.contains("href=\"/page?"), "{list}");
    let page = server.get("/page?identifier=/a").text();
    for words in ["Of /a", "news.example", "blog.example", "/month?identifier=/a", "Entry pages"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let sources = server.get("/top?dimension=source").text();
    assert!(sources.contains("href=\"/source?"), "{sources}");
    let source = server.get("/source?identifier=news.example").text();
    assert!(
        source.contains("title=\"Of /b — /b\"") && !source.contains("blog.example"),
        "{source}"
    );
    for nothing in ["/page?identifier=/nowhere", "/page", "/source?identifier=x"] {
        assert_eq!(server.get(nothing).status, 404, "{nothing}");
    }
}

#[test]
fn an_event_has_a_page_with_its_properties() {
    let server = Server::start(CONFIG);
    for (visitor, plan) in [(1, "pro"), (1, "pro"), (2, "free")] {
        send(
            &server,
            visitor,
            &format!(
                r#"{{"event_type":"order","identifier":"book","meta":{{"plan":"{plan}","pages":7,"coupon":"<i>"}}}}"#
            ),
        );
    }
    let page = server.get("/event?event_type=order&identifier=book").text();
    for words in [
        "<th scope=\"row\" dir=\"auto\">plan</th><td dir=\"auto\">pro</td><td>2</td><td>1</td>",
        "<th scope=\"row\" dir=\"auto\">pages</th><td dir=\"auto\">7</td><td>3</td><td>2</td>",
        "&#60;i&#62;",
        "Each one",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let all = server.get("/event?event_type=order").text();
    assert!(all.contains("href=\"/event?from="), "{all}");
    assert_eq!(server.get("/event?event_type=order&identifier=never").status, 404);
}
