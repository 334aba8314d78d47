//! Tells programs from people by the user agent, and names the family of the program.
//! Patterns are isbot's, names are crawler-user-agents' and our own; `assets/data/README` says where both come from.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};
use regex::bytes::{Regex, RegexBuilder};

/// What a bot is called whose family the list does not name.
pub const OTHER_BOT: &str = "Other bot";

/// The kind that `bots.tsv` gives to crawlers and agents that read for a language model.
const AI_CRAWLER: &str = "ai-crawler";

/// Longest part of a user agent that is looked at, in bytes.
const BYTES_MAX: usize = 512;

/// Heap limit of each compiled pattern's lazy automaton, in bytes and per thread that uses it.
const AUTOMATON_BYTES_MAX: usize = 192 * 1024;

/// Words of people's devices and apps that look like bot words, and what is left of them.
///
/// They stand for isbot's look-arounds, which the regex crate does not have.
const STRUCK_OUT: [(&str, &str); 22] = [
    ("google/google", ""),
    (" channel/google", ""),
    ("googlewv", "wv"),
    ("googleapp", "app"),
    ("google pixel", "pixel"),
    ("samsung/google;", ""),
    ("lge/google;", ""),
    ("cubot", "cu"),
    ("camscan", "cam"),
    ("libhttp", "lib"),
    ("newssapphire", ""),
    ("java;", ";"),
    ("optimizedie", ""),
    ("(https://studo.co/", ""),
    ("m bot 60", ""),
    ("m_bot_tab", ""),
    ("b bot 550", ""),
    ("vr bot 552", ""),
    ("xbot junior", ""),
    ("[avantbrowser.com]", ""),
    ("[flashpeak.com]", ""),
    ("com.google.googleplus", ""),
];

/// Words of phones, televisions and in-app browsers on which the weak patterns do not count.
///
/// Most of these agents have the shape of a library's (`Nokia6230/2.0`) or carry `Java` or `|`.
const PERSONAL: [&str; 26] = [
    "midp",
    "cldc",
    "up.browser",
    "up.link",
    "netfront",
    "obigo",
    "teleca",
    "series40",
    "series60",
    "symbian",
    "bada/",
    "kaios",
    "j2me",
    "ucweb",
    "instagram ",
    "baiduboxapp",
    "opera mini",
    "opera mobi",
    "iemobile",
    "hbbtv",
    "micromessenger",
    "fban/",
    "fbav/",
    "baidubrowser",
    "duckduckgo/",
    "applewebkit/537.36 (khtml, like gecko) version/4.0 chrome/",
];

/// First words of phones' own user agents, see [`PERSONAL`].
const PERSONAL_PREFIX: [&str; 34] = [
    "nokia",
    "samsung",
    "sonyericsson",
    "lg-",
    "lg ",
    "lg/",
    "lge",
    "lgu",
    "lgk",
    "mot-",
    "motorola",
    "sie-",
    "alcatel",
    "htc",
    "huawei",
    "lenovo",
    "sagem",
    "sharp",
    "philips",
    "panasonic",
    "zte",
    "asus",
    "amoi",
    "bird",
    "pantech",
    "blackberry",
    "sec-",
    "opera/",
    "appletv",
    "outlook-ios",
    "docomo",
    "kddi",
    "softbank",
    "vodafone/",
];

/// One row of `bots.tsv`.
struct Family {
    name: &'static str,
    is_ai: bool,
}

struct Detector {
    /// Finds the tokens of `families`, in the same order.
    tokens: AhoCorasick,
    families: Vec<Family>,
    /// The strong patterns that are plain words, apart from the rest because this keeps the lazy automata small.
    words: AhoCorasick,
    strong: Regex,
    weak: Regex,
}

/// `None` only when the embedded data do not compile, which a test rules out; then nobody is taken for a bot.
static DETECTOR: LazyLock<Option<Detector>> = LazyLock::new(Detector::load);

/// The bot family of a user agent, or `None` for a person.
///
/// An empty user agent is `None`: the caller decides about those. Only the first 512 bytes count.
pub fn family(user_agent: &str) -> Option<&'static str> {
    let detector = DETECTOR.as_ref()?;
    let text = readable(user_agent);
    let named = detector
        .tokens
        .find(text.as_bytes())
        .and_then(|found| detector.families.get(found.pattern().as_usize()));
    // What crawls for a language model is a bot by its name alone, the other names need a bot's wording as well.
    let is_bot = named.is_some_and(|family| family.is_ai)
        || detector.words.is_match(text.as_bytes())
        || detector.strong.is_match(text.as_bytes())
        || (detector.weak.is_match(text.as_bytes()) && !is_personal(&text));
    is_bot.then(|| named.map_or(OTHER_BOT, |family| family.name))
}

/// Whether a family that [`family`] returned reads pages for a language model.
pub fn is_ai_crawler(family: &str) -> bool {
    DETECTOR
        .as_ref()
        .is_some_and(|detector| detector.families.iter().any(|row| row.is_ai && row.name == family))
}

/// The user agent cut to size, in lower case and without what misleads the patterns.
fn readable(user_agent: &str) -> String {
    let end = user_agent.floor_char_boundary(BYTES_MAX);
    let mut text = user_agent.get(..end).unwrap_or_default().trim().to_ascii_lowercase();
    for (word, left) in STRUCK_OUT {
        if text.contains(word) {
            text = text.replace(word, left);
        }
    }
    text
}

