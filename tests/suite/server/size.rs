//! The script that pages load stays as small as promised.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};

use crate::support::Server;

#[test]
fn the_script_is_at_most_a_thousand_bytes_packed() {
    let script = include_bytes!("../../../assets/tb.js");
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(script).unwrap();
    let packed = packed.finish().unwrap().len();
    assert!(packed <= 1000, "{packed} bytes");

    let server = Server::start("");
    let answer = server.get("/tb.js");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, script);
    assert!(answer.header("content-type").starts_with("text/javascript"));
    let tag = [("If-None-Match", answer.header("etag"))];
    assert_eq!(server.client().send("GET", "/tb.js", &tag, b"").unwrap().status, 304);
}

/// The largest first screen, packed, in bytes.
const FIRST_SCREEN_MAX: usize = 50_000;

#[test]
fn the_first_screen_is_small_and_asks_nobody_else() {
    let server = Server::start("");
    for visit in 0..200 {
        let (page, source) = (visit % 37, visit % 23);
        let beacon = format!(
            r#"{{"event_type":"page_view","identifier":"/notes/a-page-with-a-name-{page}","meta":{{"url":"https://a.example/","ref":"https://source-{source}.example/","title":"A title of a page, {page}"}}}}"#
        );
        assert_eq!(server.post(beacon).status, 204);
    }
    let packed = |path: &str| {
        let gzip = [("Accept-Encoding", "gzip")];
        let answer = server.client().send("GET", path, &gzip, b"").unwrap();
        assert_eq!(answer.status, 200, "{path}");
        answer.body.len()
    };
    let page = server.get("/?period=today");
    assert!(page.text().contains("/notes/a-page-with-a-name-"));
    let mut assets = Vec::new();
    for attribute in ["href=\"", "src=\"", "action=\""] {
        for address in page.text().split(attribute).skip(1) {
            let address = address.split('"').next().unwrap_or_default();
            assert!(address.starts_with('/') || address.starts_with('#'), "{address}");
            if address.starts_with("/assets/") && !assets.contains(&address.to_owned()) {
                assets.push(address.to_owned());
            }
        }
    }
    assert_eq!(assets.len(), 3, "{assets:?}");
    for asset in &assets {
        let text = server.get(asset).text();
        assert!(!text.contains("url(http") && !text.contains("@import"), "{asset}");
    }
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe-inline"), "{policy}");
    let sizes: Vec<usize> =
        assets.iter().map(|asset| packed(asset)).chain([packed("/?period=today")]).collect();
    let whole: usize = sizes.iter().sum();
    assert!(whole <= FIRST_SCREEN_MAX, "{sizes:?}");
}
