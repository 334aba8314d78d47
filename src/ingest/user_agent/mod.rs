//! Browser, operating system and kind of device from a user agent, by ordered tables of words.
//!
//! Our own tables, because the `ua-parser` crate with uap-core's rules took 27 MB of memory and 23 µs a call.

mod words;

use words::{BROWSERS, PHONES, SYSTEMS, TELEVISIONS, WINDOWS};

/// What is shown when a part cannot be told.
pub const OTHER: &str = "Other";

/// Longest part of a user agent that is looked at, in bytes.
const BYTES_MAX: usize = 512;

/// Most digits of a version number that are kept.
const DIGITS_MAX: usize = 5;

/// What a user agent says about itself. Unknown parts are [`OTHER`], unknown versions empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserAgent {
    /// Display name, such as `Chrome`, `Samsung Internet` or `Instagram`.
    pub browser: &'static str,
    /// Major version, such as `131`.
    pub browser_version: String,
    /// Display name, such as `Windows`, `macOS`, `iOS` or `Android`.
    pub os: &'static str,
    /// Customary version: `10`, `10.15`, `17.4`. Browsers freeze it: Windows 11 says 10, macOS 15 says 10.15.
    pub os_version: String,
    /// Kind of device.
    pub device: Device,
}

/// Kind of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Device {
    /// Desktop or laptop computer.
    Desktop,
    /// Phone, including feature phones.
    Phone,
    /// Tablet or e-reader.
    Tablet,
    /// Television, set-top box or streaming stick.
    Tv,
    /// Game console, also portable.
    Console,
    /// Watch.
    Wearable,
    /// Anything else, or unknown.
    Other,
}

impl Device {
    /// Display name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Desktop => "Desktop",
            Self::Phone => "Phone",
            Self::Tablet => "Tablet",
            Self::Tv => "TV",
            Self::Console => "Console",
            Self::Wearable => "Wearable",
            Self::Other => OTHER,
        }
    }
}

/// Reads a user agent. Only its first 512 bytes count; nonsense gives [`OTHER`].
pub fn parse(user_agent: &str) -> UserAgent {
    let text = user_agent.get(..user_agent.floor_char_boundary(BYTES_MAX)).unwrap_or_default();
    let (mut os, mut os_version) = system(text);
    if os == "macOS" && is_desktop_mode_ipad(text) {
        (os, os_version) = ("iOS", version_after(text, "Version/", 2));
    }
    let (browser, browser_version) = browser(text, os);
    UserAgent { browser, browser_version, os, os_version, device: device(text, os) }
}

/// An iPad that asks for desktop pages calls itself a Macintosh; some still add iOS's `Mobile/15E148`.
fn is_desktop_mode_ipad(text: &str) -> bool {
    text.contains("Macintosh") && text.contains(" Mobile/")
}

fn browser(text: &str, os: &str) -> (&'static str, String) {
    for (word, name, before_version) in BROWSERS {
        if text.contains(word) {
            return (name, version_after(text, before_version, 1));
        }
    }
    match os {
        "Android" if text.contains("Version/") => {
            ("Android Browser", version_after(text, "Version/", 1))
        }
        "iOS" if is_web_view(text) => ("iOS WebView", version_after(text, "OS ", 1)),
        "macOS" if is_web_view(text) => ("macOS WebView", String::new()),
        _ if text.contains("Safari/") && text.contains("Version/") => {
            ("Safari", version_after(text, "Version/", 1))
        }
        _ if text.contains("Safari") => ("Safari", String::new()),
        _ => (OTHER, String::new()),
    }
}

/// An Apple app's own browser does not claim to be Safari.
fn is_web_view(text: &str) -> bool {
    text.contains("AppleWebKit") && !text.contains("Safari")
}

fn system(text: &str) -> (&'static str, String) {
    let Some((_, name, before_version, parts)) =
        SYSTEMS.into_iter().find(|(word, ..)| text.contains(word))
    else {
        return (OTHER, String::new());
    };
    let version = match name {
        "Windows" => WINDOWS
            .into_iter()
            .find(|(word, _)| text.contains(word))
            .map_or("", |(_, version)| version)
            .to_owned(),
        // Until 10.15 the second number told the releases apart, since 11 the first does.
        "macOS" => {
            let version = version_after(text, before_version, parts);
            if version.starts_with("10.") { version } else { version.split('.').take(1).collect() }
        }
        _ => version_after(text, before_version, parts),
    };
    (name, version)
}

