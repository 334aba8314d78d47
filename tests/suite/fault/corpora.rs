//! Texts that harm careless programs: refused by a rule, or told again as they came.

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
fn names(server: &Server, event: &str, dimension: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut told, mut written) = (BTreeSet::new(), BTreeSet::new());
    for offset in (0..).step_by(ROWS) {
        let path = format!(
            "/api/v1/reports/top?event_type={event}&dimension={dimension}&limit={ROWS}&offset={offset}"
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
    let (told, written) = names(&server, "named", "identifier");
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
    let (told, written) = names(&server, "named", "meta.plan");
    assert!(told.len() > 900 && told.len() == written.len(), "{} {}", told.len(), written.len());
}

#[test]
fn what_is_imported_is_told_as_beacons_are_and_harms_no_terminal() {
    let config = "[[site]]\ndomain = \"a.example\"\n[event.custom_event]\nlimits = { identifiers_per_day = 5_000 }\n";
    let server = Server::start(config);
    let now = jiff::Timestamp::now().as_second();
    let mut table = "time,host,event\n".to_owned();
    for text in texts() {
        let cell = format!("\"{}\"", text.replace('"', "\"\""));
        table.push_str(&format!("{now},a.example,{cell}\n{now},{cell},{cell}\n"));
    }
    // Hosts that nobody has declared are told by name, and what can't be read by the name of the file.
    table.push_str("never,a.example,x\n");
    let said = server.import("a\u{1b}[31m\u{7}b.csv", &table, "time=time,host=host,event=event");
    assert!(said.contains("refused as unknown_site: "), "{said}");
    let strange: Vec<char> = said.chars().filter(|c| c.is_control() && *c != '\n').collect();
    assert!(strange.is_empty(), "{strange:?} in {said:?}");
    let (told, written) = names(&server, "custom_event", "identifier");
    assert!(told.len() > 900 && told.len() == written.len(), "{} {}", told.len(), written.len());
    // What beacons are called that say the same.
    let control = Server::start(config);
    let mut client = control.client();
    for text in texts() {
        let beacon =
            json!({ "event_type": "custom_event", "site": "a.example", "identifier": text });
        client.send("POST", "/beacon", &[], beacon.to_string().as_bytes()).unwrap();
    }
    let (expected, _) = names(&control, "custom_event", "identifier");
    let strange: Vec<&String> = told.symmetric_difference(&expected).collect();
    assert!(strange.is_empty(), "{strange:?}");
}
