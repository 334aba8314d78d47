//! Texts and JSON that harm careless programs: refused by a rule, or told again as they came.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::Server;

const CONFIG: &str = r#"
[event.named]
identifier = "key"
granularities = ["day"]
dimensions = ["meta.plan"]
limits = { identifiers_per_day = 5_000, values_per_dimension = 5_000 }
dedupe = "0s"
"#;

/// As many rows as a report tells at once.
const ROWS: usize = 1_000;

fn texts() -> Vec<String> {
    let scripts = include_str!("../../fixtures/hostile/xss.txt").lines().map(str::to_owned);
    let strings: Vec<String> =
        serde_json::from_str(include_str!("../../fixtures/hostile/strings.json")).unwrap();
    // Each once: what comes twice is one row.
    let all: BTreeSet<String> = scripts.chain(strings).collect();
    all.into_iter().collect()
}

/// The cells of a CSV file, as RFC 4180 reads it.
fn cells(text: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let mut quoted = false;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let row = rows.last_mut().unwrap();
        match c {
            '"' if quoted && rest.peek() == Some(&'"') => {
                rest.next();
                row.last_mut().unwrap().push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(String::new()),
            '\r' if !quoted => {}
            '\n' if !quoted => rows.push(vec![String::new()]),
            other => row.last_mut().unwrap().push(other),
        }
    }
    rows.retain(|row| row.len() > 1);
    rows
}

/// The names of a ranking, in JSON and in CSV.
fn names(server: &Server, dimension: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut told, mut written) = (BTreeSet::new(), BTreeSet::new());
    for offset in (0..).step_by(ROWS) {
        let path = format!(
            "/api/v1/reports/top?event_type=named&dimension={dimension}&limit={ROWS}&offset={offset}"
        );
        let report = server.json(&path);
        let rows = report["rows"].as_array().unwrap();
        told.extend(rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()));
        let csv = server.get(&format!("{path}&format=csv"));
        assert_eq!(csv.header("x-content-type-options"), "nosniff");
        assert!(csv.header("content-disposition").starts_with("attachment"));
        let rows_written = cells(std::str::from_utf8(&csv.body).unwrap());
        let column = rows_written[0].iter().position(|name| name == "name").unwrap();
        for row in &rows_written[1..] {
            assert_eq!(row.len(), rows_written[0].len(), "{row:?}");
            let name = &row[column];
            let is_formula = name.starts_with(['=', '+', '-', '@', '\t', '\r']);
            // A number with its sign is a number.
            let is_number = name.parse::<f64>().is_ok();
            assert!(!is_formula || is_number, "a spreadsheet would count {name:?}");
            written.insert(name.clone());
        }
        if rows.len() < ROWS {
            break;
        }
    }
    (told, written)
}

#[test]
fn a_text_is_refused_or_told_again_as_it_came() {
    let server = Server::start(CONFIG);
    let mut client = server.client();
    let mut accepted = BTreeSet::new();
    let (mut refused, mut changed) = (0, Vec::new());
    let all = texts();
    for text in &all {
        let body = json!({ "event_type": "named", "identifier": text, "meta": { "plan": text } });
        let answer = client.send("POST", "/beacon", &[], body.to_string().as_bytes()).unwrap();
        match answer.status {
            // But for white space around it.
            204 => _ = accepted.insert(text.trim().to_owned()),
            400 => {
                let told: Value = serde_json::from_slice(&answer.body).unwrap();
                let reason = told["reason"].as_str().unwrap();
                let rules = [
                    "identifier_missing",
                    "identifier_too_long",
                    "identifier_not_allowed",
                    "meta_too_large",
                ];
                assert!(rules.contains(&reason), "{text:?}: {told}");
                refused += 1;
            }
            status => panic!("{text:?}: {status}"),
        }
    }
    let (told, written) = names(&server, "identifier");
    for text in &accepted {
        if !told.contains(text) {
            changed.push(text);
        }
    }
    println!("{} texts: {} told again, {refused} refused", all.len(), accepted.len());
    assert!(changed.is_empty(), "{changed:?}");
    assert_eq!(told.len(), accepted.len());
    assert!(accepted.len() > 900, "{}", accepted.len());
    for text in &accepted {
        assert!(written.contains(text) || written.contains(&format!("'{text}")), "{text:?}");
    }
    // Values are brought into one short line; what is told of them is JSON and CSV all the same.
    let (told, written) = names(&server, "meta.plan");
    assert!(told.len() > 900 && told.len() == written.len(), "{} {}", told.len(), written.len());
}

