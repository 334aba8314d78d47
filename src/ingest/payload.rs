//! What a client claims: the JSON or the form of a beacon, read strictly and once.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

use super::Rejected;
use crate::model::rejection::Reason;

/// The largest number of keys in `meta`.
const META_KEYS_MAX: usize = 64;

/// How many lists and objects may lie within each other under `meta`.
const NESTED_MAX: usize = 32;

/// A beacon as a client has written it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payload<'a> {
    /// The name of the event type.
    #[serde(borrow)]
    pub event_type: Cow<'a, str>,
    /// What is counted within it.
    #[serde(borrow, default)]
    pub identifier: Option<Cow<'a, str>>,
    /// Further facts, some of which the registry knows what to do with.
    #[serde(borrow, default, deserialize_with = "meta_or_null")]
    pub meta: Meta<'a>,
    /// The site, for clients that are not a page of it.
    #[serde(borrow, default)]
    pub site: Option<Cow<'a, str>>,
    /// A name of this very beacon, for a client that may send it twice.
    #[serde(borrow, default)]
    pub id: Option<Cow<'a, str>>,
}

/// The facts under `meta`, each key once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Meta<'a> {
    facts: Vec<(Cow<'a, str>, Fact<'a>)>,
    bytes: usize,
}

/// One fact.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact<'a> {
    /// A string.
    Text(Cow<'a, str>),
    /// A number, written as JSON writes it.
    Number(f64, String),
    /// True or false.
    Bool(bool),
    /// An explicit nothing.
    Null,
    /// A list or an object, which no dimension can be made of.
    Nested(Value),
}

impl<'a> Payload<'a> {
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
        serde_json::from_str(text).map_err(|error| {
            Rejected::new(Reason::Malformed, format!("the body is not a beacon: {error}"))
        })
    }

    /// Reads `event_type=…&identifier=…&KEY=…`, as forms and pixels write it; further keys are meta.
    ///
    /// # Errors
    /// When it is not UTF-8, has a key twice, or has too many.
    pub fn from_form(form: &'a [u8]) -> Result<Self, Rejected> {
        let malformed = |sentence: String| Rejected::new(Reason::Malformed, sentence);
        let mut payload = Self {
            event_type: "page_view".into(),
            identifier: None,
            meta: Meta::default(),
            site: None,
            id: None,
        };
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
                "id" => payload.id = Some(value),
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

impl<'a> Meta<'a> {
    /// The string under `key`; a number or a truth value as it is written. Never empty.
    pub fn text(&self, key: &str) -> Option<&str> {
        let text = match self.fact(key)? {
            Fact::Text(text) => text.trim(),
            Fact::Number(_, written) => written,
            Fact::Bool(true) => "true",
            Fact::Bool(false) => "false",
            Fact::Null | Fact::Nested(_) => return None,
        };
        (!text.is_empty()).then_some(text)
    }

    /// The number under `key`, or the number that the string there writes.
    pub fn number(&self, key: &str) -> Option<f64> {
        match self.fact(key)? {
            Fact::Number(number, _) => Some(*number),
            Fact::Text(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            Fact::Bool(_) | Fact::Null | Fact::Nested(_) => None,
        }
    }

    /// Whether the fact under `key` is true.
    pub fn is_true(&self, key: &str) -> bool {
        matches!(self.text(key), Some("true" | "1"))
    }

    /// Every fact, in the order in which they were sent.
    pub fn facts(&self) -> impl Iterator<Item = (&str, &Fact<'a>)> {
        self.facts.iter().map(|(key, fact)| (&**key, fact))
    }

    fn fact(&self, key: &str) -> Option<&Fact<'a>> {
        self.facts.iter().find(|(name, _)| name == key).map(|(_, fact)| fact)
    }

    fn add(&mut self, key: Cow<'a, str>, fact: Fact<'a>) -> Result<(), String> {
        if self.fact(&key).is_some() {
            return Err(format!("duplicate key {:?} in meta", &*key));
        }
        if self.facts.len() >= META_KEYS_MAX {
            return Err(format!("meta has more than {META_KEYS_MAX} keys"));
        }
        self.bytes += key.len()
            + match &fact {
                Fact::Text(text) => text.len(),
                Fact::Number(_, written) => written.len(),
                Fact::Nested(value) => value.to_string().len(),
                Fact::Bool(_) | Fact::Null => 4,
            };
        self.facts.push((key, fact));
        Ok(())
    }
}

impl Fact<'_> {
    /// The fact as JSON.
    pub fn into_value(self) -> Value {
        match self {
            Self::Text(text) => Value::String(text.into_owned()),
            Self::Number(number, written) => {
                serde_json::from_str(&written).unwrap_or_else(|_| number.into())
            }
            Self::Bool(truth) => Value::Bool(truth),
            Self::Null => Value::Null,
            Self::Nested(value) => value,
        }
    }
}

fn meta_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Meta<'de>, D::Error> {
    Ok(Option::<Meta<'de>>::deserialize(deserializer)?.unwrap_or_default())
}

impl<'de> Deserialize<'de> for Meta<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MetaVisitor;

        impl<'de> Visitor<'de> for MetaVisitor {
            type Value = Meta<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object for meta")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Meta<'de>, A::Error> {
                let mut meta = Meta::default();
                while let Some((Text(key), fact)) = map.next_entry::<Text<'de>, Fact<'de>>()? {
                    meta.add(key, fact).map_err(de::Error::custom)?;
                }
                Ok(meta)
            }
        }

        deserializer.deserialize_map(MetaVisitor)
    }
}

/// A string that borrows where it can; `Cow` alone would not, as a key.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Fact<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        FactVisitor { depth: 0 }.deserialize(deserializer)
    }
}

/// Reads a fact that lies within `depth` lists and objects.
#[derive(Clone, Copy)]
struct FactVisitor {
    depth: usize,
}

impl FactVisitor {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        if self.depth >= NESTED_MAX {
            return Err(E::custom(format_args!("meta is nested deeper than {NESTED_MAX} levels")));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for FactVisitor {
    type Value = Fact<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Fact<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FactVisitor {
    type Value = Fact<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Fact<'de>, E> {
        Ok(Fact::Text(text.into()))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Fact<'de>, E> {
        Ok(Fact::Text(text.to_owned().into()))
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Fact<'de>, E> {
        Ok(Fact::Bool(truth))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Fact<'de>, E> {
        #[expect(clippy::cast_precision_loss, reason = "the digits are kept beside it")]
        Ok(Fact::Number(number as f64, number.to_string()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Fact<'de>, E> {
        #[expect(clippy::cast_precision_loss, reason = "the digits are kept beside it")]
        Ok(Fact::Number(number as f64, number.to_string()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Fact<'de>, E> {
        Ok(Fact::Number(number, number.to_string()))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Fact<'de>, E> {
        Ok(Fact::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Fact<'de>, A::Error> {
        let deeper = self.deeper()?;
        let mut list = Vec::new();
        while let Some(fact) = seq.next_element_seed(deeper)? {
            list.push(fact.into_value());
        }
        Ok(Fact::Nested(Value::Array(list)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fact<'de>, A::Error> {
        let deeper = self.deeper()?;
        let mut object = serde_json::Map::new();
        while let Some(Text(key)) = map.next_key()? {
            object.insert(key.into_owned(), map.next_value_seed(deeper)?.into_value());
        }
        Ok(Fact::Nested(Value::Object(object)))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

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