fn is_personal(text: &str) -> bool {
    PERSONAL_PREFIX.iter().any(|prefix| text.starts_with(prefix))
        || PERSONAL.iter().any(|word| text.contains(word))
}

impl Detector {
    fn load() -> Option<Self> {
        let rows = include_str!("../../assets/data/bots.tsv");
        let patterns = include_str!("../../assets/data/bot_patterns.txt");
        let mut tokens = Vec::new();
        let mut families = Vec::new();
        for row in rows.lines() {
            let mut columns = row.split('\t');
            if let (Some(token), Some(name), Some(kind)) =
                (columns.next(), columns.next(), columns.next())
            {
                tokens.push(token);
                families.push(Family { name, is_ai: kind == AI_CRAWLER });
            }
        }
        let (words, others): (Vec<&str>, Vec<&str>) =
            marked(patterns, '!').partition(|pattern| is_plain_word(pattern));
        Some(Self {
            tokens: automaton(&tokens)?,
            families,
            words: automaton(&words)?,
            strong: any_of(&others)?,
            weak: any_of(&marked(patterns, '?').collect::<Vec<_>>())?,
        })
    }
}

/// The patterns of all lines that start with `mark`.
fn marked(patterns: &str, mark: char) -> impl Iterator<Item = &str> {
    patterns.lines().filter_map(move |line| line.strip_prefix(mark))
}

fn is_plain_word(pattern: &str) -> bool {
    pattern.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" /-".contains(&byte))
}

fn automaton(words: &[&str]) -> Option<AhoCorasick> {
    AhoCorasickBuilder::new()
        .kind(Some(AhoCorasickKind::ContiguousNFA))
        .match_kind(MatchKind::LeftmostLongest)
        .build(words)
        .ok()
}

fn any_of(patterns: &[&str]) -> Option<Regex> {
    RegexBuilder::new(&patterns.join("|"))
        .unicode(false)
        .dfa_size_limit(AUTOMATON_BYTES_MAX)
        .build()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(user_agent: &str, expected: Option<&str>) {
        assert_eq!(family(user_agent), expected, "{user_agent}");
    }

    fn share_of_bots(user_agents: &str) -> (usize, usize) {
        (
            user_agents.lines().filter(|line| family(line).is_some()).count(),
            user_agents.lines().count(),
        )
    }

    #[test]
    fn bots_are_called_by_their_family() {
        let compatible = |name: &str| {
            format!(
                "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; {name}; +https://a.example/bot)"
            )
        };
        check(
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            Some("Googlebot"),
        );
        check(
            "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
            Some("bingbot"),
        );
        check(
            "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
            Some("YandexBot"),
        );
        check(&compatible("GPTBot/1.2"), Some("GPTBot"));
        check(&compatible("ChatGPT-User/1.0"), Some("ChatGPT-User"));
        check(&compatible("ClaudeBot/1.0"), Some("ClaudeBot"));
        check(&compatible("PerplexityBot/1.0"), Some("PerplexityBot"));
        check(
            "meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)",
            Some("meta-externalagent"),
        );
        check(
            "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
            Some("facebookexternalhit"),
        );
        check("curl/8.5.0", Some("curl"));
        check("python-requests/2.32.3", Some("python-requests"));
        check("Go-http-client/2.0", Some("Go-http-client"));
        check("okhttp/4.12.0", Some("okhttp"));
        check("WhatsApp/2.23.20.0 A", Some("WhatsApp"));
        check(
            "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
            Some("UptimeRobot"),
        );
        check(
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36",
            Some("HeadlessChrome"),
        );
        check("WooCrawler/7 (some crawler)", Some(OTHER_BOT));
        check("123", Some(OTHER_BOT));
    }

    #[test]
    fn people_are_not_bots() {
        for person in [
            "",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
            "Mozilla/5.0 (Linux; Android 9; CUBOT_X18_Plus) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/110.0 Mobile Safari/537.36",
            "Mozilla/5.0 (Linux; Android 15; Google Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Mobile Safari/537.36",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) GSA/305.0 Mobile/15E148 Safari/604.1",
            "Mozilla/5.0 (Mobile; Nokia 8110 4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5",
            "Nokia6230/2.0 (05.24) Profile/MIDP-2.0 Configuration/CLDC-1.1",
            "SAMSUNG-SGH-E360",
            "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/108.0 Safari/537.36 WebAppManager",
        ] {
            check(person, None);
        }
    }

    #[test]
    fn ai_crawlers_are_told_from_other_bots() {
        for name in [
            "GPTBot",
            "ChatGPT-User",
            "OAI-SearchBot",
            "ClaudeBot",
            "Claude-User",
            "PerplexityBot",
            "Bytespider",
            "CCBot",
        ] {
            assert!(is_ai_crawler(name), "{name}");
        }
        for name in ["Googlebot", "bingbot", "curl", OTHER_BOT, ""] {
            assert!(!is_ai_crawler(name), "{name}");
        }
    }

    #[test]
    fn known_bots_are_recognised() {
        let (found, all) =
            share_of_bots(include_str!("../../tests/fixtures/user_agents/crawlers.txt"));
        assert!(all > 2_000 && found * 1_000 >= all * 993, "{found} of {all}");
    }

    #[test]
    fn known_browsers_are_never_bots() {
        let (found, all) =
            share_of_bots(include_str!("../../tests/fixtures/user_agents/browsers.txt"));
        assert!(all > 1_100 && found == 0, "{found} of {all}");
    }

    #[test]
    fn an_endless_user_agent_is_cut() {
        check(&"ä".repeat(100_000), family(&"ä".repeat(256)));
    }
}