/// JSON of every kind that parsers disagree about. `~` stands for the beacon's other fields.
const SHAPES: [&str; 66] = [
    "",
    " ",
    "{",
    "}",
    "[",
    "]",
    "{}",
    "[]",
    "null",
    "true",
    "\"\"",
    "0",
    "{~",
    "~}",
    "[~]",
    "{{~}}",
    "{~,}",
    "{,~}",
    "{~,,\"meta\":{}}",
    "{~ \"meta\":{}}",
    "{~,\"meta\"}",
    "{~,\"meta\":}",
    "{~,:1}",
    "{~,\"meta\":{\"a\":1,}}",
    "{~,\"meta\":{\"a\":[1,]}}",
    "{~,\"meta\":{\"a\":[,1]}}",
    "{~,\"meta\":{\"a\":[1 2]}}",
    "{~,\"meta\":{\"a\":01}}",
    "{~,\"meta\":{\"a\":+1}}",
    "{~,\"meta\":{\"a\":.5}}",
    "{~,\"meta\":{\"a\":5.}}",
    "{~,\"meta\":{\"a\":1e}}",
    "{~,\"meta\":{\"a\":1e+}}",
    "{~,\"meta\":{\"a\":0x1}}",
    "{~,\"meta\":{\"a\":NaN}}",
    "{~,\"meta\":{\"a\":Infinity}}",
    "{~,\"meta\":{\"a\":-}}",
    "{~,\"meta\":{\"a\":--1}}",
    "{~,\"meta\":{\"a\":1_000}}",
    "{~,\"meta\":{\"a\":tru}}",
    "{~,\"meta\":{\"a\":True}}",
    "{~,\"meta\":{\"a\":nul}}",
    "{~,\"meta\":{\"a\":undefined}}",
    "{~,\"meta\":{\"a\":'b'}}",
    "{~,\"meta\":{a:1}}",
    "{~,\"meta\":{1:1}}",
    "{~,\"meta\":{\"a\":\"\\x41\"}}",
    "{~,\"meta\":{\"a\":\"\\u12\"}}",
    "{~,\"meta\":{\"a\":\"\\uD800\"}}",
    "{~,\"meta\":{\"a\":\"\\uDC00\\uD800\"}}",
    "{~,\"meta\":{\"a\":\"\\uD800\\u0041\"}}",
    "{~,\"meta\":{\"a\":\"\\ud83d\\ude00\"}}",
    "{~,\"meta\":{\"a\":\"\t\"}}",
    "{~,\"meta\":{\"a\":\"\u{1}\"}}",
    "{~,\"meta\":{\"a\":\"\u{7f}\"}}",
    "{~,\"meta\":{\"a\":\"\\\"}}",
    "{~,\"meta\":{\"a\":\"b}}",
    "{~} x",
    "{~}{~}",
    "{~}\u{0}",
    "{~,\"meta\":{\"a\":1e999}}",
    "{~,\"meta\":{\"a\":-0}}",
    "{~,\"meta\":{\"a\":1E-999}}",
    "{~,/* c */\"meta\":{}}",
    "{~,\"meta\":{}} // c",
    "\u{feff}\u{feff}{~}",
];

#[test]
fn json_is_read_as_strictly_as_it_is_defined() {
    let server = Server::start(CONFIG);
    let fields = r#""event_type":"named","identifier":"json""#;
    let (mut stored, mut refused) = (0, 0);
    let mut client = server.client();
    let mut shapes: Vec<Vec<u8>> =
        SHAPES.iter().map(|shape| shape.replace('~', fields).into_bytes()).collect();
    shapes.push(
        format!("{{{fields},\"meta\":{{\"a\":{}{}}}}}", "[".repeat(3_000), "]".repeat(3_000))
            .into(),
    );
    shapes.push("{\"a\":".repeat(1_600).into());
    shapes.push(format!("{{{fields},\"meta\":{{\"a\":{}}}}}", "9".repeat(1_000)).into());
    shapes.push(format!("{{{fields},\"meta\":{{\"a\":0.{}1}}}}", "0".repeat(1_000)).into());
    shapes.push(format!("{{{fields},\"meta\":{{\"a\":\"\u{0}\"}}}}").into());
    for bytes in [&b"\xff"[..], b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"] {
        let mut shape = format!("{{{fields},\"meta\":{{\"a\":\"").into_bytes();
        shape.extend_from_slice(bytes);
        shape.extend_from_slice(b"\"}}");
        shapes.push(shape);
    }
    for shape in &shapes {
        let shown = String::from_utf8_lossy(&shape[..shape.len().min(120)]).into_owned();
        let answer = client.send("POST", "/beacon", &[], shape).unwrap();
        assert!(matches!(answer.status, 204 | 400), "{shown}: {}", answer.status);
        // Whoever reads JSON by its definition refuses it too.
        let marked = shape.strip_prefix(b"\xef\xbb\xbf").unwrap_or(shape);
        let is_json = serde_json::from_slice::<Value>(marked).is_ok();
        assert!(is_json || answer.status == 400, "{shown} is no JSON: {}", answer.status);
        stored += u64::from(answer.status == 204);
        refused += u64::from(answer.status == 400);
    }
    println!("{} shapes of JSON: {stored} stored, {refused} refused", shapes.len());
    assert!(stored >= 3 && refused >= 60);
    assert_eq!(server.count("day", Some("json")), i64::try_from(stored).unwrap());
}
