//! What counts are split by: the fixed dimensions, and any declared key of a beacon's `meta`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// What a breakdown is by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the field's own and the words below say them again")]
pub enum Dimension {
    Hostname,
    Title,
    Page,
    EntryPage,
    ExitPage,
    Source,
    Channel,
    Referrer,
    UtmSource,
    UtmMedium,
    UtmCampaign,
    UtmContent,
    UtmTerm,
    Country,
    Region,
    City,
    Browser,
    BrowserVersion,
    Os,
    OsVersion,
    Device,
    Screen,
    Language,
    /// The key of a beacon's `meta` object; written `meta.KEY`.
    Meta(String),
}

impl Dimension {
    /// Every dimension that needs no key, in the order in which they are documented.
    pub const FIXED: [Self; 23] = [
        Self::Hostname,
        Self::Title,
        Self::Page,
        Self::EntryPage,
        Self::ExitPage,
        Self::Source,
        Self::Channel,
        Self::Referrer,
        Self::UtmSource,
        Self::UtmMedium,
        Self::UtmCampaign,
        Self::UtmContent,
        Self::UtmTerm,
        Self::Country,
        Self::Region,
        Self::City,
        Self::Browser,
        Self::BrowserVersion,
        Self::Os,
        Self::OsVersion,
        Self::Device,
        Self::Screen,
        Self::Language,
    ];

    /// Its name in TOML, SQL and URLs: `country`, `utm_source`, `meta.plan`.
    pub fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Hostname => "hostname",
            Self::Title => "title",
            Self::Page => "page",
            Self::EntryPage => "entry_page",
            Self::ExitPage => "exit_page",
            Self::Source => "source",
            Self::Channel => "channel",
            Self::Referrer => "referrer",
            Self::UtmSource => "utm_source",
            Self::UtmMedium => "utm_medium",
            Self::UtmCampaign => "utm_campaign",
            Self::UtmContent => "utm_content",
            Self::UtmTerm => "utm_term",
            Self::Country => "country",
            Self::Region => "region",
            Self::City => "city",
            Self::Browser => "browser",
            Self::BrowserVersion => "browser_version",
            Self::Os => "os",
            Self::OsVersion => "os_version",
            Self::Device => "device",
            Self::Screen => "screen",
            Self::Language => "language",
            Self::Meta(key) => return Cow::Owned(format!("meta.{key}")),
        })
    }

    /// The dimension that `name` names, or `None`.
    pub fn from_name(name: &str) -> Option<Self> {
        if let Some(key) = name.strip_prefix("meta.") {
            return (!key.is_empty()).then(|| Self::Meta(key.to_owned()));
        }
        Self::FIXED.into_iter().find(|dimension| dimension.name() == name)
    }

    /// Whether a visit keeps the value with which it began: how somebody came does not change on
    /// the second page.
    pub const fn is_acquisition(&self) -> bool {
        matches!(
            self,
            Self::Source
                | Self::Channel
                | Self::Referrer
                | Self::UtmSource
                | Self::UtmMedium
                | Self::UtmCampaign
                | Self::UtmContent
                | Self::UtmTerm
        )
    }

    /// Whether the value follows from the user agent, which is part of who the visitor is: a
    /// visitor then has one value only.
    pub const fn is_of_visitor(&self) -> bool {
        matches!(
            self,
            Self::Browser | Self::BrowserVersion | Self::Os | Self::OsVersion | Self::Device
        )
    }
}

impl std::fmt::Display for Dimension {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_dimension() {
        for dimension in Dimension::FIXED {
            assert_eq!(Dimension::from_name(&dimension.name()).unwrap(), dimension);
        }
        assert_eq!(Dimension::from_name("meta.plan").unwrap(), Dimension::Meta("plan".into()));
        assert_eq!(Dimension::from_name("meta."), None);
        assert_eq!(Dimension::from_name("colour"), None);
    }
}
