//! `GET /setup`: the exact line for our own script and for every client of other products.

use super::{Asked, NoPage, frame};
use crate::{
    app::App,
    ingest::compat::PRODUCTS,
    page::{
        link,
        setup::{Product, SetupPage},
    },
    web,
};

/// What stands for the site where any host is one.
const EXAMPLE: &str = "example.com";

pub(super) fn get(app: &App, asked: &Asked) -> Result<String, NoPage> {
    let frame = frame::of(app, asked, link::SETUP, None);
    let site = &asked.question.site;
    let name = if site.hosts.is_empty() { EXAMPLE } else { &site.name };
    let (scheme, host) = asked.base_url.split_once("://").unwrap_or(("http", &asked.base_url));
    let filled = |line: &str| {
        let words = [
            ("{base}", asked.base_url.as_str()),
            ("{host}", host),
            ("{scheme}", scheme),
            ("{site}", name),
        ];
        words.iter().fold(line.to_owned(), |line, (word, value)| line.replace(word, value))
    };
    let products = PRODUCTS.iter().map(|product| Product {
        name: product.name.to_owned(),
        clients: product
            .setup
            .iter()
            .map(|setup| (setup.client.to_owned(), filled(setup.line)))
            .collect(),
    });
    let mut products: Vec<Product> = products.collect();
    products.sort_by(|one, other| one.name.cmp(&other.name));
    let snippet = web::snippet(&asked.base_url, site.script.as_deref());
    Ok(SetupPage { frame: &frame, snippet: &snippet, products: &products }.render()?)
}
