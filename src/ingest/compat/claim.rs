//! What a client of another product claims, in our own words: a payload, the names by which it may
//! mean a site, and for whom it speaks.

use std::net::IpAddr;

use serde_json::Value;
use url::Url;

use super::contract::text;
use crate::{
    config::registry::{IdentifierRule, Registry},
    ingest::{
        Rejected, Request,
        page_address::bare_host,
        payload::{Fact, Payload},
    },
    model::rejection::Reason,
};

/// The event type of what a site calls by a name of its own, unless that name is declared.
pub const CUSTOM: &str = "custom_event";

/// The event type of errors, whoever reports them.
const ERROR: &str = "error";

/// The most properties of an event that are taken.
const PROPERTIES_MAX: usize = 30;

/// The longest name of a property, in bytes; one that is longer is left out.
const KEY_BYTES_MAX: usize = 300;

/// The longest text that is taken over, in bytes; what is longer is cut.
const TEXT_BYTES_MAX: usize = 2000;

/// The longest name of an event, in bytes.
const NAME_BYTES_MAX: usize = 256;

/// How far back a sender that is trusted may tell that something was, in milliseconds: 31 days.
const PAST_MS_MAX: i64 = 31 * 86_400_000;

/// How far its clock may be ahead of ours, in milliseconds.
const AHEAD_MS_MAX: i64 = 60_000;

/// How long a browser may have kept a report back, in milliseconds: a day.
const AGO_MS_MAX: i64 = 86_400_000;

/// Keys of `meta` that say something about the page. A property of the same name gets a prefix.
const OWN_KEYS: [&str; 22] = [
    "url",
    "ref",
    "referrer",
    "title",
    "width",
    "lang",
    "tz",
    "webdriver",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_content",
    "utm_term",
    "session",
    "session_id",
    "user",
    "user_id",
    "email",
    "seconds",
    "scroll",
    "identifier",
    "source",
];

/// What is claimed.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// The beacon.
    pub payload: Payload<'static>,
    /// The names by which the client may mean a site, the best first: an id, a domain.
    pub sites: Vec<String>,
    /// Whether nothing but those names may tell the site.
    pub is_named: bool,
    /// Whether it brings a token of its own, so that its sender may speak for others.
    pub is_vouched: bool,
    /// The visitor's address, if the sender tells one.
    pub client: Option<IpAddr>,
    /// The visitor's user agent, if the sender tells one.
    pub user_agent: Option<String>,
    /// When it was.
    pub when: When,
}

/// When something was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum When {
    /// Now.
    #[default]
    Now,
    /// So many milliseconds ago, by the client's own stopwatch.
    Ago(i64),
    /// At this moment, UTC milliseconds, by the sender's clock.
    At(i64),
}

impl Claim {
    /// A beacon of the event type `event_type`.
    pub fn new(event_type: &'static str) -> Self {
        Self {
            payload: Payload::of_type(event_type),
            sites: Vec::new(),
            is_named: false,
            is_vouched: false,
            client: None,
            user_agent: None,
            when: When::Now,
        }
    }

    /// A view of the page at `address`.
    pub fn page_view(address: &str) -> Self {
        Self::new("page_view").at(address)
    }

    /// An event that its site calls `name`.
    pub fn custom(name: &str) -> Self {
        Self::new(CUSTOM).counted_as(name)
    }

    /// An error, known by its message. What makes two errors the same is decided where ours are.
    pub fn error(message: &str) -> Self {
        let mut claim = Self::new(ERROR);
        claim.fact("message", message);
        claim
    }

    /// The same, counted under `identifier`.
    #[must_use]
    pub fn counted_as(mut self, identifier: &str) -> Self {
        let line = identifier.split_whitespace().collect::<Vec<_>>().join(" ");
        self.payload.identifier = Some(cut(&line, NAME_BYTES_MAX).to_owned().into());
        self
    }

