//! The ways by which bytes of strangers come in: each takes whatever there is and holds what comes of it to
//! what must be so.

use std::sync::LazyLock;

use trim_beacons::{
    config::{
        self,
        registry::{Entrance, Registry},
    },
    import::{LOG_FORMATS, detect},
    ingest::{
        Ingest, Rejected, Request,
        agents::Agents,
        compat::{PRODUCTS, contract::Foreign},
        location::Locations,
        payload::Payload,
        salt::Salts,
        source::{self, Claims},
        undeclared::Undeclared,
        user_agent,
    },
    model::beacon::{Beacon, decode_batch},
    report::question::Question,
};

/// An entry, what it is called, and inputs to begin with: what is usual, and what was once found.
pub(crate) type Entry = (&'static str, fn(&[u8]), &'static [&'static [u8]]);

/// Every entry.
pub(crate) const ENTRIES: [Entry; 8] = [
    ("json", json, JSON),
    ("form", form, FORM),
    ("compat", compat, COMPAT),
    ("config", config_file, CONFIG),
    ("log", log, LOG),
    ("agent", agent, AGENT),
    ("source", page_before, SOURCE),
    ("question", question, QUESTION),
];

/// When everything is received, UTC milliseconds.
const NOW: i64 = 1_795_000_000_000;

/// How long any text of a beacon may be, in bytes.
const TEXT_BYTES_MAX: usize = 512;

/// How long a sentence may be that tells what is wrong, in bytes.
const SENTENCE_BYTES_MAX: usize = 3_000;

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| config::embedded().unwrap());

static INGEST: LazyLock<Ingest> = LazyLock::new(|| Ingest {
    salts: Salts::of_one_run("none".as_ref()),
    locations: Locations::open(None).unwrap(),
    agents: Agents::default(),
    undeclared: Undeclared::default(),
});

fn request(user_agent: &str) -> Request<'_> {
    Request {
        received_at: NOW,
        arrived_at: NOW,
        client: [192, 0, 2, 1].into(),
        is_local: false,
        entrance: Entrance::Beacon,
        host: Some("stats.example"),
        origin: None,
        referer: Some("https://site.example/"),
        user_agent,
        languages: Some("de-AT,de;q=0.9"),
        country: None,
        asks_for_privacy: false,
        is_prefetch: false,
    }
}

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

/// Whatever became of a beacon: it reads back as it was written, or there is a sentence about it.
fn check(outcome: Result<Beacon<'_>, Rejected>) {
    let beacon = match outcome {
        Ok(beacon) => beacon,
        Err(rejected) => return check_sentence(&rejected.sentence),
    };
    let is_tidy = |text: &str| text.len() <= TEXT_BYTES_MAX && !text.chars().any(char::is_control);
    assert!(beacon.identifier.as_deref().is_none_or(is_tidy), "{beacon:?}");
    for value in &beacon.dimensions {
        assert!(!value.value.is_empty() && is_tidy(&value.value), "{value:?}");
    }
    for measure in &beacon.measures {
        assert!(measure.value.is_finite() && measure.value >= 0.0, "{measure:?}");
    }
    let mut batch = Vec::new();
    beacon.encode_into(&mut batch).unwrap();
    let read = decode_batch(&batch).unwrap();
    assert_eq!(read, [beacon]);
}

fn check_sentence(sentence: &str) {
    assert!(!sentence.is_empty() && sentence.len() <= SENTENCE_BYTES_MAX, "{sentence}");
    assert!(!sentence.chars().any(|c| c.is_control()), "{sentence:?}");
}

fn accept(payload: Result<Payload<'_>, Rejected>) {
    let accepted =
        payload.and_then(|payload| INGEST.accept(&payload, &request(BROWSER), &REGISTRY));
    check(accepted);
}

fn json(bytes: &[u8]) {
    accept(Payload::from_json(bytes));
}

const JSON: &[&[u8]] = &[
    br#"{"event_type":"page_view","identifier":"/docs/home","id":"x","meta":{"ref":"https://a.example/b?c","url":"https://site.example/a?utm_source=b","title":"T","width":1280,"tz":"Europe/Vienna","lang":"de-AT"}}"#,
    br#"{"event_type":"error","meta":{"message":"TypeError: x is not a function","stack":"TypeError: x\n    at f (https://site.example/a.js:1:2)\n    at g (https://site.example/b.js:3:4)"}}"#,
    br#"{"event_type":"vitals","identifier":"/","meta":{"lcp":1200.5,"cls":0.02,"inp":80}}"#,
    br#"{"event_type":"engagement","identifier":"/","meta":{"seconds":12,"scroll":70}}"#,
];

