//! What other products call browsers, systems and devices, in our words.

use std::borrow::Cow;

use crate::model::dimension::Dimension;

/// Their word in lower case, and ours.
const BROWSERS: [(&str, &str); 20] = [
    ("android", "Android WebView"),
    ("android browser", "Android WebView"),
    ("chrome mobile", "Chrome"),
    ("chromium-webview", "Android WebView"),
    ("crios", "Chrome"),
    ("edge-chromium", "Edge"),
    ("edge-ios", "Edge"),
    ("facebook", "Facebook"),
    ("fxios", "Firefox"),
    ("firefox mobile", "Firefox"),
    ("ie", "Internet Explorer"),
    ("instagram", "Instagram"),
    ("ios", "Safari"),
    ("ios-webview", "Safari"),
    ("microsoft edge", "Edge"),
    ("mobile safari", "Safari"),
    ("opera mini", "Opera Mini"),
    ("samsung", "Samsung Internet"),
    ("samsung browser", "Samsung Internet"),
    ("yandexbrowser", "Yandex Browser"),
];

const SYSTEMS: [(&str, &str); 8] = [
    ("android os", "Android"),
    ("chrome os", "ChromeOS"),
    ("chromium os", "ChromeOS"),
    ("gnu/linux", "Linux"),
    ("mac", "macOS"),
    ("mac os", "macOS"),
    ("mac os x", "macOS"),
    ("ubuntu", "Linux"),
];

const DEVICES: [(&str, &str); 6] = [
    ("desktop", "Desktop"),
    ("laptop", "Desktop"),
    ("ultra-wide", "Desktop"),
    ("mobile", "Phone"),
    ("phone", "Phone"),
    ("tablet", "Tablet"),
];

fn ours<'n>(known: &[(&str, &'static str)], name: Cow<'n, str>) -> Cow<'n, str> {
    let found = known.iter().find(|(theirs, _)| theirs.eq_ignore_ascii_case(name.trim()));
    if let Some((_, ours)) = found {
        return Cow::Borrowed(ours);
    }
    match name.chars().next() {
        Some(first) if first.is_ascii_lowercase() && !name.starts_with("iOS") => {
            let rest = name.get(1..).unwrap_or_default();
            format!("{}{rest}", first.to_ascii_uppercase()).into()
        }
        _ => name,
    }
}

/// A name and maybe a version behind it, `Chrome 131.0.1` or `Windows 10`, as values of `name` and of
/// `version`.
pub(super) fn browser<'n>(
    name: Cow<'n, str>,
    version: Option<&str>,
) -> Vec<(Dimension, Cow<'n, str>)> {
    let (name, behind) = apart(name);
    let name = ours(&BROWSERS, name);
    let major = version.map(str::to_owned).or(behind);
    let major = major.and_then(|version| version.split('.').next().map(str::to_owned));
    with(Dimension::Browser, Dimension::BrowserVersion, name, major)
}

/// The same for systems.
pub(super) fn system<'n>(
    name: Cow<'n, str>,
    version: Option<&str>,
) -> Vec<(Dimension, Cow<'n, str>)> {
    let (name, behind) = apart(name);
    let version = version.map(str::to_owned).or(behind);
    with(Dimension::Os, Dimension::OsVersion, system_name(name), version)
}

fn system_name(name: Cow<'_, str>) -> Cow<'_, str> {
    if name.eq_ignore_ascii_case("ios") { "iOS".into() } else { ours(&SYSTEMS, name) }
}

/// The kind of a device.
pub(super) fn device(name: Cow<'_, str>) -> (Dimension, Cow<'_, str>) {
    (Dimension::Device, ours(&DEVICES, name))
}

fn with<'n>(
    one: Dimension,
    other: Dimension,
    name: Cow<'n, str>,
    version: Option<String>,
) -> Vec<(Dimension, Cow<'n, str>)> {
    let version = version.filter(|version| !version.is_empty());
    let versioned = version.map(|version| (other, format!("{name} {version}").into()));
    [(one, name)].into_iter().chain(versioned).collect()
}

/// A name, and the version that stands behind it.
fn apart(name: Cow<'_, str>) -> (Cow<'_, str>, Option<String>) {
    let found = name.rsplit_once(' ').filter(|(_, last)| {
        last.starts_with(|c: char| c.is_ascii_digit())
            && last.chars().all(|c| c.is_ascii_digit() || c == '.')
    });
    match found.map(|(name, version)| (name.to_owned(), version.to_owned())) {
        Some((name, version)) => (name.into(), Some(version)),
        None => (name, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn their_words_become_ours() {
        for (theirs, expected) in [
            ("crios", vec!["Chrome"]),
            ("edge-chromium", vec!["Edge"]),
            ("Chrome 131.0", vec!["Chrome", "Chrome 131"]),
            ("firefox", vec!["Firefox"]),
            ("Opera Mini", vec!["Opera Mini"]),
        ] {
            let values = browser(theirs.into(), None);
            assert_eq!(values.iter().map(|(_, value)| &**value).collect::<Vec<_>>(), expected);
        }
        for (theirs, expected) in [
            ("Windows 10", vec!["Windows", "Windows 10"]),
            ("Mac OS", vec!["macOS"]),
            ("iOS", vec!["iOS"]),
            ("Android OS", vec!["Android"]),
        ] {
            let values = system(theirs.into(), None);
            assert_eq!(values.iter().map(|(_, value)| &**value).collect::<Vec<_>>(), expected);
        }
        assert_eq!(device("laptop".into()).1, "Desktop");
    }
}