fn device(text: &str, os: &str) -> Device {
    let is_mobile = text.contains("Mobile") || text.contains("Phone");
    match os {
        "PlayStation" | "Xbox" | "Nintendo" => return Device::Console,
        "watchOS" => return Device::Wearable,
        _ => {}
    }
    if has_any(text, &TELEVISIONS) || (os == "Tizen" && text.contains("TV")) || is_fire_tv(text) {
        return Device::Tv;
    }
    if text.contains("Watch") || text.contains("SM-R") || text.contains("Wear OS") {
        return Device::Wearable;
    }
    match os {
        "iOS" => {
            if text.contains("iPhone") || text.contains("iPod") {
                Device::Phone
            } else {
                Device::Tablet
            }
        }
        "Windows" | "macOS" | "ChromeOS" | "FreeBSD" | "OpenBSD" | "NetBSD"
            if !text.contains("Opera Mini") =>
        {
            Device::Desktop
        }
        _ if text.contains("Tablet") || text.contains("PlayBook") || text.contains("Kindle") => {
            Device::Tablet
        }
        _ if is_mobile || has_any(text, &PHONES) => Device::Phone,
        "Android" | "HarmonyOS" => Device::Tablet,
        _ if text.contains("Silk/") => Device::Tablet,
        "Linux" | "Ubuntu" => Device::Desktop,
        _ => Device::Other,
    }
}

fn has_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

/// Fire TV models are `AFT` and one or more capitals: `AFTS`, `AFTMM`.
fn is_fire_tv(text: &str) -> bool {
    let mut models =
        text.match_indices("AFT").map(|(at, word)| text.as_bytes().get(at + word.len()));
    models.any(|next| next.is_some_and(u8::is_ascii_uppercase))
}

/// The first version that follows `word`: at most `parts` numbers, joined with dots.
fn version_after(text: &str, word: &str, parts: usize) -> String {
    if word.is_empty() || parts == 0 {
        return String::new();
    }
    let mut versions = text
        .match_indices(word)
        .filter_map(|(at, word)| version_at(text.get(at + word.len()..)?, parts));
    versions.next().unwrap_or_default()
}

fn version_at(text: &str, parts: usize) -> Option<String> {
    let mut version = String::new();
    for (index, part) in
        text.trim_start_matches([' ', '/', '-']).split(['.', '_']).take(parts).enumerate()
    {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 || digits > DIGITS_MAX {
            break;
        }
        if index > 0 {
            version.push('.');
        }
        version.push_str(part.get(..digits)?);
        if digits < part.len() {
            break;
        }
    }
    (!version.is_empty()).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: [&str; 5], user_agent: &str) {
        let found = parse(user_agent);
        let found = [
            found.browser,
            &found.browser_version,
            found.os,
            &found.os_version,
            found.device.as_str(),
        ];
        assert_eq!(found, expected, "{user_agent}");
    }

    #[test]
    fn the_table_of_user_agents_is_read_right() {
        let table = include_str!("../../../tests/fixtures/user_agents/parsed.tsv");
        assert!(table.lines().count() > 60);
        for row in table.lines() {
            let columns: Vec<&str> = row.split('\t').collect();
            let [browser, version, os, os_version, device, user_agent] = columns[..] else {
                continue;
            };
            check([browser, version, os, os_version, device], user_agent);
        }
    }

    #[test]
    fn nonsense_is_other_and_endless_text_is_cut() {
        check([OTHER, "", OTHER, "", OTHER], "");
        check([OTHER, "", OTHER, "", OTHER], "(((((");
        check([OTHER, "", OTHER, "", OTHER], &"ä".repeat(100_000));
        check(
            [OTHER, "", OTHER, "", OTHER],
            &format!("{}Chrome/131.0 (Windows NT 10.0)", "x".repeat(512)),
        );
        check(["Chrome", "", OTHER, "", OTHER], "Chrome/9999999999");
    }
}