fn form(bytes: &[u8]) {
    accept(Payload::from_form(bytes));
}

const FORM: &[&[u8]] = &[
    b"event_type=page_view&identifier=%2Fdocs&ref=https%3A%2F%2Fa.example&title=T+t&width=300",
    b"identifier=/a&utm_source=b&utm_medium=c&site=a.example&id=1",
];

/// The first byte says whose client it is and to which of its doors, the first line is the query.
fn compat(bytes: &[u8]) {
    let Some((which, rest)) = bytes.split_first() else { return };
    let at = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let (query, body) = rest.split_at(at);
    let Ok(query) = std::str::from_utf8(query) else { return };
    let body = body.strip_prefix(b"\n").unwrap_or(body);
    let product = &PRODUCTS[usize::from(*which) % PRODUCTS.len()];
    let door = product.doors[usize::from(*which) / PRODUCTS.len() % product.doors.len()];
    let request = request(BROWSER);
    let is_trusted = *which >= 128;
    let foreign = Foreign { path: door, query, body, request: &request, is_trusted, tokens: &[] };
    let outcome = (product.read)(&foreign).map(|items| {
        let accept = |claim| {
            let accepted = INGEST.accept_claim(claim, &foreign, &REGISTRY);
            let told = accepted.as_ref().map(|_| ()).map_err(Clone::clone);
            check(accepted);
            told
        };
        items.into_iter().map(|item| item?.map_or(Ok(()), accept)).collect()
    });
    let reply = (product.answer)(&foreign, &outcome);
    assert!((200..600).contains(&reply.status), "{}", reply.status);
}

const COMPAT: &[&[u8]] = &[
    b"\x00\n{\"entity_id\":\"a\",\"name\":\"pageview\",\"url\":\"https://site.example/a\"}",
    b"\x81\n{\"n\":\"pageview\",\"u\":\"https://site.example/a\",\"d\":\"site.example\",\"r\":null,\"p\":{\"plan\":\"pro\"}}",
    b"\x82\n{\"type\":\"event\",\"payload\":{\"website\":\"94db1cb1-74f4-4a40-ad6c-962362670409\",\"url\":\"/a\",\"name\":\"signup\",\"data\":{\"plan\":\"pro\"}}}",
    b"\x83p=/a&r=https://b.example&t=T&s=1280,720,1&rnd=abc\n",
    b"\x8b\n{\"no_sessions\":true,\"hits\":[{\"path\":\"/a\",\"ip\":\"192.0.2.1\",\"user_agent\":\"x\",\"created_at\":\"2026-11-18T10:00:00Z\"}]}",
    b"\x84idsite=1&rec=1&url=https%3A%2F%2Fsite.example%2Fa&action_name=T&_cvar={}\n",
    b"\x84\n{\"requests\":[\"?idsite=1&rec=1&url=https://site.example/a\"],\"token_auth\":\"x\"}",
    b"\x05\n[{\"type\":\"csp-violation\",\"age\":1,\"url\":\"https://site.example/a\",\"body\":{\"blockedURL\":\"inline\",\"effectiveDirective\":\"script-src\"}}]",
    b"\x86\n{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}\n{\"type\":\"event\"}\n{\"exception\":{\"values\":[{\"type\":\"E\",\"value\":\"m\",\"stacktrace\":{\"frames\":[{\"filename\":\"a.js\",\"lineno\":1}]}}]}}",
    b"\x07\n{\"name\":\"LCP\",\"value\":1200,\"id\":\"v4-1\"}",
];

fn config_file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(error) = config::parse(text, "beacons.toml") {
        let sentence = error.to_string();
        assert!(sentence.contains("beacons.toml"), "{sentence}");
    }
}

const CONFIG: &[&[u8]] = &[
    b"[server]\nlisten = \"127.0.0.1:0\"\nbase_url = \"https://a.example\"\ntrusted_proxies = [\"10.0.0.0/8\", \"::1\"]\n",
    b"[[site]]\ndomain = \"a.example\"\naliases = [\"*.a.example\"]\ntime_zone = \"Europe/Vienna\"\n[event.x]\nidentifier = \"key\"\ngranularities = [\"hour\", \"day\"]\ndimensions = [\"source\", \"meta.plan\"]\npairs = [\"identifier \xc3\x97 source\"]\nmeasures = { s = [0.5, 1] }\nretention = { hour = \"90d\", day = \"forever\" }\nlimits = { identifiers_per_day = 9 }\n",
    b"[goal.g]\nevent = \"custom_event\"\nidentifier = \"Signup\"\n[[receiver]]\nname = \"r\"\nurl = \"https://a.example\"\n",
];

