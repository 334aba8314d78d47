//! What a client claims: the JSON or the form of a beacon, read strictly and once.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};

use super::Rejected;
pub use super::meta::{Fact, Meta};
use crate::model::{rejection::Reason, text::optional};

/// A beacon as a client has written it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payload<'a> {
    /// The name of the event type.
    #[serde(borrow)]
    pub event_type: Cow<'a, str>,
    /// What is counted within it.
    #[serde(borrow, default, deserialize_with = "optional")]
    pub identifier: Option<Cow<'a, str>>,
    /// Further facts, some of which the registry knows what to do with.
    #[serde(borrow, default, deserialize_with = "meta_or_null")]
    pub meta: Meta<'a>,
    /// The site, for clients that are not a page of it.
    #[serde(borrow, default, deserialize_with = "optional")]
    pub site: Option<Cow<'a, str>>,
    /// A name of this very beacon, for a client that may send it twice.
    #[serde(borrow, default, deserialize_with = "optional")]
    pub id: Option<Cow<'a, str>>,
}

impl<'a> Payload<'a> {
    /// A beacon that says no more than its event type.
    pub fn of_type(event_type: &'a str) -> Self {
        Self {
            event_type: event_type.into(),
            identifier: None,
            meta: Meta::default(),
            site: None,
            id: None,
        }
    }

    /// Reads a JSON body.
    ///
    /// # Errors
    /// When it is not UTF-8 or not the JSON of a beacon.
    pub fn from_json(body: &'a [u8]) -> Result<Self, Rejected> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let text = std::str::from_utf8(body).map_err(|error| {
            let sentence =
                format!("the body is not UTF-8 from byte {} on", error.valid_up_to() + 1);
            Rejected::new(Reason::NotUtf8, sentence)
        })?;
        if text.trim_ascii_start().starts_with('[') {
            let sentence = "the body is a list; a beacon is one object".to_owned();
            return Err(Rejected::new(Reason::Malformed, sentence));
        }
        let mut payload: Self = serde_json::from_str(text).map_err(|error| {
            Rejected::new(Reason::Malformed, format!("the body is not a beacon: {error}"))
        })?;
        // A name without a letter is none.
        payload.id = payload.id.filter(|id| !id.is_empty());
        Ok(payload)
    }

    /// Reads `event_type=…&identifier=…&KEY=…`, as forms and pixels write it; further keys are meta.
    ///
    /// # Errors
    /// When it is not UTF-8, has a key twice, or has too many.
    pub fn from_form(form: &'a [u8]) -> Result<Self, Rejected> {
        let malformed = |sentence: String| Rejected::new(Reason::Malformed, sentence);
        let mut payload = Self::of_type("page_view");
        let mut given = Vec::new();
        for (key, value) in url::form_urlencoded::parse(form) {
            if key.contains('\u{fffd}') || value.contains('\u{fffd}') {
                let sentence = "the form is not UTF-8".to_owned();
                return Err(Rejected::new(Reason::NotUtf8, sentence));
            }
            if given.contains(&key) {
                return Err(malformed(format!("the form has the key {:?} twice", &*key)));
            }
            given.push(key.clone());
            match &*key {
                "event_type" => payload.event_type = value,
                "identifier" => payload.identifier = Some(value),
                "site" => payload.site = Some(value),
                "id" => payload.id = Some(value).filter(|id| !id.is_empty()),
                _ => {
                    let name = key.strip_prefix("meta.").map(|name| name.to_owned().into());
                    payload.meta.add(name.unwrap_or(key), Fact::Text(value)).map_err(malformed)?;
                }
            }
        }
        Ok(payload)
    }

    /// Tells `part` everything by which this beacon is known from others: its `id` if the client has
    /// given it one, else all that it claims.
    pub fn tell_apart(&self, part: &mut dyn FnMut(&[u8])) {
        part(self.event_type.as_bytes());
        if let Some(id) = &self.id {
            part(b"id");
            part(id.as_bytes());
            return;
        }
        part(self.identifier.as_deref().unwrap_or_default().as_bytes());
        for (key, fact) in self.meta.facts() {
            part(key.as_bytes());
            match fact {
                Fact::Text(text) => part(text.as_bytes()),
                Fact::Number(_, written) => part(written.as_bytes()),
                other => part(other.clone().into_value().to_string().as_bytes()),
            }
        }
    }

    /// Refuses a `meta` of more than `most` bytes.
    ///
    /// # Errors
    /// When it is larger.
    pub fn check_size(&self, most: usize) -> Result<(), Rejected> {
        if self.meta.bytes <= most {
            return Ok(());
        }
        let sentence = format!(
            "meta has {} bytes, {most} are allowed for {}",
            self.meta.bytes, self.event_type
        );
        Err(Rejected::new(Reason::MetaTooLarge, sentence))
    }
}

