//! The facts under a beacon's `meta`: each key once, and none deeper than anybody means.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

use crate::model::text::Text;

/// The largest number of keys in `meta`.
const META_KEYS_MAX: usize = 64;

/// No more keys has what our script sends.
const KEYS_USUAL: usize = 8;

/// How many lists and objects may lie within each other under `meta`.
pub(super) const NESTED_MAX: usize = 32;

/// The facts under `meta`, each key once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Meta<'a> {
    facts: Vec<(Cow<'a, str>, Fact<'a>)>,
    pub(super) bytes: usize,
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

    /// Leaves out the last facts until no more than `most` bytes are left.
    pub fn fit(&mut self, most: usize) {
        while self.bytes > most {
            let Some((key, fact)) = self.facts.pop() else { break };
            self.bytes -= key.len() + fact.bytes();
        }
    }

    /// Adds a fact.
    ///
    /// # Errors
    /// When there is one of the same name, or there are too many.
    pub fn add(&mut self, key: Cow<'a, str>, fact: Fact<'a>) -> Result<(), String> {
        if self.fact(&key).is_some() {
            return Err(format!("duplicate key {:?} in meta", &*key));
        }
        if self.facts.len() >= META_KEYS_MAX {
            return Err(format!("meta has more than {META_KEYS_MAX} keys"));
        }
        self.bytes += key.len() + fact.bytes();
        self.facts.push((key, fact));
        Ok(())
    }
}

impl Fact<'_> {
    fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Number(_, written) => written.len(),
            Self::Nested(value) => value.to_string().len(),
            Self::Bool(_) | Self::Null => 4,
        }
    }

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

impl<'de> Deserialize<'de> for Meta<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MetaVisitor;

        impl<'de> Visitor<'de> for MetaVisitor {
            type Value = Meta<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object for meta")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Meta<'de>, A::Error> {
                let mut meta = Meta { facts: Vec::with_capacity(KEYS_USUAL), bytes: 0 };
                while let Some((Text(key), fact)) = map.next_entry::<Text<'de>, Fact<'de>>()? {
                    meta.add(key, fact).map_err(de::Error::custom)?;
                }
                Ok(meta)
            }
        }

        deserializer.deserialize_map(MetaVisitor)
    }
}

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
