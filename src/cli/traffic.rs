//! Made-up traffic of a small site, the same on each run: it grows, rests at weekends, sleeps at
//! night, and is talked about now and then.

use std::net::{IpAddr, Ipv4Addr};

use fastrand::Rng;
use jiff::civil::{Date, Weekday};
use serde_json::{Value, json};

use crate::{config::registry::Entrance, ingest::Request};

/// The host of the made-up pages.
const HOST: &str = "demo.example";

/// Paths, titles, and how often each is where a visit begins or goes on.
const PAGES: [(&str, &str, u32); 20] = [
    ("/", "Trim Bicycles: repair, rent, ride", 30),
    ("/blog/fixing-a-puncture", "Fixing a puncture in nine minutes", 22),
    ("/blog/winter-chains", "What winter does to a chain", 14),
    ("/docs/home", "Handbook", 12),
    ("/docs/gears", "Handbook: gears", 9),
    ("/docs/brakes", "Handbook: brakes", 9),
    ("/docs/wheels", "Handbook: wheels", 6),
    ("/rent", "Rent a bicycle", 11),
    ("/rent/cargo", "Rent a cargo bicycle", 6),
    ("/prices", "Prices", 8),
    ("/blog/touring-the-elbe", "Touring the Elbe in six days", 7),
    ("/blog/brake-pads-compared", "Eleven brake pads compared", 6),
    ("/blog/lights-that-last", "Lights that last", 5),
    ("/blog/first-hundred-kilometres", "Your first hundred kilometres", 4),
    ("/about", "Who we are", 4),
    ("/contact", "Contact", 3),
    ("/workshop", "The workshop", 3),
    ("/blog/why-steel", "Why steel", 3),
    ("/imprint", "Imprint", 1),
    ("/404", "There is no such page", 1),
];

/// Referrers, queries of the first page, and how often each brings somebody.
const SOURCES: [(&str, &str, u32); 16] = [
    ("", "", 38),
    ("https://www.google.com/", "", 24),
    ("https://duckduckgo.com/", "", 6),
    ("https://www.bing.com/", "", 5),
    ("https://chatgpt.com/", "?utm_source=chatgpt.com", 4),
    ("https://www.perplexity.ai/", "", 2),
    ("https://news.ycombinator.com/item", "", 3),
    ("https://www.reddit.com/r/bicycling", "", 4),
    ("https://mastodon.social/", "", 2),
    ("https://github.com/trim/bicycles", "", 2),
    ("https://www.youtube.com/", "", 2),
    ("https://forum.cyclists.example/t/chains", "", 2),
    ("https://blog.velo.example/links", "", 2),
    ("", "?utm_source=newsletter&utm_medium=email&utm_campaign=monthly", 3),
    ("", "?utm_source=google&utm_medium=cpc&utm_campaign=rent-a-bike&gclid=x", 2),
    (
        "https://www.facebook.com/",
        "?utm_source=facebook&utm_medium=paid_social&utm_campaign=spring",
        1,
    ),
];

/// User agents, widths of screens, and how often each is seen.
const AGENTS: [(&str, u32, u32); 12] = [
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
        1920,
        22,
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
        393,
        20,
    ),
    (
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
        412,
        18,
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
        1512,
        10,
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
        1728,
        8,
    ),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0", 2560, 7),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", 1920, 5),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
        1536,
        5,
    ),
    (
        "Mozilla/5.0 (Linux; Android 14; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
        384,
        3,
    ),
    (
        "Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.7 Mobile/15E148 Safari/604.1",
        820,
        2,
    ),
    ("Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)", 0, 2),
    ("Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", 0, 1),
];

/// Time zones, languages, and how often each is seen.
const PLACES: [(&str, &str, u32); 14] = [
    ("Europe/Berlin", "de-DE", 34),
    ("America/New_York", "en-US", 14),
    ("Europe/London", "en-GB", 9),
    ("Europe/Vienna", "de-AT", 6),
    ("Europe/Zurich", "de-CH", 6),
    ("Europe/Paris", "fr-FR", 6),
    ("Europe/Amsterdam", "nl-NL", 6),
    ("America/Los_Angeles", "en-US", 5),
    ("Europe/Copenhagen", "da-DK", 3),
    ("Asia/Kolkata", "en-IN", 3),
    ("Europe/Madrid", "es-ES", 2),
    ("Asia/Tokyo", "ja-JP", 2),
    ("America/Sao_Paulo", "pt-BR", 2),
    ("Australia/Sydney", "en-AU", 2),
];

/// How many visits begin in each hour, out of the whole day.
const HOURS: [u32; 24] =
    [4, 3, 2, 2, 2, 3, 6, 10, 15, 18, 19, 18, 17, 18, 18, 17, 17, 18, 20, 23, 24, 20, 14, 8];

