//! What pages send by themselves: the metrics of the package web-vitals as they are, and errors as
//! `window.onerror` and `unhandledrejection` tell them. `POST /vitals` and `POST /err`.

use serde_json::{Value, json};

use super::{
    claim::{Claim, field},
    contract::{Foreign, ITEMS_MAX, Item, Outcome, Product, Reply, Setup, Wrong},
};
use crate::model::rejection::Reason;

const ERRORS: &str = "/err";

pub(super) const PRODUCT: Product = Product {
    name: "Scripts of your own",
    doors: &["/vitals", ERRORS],
    body_bytes_max: 128 * 1024,
    is_meant: |_| true,
    read,
    answer,
    setup: &[
        Setup {
            client: "web-vitals",
            line: "onLCP(metric => navigator.sendBeacon('{base}/vitals', JSON.stringify(metric)))",
        },
        Setup {
            client: "window.onerror",
            line: "onerror = (message, source, lineno, colno, error) => navigator.sendBeacon('{base}/err', JSON.stringify({ message, source, lineno, colno, stack: error?.stack }))",
        },
    ],
};

fn read(foreign: &Foreign<'_>) -> Result<Vec<Item>, Wrong> {
    let list = match foreign.json()? {
        Value::Array(list) if list.len() <= ITEMS_MAX => list,
        object @ Value::Object(_) => vec![object],
        _ => {
            let sentence = format!("this is neither an object nor a list of at most {ITEMS_MAX}");
            return Err(Wrong::new("request", Reason::Malformed, sentence));
        }
    };
    if foreign.path == ERRORS {
        return Ok(list.iter().map(|object| Ok(error(object))).collect());
    }
    Ok(pages(&list).into_iter().map(|claim| Ok(Some(claim))).collect())
}

/// One beacon for each page that metrics tell of; most often that is one.
fn pages(metrics: &[Value]) -> Vec<Claim> {
    let mut pages: Vec<(Option<String>, Claim)> = Vec::new();
    for metric in metrics {
        let measure = match metric.get("name").and_then(Value::as_str) {
            Some("LCP") => "lcp",
            Some("INP") => "inp",
            Some("CLS") => "cls",
            Some("FCP") => "fcp",
            Some("TTFB") => "ttfb",
            _ => continue,
        };
        let Some(value) = metric.get("value").and_then(Value::as_f64) else { continue };
        let page = field(metric, &["navigationURL", "url"]);
        let claim = match pages.iter_mut().find(|(known, _)| *known == page) {
            Some((_, claim)) => claim,
            None => {
                let claim = Claim::new("vitals");
                let claim = page.iter().fold(claim, |claim, page| claim.at(page));
                &mut pages.push_mut((page, claim)).1
            }
        };
        claim.number(measure, value);
    }
    pages.into_iter().map(|(_, claim)| claim).collect()
}

/// An error, by the names that `window.onerror` and its like have for what they tell.
fn error(object: &Value) -> Option<Claim> {
    let message = field(object, &["message", "reason", "msg"])?;
    let mut claim = Claim::error(&message);
    for (keys, fact) in [(&["stack"][..], "stack"), (&["source", "filename"], "source")] {
        if let Some(value) = field(object, keys) {
            claim.fact(fact, &value);
        }
    }
    Some(field(object, &["url", "page"]).iter().fold(claim, |claim, page| claim.at(page)))
}

fn answer(_: &Foreign<'_>, outcome: &Outcome) -> Reply {
    let refused = |sentence: &str| Reply::json(400, &json!({ "error": sentence }));
    match outcome {
        Err(wrong) => refused(&wrong.rejected.sentence),
        Ok(items) => match items.iter().find_map(|item| item.as_ref().err()) {
            Some(rejected) if !rejected.is_silent() => refused(&rejected.sentence),
            _ => Reply::empty(204),
        },
    }
}
