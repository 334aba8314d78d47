//! Sentry: envelopes of its SDKs. Of an event only what kind of error it is and where is taken.

use serde_json::{Value, json};

use super::{
    claim::{Claim, field, host_of},
    contract::{Foreign, ITEMS_MAX, Item, Outcome, Product, Reply, Setup, Wrong},
};
use crate::model::rejection::Reason;

pub(super) const PRODUCT: Product = Product {
    name: "Sentry",
    doors: &["/api/{project}/envelope/", "/api/{project}/envelope", "/api/{project}/store/"],
    body_bytes_max: 1024 * 1024,
    is_meant: |_| true,
    read,
    answer,
    setup: &[Setup {
        client: "Any SDK",
        line: "Sentry.init({ dsn: '{scheme}://public@{host}/1' })",
    }],
};

/// How many frames of a stack are taken.
const FRAMES_MAX: usize = 10;

fn read(foreign: &Foreign<'_>) -> Result<Vec<Item>, Wrong> {
    if foreign.path.ends_with("/store/") {
        return Ok(vec![Ok(Some(error(foreign, &foreign.json()?)))]);
    }
    let mut lines = Lines(foreign.body);
    let header = lines.next_json();
    header.filter(Value::is_object).ok_or_else(|| malformed("the envelope has no header"))?;
    let mut items = Vec::new();
    while let Some(header) = lines.next_json() {
        if items.len() >= ITEMS_MAX {
            return Err(malformed("the envelope has too many items"));
        }
        let length = header.get("length").and_then(Value::as_u64);
        let payload = lines.take(length.and_then(|length| usize::try_from(length).ok()));
        if header.get("type").and_then(Value::as_str) != Some("event") {
            continue;
        }
        let event =
            serde_json::from_slice(payload).map_err(|_| malformed("an event is no JSON"))?;
        items.push(Ok(Some(error(foreign, &event))));
    }
    Ok(items)
}

fn malformed(sentence: &str) -> Wrong {
    Wrong::new("request", Reason::Malformed, sentence.to_owned())
}

/// An envelope: lines of JSON, and payloads that may say how long they are.
struct Lines<'b>(&'b [u8]);

impl<'b> Lines<'b> {
    fn take(&mut self, length: Option<usize>) -> &'b [u8] {
        let line = self.0.iter().position(|byte| *byte == b'\n').unwrap_or(self.0.len());
        let end = length.unwrap_or(line).min(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest.strip_prefix(b"\n").unwrap_or(rest);
        taken
    }

    /// The next line that is not empty.
    fn next_json(&mut self) -> Option<Value> {
        while !self.0.is_empty() {
            let line = self.take(None).trim_ascii();
            if !line.is_empty() {
                return serde_json::from_slice(line).ok();
            }
        }
        None
    }
}

/// The error of an event: the last of a chain of exceptions is the one that was thrown last.
fn error(foreign: &Foreign<'_>, event: &Value) -> Claim {
    let values = event.pointer("/exception/values").or_else(|| event.get("exception"));
    let exception = values.and_then(Value::as_array).and_then(|values| values.last());
    let thrown = exception.and_then(|exception| field(exception, &["value", "type"]));
    let logged = event.get("logentry").unwrap_or(event);
    let message = thrown.or_else(|| field(logged, &["formatted", "message"]));
    let message = message.or_else(|| field(event.get("message")?, &["formatted", "message"]));
    let mut claim = Claim::error(message.as_deref().unwrap_or("Unnamed error"));
    if let Some(exception) = exception {
        claim.fact("name", &field(exception, &["type"]).unwrap_or_default());
        claim.fact("stack", &stack(exception));
    }
    let address = event.get("request").and_then(|request| field(request, &["url"]));
    if let Some(address) = &address {
        claim = claim.at(address);
    }
    for key in ["level", "release", "environment", "platform"] {
        if let Some(value) = event.get(key) {
            claim.property(key, value);
        }
    }
    let project = foreign.path.split('/').nth(2);
    claim.is_named = address.is_none() && foreign.request.origin.is_none();
    claim.of_site([project, address.as_deref().and_then(host_of).as_deref()])
}

/// The stack of an exception as browsers write it, the innermost frame first.
fn stack(exception: &Value) -> String {
    let frames = exception.pointer("/stacktrace/frames").and_then(Value::as_array);
    let frames = frames.into_iter().flatten().rev().take(FRAMES_MAX);
    let line = |frame: &Value| {
        let file = field(frame, &["abs_path", "filename"])?;
        let file = if file.starts_with('/') { format!("file://{file}") } else { file };
        let function = field(frame, &["function"]).unwrap_or_else(|| "<anonymous>".to_owned());
        let at = |key| frame.get(key).and_then(Value::as_u64).unwrap_or_default();
        Some(format!("    at {function} ({file}:{}:{})", at("lineno"), at("colno")))
    };
    frames.filter_map(line).collect::<Vec<_>>().join("\n")
}

fn answer(foreign: &Foreign<'_>, outcome: &Outcome) -> Reply {
    match outcome {
        Ok(_) => Reply::json(200, &json!({ "id": event_id(foreign) })),
        Err(wrong) => Reply::json(400, &json!({ "detail": wrong.rejected.sentence })),
    }
}

/// The number that the client has given the event itself.
fn event_id(foreign: &Foreign<'_>) -> Option<String> {
    field(&Lines(foreign.body).next_json()?, &["event_id"])
}
