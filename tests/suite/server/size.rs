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
