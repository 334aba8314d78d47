//! What people have to say about a moment, checked before it is written.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{
    config::registry::Registry,
    store::{
        self,
        chronicle::{self, Kind},
    },
    writer::{Affects, changes::Changes},
};

/// How long a text may be, in characters.
const TEXT_MAX: usize = 200;

/// What somebody says about a moment, as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Note {
    /// The text, a line.
    pub text: String,
    /// When: `2026-11-24`, `2026-11-24T14:00` in the site's zone, or with an offset; none for now.
    pub at: Option<String>,
    /// The site; none for all of them.
    pub site: Option<String>,
}

/// Why it was not written down.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It makes no sense.
    #[error("{0}")]
    Wrong(String),
    /// The file can't be written.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A note that can be written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Checked {
    text: String,
    at: i64,
    site: String,
}

impl Note {
    /// Writes it down at `now` (UTC seconds), and returns its number.
    ///
    /// # Errors
    /// When the text is empty or too long, the time none or in the future, the site unknown; or when
    /// the file can't be written.
    pub fn write(
        &self,
        registry: &Registry,
        now: i64,
        file: &mut impl Changes,
    ) -> Result<i64, Error> {
        let Checked { text, at, site } = self.check(registry, now).map_err(Error::Wrong)?;
        file.change(Affects::Nothing, move |file| {
            Ok(chronicle::annotate(file, at, &site, Kind::Note, &text)?)
        })
    }

    fn check(&self, registry: &Registry, now: i64) -> Result<Checked, String> {
        let words: Vec<&str> = self.text.split_whitespace().collect();
        let text = words.join(" ");
        let length = text.chars().count();
        if length == 0 || length > TEXT_MAX {
            return Err(format!("the text has {length} characters; 1 to {TEXT_MAX} are allowed"));
        }
        if text.chars().any(char::is_control) {
            return Err("the text has characters that can't be shown".to_owned());
        }
        let named = self.site.as_deref().filter(|site| !site.is_empty());
        let site = match named {
            Some(name) => {
                let site = registry.site(name);
                Some(site.ok_or_else(|| format!("there is no site {name:?} in beacons.toml"))?)
            }
            None => None,
        };
        let zone = site.or_else(|| registry.sites.first()).map(|site| &site.zone);
        let at = match self.at.as_deref().map(str::trim).filter(|at| !at.is_empty()) {
            Some(at) => moment(at, zone.unwrap_or(&TimeZone::UTC))?,
            None => now,
        };
        if !(0..=now).contains(&at) {
            return Err(
                "that is not in the past: an annotation tells of what has happened".to_owned()
            );
        }
        Ok(Checked { text, at, site: site.map(|site| site.name.clone()).unwrap_or_default() })
    }
}

fn moment(text: &str, zone: &TimeZone) -> Result<i64, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at.as_second());
    }
    let local: Result<DateTime, _> = text.parse();
    let local = local.map_err(|_| {
        format!("{text:?} is no time; write 2026-11-24, 2026-11-24T14:00 or 2026-11-24T14:00:00Z")
    })?;
    let at = zone.to_timestamp(local).map_err(|_| format!("{text:?} can't be placed in time"))?;
    Ok(at.as_second())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use crate::config;

    #[test]
    fn a_note_is_of_the_past_and_short_and_of_a_site_that_is_there() {
        let toml = "[[site]]\ndomain = \"a.example\"\ntime_zone = \"Asia/Kolkata\"";
        let registry = config::parse(toml, "beacons.toml").unwrap();
        let now = 1_795_521_600;
        let check = |text: &str, at: Option<&str>, site: Option<&str>| {
            let note =
                Note { text: text.into(), at: at.map(Into::into), site: site.map(Into::into) };
            note.check(&registry, now).map(|checked| (checked.text, checked.at, checked.site))
        };
        let said = |at, site: &str| Ok(("a b".to_owned(), at, site.to_owned()));
        assert_eq!(check(" a \n b", None, None), said(now, ""));
        assert_eq!(
            check("a b", Some("1970-01-02"), Some("a.example")),
            said(86_400 - 19_800, "a.example")
        );
        assert_eq!(check("a b", Some("1970-01-02T00:00:00Z"), None), said(86_400, ""));
        assert_eq!(check("a b", Some("1970-01-02 06:30"), None), said(86_400 + 3_600, ""));
        for (text, at, site) in [
            (" ", None, None),
            ("a\u{7}", None, None),
            (&*"é".repeat(201), None, None),
            ("a", Some("yesterday"), None),
            ("a", Some("2099-01-01"), None),
            ("a", None, Some("b.example")),
        ] {
            assert!(check(text, at, site).is_err(), "{text:?} {at:?} {site:?}");
        }
    }
}
