//! The values that a beacon is split by, from what its page and its headers tell.

use std::{borrow::Cow, cell::OnceCell, sync::Arc};

use super::{
    Ingest, Request,
    agents::Agent,
    country,
    identifier::{self, is_forbidden},
    location::Place,
    page_address::{self, PageAddress},
    payload::Payload,
    source::{self, Claims, Source},
};
use crate::{
    config::registry::{EventType, Site},
    model::{beacon::DimensionValue, country as countries, dimension::Dimension},
};

/// The longest value, in bytes; what is longer is cut.
const VALUE_BYTES_MAX: usize = 256;

/// Up to which width, in CSS pixels, a screen belongs to a class.
const SCREENS: [(f64, &str); 5] = [
    (576.0, "Up to 576 px"),
    (992.0, "577 to 992 px"),
    (1440.0, "993 to 1440 px"),
    (1920.0, "1441 to 1920 px"),
    (20_000.0, "Over 1920 px"),
];

/// How a source is named where a page tells it by a word instead of an address: `utm:newsletter`.
const TAG: &str = "utm:";

/// What a beacon tells of itself. What takes work is worked out at most once, and only if it is
/// asked for.
#[derive(Debug)]
pub struct Told<'a> {
    payload: &'a Payload<'a>,
    address: &'a PageAddress,
    request: &'a Request<'a>,
    site: &'a Site,
    ingest: &'a Ingest,
    place: OnceCell<Place>,
    agent: OnceCell<Arc<Agent>>,
    source: OnceCell<Source>,
}

impl<'a> Told<'a> {
    /// What `payload`, its page and its headers tell.
    pub fn new(
        payload: &'a Payload<'a>,
        address: &'a PageAddress,
        request: &'a Request<'a>,
        site: &'a Site,
        ingest: &'a Ingest,
    ) -> Self {
        let (place, agent, source) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Self { payload, address, request, site, ingest, place, agent, source }
    }

