//! What is exported is what is in the file, in both formats, whole or in part.

use std::{fs, path::Path};

use serde_json::Value;

use super::{
    backup::{command, done, refused, run},
    edits::visited,
};
use crate::support::{Server, time::Clock};

const DAYS: [(&str, &[&str]); 2] = [
    ("2026-03-03 10:00:00", &["/", "/a", "/=cmd", "/b"]),
    ("2026-04-20 11:30:00", &["/b", "/, \\\"quoted\\\"", "/c"]),
];

fn lines(server: &Server, words: &[&str]) -> Vec<Value> {
    let output = run(server, &[&["export"], words].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn sum(rows: &[Value], granularity: &str, event: &str) -> i64 {
    let wanted = |row: &&Value| {
        row["table"] == "aggregates"
            && row["granularity"] == granularity
            && row["event_type"] == event
            && row["identifier"] != Value::Null
    };
    rows.iter().filter(wanted).map(|row| row["count"].as_i64().unwrap()).sum()
}

/// The rows of a table, by their names, as a reader of CSV sees them.
fn csv(path: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(path).unwrap();
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => cell.extend(characters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            character => cell.push(character),
        }
    }
    assert!(cell.is_empty() && row.is_empty() && !quoted);
    rows
}

#[test]
fn every_row_is_exported_in_both_formats() {
    let clock = Clock::at(DAYS[0].0);
    let server = visited(&clock, &DAYS);
    let file = server.file_as_it_is();
    let count = |table: &str| -> usize {
        let sql = format!("SELECT count(*) FROM {table}");
        file.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap().try_into().unwrap()
    };
    let all = lines(&server, &[]);
    done(&server, &["export", "--format", "csv", "--output", "tables"]);
    for (name, table) in [
        ("aggregates", "beacon_aggregate"),
        ("breakdowns", "beacon_breakdown"),
        ("histograms", "beacon_histogram"),
        ("events", "beacon_event"),
        ("refusals", "rejected"),
    ] {
        let rows = count(table);
        assert_eq!(all.iter().filter(|row| row["table"] == name).count(), rows, "{name}");
        let table = csv(&server.folder.path().join("tables").join(format!("{name}.csv")));
        assert_eq!(table.len(), rows + 1, "{name}");
        assert!(table.iter().all(|row| row.len() == table[0].len()), "{name}");
    }
    assert_eq!(sum(&all, "year", "page_view"), 7);
    let aggregates = csv(&server.folder.path().join("tables/aggregates.csv"));
    let header = ["site", "event_type", "identifier", "granularity", "period_start", "count"];
    assert_eq!(aggregates[0][..6], header);
    assert!(aggregates.iter().any(|row| row[2] == "/, \"quoted\""));
    // A file that is there is nobody's to overwrite.
    assert!(
        refused(&server, &["export", "events", "--output", "tables/events.csv"]).contains("exists")
    );
}

#[test]
fn every_report_is_a_table_too() {
    let clock = Clock::at(DAYS[0].0);
    let mut server = visited(&clock, &DAYS);
    server.restart();
    let reports = server.json("/api/v1/reports");
    for report in reports.as_array().unwrap() {
        let slug = report["slug"].as_str().unwrap();
        let answer = server.get(&format!("/api/v1/reports/{slug}?format=csv"));
        assert_eq!(answer.status, 200, "{slug}");
        assert!(answer.text().ends_with("\r\n"), "{slug}: {}", answer.text());
    }
    let top = "/api/v1/reports/top?from=2026-03-01&to=2026-04-30&format=csv";
    let top = server.get(top).text();
    let path = server.folder.path().join("top.csv");
    fs::write(&path, top).unwrap();
    let rows = csv(&path);
    let column = |name: &str| rows[0].iter().position(|column| column == name).unwrap();
    let (name, count) = (column("name"), column("count"));
    let of = |page: &str| rows.iter().find(|row| row[name] == page).map(|row| row[count].clone());
    assert_eq!(of("/b").as_deref(), Some("2"));
    assert_eq!(of("/, \"quoted\"").as_deref(), Some("1"));
    let wrong = server.get("/api/v1/reports/top?format=xml");
    assert_eq!(wrong.status, 400);
    assert!(wrong.text().contains("format is json or csv"), "{}", wrong.text());
}

#[test]
fn a_part_is_exported_by_site_event_granularity_and_days() {
    let clock = Clock::at(DAYS[0].0);
    let server = visited(&clock, &DAYS);
    let march =
        ["aggregates", "--event", "page_view", "--granularity", "day", "--to", "2026-03-31"];
    let rows = lines(&server, &march);
    assert_eq!(sum(&rows, "day", "page_view"), 4);
    assert!(rows.iter().all(|row| row["granularity"] == "day" && row["event_type"] == "page_view"));
    assert!(rows.iter().all(|row| row["period_start"].as_str().unwrap().starts_with("2026-03-03")));
    let later = lines(&server, &["events", "--from", "2026-04-01"]);
    assert_eq!(later.len(), 3);
    assert!(lines(&server, &["--site", "nobody.example"]).is_empty());
    let output = command(&server, &["export", "--granularity", "week"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("write one of second, minute, hour, day, month, year"), "{said}");
    let pipe = refused(&server, &["export", "--format", "csv"]);
    assert!(pipe.contains("name a folder with --output"), "{pipe}");
}