    /// The same, on the page at `address`: a web address, one of an app, or a path.
    #[must_use]
    pub fn at(mut self, address: &str) -> Self {
        let address = address.trim();
        match Url::parse(address) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => {
                self.fact("url", address);
            }
            other => {
                let path = other.as_ref().map_or(address, Url::path);
                let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
                let is_page =
                    matches!(&*self.payload.event_type, "page_view" | "engagement" | "vitals");
                if is_page && self.payload.identifier.is_none() {
                    self.payload.identifier = Some(path.into());
                }
            }
        }
        self
    }

    /// The same, on a page that is routed by its fragment.
    #[must_use]
    pub fn at_fragment(mut self, address: &str) -> Self {
        if let (None, Ok(url)) = (&self.payload.identifier, Url::parse(address.trim())) {
            let path = url.fragment().map(|fragment| format!("{}#{fragment}", url.path()));
            self.payload.identifier = path.map(Into::into);
        }
        self.at(address)
    }

    /// The same for the site that is called by one of `names`; those that are empty don't count.
    #[must_use]
    pub fn of_site<'n>(mut self, names: impl IntoIterator<Item = Option<&'n str>>) -> Self {
        let names = names.into_iter().flatten().map(str::trim).filter(|name| !name.is_empty());
        self.sites.extend(names.map(str::to_owned));
        self
    }

    /// Adds a fact about the page. Of two with the same name the first counts.
    pub fn fact(&mut self, key: &'static str, value: &str) {
        let value = value.trim();
        if !value.is_empty() {
            self.add(key.to_owned(), Fact::Text(cut(value, TEXT_BYTES_MAX).to_owned().into()));
        }
    }

    /// Adds the page before, if it is told by an address. Anything else says nothing of where
    /// somebody came from.
    pub fn referrer(&mut self, referrer: &str) {
        if referrer.contains("://") {
            self.fact("ref", referrer);
        }
    }

    /// Adds a number.
    pub fn number(&mut self, key: &'static str, value: f64) {
        self.add(key.to_owned(), Fact::Number(value, value.to_string()));
    }

    /// Adds the screen's width, of `800`, `800x600` or `800,600,1`.
    pub fn screen(&mut self, size: &str) {
        let digits = size.trim().split(|c: char| !c.is_ascii_digit() && c != '.').next();
        if let Some(width) = digits.and_then(|digits| digits.parse::<f64>().ok()) {
            self.number("width", width);
        }
    }

    /// Adds the properties of an event: an object, or a string that holds one.
    pub fn properties(&mut self, value: &Value) {
        let parsed = value.as_str().and_then(|text| serde_json::from_str(text).ok());
        let object = parsed.as_ref().unwrap_or(value);
        for (key, value) in object.as_object().into_iter().flatten().take(PROPERTIES_MAX) {
            self.property(key, value);
        }
    }

    /// Adds one property of an event.
    pub fn property(&mut self, key: &str, value: &Value) {
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            return;
        }
        let key = if OWN_KEYS.contains(&key) { format!("prop_{key}") } else { key.to_owned() };
        let fact = match value {
            Value::Null => return,
            Value::Number(number) => {
                Fact::Number(number.as_f64().unwrap_or_default(), number.to_string())
            }
            Value::Bool(truth) => Fact::Bool(*truth),
            Value::String(text) if text.trim().is_empty() => return,
            Value::String(text) => Fact::Text(cut(text, TEXT_BYTES_MAX).to_owned().into()),
            nested => Fact::Nested(nested.clone()),
        };
        self.add(key, fact);
    }

    fn add(&mut self, key: String, fact: Fact<'static>) {
        // What there is no room for is left out: the event counts all the same.
        let _no_room = self.payload.meta.add(key.into(), fact);
    }

    /// Makes it what `registry` knows: an event of a declared name is counted as that, one of
    /// another name as [`CUSTOM`]; the site gets the name that is declared; and what is more than
    /// the event type takes is left out.
    ///
    /// # Errors
    /// When it names a site that is not declared.
    pub fn settle(&mut self, registry: &Registry) -> Result<(), Rejected> {
        if self.payload.event_type == CUSTOM {
            let name = self.payload.identifier.as_deref().unwrap_or_default();
            let declared = registry.events.iter().find(|event| event.name == name);
            let fits = |rule| match rule {
                IdentifierRule::None => true,
                IdentifierRule::PagePath
                | IdentifierRule::CanonicalUrl
                | IdentifierRule::SiteSection => self.payload.meta.text("url").is_some(),
                _ => false,
            };
            if let Some(event) =
                declared.filter(|event| event.name != CUSTOM && fits(event.identifier))
            {
                self.payload.event_type = event.name.clone().into();
                self.payload.identifier = None;
            }
        }
        if let Some(event) = registry.event(&self.payload.event_type) {
            self.payload.meta.fit(event.limits.meta_bytes);
        }
        let known = self.sites.iter().find_map(|name| registry.site_called(name));
        self.payload.site = known.map(|site| site.name.clone().into());
        match (known, self.sites.first()) {
            (None, Some(name)) if self.is_named => Err(undeclared(name)),
            _ => Ok(()),
        }
    }

    /// The facts of the request that this claim is to be judged by: those of `request`, and what its
    /// sender tells of others if it is trusted to.
    ///
    /// # Errors
    /// When it tells a time that is still to come, or too long ago.
    pub fn request<'c>(
        &'c self,
        request: &Request<'c>,
        is_trusted: bool,
    ) -> Result<Request<'c>, Rejected> {
        let is_trusted = is_trusted || self.is_vouched;
        let mut own = *request;
        let now = request.received_at;
        own.received_at = match self.when {
            When::Ago(ms) => now - ms.clamp(0, AGO_MS_MAX),
            When::At(ms)
                if is_trusted && (now - PAST_MS_MAX..=now + AHEAD_MS_MAX).contains(&ms) =>
            {
                ms.min(now)
            }
            When::At(_) if is_trusted => {
                let sentence = "the time lies in the future, or more than 31 days ago: import that";
                return Err(Rejected::new(Reason::Malformed, sentence.to_owned()));
            }
            When::At(_) | When::Now => now,
        };
        if is_trusted {
            own.client = self.client.unwrap_or(request.client);
            own.user_agent = self.user_agent.as_deref().unwrap_or(request.user_agent);
            // Of a program that is trusted only what it tells of its visitors is judged.
            own.is_local = self.user_agent.is_none();
        }
        Ok(own)
    }

    /// The refusal of this claim, which nobody has declared a site for under the host of its page.
    pub(super) fn undeclared(&self, rejected: Rejected) -> Rejected {
        match self.sites.first() {
            Some(name) if rejected.reason == Reason::UnknownSite => undeclared(name),
            _ => rejected,
        }
    }
}

/// The refusal of what is for a site called `name`.
fn undeclared(name: &str) -> Rejected {
    let sentence = format!(
        "no site is called {:?}; declare it as a [[site]], by its domain or among its ids",
        cut(name, NAME_BYTES_MAX)
    );
    Rejected::new(Reason::UnknownSite, sentence).of_undeclared(name)
}

/// The host of a web address, lower case, without a port.
pub fn host_of(address: &str) -> Option<String> {
    Url::parse(address.trim()).ok()?.host_str().map(bare_host)
}

/// The name of the file at an address.
pub fn file_of(address: &str) -> Option<String> {
    let url = Url::parse(address.trim()).ok()?;
    let name = url.path_segments()?.next_back()?;
    (!name.is_empty()).then(|| name.to_owned())
}

/// The address that is told by `value`, without what proxies add to it.
pub fn address(value: &str) -> Option<IpAddr> {
    value.trim().trim_matches(['[', ']']).parse().ok()
}

/// The text under one of `keys` of `object`, not empty.
pub fn field(object: &Value, keys: &[&str]) -> Option<String> {
    let found = keys.iter().find_map(|key| text(object.get(*key)?));
    found.filter(|text| !text.trim().is_empty())
}

/// `text`, at most `bytes` long.
pub fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}