    /// The values of every dimension that `event` is split by, as far as they are known.
    pub fn dimensions(&self, event: &EventType) -> Vec<DimensionValue<'_>> {
        let mut values: Vec<DimensionValue<'_>> = Vec::with_capacity(event.dimensions.len());
        for dimension in &event.dimensions {
            let own = self.own_value(dimension).map(Cow::Borrowed);
            let value = own.or_else(|| Some(tidy(self.told_value(dimension, event)?)));
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                values.push(DimensionValue { dimension: dimension.clone(), value });
            }
        }
        values
    }

    /// The host of the page before, lower case, if it tells one that is not the site's own.
    pub fn referring_host(&self) -> Option<&str> {
        let referrer = self.source().referrer.as_deref()?;
        referrer.split('/').next()
    }

    /// The source that the page tells by a word, in place of `utm_source`.
    pub fn tagged_source(&self) -> Option<Cow<'_, str>> {
        let word = self.meta("ref").filter(|word| !word.contains("://"));
        let word = word.map(|word| Cow::Borrowed(word.strip_prefix(TAG).unwrap_or(word)));
        self.utm("utm_source")
            .or_else(|| self.address.parameter("source"))
            .or_else(|| self.address.parameter("ref"))
            .or(word)
            .filter(|word| !word.trim().is_empty())
    }

    /// A value that is one of ours, whatever is told.
    fn own_value(&self, dimension: &Dimension) -> Option<&'static str> {
        match dimension {
            Dimension::Channel => Some(self.source().channel.as_str()),
            Dimension::Country => self.country(),
            Dimension::Browser => Some(self.agent().parts.browser),
            Dimension::Os => Some(self.agent().parts.os),
            Dimension::Device => Some(self.agent().parts.device.as_str()),
            Dimension::Screen => self.screen(),
            _ => None,
        }
    }

    /// A value in the words of who tells it.
    fn told_value(&self, dimension: &Dimension, event: &EventType) -> Option<Cow<'_, str>> {
        match dimension {
            Dimension::Hostname => self.address.host.as_deref().map(Cow::Borrowed),
            Dimension::Title => self.meta("title").map(Cow::Borrowed),
            Dimension::Page => {
                let url = self.address.url.as_ref()?;
                Some(Cow::Owned(identifier::page_path(url, event)))
            }
            Dimension::UtmSource => self.utm("utm_source").or_else(|| {
                let word = self.meta("ref")?.strip_prefix(TAG)?;
                Some(Cow::Borrowed(word))
            }),
            Dimension::UtmMedium
            | Dimension::UtmCampaign
            | Dimension::UtmContent
            | Dimension::UtmTerm => self.utm(&dimension.name()),
            Dimension::Source => Some(Cow::Borrowed(&*self.source().name)),
            Dimension::Referrer => self.source().referrer.as_deref().map(Cow::Borrowed),
            Dimension::BrowserVersion => self.agent().browser_version.as_deref().map(Cow::Borrowed),
            Dimension::OsVersion => self.agent().os_version.as_deref().map(Cow::Borrowed),
            Dimension::Language => self.language().map(Cow::Owned),
            Dimension::Meta(key) => self.meta(key).map(Cow::Borrowed),
            Dimension::Region => self.place().region.as_deref().map(Cow::Borrowed),
            Dimension::City => self.place().city.as_deref().map(Cow::Borrowed),
            Dimension::Channel
            | Dimension::Country
            | Dimension::Browser
            | Dimension::Os
            | Dimension::Device
            | Dimension::Screen => None,
            // The fold knows where a visit begins and ends.
            Dimension::EntryPage | Dimension::ExitPage => None,
        }
    }

    fn meta(&self, key: &str) -> Option<&str> {
        self.payload.meta.text(key)
    }

    fn utm(&self, name: &str) -> Option<Cow<'_, str>> {
        self.address.parameter(name).or_else(|| self.meta(name).map(Cow::Borrowed))
    }

    /// What the user agent tells.
    pub fn agent(&self) -> &Agent {
        self.agent.get_or_init(|| self.ingest.agents.read(self.request.user_agent))
    }

    fn source(&self) -> &Source {
        self.source.get_or_init(|| {
            let tagged = self.tagged_source();
            let (medium, campaign) = (self.utm("utm_medium"), self.utm("utm_campaign"));
            let names = self.address.url.as_ref().map(|url| url.query_pairs());
            let click = names.into_iter().flatten().map(|(name, _)| name);
            let click = click.into_iter().find(|name| source::is_click_id(name));
            let claims = Claims {
                referrer: self
                    .meta("ref")
                    .or_else(|| self.meta("referrer"))
                    .or(self.request.referer),
                utm_source: tagged.as_deref(),
                utm_medium: medium.as_deref(),
                utm_campaign: campaign.as_deref(),
                click_id: click.as_deref(),
            };
            source::classify(&claims, &|host| self.is_own(host))
        })
    }

    /// Whether pages on `host` are the site's own: one of its hosts, or the host of this very page.
    fn is_own(&self, host: &str) -> bool {
        fn bare(host: &str) -> &str {
            host.strip_prefix("www.").unwrap_or(host)
        }
        let is_same = match (&self.address.host, self.request.host) {
            (Some(page), _) => bare(page) == bare(host),
            (None, Some(asked)) => bare(&page_address::bare_host(asked)) == bare(host),
            (None, None) => false,
        };
        is_same || (!self.site.hosts.is_empty() && self.site.takes_host(host))
    }

    fn place(&self) -> &Place {
        self.place.get_or_init(|| self.ingest.locations.find(self.request.client))
    }

    /// From what a trusted proxy tells, else from the operator's database, else from the browser's
    /// time zone.
    fn country(&self) -> Option<&'static str> {
        let told = self.request.country.and_then(countries::code);
        told.or(self.place().country).or_else(|| country::of_time_zone(self.meta("tz")?))
    }

    fn screen(&self) -> Option<&'static str> {
        let width = self.payload.meta.number("width").filter(|width| *width >= 1.0)?;
        SCREENS.iter().find(|(most, _)| width <= *most).map(|(_, class)| *class)
    }

    /// The language without its region, `de` of `de-AT`: what the browser prefers.
    fn language(&self) -> Option<String> {
        let headers = self.request.languages.and_then(|list| list.split([',', ';']).next());
        let tag = self.meta("lang").or(headers)?;
        let primary = tag.trim().split(['-', '_']).next()?;
        let is_code = (2..=3).contains(&primary.len())
            && primary.bytes().all(|byte| byte.is_ascii_alphabetic());
        is_code.then(|| primary.to_ascii_lowercase())
    }
}

/// One line without control characters, at most [`VALUE_BYTES_MAX`] long.
fn tidy(value: Cow<'_, str>) -> Cow<'_, str> {
    let is_plain = |bytes: &[u8]| bytes.iter().all(|byte| byte.is_ascii_graphic());
    if value.len() <= VALUE_BYTES_MAX
        && value.split(' ').all(|word| !word.is_empty() && is_plain(word.as_bytes()))
    {
        return value;
    }
    let mut tidy = String::with_capacity(value.len().min(VALUE_BYTES_MAX));
    for word in value.split_whitespace() {
        if !tidy.is_empty() {
            tidy.push(' ');
        }
        tidy.extend(word.chars().filter(|c| !is_forbidden(*c)));
    }
    if tidy.len() > VALUE_BYTES_MAX {
        tidy.truncate(tidy.floor_char_boundary(VALUE_BYTES_MAX - '…'.len_utf8()));
        tidy.push('…');
    }
    Cow::Owned(tidy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_short_line() {
        assert_eq!(tidy("  a\tb\n\u{0}c \u{202e}d ".into()), "a b c d");
        let cut = tidy("é".repeat(300).into());
        assert!(cut.len() <= VALUE_BYTES_MAX && cut.ends_with("é…"));
    }
}