fn meta_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Meta<'de>, D::Error> {
    Ok(Option::<Meta<'de>>::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::{super::meta::NESTED_MAX, *};

    fn check_refused(body: &[u8], reason: Reason, sentence: &str) {
        let rejected = Payload::from_json(body).unwrap_err();
        assert_eq!((rejected.reason, &*rejected.sentence), (reason, sentence));
    }

    #[test]
    fn a_beacon_is_read_as_it_was_written() {
        let body = br#"{"event_type":"page_view","identifier":"/docs/home",
            "meta":{"ref":"utm:home","plan":3,"trial":true,"no":null,"more":[1]}}"#;
        let payload = Payload::from_json(body).unwrap();
        assert_eq!(payload.identifier.as_deref(), Some("/docs/home"));
        assert_eq!(payload.meta.text("ref"), Some("utm:home"));
        assert_eq!(payload.meta.text("plan"), Some("3"));
        assert_eq!(payload.meta.number("plan"), Some(3.0));
        assert!(payload.meta.is_true("trial"));
        assert_eq!((payload.meta.text("no"), payload.meta.text("more")), (None, None));
    }

    #[test]
    fn an_absent_or_null_meta_is_empty_and_a_byte_order_mark_is_no_matter() {
        assert!(Payload::from_json(b"\xef\xbb\xbf{\"event_type\":\"a\"}").is_ok());
        assert!(Payload::from_json(br#"{"event_type":"a","meta":null}"#).is_ok());
    }

    #[test]
    fn what_is_no_beacon_is_told_with_its_position() {
        use Reason::{Malformed, NotUtf8};
        let no = "the body is not a beacon: ";
        check_refused(b"", Malformed, &format!("{no}EOF while parsing a value at line 1 column 0"));
        check_refused(
            b"{\"event_type\":\"a\xff\"}",
            NotUtf8,
            "the body is not UTF-8 from byte 17 on",
        );
        check_refused(
            br#"{"event_type":"a","meta":{"x":1,"x":2}}"#,
            Malformed,
            &format!(r#"{no}duplicate key "x" in meta at line 1 column 38"#),
        );
        check_refused(
            br#"{"event_type":"a","event_type":"b"}"#,
            Malformed,
            &format!("{no}duplicate field `event_type` at line 1 column 30"),
        );
        check_refused(
            br#"{"event_type":"a","meta":{"x":1e400}}"#,
            Malformed,
            &format!("{no}number out of range at line 1 column 35"),
        );
    }

    #[test]
    fn what_can_not_be_a_beacon_is_refused() {
        let nested = |depth: usize| {
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            format!(r#"{{"event_type":"a","meta":{{"x":{open}{close}}}}}"#)
        };
        assert!(Payload::from_json(nested(NESTED_MAX).as_bytes()).is_ok());
        let (deep, deeper) = (nested(NESTED_MAX + 1), nested(4000));
        let bodies: [&[u8]; 11] = [
            b"[]",
            b"\"page_view\"",
            b"{}",
            br#"{"event_type":null}"#,
            br#"{"event_type":"a","identifer":"/"}"#,
            br#"{"event_type":"\ud800"}"#,
            br#"{"event_type":"a"} {}"#,
            br#"{"event_type":"a","meta":{"x":["\ud800"]}}"#,
            br#"{"event_type":"a","meta":{"x":[1e400]}}"#,
            deep.as_bytes(),
            deeper.as_bytes(),
        ];
        for body in bodies {
            assert_eq!(Payload::from_json(body).unwrap_err().reason, Reason::Malformed);
        }
    }

    #[test]
    fn a_form_is_a_beacon_too() {
        let payload = Payload::from_form(b"identifier=%2Fa%20b&ref=x&meta.plan=pro").unwrap();
        assert_eq!(payload.event_type, "page_view");
        assert_eq!(payload.identifier.as_deref(), Some("/a b"));
        assert_eq!((payload.meta.text("ref"), payload.meta.text("plan")), (Some("x"), Some("pro")));
        assert!(Payload::from_form(b"id=1&id=2").is_err());
        assert_eq!(Payload::from_form(b"a=%ff").unwrap_err().reason, Reason::NotUtf8);
    }
}
