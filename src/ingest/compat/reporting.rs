//! The browser's own reports: the Reporting API (W3C) and the older reports of a
//! Content-Security-Policy. They are errors of a page that its own scripts never see.

use serde_json::{Value, json};
use url::Url;

use super::{
    claim::{Claim, When, field},
    contract::{Foreign, ITEMS_MAX, Item, Outcome, Product, Reply, Setup, Wrong},
};
use crate::model::rejection::Reason;

pub(super) const PRODUCT: Product = Product {
    name: "Browser reports",
    doors: &["/reports"],
    body_bytes_max: 1024 * 1024,
    is_meant: |_| true,
    read,
    answer,
    setup: &[
        Setup {
            client: "Reporting-Endpoints header",
            line: "Reporting-Endpoints: default=\"{base}/reports\"",
        },
        Setup {
            client: "Content-Security-Policy header",
            line: "Content-Security-Policy: …; report-to default; report-uri {base}/reports",
        },
    ],
};

fn read(foreign: &Foreign<'_>) -> Result<Vec<Item>, Wrong> {
    let body = foreign.json()?;
    if let Some(report) = body.get("csp-report") {
        return Ok(vec![Ok(old_policy(report))]);
    }
    let reports =
        body.as_array().filter(|reports| reports.len() <= ITEMS_MAX).ok_or_else(|| {
            let sentence =
                format!("this is neither a csp-report nor a list of at most {ITEMS_MAX} reports");
            Wrong::new("request", Reason::Malformed, sentence)
        })?;
    Ok(reports.iter().map(|report| Ok(report_of(report))).collect())
}

/// `{"csp-report": …}`.
fn old_policy(report: &Value) -> Option<Claim> {
    let directive = field(report, &["effective-directive", "violated-directive"])?;
    let blocked = field(report, &["blocked-uri"]).unwrap_or_default();
    let claim = Claim::error(&violation(&directive, &blocked));
    Some(claim.at(&field(report, &["document-uri"]).unwrap_or_default()))
}

/// One of a list; `None` for a kind that is not known.
fn report_of(report: &Value) -> Option<Claim> {
    let body = report.get("body")?;
    let told = |key| field(body, &[key]);
    let message = match report.get("type")?.as_str()? {
        "csp-violation" => {
            violation(&told("effectiveDirective")?, &told("blockedURL").unwrap_or_default())
        }
        "deprecation" => format!("Deprecated: {}", told("id")?),
        "intervention" => format!("Intervention: {}", told("id")?),
        "permissions-policy-violation" => {
            format!("Permissions policy: {}", told("policyId").or_else(|| told("featureId"))?)
        }
        "integrity-violation" => format!("Integrity: {}", host(&told("blockedURL")?)),
        "crash" => format!("Crash: {}", told("reason").unwrap_or_else(|| "unknown".to_owned())),
        "network-error" => match told("type")?.as_str() {
            // What went well is reported as well, for comparison.
            "ok" => return None,
            kind => format!("Network: {kind}"),
        },
        _ => return None,
    };
    let mut claim = Claim::error(&message).at(&field(report, &["url"]).unwrap_or_default());
    claim.when = When::Ago(report.get("age").and_then(Value::as_i64).unwrap_or_default());
    Some(claim)
}

/// Which directive stood against what: of an address its host alone, which is as much as a policy
/// could allow.
fn violation(directive: &str, blocked: &str) -> String {
    let directive = directive.split_whitespace().next().unwrap_or_default();
    format!("CSP: {directive} blocked {}", host(blocked))
}

/// The host of an address; what has none is told as it is: `inline`, `eval`.
fn host(blocked: &str) -> String {
    match Url::parse(blocked) {
        Ok(url) if url.has_host() => url.host_str().unwrap_or_default().to_owned(),
        Ok(url) => format!("{}:", url.scheme()),
        Err(_) if blocked.is_empty() => "inline".to_owned(),
        Err(_) => blocked.to_owned(),
    }
}

fn answer(_: &Foreign<'_>, outcome: &Outcome) -> Reply {
    match outcome {
        Ok(_) => Reply::empty(204),
        Err(wrong) => Reply::json(400, &json!({ "error": wrong.rejected.sentence })),
    }
}