/// Visits of a day when it began, and what has come on top until now.
const VISITS_FIRST: f64 = 70.0;
const VISITS_GROWN: f64 = 190.0;

/// Out of how many visits one goes on to the next page.
const GOES_ON: f64 = 0.52;

/// Out of how many page views one tells how fast it was.
const TELLS_VITALS: f64 = 0.6;

/// One beacon with what its request tells.
#[derive(Debug)]
pub(super) struct Hit {
    pub(super) at_ms: i64,
    pub(super) body: String,
    client: IpAddr,
    agent: &'static str,
    language: &'static str,
}

/// The source of it all.
#[derive(Debug)]
pub(super) struct Traffic {
    random: Rng,
    /// What pages tell of themselves: how fast they were, and what went wrong.
    aside: Rng,
    days: usize,
    gone: usize,
}

impl Hit {
    pub(super) fn request(&self) -> Request<'_> {
        Request {
            received_at: self.at_ms,
            arrived_at: self.at_ms,
            client: self.client,
            is_local: false,
            entrance: Entrance::Beacon,
            host: Some(HOST),
            origin: None,
            referer: None,
            user_agent: self.agent,
            languages: Some(self.language),
            country: None,
            asks_for_privacy: false,
            is_prefetch: false,
        }
    }
}

impl Traffic {
    /// Traffic that grows over `days`.
    pub(super) fn new(days: usize) -> Self {
        let (random, aside) = (Rng::with_seed(41), Rng::with_seed(43));
        Self { random, aside, days: days.max(1), gone: 0 }
    }

    /// The beacons of the next day, which is `date` (UTC), in order.
    pub(super) fn day(&mut self, date: Date) -> Vec<Hit> {
        let midnight_ms =
            crate::model::period::first_instant(date, &jiff::tz::TimeZone::UTC) * 1000;
        let mut hits = Vec::new();
        for _ in 0..self.visits(date) {
            let hour = self.pick(HOURS.iter().copied());
            let within = self.random.i64(0..3_600_000);
            let hour = i64::try_from(hour).unwrap_or(0);
            self.visit(midnight_ms + hour * 3_600_000 + within, &mut hits);
        }
        self.gone += 1;
        // A visit may run past midnight; it is short enough to be counted on the day it began.
        let last = midnight_ms + 86_400_000 - 1;
        hits.iter_mut().for_each(|hit| hit.at_ms = hit.at_ms.min(last));
        hits.sort_by_key(|hit| hit.at_ms);
        hits
    }

    /// The first page of a visit that begins now.
    pub(super) fn moment(&mut self, now_ms: i64) -> Vec<Hit> {
        let mut hits = Vec::new();
        self.visit(now_ms, &mut hits);
        hits.retain(|hit| hit.at_ms == now_ms);
        hits
    }

    fn visits(&mut self, date: Date) -> usize {
        let share = |part: usize, whole: usize| {
            let to = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
            to(part) / to(whole)
        };
        let grown = VISITS_FIRST + VISITS_GROWN * share(self.gone, self.days);
        let weekly = match date.weekday() {
            Weekday::Saturday => 0.62,
            Weekday::Sunday => 0.71,
            Weekday::Monday => 1.08,
            _ => 1.0,
        };
        let talked_about = match date.day_of_year() % 67 {
            11 => 3.4,
            12 => 1.9,
            13 => 1.3,
            _ => 1.0,
        };
        let mood = 0.85 + 0.3 * self.random.f64();
        let visits = (grown * weekly * talked_about * mood).round();
        format!("{visits:.0}").parse().unwrap_or(0)
    }

