//! What a product of others is to us: its doors, how its clients speak, and what they wait to hear.

use serde_json::Value;
use url::form_urlencoded;

use super::claim::Claim;
use crate::{
    config::registry::Token,
    ingest::{Rejected, Request},
    model::rejection::Reason,
};

/// The most items that one request may hold, whatever its product allows.
pub const ITEMS_MAX: usize = 500;

/// The smallest valid transparent GIF: 43 bytes, one pixel.
pub const PIXEL: [u8; 43] = *b"GIF89a\x01\0\x01\0\x80\x01\0\0\0\0\xff\xff\xff!\xf9\x04\x01\n\0\x01\0,\0\0\0\0\x01\0\x01\0\0\x02\x02L\x01\0;";

/// A product whose clients work unchanged. A new one is a file with such a constant, a line in the
/// list, and a folder of requests that its clients have really sent.
#[derive(Debug)]
pub struct Product {
    /// What people call it.
    pub name: &'static str,
    /// The paths that its clients send to, in the router's words.
    pub doors: &'static [&'static str],
    /// The largest body, in bytes.
    pub body_bytes_max: usize,
    /// Whether a request is meant for it, where products share a door.
    pub is_meant: fn(&Foreign<'_>) -> bool,
    /// What a request claims.
    pub read: fn(&Foreign<'_>) -> Result<Vec<Item>, Wrong>,
    /// What its client is told.
    pub answer: fn(&Foreign<'_>, &Outcome) -> Reply,
    /// How each of its clients is led here.
    pub setup: &'static [Setup],
}

/// One part of a request: what is to be counted, nothing, or why it can't be.
pub type Item = Result<Option<Claim>, Rejected>;

/// What has become of a request: of each of its items, or why it could not be read at all.
pub type Outcome = Result<Vec<Result<(), Rejected>>, Wrong>;

/// A request as a client of another product has sent it.
#[derive(Debug, Clone, Copy)]
pub struct Foreign<'r> {
    /// Its path.
    pub path: &'r str,
    /// Its query, without the question mark.
    pub query: &'r str,
    /// Its body, unpacked.
    pub body: &'r [u8],
    /// Its headers as facts.
    pub request: &'r Request<'r>,
    /// Whether its sender may speak for others: tell their addresses, their user agents, and when
    /// it was.
    pub is_trusted: bool,
    /// The tokens of senders that may do so from anywhere.
    pub tokens: &'r [Token],
}

/// Why a request can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The field that is wrong; `request` for the whole.
    pub field: &'static str,
    /// What is wrong with it, and the reason that is counted.
    pub rejected: Rejected,
}

/// An answer in the product's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The content type; empty where there is no body.
    pub kind: &'static str,
    /// The body.
    pub body: Vec<u8>,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
}

/// How one client is led here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setup {
    /// Which client.
    pub client: &'static str,
    /// The line to change, where `{base}` is the server's address, `{scheme}` and `{host}` are its
    /// parts, and `{site}` is the site's name.
    pub line: &'static str,
}

impl Foreign<'_> {
    /// The body as JSON, whatever its type.
    ///
    /// # Errors
    /// When it is not JSON.
    pub fn json(&self) -> Result<Value, Wrong> {
        let body = self.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(self.body);
        serde_json::from_slice(body).map_err(|error| {
            let sentence = format!("Unable to parse request body as json: {error}");
            Wrong::new("request", Reason::Malformed, sentence)
        })
    }

    /// The fields of the query and, behind them, those of a body that is a form.
    pub fn fields(&self) -> Fields {
        let is_form = !self.body.trim_ascii_start().starts_with(b"{");
        let body = if is_form { self.body } else { b"" };
        let pairs = form_urlencoded::parse(self.query.as_bytes());
        let pairs = pairs.chain(form_urlencoded::parse(body));
        Fields(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }
}

/// The fields of a query or a form. Of two with the same name the first counts.
#[derive(Debug, Clone, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// The fields of a query.
    pub fn of(query: &str) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes());
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The fields of a JSON object.
    pub fn of_object(object: &Value) -> Self {
        let pairs = object.as_object().into_iter().flatten();
        Self(pairs.filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect())
    }

    /// What stands under `name`, not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// Every field.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// A JSON value as the text that a form would hold.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

impl Wrong {
    /// `field` is wrong: `sentence`.
    pub fn new(field: &'static str, reason: Reason, sentence: String) -> Self {
        Self { field, rejected: Rejected::new(reason, sentence) }
    }
}

impl From<Rejected> for Wrong {
    fn from(rejected: Rejected) -> Self {
        Self { field: "request", rejected }
    }
}

impl Reply {
    /// An answer of plain text.
    pub fn text(status: u16, body: &str) -> Self {
        let kind = "text/plain; charset=utf-8";
        Self { status, kind, body: body.as_bytes().to_vec(), headers: Vec::new() }
    }

    /// An answer in JSON.
    pub fn json(status: u16, body: &Value) -> Self {
        let body = body.to_string().into_bytes();
        Self { status, kind: "application/json", body, headers: Vec::new() }
    }

    /// An image of one pixel that nobody sees.
    pub fn pixel(status: u16) -> Self {
        let headers = vec![
            ("cache-control", "no-store, max-age=0".to_owned()),
            ("cross-origin-resource-policy", "cross-origin".to_owned()),
        ];
        Self { status, kind: "image/gif", body: PIXEL.to_vec(), headers }
    }

    /// An answer without a body.
    pub const fn empty(status: u16) -> Self {
        Self { status, kind: "", body: Vec::new(), headers: Vec::new() }
    }

    /// The same with a further header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}
