//! JSONTestSuite through every door that reads JSON: each of its cases as a value that a client sends, and
//! as the whole of what it sends.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::{Server, http::request};

const CONFIG: &str = r#"
[[site]]
domain = "site.example"
[event.named]
identifier = "key"
granularities = ["day"]
dimensions = ["meta.plan"]
dedupe = "0s"
"#;

/// One of the products asks for a name.
const BROWSER: [(&str, &str); 1] = [("User-Agent", "Mozilla/5.0 Firefox/145.0")];

/// What may be taken and is, at every door: numbers beyond what a float holds exactly.
const TAKEN: [&str; 5] = [
    "i_number_double_huge_neg_exp",
    "i_number_real_underflow",
    "i_number_too_big_neg_int",
    "i_number_too_big_pos_int",
    "i_number_very_big_negative_int",
];

/// Doors, and what is sent there. `~` stands for the case.
const DOORS: [(&str, &str); 10] = [
    (
        "/beacon",
        r#"{"event_type":"named","site":"site.example","identifier":"json","meta":{"plan":~}}"#,
    ),
    (
        "/api/event",
        r#"{"name":"Seen","url":"http://site.example/","domain":"site.example","props":{"plan":~}}"#,
    ),
    (
        "/api/event",
        r#"{"entity_id":"site.example","name":"pageview","url":"http://site.example/","x":~}"#,
    ),
    (
        "/api/send",
        r#"{"type":"event","payload":{"website":"site.example","url":"/","name":"Seen","data":{"plan":~}}}"#,
    ),
    (
        "/api/batch",
        r#"[{"type":"event","payload":{"website":"site.example","url":"/","name":"Seen","data":{"plan":~}}}]"#,
    ),
    ("/matomo.php", r#"{"requests":["?idsite=1&rec=1&url=http://site.example/"],"x":~}"#),
    (
        "/reports",
        r#"[{"type":"csp-violation","age":1,"url":"http://site.example/","body":{"blockedURL":"inline","effectiveDirective":"script-src","x":~}}]"#,
    ),
    (
        "/api/site.example/store/",
        r#"{"message":"it broke","request":{"url":"http://site.example/"},"extra":~}"#,
    ),
    ("/vitals", r#"{"name":"LCP","value":1200,"url":"http://site.example/","x":~}"#),
    ("/err", r#"{"message":"it broke","url":"http://site.example/","x":~}"#),
];

/// The cases by name: `y_` is JSON, `n_` is none, `i_` may be taken or not.
fn cases() -> BTreeMap<String, Vec<u8>> {
    let lines = include_str!("../../fixtures/hostile/json.tsv").lines();
    let short = lines.map(|line| line.split_once('\t').unwrap());
    let mut cases: BTreeMap<String, Vec<u8>> =
        short.map(|(name, text)| (name.to_owned(), unescaped(text))).collect();
    let long = [
        ("n_structure_100000_opening_arrays", "[".repeat(100_000)),
        ("n_structure_open_array_object", "[{\"\":".repeat(50_000)),
    ];
    cases.extend(long.map(|(name, text)| (name.to_owned(), text.into())));
    assert_eq!(cases.len(), 318);
    cases
}

/// The bytes that a fixture tells as `\n`, `\r`, `\t`, `\\`, `\xff` and themselves.
fn unescaped(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text.chars());
    while let Some(c) = rest.next() {
        bytes.push(match (c, if c == '\\' { rest.next() } else { None }) {
            (_, None) => u8::try_from(c).unwrap(),
            (_, Some('n')) => b'\n',
            (_, Some('r')) => b'\r',
            (_, Some('t')) => b'\t',
            (_, Some('x')) => {
                let digits: String = rest.by_ref().take(2).collect();
                u8::from_str_radix(&digits, 16).unwrap()
            }
            (_, Some(itself)) => u8::try_from(itself).unwrap(),
        });
    }
    bytes
}

/// Sends it, and checks that a refusal has its sentence.
fn status(server: &Server, door: &str, body: &[u8]) -> u16 {
    let mut client = server.client();
    // Those who stop reading a body that is too long may close before all of it is sent.
    let _cut_short = client.write(&request("POST", door, &BROWSER, body));
    let answer = client.answer().unwrap();
    if answer.status >= 400 {
        let told: Value = serde_json::from_slice(&answer.body).unwrap();
        // Each product has its own place for it.
        let told = told.get("errors").and_then(Value::as_object).map_or(&told, |fields| {
            fields.values().next().and_then(|sentences| sentences.get(0)).unwrap()
        });
        let place = ["/error", "/error/message", "/message", "/detail", ""]
            .into_iter()
            .find_map(|at| told.pointer(at).and_then(Value::as_str));
        let sentence = place.unwrap_or_else(|| panic!("{door}: {told}"));
        assert!(sentence.contains(' ') && !sentence.contains(char::is_control), "{sentence:?}");
    }
    answer.status
}

/// What became of the cases, by kind and status; and which of those that may be taken were.
fn verdicts(mut ask: impl FnMut(&[u8]) -> u16) -> (String, BTreeSet<String>) {
    let mut table = BTreeMap::<_, usize>::new();
    let mut taken = BTreeSet::new();
    for (name, case) in cases() {
        let (kind, status) = (name.as_bytes()[0], ask(&case));
        *table.entry((kind, status)).or_default() += 1;
        if kind == b'i' && status < 400 {
            taken.insert(name);
        }
    }
    let cells = table
        .iter()
        .map(|((kind, status), many)| format!("{}: {many} × {status}", char::from(*kind)));
    (cells.collect::<Vec<_>>().join(", "), taken)
}

#[test]
fn every_door_reads_json_as_strictly_as_it_is_defined() {
    let server = Server::start(CONFIG);
    let mut told = String::new();
    for (door, around) in DOORS {
        let (before, after) = around.split_once('~').unwrap();
        let (line, taken) = verdicts(|case| {
            let body = [before.as_bytes(), case, after.as_bytes()].concat();
            status(&server, door, &body)
        });
        assert!(taken.iter().map(String::as_str).eq(TAKEN), "{door}: {taken:?}");
        told.push_str(&format!("{door} {line}\n"));
    }
    // A list of nothing that is known is a batch without a beacon.
    for door in ["/beacon", "/api/event", "/api/send", "/api/batch", "/reports", "/vitals", "/err"]
    {
        let (line, _) = verdicts(|case| status(&server, door, case));
        told.push_str(&format!("{door} as a whole {line}\n"));
    }
    insta::assert_snapshot!(told, @r"
    /beacon i: 5 × 204, i: 30 × 400, n: 186 × 400, n: 2 × 413, y: 95 × 204
    /api/event i: 5 × 202, i: 30 × 400, n: 186 × 400, n: 2 × 413, y: 95 × 202
    /api/event i: 5 × 200, i: 30 × 400, n: 186 × 400, n: 2 × 413, y: 95 × 200
    /api/send i: 5 × 200, i: 30 × 400, n: 186 × 400, n: 2 × 413, y: 95 × 200
    /api/batch i: 5 × 200, i: 30 × 400, n: 186 × 400, n: 2 × 413, y: 95 × 200
    /matomo.php i: 5 × 200, i: 30 × 400, n: 186 × 400, n: 2 × 413, y: 95 × 200
    /reports i: 5 × 204, i: 30 × 400, n: 186 × 400, n: 2 × 413, y: 95 × 204
    /api/site.example/store/ i: 5 × 200, i: 30 × 400, n: 186 × 400, n: 2 × 413, y: 95 × 200
    /vitals i: 5 × 204, i: 30 × 400, n: 186 × 400, n: 2 × 413, y: 95 × 204
    /err i: 5 × 204, i: 30 × 400, n: 186 × 400, n: 2 × 413, y: 95 × 204
    /beacon as a whole i: 35 × 400, n: 186 × 400, n: 2 × 413, y: 95 × 400
    /api/event as a whole i: 35 × 400, n: 186 × 400, n: 2 × 413, y: 95 × 400
    /api/send as a whole i: 35 × 400, n: 186 × 400, n: 2 × 413, y: 95 × 400
    /api/batch as a whole i: 5 × 200, i: 30 × 400, n: 186 × 400, n: 2 × 413, y: 75 × 200, y: 20 × 400
    /reports as a whole i: 5 × 204, i: 30 × 400, n: 186 × 400, n: 2 × 413, y: 75 × 204, y: 20 × 400
    /vitals as a whole i: 6 × 204, i: 29 × 400, n: 186 × 400, n: 2 × 413, y: 87 × 204, y: 8 × 400
    /err as a whole i: 6 × 204, i: 29 × 400, n: 186 × 400, n: 2 × 413, y: 87 × 204, y: 8 × 400
    ");
    assert_eq!(server.count("day", Some("json")), 100);
    assert!(!server.said().contains("panicked"), "{}", server.said());
}

/// What JSON allows, and a beacon does not: more than one reader may read in two ways.
#[test]
fn what_two_readers_may_read_in_two_ways_is_refused() {
    let server = Server::start(CONFIG);
    let fields = r#""event_type":"named","site":"site.example","identifier":"json""#;
    let nested = |open: &str, close: &str| {
        format!("{{{fields},\"meta\":{{\"a\":{}1{}}}}}", open.repeat(1_000), close.repeat(1_000))
    };
    for body in [
        format!("{{{fields},{fields}}}"),
        format!("{{{fields},\"meta\":{{\"a\":1,\"a\":2}}}}"),
        format!("\u{feff}\u{feff}{{{fields}}}"),
        format!("{{{fields}}}{{{fields}}}"),
        nested("[", "]"),
        nested("{\"a\":", "}"),
        format!("{{{fields},\"meta\":{{\"a\":1e999}}}}"),
    ] {
        assert_eq!(status(&server, "/beacon", body.as_bytes()), 400, "{body}");
    }
    assert_eq!(server.count("day", None), 0);
    let marked = format!("\u{feff}{{{fields}}}");
    assert_eq!(status(&server, "/beacon", marked.as_bytes()), 204);
}
