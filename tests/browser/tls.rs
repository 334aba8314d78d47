//! Pages that still name the address without TLS: what they send arrives by TLS.

use std::net::TcpListener;

use super::{Browser, Pages, check, support::tls::Authority};
use crate::support::Server;

#[tokio::test(flavor = "multi_thread")]
async fn what_pages_send_without_tls_arrives_by_tls_once() {
    let authority = Authority::new();
    authority.sign("localhost", 60);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let there = format!("localhost:{}", free.port());
    let config = format!("[server]\nbase_url = \"https://{there}\"\n{}", authority.lines());
    let server = Server::start_on(&free.to_string(), &config).trusting(&authority.root());
    // The script, and by hand what needs no leave and what the browser asks leave for first.
    let snippet = format!(
        "<script defer src=\"http://{there}/tb.js\"></script><script>\
         for (const [type, identifier] of [['text/plain', '/text'], ['application/json', '/json']])\
         navigator.sendBeacon('http://{there}/beacon', new Blob([JSON.stringify(\
         {{event_type: 'page_view', identifier}})], {{type}}))</script>"
    );
    let pages = Pages::serve(server.port, move |_| snippet.clone());
    let browser = Browser::start_with(&["--ignore-certificate-errors"]).await;
    browser.page.goto(&pages.url("/a")).await.unwrap();
    let expected = [("page_view /a", 1), ("page_view /text", 1), ("page_view /json", 1)];
    super::wait_for(&server, &expected);
    browser.check_silence().await;
    browser.close().await;
    check(&server, &expected);
}