/// The first byte says which format, the rest are its lines.
fn log(bytes: &[u8]) {
    let Some((which, rest)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let mut reader = (LOG_FORMATS[usize::from(*which) % LOG_FORMATS.len()].reader)();
    for line in text.lines() {
        if let Err(why) = reader.read(line) {
            check_sentence(why);
        }
    }
    let _format = detect(text.lines().take(20));
}

const LOG: &[&[u8]] = &[
    b"\x00{\"ts\":1790000000.5,\"request\":{\"remote_ip\":\"192.0.2.1\",\"method\":\"GET\",\"host\":\"a.example\",\"uri\":\"/a?b\",\"headers\":{\"User-Agent\":[\"x\"]}},\"status\":200}",
    b"\x01{\"time_iso8601\":\"2026-05-17T10:05:03+00:00\",\"remote_addr\":\"192.0.2.1\",\"request\":\"GET /a HTTP/1.1\",\"status\":\"200\"}",
    b"\x03#Fields: date time cs-method cs-uri-stem cs-uri-query c-ip cs(User-Agent) sc-status\n2026-05-17 10:05:03 GET /a b=c 192.0.2.1 Mozilla/5.0+(X11) 200",
    b"\x08192.0.2.1 - - [17/May/2015:10:05:03 +0000] \"GET /a?b=c HTTP/1.1\" 200 20 \"https://other.example/\" \"Mozilla/5.0 (X11)\"",
    b"\x08192.0.2.1 - - [17/May/2015:10:05:03 +000000868888888888888] \"GET /a HTTP/1.1\" 200 20 \"-\" \"-\"",
    b"\x06a.example:443 ::1 - u [31/Dec/1999:23:59:60 -1200] \"POST /\\x22 HTTP/1.0\" 304 - \"-\" \"-\"",
];

fn agent(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let agent = user_agent::parse(&text);
    for version in [&*agent.browser_version, &*agent.os_version] {
        assert!(version.len() <= TEXT_BYTES_MAX, "{version}");
    }
    let _told = INGEST.agents.read(&text);
    let payload = Payload::from_form(b"identifier=/a");
    check(payload.and_then(|payload| INGEST.accept(&payload, &request(&text), &REGISTRY)));
}

const AGENT: &[&[u8]] = &[
    BROWSER.as_bytes(),
    b"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
    b"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    b"curl/8.5.0",
];

/// Four lines: the page before, and what a campaign calls itself.
fn page_before(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split('\n').map(|line| Some(line).filter(|line| !line.is_empty()));
    let mut line = || lines.next().flatten();
    let claims = Claims {
        referrer: line(),
        utm_source: line(),
        utm_medium: line(),
        utm_campaign: line(),
        click_id: line(),
    };
    let source = source::classify(&claims, &|host| host == "own.example");
    assert!(!source.name.is_empty() && source.name.len() <= 128, "{source:?}");
    assert!(source.referrer.is_none_or(|referrer| referrer.len() <= TEXT_BYTES_MAX));
}

const SOURCE: &[&[u8]] = &[
    b"https://www.google.co.uk/search?q=a\n\n\n\ngclid",
    b"android-app://com.google.android.gm/\nnewsletter\nemail\nspring",
    b"https://user:pass@xn--bcher-kva.example:8443/a/b?c#d",
    // Found: a dot was a source without a name.
    b"https://.",
];

fn question(bytes: &[u8]) {
    let parameters = url::form_urlencoded::parse(bytes);
    match Question::parse(parameters, &REGISTRY, NOW / 1000) {
        Ok(question) => {
            let range = question.range_or_last(28);
            assert!(range.days() >= 1, "{range:?}");
            let _intervals = question.intervals(&range);
        }
        Err(wrong) => assert!(!wrong.why.is_empty(), "{wrong}"),
    }
}

const QUESTION: &[&[u8]] = &[
    b"site=&period=28d&compare=previous&granularity=week",
    b"from=2026-02-28&to=2026-03-31&compare=dates&compare_from=2025-02-28&compare_to=2025-03-31",
    b"filter=identifier:is:/a&filter=source:not:Google&filter=country:contains:A&search=x&limit=10&offset=5",
    b"event_type=custom_event&dimension=meta.plan&order=visitors&identifier=Signup&state=open&before=9",
];
