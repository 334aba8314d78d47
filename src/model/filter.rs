//! Filters: which of the counted beacons a question is about.

use super::dimension::Dimension;

/// One filter; several are all to be met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// What it looks at: a dimension, or the identifier.
    pub dimension: Option<Dimension>,
    /// How that must compare.
    pub operator: Operator,
    /// With what.
    pub value: String,
}

/// How a value must compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// It is the same.
    Is,
    /// It is another, or there is none.
    IsNot,
    /// It holds the text, whatever its case.
    Contains,
}

/// What stands for the identifier instead of a dimension's name.
pub const IDENTIFIER: &str = "identifier";

impl Operator {
    /// Every operator.
    pub const ALL: [Self; 3] = [Self::Is, Self::IsNot, Self::Contains];

    /// Its name in addresses.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Is => "is",
            Self::IsNot => "not",
            Self::Contains => "has",
        }
    }

    /// How it reads.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Is => "is",
            Self::IsNot => "is not",
            Self::Contains => "contains",
        }
    }

    /// The operator that `slug` names, or `None`.
    pub fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operator| operator.slug() == slug)
    }
}

impl Filter {
    /// That `dimension`, or the identifier, is `value`.
    pub fn is(dimension: Option<Dimension>, value: &str) -> Self {
        Self { dimension, operator: Operator::Is, value: value.to_owned() }
    }

    /// As it stands in an address: `source:is:Google`.
    pub fn written(&self) -> String {
        let name = self.dimension.as_ref().map_or(IDENTIFIER.into(), Dimension::name);
        format!("{name}:{}:{}", self.operator.slug(), self.value)
    }
}