    fn visit(&mut self, begins_ms: i64, hits: &mut Vec<Hit>) {
        let (agent, width, _) = AGENTS[self.pick(AGENTS.iter().map(|(.., weight)| *weight))];
        let (zone, language, _) = PLACES[self.pick(PLACES.iter().map(|(.., weight)| *weight))];
        let source = self.pick(SOURCES.iter().map(|(.., weight)| *weight));
        let (mut referrer, mut query, _) = SOURCES[source];
        // Few addresses are shared, and some come back on the same day.
        let client =
            IpAddr::V4(Ipv4Addr::from_bits(0x5000_0000 + self.random.u32(0..60_000) * 911));
        let mut at_ms = begins_ms;
        loop {
            let (path, title, _) = PAGES[self.pick(PAGES.iter().map(|(.., weight)| *weight))];
            let mut send = |at_ms: i64, body: Value| {
                hits.push(Hit { at_ms, body: body.to_string(), client, agent, language });
            };
            let url = format!("https://{HOST}{path}{query}");
            let about = |more: Value| {
                let mut meta = json!({ "url": url, "width": width, "tz": zone, "lang": language });
                if let (Some(meta), Value::Object(more)) = (meta.as_object_mut(), more) {
                    meta.extend(more);
                }
                meta
            };
            let referring = (!referrer.is_empty()).then_some(referrer);
            let meta = about(json!({ "ref": referring, "title": title }));
            send(at_ms, json!({ "event_type": "page_view", "identifier": path, "meta": meta }));
            let seconds =
                4 + self.random.i64(0..40) + self.random.i64(0..40) * self.random.i64(0..5);
            let left_ms = at_ms + seconds * 1000;
            let meta = about(json!({ "seconds": seconds, "scroll": self.random.i64(15..=100) }));
            send(left_ms, json!({ "event_type": "engagement", "identifier": path, "meta": meta }));
            if self.aside.f64() < TELLS_VITALS {
                let meta = about(self.vitals(path, width));
                send(left_ms, json!({ "event_type": "vitals", "identifier": path, "meta": meta }));
            }
            if let Some(error) = self.error(path) {
                send(at_ms + 900, json!({ "event_type": "error", "meta": about(error) }));
            }
            if let Some((event_type, identifier)) = self.deed() {
                let beacon = json!({
                    "event_type": event_type, "identifier": identifier, "meta": about(json!({})),
                });
                send(left_ms, beacon);
            }
            if self.random.f64() > GOES_ON {
                return;
            }
            at_ms = left_ms + self.random.i64(500..9_000);
            (referrer, query) = ("", "");
        }
    }

    /// How fast a page was: slower on phones, and where there is more to load.
    fn vitals(&mut self, path: &str, width: u32) -> Value {
        let weight = match path {
            "/blog/touring-the-elbe" | "/rent/cargo" => 1.9,
            "/" | "/rent" => 1.3,
            _ => 1.0,
        };
        let slow = weight * if width < 500 { 1.5 } else { 1.0 };
        // Most are quick, and a few are not.
        let mut spread =
            |least: f64, most: f64| (least + (most - least) * self.aside.f64().powi(3)) * slow;
        let (ttfb, lcp) = (spread(60.0, 700.0), spread(700.0, 4_000.0));
        let (inp, cls) = (spread(30.0, 420.0), spread(0.0, 0.24));
        let whole = |value: f64| value.round();
        json!({
            "ttfb": whole(ttfb), "fcp": whole(ttfb + lcp * 0.4), "lcp": whole(ttfb + lcp),
            "inp": whole(inp), "cls": (cls * 1_000.0).round() / 1_000.0,
        })
    }

    /// What goes wrong on a page, now and then.
    fn error(&mut self, path: &str) -> Option<Value> {
        let (name, message, place) = match (path, self.aside.u32(0..1_000)) {
            ("/prices" | "/rent" | "/rent/cargo", 0..=24) => (
                "TypeError",
                "Cannot read properties of undefined (reading 'total')",
                "total (/shop.js:41:17)",
            ),
            ("/contact", 0..=39) => {
                ("ReferenceError", "validateForm is not defined", "onsubmit (/contact.js:7:3)")
            }
            (_, 998) => ("UnhandledRejection", "Failed to fetch", "load (/weather.js:12:9)"),
            _ => return None,
        };
        let stack = format!(
            "{name}: {message}\n    at {}",
            place.replace("(/", &format!("(https://{HOST}/"))
        );
        Some(json!({ "name": name, "message": message, "stack": stack }))
    }

    /// What else somebody does on a page, now and then.
    fn deed(&mut self) -> Option<(&'static str, Option<&'static str>)> {
        Some(match self.random.u32(0..100) {
            0..=2 => ("download_click", Some(*self.one_of(&["handbook.pdf", "price-list.pdf"]))),
            3..=4 => ("outbound_click", Some(*self.one_of(&["maps.example", "weather.example"]))),
            5 => ("signup", None),
            6 => ("search", Some(*self.one_of(&["chain", "brake", "tube", "cargo", "light"]))),
            7 => ("form_submit", Some("contact")),
            8..=9 => ("custom_event", Some(*self.one_of(&["Booked a test ride", "Asked by chat"]))),
            _ => return None,
        })
    }

    fn one_of<'t, T>(&mut self, things: &'t [T]) -> &'t T {
        &things[self.random.usize(0..things.len())]
    }

    /// An index, as often as its weight says.
    fn pick(&mut self, weights: impl Iterator<Item = u32> + Clone) -> usize {
        let mut left = self.random.u32(0..weights.clone().sum());
        for (index, weight) in weights.enumerate() {
            if left < weight {
                return index;
            }
            left -= weight;
        }
        0
    }
}
