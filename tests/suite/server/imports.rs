//! Imports: every line accounted for, counted as an independent program counts it, once, and never half.

use std::{
    fs,
    io::{Read as _, Write as _},
    mem,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use rusqlite::{Connection, types::ValueRef};
use serde_json::Value;
use tempfile::TempDir;
use trim_beacons::import;

use crate::support::{BINARY, Server, count, time::Clock, wait_until};

/// How often an import is killed.
const KILLS: u32 = 100;

/// The host of the real log.
const HOST: &str = "semicomplete.com";

/// A person's browser.
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0";

const LOG: &[u8] = include_bytes!("../../fixtures/access/combined.log.gz");

/// Nothing but a folder to import in.
struct Place(TempDir);

impl Place {
    fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("beacons.toml"), config).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn database(&self) -> PathBuf {
        self.path("trim-beacons.db")
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.arg("import").args(words).current_dir(self.0.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// What an import that succeeds has said.
    fn import(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn refused(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    }

    fn file(&self) -> Connection {
        Connection::open(self.database()).unwrap()
    }

    /// What lies beside the database and begins with its name.
    fn beside(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> =
            names.filter(|name| name.starts_with("trim-beacons.db")).collect();
        names.sort();
        names
    }
}

fn unpacked(packed: &[u8]) -> Vec<u8> {
    let mut log = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut log).unwrap();
    log
}

fn packed(log: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(log).unwrap();
    encoder.finish().unwrap()
}

/// Everything that is counted in a file, in words.
fn rows(file: &Path) -> Vec<String> {
    let file = Connection::open(file).unwrap();
    let mut found = Vec::new();
    for sql in [
        "SELECT * FROM beacon_aggregates",
        "SELECT * FROM beacon_breakdowns",
        "SELECT 'rejected', hour, (SELECT value FROM text WHERE id = site), reason,
             (SELECT value FROM text WHERE id = agent), count FROM rejected",
    ] {
        let mut statement = file.prepare(sql).unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            let cells = (0..columns).map(|at| match row.get_ref(at)? {
                ValueRef::Text(text) => Ok(String::from_utf8_lossy(text).into_owned()),
                other => Ok(format!("{other:?}")),
            });
            Ok(cells.collect::<rusqlite::Result<Vec<_>>>()?.join(" "))
        });
        found.extend(rows.unwrap().map(Result::unwrap));
    }
    found.sort();
    found
}

/// Expects two files to hold the same, and says where they do not.
fn check_same(found: &[String], expected: &[String]) {
    let differs = found.iter().filter(|row| expected.binary_search(row).is_err());
    let differs: Vec<_> = differs.take(3).collect();
    assert!(found == expected, "{} rows, {} expected: {differs:?}", found.len(), expected.len());
}

/// The number in the row of the summary that says `what`; 0 if there is none.
fn told(summary: &str, what: &str) -> u64 {
    let mut rows = summary.lines().filter_map(|line| line.trim().split_once("  "));
    rows.find(|(_, words)| words.starts_with(what)).map_or(0, |(count, _)| count.parse().unwrap())
}

/// What a program that has nothing of ours counts in the log.
fn counted_independently(log: &Path) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("node")
        .arg(root.join("tests/clients/count_log.cjs"))
        .args([log.as_os_str(), HOST.as_ref()])
        .env("NODE_PATH", root.join("target/clients/node_modules"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn line(host: &str, second: u32, target: &str, agent: &str) -> String {
    format!(
        "{host}192.0.2.7 - - [17/May/2015:10:00:{second:02} +0000] \"GET {target} HTTP/1.1\" 200 1 \"-\" \"{agent}\"\n"
    )
}

/// Visitors, visits, bounces and seconds of all page views in the one year that there is.
fn totals_of_year(file: &Connection) -> [i64; 4] {
    let sql = "SELECT visitors, visits, bounces, seconds FROM beacon_aggregates
        WHERE granularity = 'year' AND event_type = 'page_view' AND identifier IS NULL";
    file.query_row(sql, [], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])).unwrap()
}

#[test]
fn a_real_log_is_counted_as_an_independent_program_counts_it() {
    let place = Place::new("");
    place.write("access.log", unpacked(LOG));
    let said = place.import(&["access-log", "access.log", "--site", HOST]);
    let independent = counted_independently(&place.path("access.log"));
    let kinds = &independent["kinds"];
    for (what, kind) in [
        ("lines", "lines"),
        ("page views", "views"),
        ("page views of crawlers", "crawlers"),
        ("refused as implausible", "agentless"),
        ("pictures, scripts", "files"),
        ("not found", "missing"),
        ("redirects", "moved"),
        ("failed", "failed"),
        ("no GET", "other"),
    ] {
        assert_eq!(told(&said, what), kinds[kind].as_u64().unwrap(), "{what}\n{said}");
    }
    assert_eq!((told(&said, "can't be read"), told(&said, "lines")), (0, 10_000));

    let file = place.file();
    let total = totals_of_year(&file);
    let names = ["visitors", "visits", "bounces", "seconds"];
    assert_eq!(total, names.map(|name| independent["total"][name].as_i64().unwrap()));
    let google = "SELECT visits FROM beacon_breakdowns WHERE granularity = 'year'
        AND identifier IS NULL AND dimension = 'source' AND value = 'Google'";
    let google: i64 = file.query_row(google, [], |row| row.get(0)).unwrap();
    assert_eq!(google, independent["total"]["fromGoogle"].as_i64().unwrap());
    let top = independent["top"].as_array().unwrap();
    assert_eq!(top.len(), 20);
    for page in top {
        let (page, views) = (page[0].as_str().unwrap(), page[1].as_i64().unwrap());
        for granularity in ["hour", "day", "month", "year"] {
            assert_eq!(count(&file, granularity, Some(page)), views, "{granularity} {page}");
        }
    }
    let crawlers = "SELECT sum(count) FROM rejected WHERE agent <> 0";
    let crawlers: i64 = file.query_row(crawlers, [], |row| row.get(0)).unwrap();
    assert_eq!(crawlers, kinds["crawlers"].as_i64().unwrap());
    // Nobody can be told again: who was seen is in no table.
    for table in ["seen", "visit", "repeatable"] {
        let sql = format!("SELECT count(*) FROM {table}");
        assert_eq!(file.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap(), 0, "{table}");
    }
    drop(file);
    let bytes = fs::read(place.database()).unwrap();
    assert!(!bytes.windows(7).any(|seven| seven == b"198.18."), "an address is in the file");
    assert_eq!(place.beside(), ["trim-beacons.db"]);
    assert!(!said.contains("too late"), "{said}");
    check_sound(&place);
}

#[test]
fn every_format_is_named_by_the_help() {
    let help = String::from_utf8(Place::new("").run(&["access-log", "--help"]).stdout).unwrap();
    for format in import::LOG_FORMATS {
        assert!(help.contains(format.name), "{}", format.name);
    }
}

#[test]
fn logs_of_one_time_are_put_in_order_or_it_is_told_that_they_are_not() {
    let log = unpacked(LOG);
    let (whole, place) = (Place::new(""), Place::new(""));
    whole.write("access.log", &log);
    whole.import(&["access-log", "access.log", "--site", HOST]);
    // As if two servers had written every other line.
    let lines: Vec<&[u8]> = log.split_inclusive(|byte| *byte == b'\n').collect();
    for (name, odd) in [("one.log", 0), ("other.log", 1)] {
        let own = lines.iter().enumerate().filter(|(number, _)| number % 2 == odd);
        place.write(name, own.map(|(_, line)| *line).collect::<Vec<_>>().concat());
    }
    let said = place.import(&["access-log", "one.log", "other.log", "--site", HOST]);
    assert!(!said.contains("too late"), "{said}");
    let totals = |place: &Place| totals_of_year(&place.file());
    assert_eq!(totals(&place), totals(&whole));

    let place = Place::new("");
    place.write("one.log", line("", 1, "/", AGENT) + &line("", 3, "/", AGENT).repeat(9000));
    place.write("other.log", line("", 2, "/", AGENT));
    let said = place.import(&["access-log", "one.log", "other.log", "--site", HOST]);
    assert!(said.contains("\n1 of them came too late"), "{said}");
}

#[test]
fn a_log_is_imported_once_however_it_is_packed_and_cut() {
    let log = unpacked(LOG);
    let whole = Place::new("");
    whole.write("access.log", &log);
    whole.import(&["access-log", "access.log", "--site", HOST]);
    let expected = rows(&whole.database());
    let said = whole.import(&["access-log", "access.log", "--site", HOST]);
    assert!(said.contains("Nothing is new"), "{said}");
    assert_eq!(told(&said, "imported before"), 10_000);
    whole.write("again.gz", packed(&log));
    assert!(whole.import(&["access-log", "again.gz", "--site", HOST]).contains("Nothing is new"));
    check_same(&rows(&whole.database()), &expected);

    // Two parts in one file, and the newer file named first.
    let middle =
        log.len() / 2 + log[log.len() / 2..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let parts = Place::new("");
    let quarter = middle + log[middle..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let double = [packed(&log[..middle]), packed(&log[middle..quarter])].concat();
    parts.write("old.gz", double);
    parts.write("new.log", &log[quarter..]);
    parts.import(&["access-log", "new.log", "old.gz", "--site", HOST]);
    check_same(&rows(&parts.database()), &expected);

    parts.import(&["undo", "1"]);
    assert_eq!(count(&parts.file(), "year", None), 0);
    parts.import(&["access-log", "new.log", "old.gz", "--site", HOST]);
    check_same(&rows(&parts.database()), &expected);
    let listed = parts.import(&["list"]);
    assert!(
        listed.contains("imported 1504 page views from old.gz, new.log\tcan be undone"),
        "{listed}"
    );
}

#[test]
fn a_log_that_has_grown_is_imported_from_there_on() {
    let place = Place::new("");
    let views = |numbers: std::ops::Range<u32>| {
        numbers.map(|number| line("", number, &format!("/{number}"), AGENT)).collect::<String>()
    };
    // The last line is still being written.
    place.write("access.log", views(0..5) + &views(5..6)[..40]);
    let output = place.run(&["access-log", "access.log", "--site", "a.example"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!((told(&said, "page views"), told(&said, "can't be read")), (5, 1), "{said}");
    place.write("access.log", views(0..9));
    let said = place.import(&["access-log", "access.log", "--site", "a.example"]);
    assert_eq!((told(&said, "page views"), told(&said, "imported before")), (4, 5), "{said}");
    let stdin = |text: String| {
        let mut child = place
            .command(&["access-log", "-", "--site", "a.example"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
    };
    let said = stdin(views(0..9));
    assert!(said.contains("Nothing is new") && told(&said, "imported before") == 9, "{said}");
    let said = stdin(views(0..12));
    assert_eq!((told(&said, "page views"), told(&said, "imported before")), (3, 9), "{said}");
    let file = place.file();
    assert_eq!(count(&file, "year", None), 12);
    for number in 0..12 {
        assert_eq!(count(&file, "year", Some(&format!("/{number}"))), 1, "{number}");
    }
}

#[test]
fn a_log_with_hosts_counts_for_the_sites_that_take_them() {
    let place = Place::new(
        "[[site]]\ndomain = \"a.example\"\n[[site]]\ndomain = \"b.example\"\ntime_zone = \"Asia/Tokyo\"\n",
    );
    let lines = [
        line("a.example:443 ", 1, "/", AGENT),
        line("www.b.example:80 ", 2, "/", AGENT),
        line("b.example ", 3, "/x?utm_source=letter", AGENT),
        line("c.example ", 4, "/", AGENT),
        line(" ", 5, "/", AGENT),
        line("a.example ", 6, "/", "curl/8.5.0"),
    ];
    place.write("access.log", lines.concat());
    let said = place.import(&["access-log", "access.log"]);
    assert_eq!(
        (told(&said, "page views"), told(&said, "page views of crawlers: curl 1")),
        (3, 1),
        "{said}"
    );
    assert!(said.contains("2  refused as unknown_site: c.example"), "{said}");
    let file = place.file();
    let views = |site: &str| -> i64 {
        let sql = "SELECT sum(count) FROM beacon_aggregates WHERE site = ?1 AND granularity = 'day' AND identifier IS NULL";
        file.query_row(sql, [site], |row| row.get(0)).unwrap()
    };
    assert_eq!((views("a.example"), views("b.example")), (1, 2));
    // What has no host needs to be told, and one site may take it all.
    place.write("bare.log", line("", 7, "/", AGENT));
    let why = place.refused(&["access-log", "bare.log"]);
    assert!(why.contains("bare.log does not tell the host of its pages: name it with --site HOST; declared are a.example, b.example"), "{why}");
    assert!(
        place
            .refused(&["access-log", "bare.log", "--site", "d.example"])
            .contains("no site is called")
    );
    place.import(&["access-log", "bare.log", "--site", "b.example"]);
    assert_eq!(views("b.example"), 3);
}

#[test]
fn bad_lines_are_told_without_what_stands_in_them() {
    let place = Place::new("");
    let secret = "203.0.113.77 SecretBrowser/7";
    let mut log = line("", 1, "/", AGENT);
    for _ in 0..25 {
        log.push_str(secret);
        log.push('\n');
    }
    log.push_str(&line("", 2, "/future", AGENT).replace("2015", "2115"));
    place.write("access.log", log);
    let output = place.run(&["access-log", "access.log", "--site", "a.example"]);
    let (said, errors) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!((told(&said, "page views"), told(&said, "can't be read")), (1, 26), "{said}");
    let mut told = errors.lines();
    assert_eq!(
        told.next(),
        Some("access.log:2: there is no time in [brackets] after the first three words")
    );
    assert_eq!(told.clone().count(), 20);
    assert_eq!(told.next_back(), Some("6 more lines can't be read"));
    for word in secret.split(' ') {
        assert!(!errors.contains(word) && !said.contains(word), "{errors}");
        let bytes = fs::read(place.database()).unwrap();
        assert!(!bytes.windows(word.len()).any(|found| found == word.as_bytes()));
    }
}

/// What stands in one row of the totals, or of a breakdown: count, visitors, visits, bounces, seconds.
fn figures(
    file: &Connection,
    event: &str,
    identifier: Option<&str>,
    value: Option<(&str, &str)>,
) -> [i64; 5] {
    let figures = "count, visitors, visits, bounces, seconds";
    let (view, more) = match value {
        None => ("beacon_aggregates", String::new()),
        Some((dimension, value)) => {
            ("beacon_breakdowns", format!("AND dimension = '{dimension}' AND value = '{value}'"))
        }
    };
    let sql = format!(
        "SELECT {figures} FROM {view} WHERE granularity = 'day' AND event_type = ?1 AND identifier IS ?2 {more}"
    );
    let read = |row: &rusqlite::Row<'_>| {
        Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?])
    };
    file.query_row(&sql, (event, identifier), read)
        .unwrap_or_else(|error| panic!("{event} {identifier:?} {value:?}: {error}"))
}

/// A place in which the tables of a product's export lie, as `table-0.csv` and so on, and their names.
fn exported(product: &str) -> (Place, Vec<String>) {
    let place = Place::new("");
    let tables = import::product(product).unwrap().examples;
    let names: Vec<String> =
        (0..tables.len()).map(|number| format!("table-{number}.csv")).collect();
    tables.iter().zip(&names).for_each(|(table, name)| place.write(name, table));
    (place, names)
}

/// Whether `verify` finds the file sound.
fn check_sound(place: &Place) {
    let output = Command::new(BINARY).arg("verify").current_dir(place.0.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn hits_of_goatcounter_become_page_views_visits_and_events() {
    let (place, names) = exported("goatcounter");
    let words = ["goatcounter", names[0].as_str(), "--site", "site.example"];
    let said = place.import(&words);
    assert_eq!(
        (told(&said, "page views and events"), told(&said, "page views of crawlers")),
        (4, 1),
        "{said}"
    );
    let file = place.file();
    assert_eq!(figures(&file, "page_view", None, None), [3, 2, 2, 1, 300]);
    assert_eq!(figures(&file, "page_view", Some("/a"), None), [2, 2, 2, 1, 300]);
    assert_eq!(figures(&file, "custom_event", Some("cv.pdf"), None), [1, 1, 0, 0, 0]);
    for (dimension, value, count) in [
        ("source", "Google", 1),
        ("source", "other.example", 2),
        ("referrer", "other.example/links", 2),
        ("country", "NL", 2),
        ("browser", "Chrome", 2),
        ("browser_version", "Firefox 132", 1),
        ("os", "macOS", 2),
        ("screen", "993 to 1440 px", 2),
    ] {
        let [found, ..] = figures(&file, "page_view", None, Some((dimension, value)));
        assert_eq!(found, count, "{dimension} {value}");
    }
    assert!(place.import(&words).contains("Nothing is new"));
    place.import(&["goatcounter", &names[1], "--site", "site.example"]);
    check_sound(&place);
}

#[test]
fn hits_of_umami_become_page_views_visits_and_events() {
    let (place, names) = exported("umami");
    let said = place.import(&["umami", &names[0]]);
    assert_eq!(told(&said, "page views and events"), 4, "{said}");
    let file = place.file();
    assert_eq!(figures(&file, "page_view", None, None), [3, 2, 2, 1, 120]);
    assert_eq!(figures(&file, "page_view", Some("/b"), None), [1, 1, 0, 0, 0]);
    assert_eq!(figures(&file, "custom_event", Some("copy-code"), None), [1, 1, 0, 0, 0]);
    for (dimension, value, count) in [
        ("utm_source", "letter", 2),
        ("source", "other.example", 1),
        ("hostname", "site.example", 3),
        ("country", "DE", 2),
        ("language", "de", 2),
        ("browser", "Safari", 1),
        ("os_version", "Windows 10", 2),
        ("device", "Desktop", 2),
        ("device", "Phone", 1),
    ] {
        let [found, ..] = figures(&file, "page_view", None, Some((dimension, value)));
        assert_eq!(found, count, "{dimension} {value}");
    }
    check_sound(&place);
}

#[test]
fn sums_of_plausible_and_matomo_are_taken_as_they_are() {
    let (place, names) = exported("plausible");
    let words: Vec<&str> =
        ["plausible"].into_iter().chain(names.iter().map(String::as_str)).collect();
    let said = place.import(&words);
    assert_eq!(told(&said, "sums of days"), 13, "{said}");
    let file = place.file();
    assert_eq!(figures(&file, "page_view", None, None), [304, 119, 134, 77, 21070]);
    assert_eq!(figures(&file, "page_view", Some("/docs"), None), [9, 8, 29, 13, 0]);
    // What the export does not tell by page.
    assert_eq!(figures(&file, "page_view", Some("(other)"), None), [295, 0, 105, 64, 21070]);
    assert_eq!(figures(&file, "custom_event", Some("Signup"), None), [4, 3, 0, 0, 0]);
    for (dimension, value, count) in [
        ("source", "Google", 70),
        ("source", "Direct or unknown", 12),
        ("utm_campaign", "spring, 2023", 8),
        ("entry_page", "/docs", 29),
        ("exit_page", "/docs", 14),
        ("country", "FR", 2),
        ("device", "Phone", 17),
        ("browser_version", "Edge 111", 3),
        ("os_version", "macOS 10.14", 2),
    ] {
        let [found, ..] = figures(&file, "page_view", None, Some((dimension, value)));
        assert_eq!(found, count, "{dimension} {value}");
    }
    assert_eq!(count(&file, "month", None), 304 + 4);
    assert_eq!(count(&file, "hour", None), 0);
    check_sound(&place);
    assert!(place.import(&words).contains("Nothing is new"));
    place.import(&["undo", "1"]);
    assert!(rows(&place.database()).is_empty());

    let (place, names) = exported("matomo");
    // Matomo writes UTF-16.
    let text = fs::read_to_string(place.path(&names[1])).unwrap();
    place.write(
        &names[1],
        format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
    );
    place.import(&["matomo", &names[0], &names[1]]);
    let file = place.file();
    assert_eq!(figures(&file, "page_view", None, None), [120, 40, 50, 22, 6000]);
    assert_eq!(figures(&file, "page_view", Some("/docs"), None), [31, 18, 12, 5, 900]);
    check_sound(&place);
    assert!(place.refused(&["plausible", &names[0]]).contains("no table that plausible exports"));
}

#[test]
fn any_table_is_read_by_the_names_of_its_columns() {
    let place = Place::new("");
    place.write(
        "days.csv",
        "Day,URL,Hits,People\n2020-02-29,/a,7,3\n2020-02-29,/b,2,2\nno day,/c,1,1\n",
    );
    let columns = ["--columns", "time=Day,path=URL,count=Hits,visitors=People"];
    let output = place.run(&[&["csv", "days.csv"], &columns[..]].concat());
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(errors, "days.csv:4: its day is not one like 2015-05-17\n");
    let file = place.file();
    assert_eq!(figures(&file, "page_view", None, None), [9, 5, 0, 0, 0]);
    assert_eq!(figures(&file, "page_view", Some("/a"), None), [7, 3, 0, 0, 0]);
    let hits = "when,page,who,from\n2021-05-01T10:00:00Z,/a?x=1,1,https://other.example/\n2021-05-01T10:01:00Z,/b,1,\n";
    place.write("hits.csv", hits);
    let columns =
        ["--columns", "time=when,path=page,visitor=who,referrer=from", "--site", "site.example"];
    place.import(&[&["csv", "hits.csv"], &columns[..]].concat());
    assert_eq!(count(&file, "hour", Some("/a")), 1);
    check_sound(&place);
    for (columns, why) in [
        ("path=page", "no column is named that holds the time"),
        ("time=when,pages=page", "\"pages\" is nothing that a column may hold"),
        ("time=when,path=url", "it has no column \"url\", only when, page, who, from"),
    ] {
        let said = place.refused(&["csv", "hits.csv", "--columns", columns]);
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn a_count_or_a_day_that_can_not_be_meant_is_told_as_a_bad_line() {
    let place = Place::new("");
    place.write(
        "days.csv",
        "Day,URL,Hits\n2020-02-29,/a,7\n2020-02-29,/b,9223372036854775807\n\
         2020-02-29,/b,1099511627777\n9999-01-01,/c,1\n0001-01-01,/d,1\n2020-03-01,/a,1099511627776\n",
    );
    let output = place.run(&["csv", "days.csv", "--columns", "time=Day,path=URL,count=Hits"]);
    let errors = String::from_utf8(output.stderr).unwrap();
    let told = "days.csv:3: a count is larger than 2^40\n\
        days.csv:4: a count is larger than 2^40\n\
        days.csv:5: its day is not of the past\n\
        days.csv:6: its day is not of the past\n";
    assert_eq!(errors, told);
    assert_eq!(count(&place.file(), "year", None), 7 + (1 << 40));
    check_sound(&place);
}

#[test]
fn of_two_imports_at_once_the_second_begins_anew() {
    let place = Place::new("");
    let views = |numbers: std::ops::Range<u32>| {
        numbers.map(|at| line("", at % 60, &format!("/{at}"), AGENT)).collect::<String>()
    };
    let (first, whole) = (views(0..500), views(0..3000));
    place.write("access.log", &first);
    let words = ["access-log", "-", "--site", "a.example"];
    let start = || {
        let mut child = place.command(&words).stdin(Stdio::piped()).spawn().unwrap();
        // More than it looks at first and a pipe holds, so that it knows by now what was imported before.
        child.stdin.as_mut().unwrap().write_all(whole.as_bytes()).unwrap();
        child
    };
    let child = start();
    place.import(&["access-log", "access.log", "--site", "a.example"]);
    let output = child.wait_with_output().unwrap();
    let why = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{why}");
    assert!(why.contains("was imported meanwhile, as edit 1: start this import again"), "{why}");
    assert_eq!(count(&place.file(), "year", None), 500);
    let said = start().wait_with_output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert_eq!((told(&said, "page views"), told(&said, "imported before")), (2500, 500), "{said}");
    assert_eq!(count(&place.file(), "year", None), 3000);
}

#[test]
fn a_running_server_takes_an_import_in_and_goes_on() {
    let server = Server::start("");
    assert_eq!(server.post(r#"{"event_type":"page_view","identifier":"/live"}"#).status, 204);
    fs::write(server.folder.path().join("access.log.gz"), LOG).unwrap();
    let import = Command::new(BINARY)
        .args(["import", "access-log", "access.log.gz", "--site", HOST])
        .current_dir(server.folder.path())
        .output()
        .unwrap();
    assert!(import.status.success(), "{}", String::from_utf8_lossy(&import.stderr));
    assert_eq!(server.count("year", None), 1505);
    assert_eq!(server.post(r#"{"event_type":"page_view","identifier":"/live"}"#).status, 204);
    assert_eq!(server.count("year", Some("/live")), 2);
    let path = "/api/v1/reports/overview?from=2015-05-17&to=2015-05-20";
    assert_eq!(server.json(path).pointer("/series/total/count"), Some(&Value::from(1504)));
}

#[test]
fn a_log_is_followed_over_rotations_and_restarts() {
    let mut server = Server::start("");
    let log = server.folder.path().join("access.log");
    let follow = || {
        let mut command = Command::new(BINARY);
        command.args(["import", "access-log", "access.log", "--follow", "--site", "a.example"]);
        command.current_dir(server.folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let append = |from: u32, to: u32| {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        for number in from..to {
            file.write_all(line("", number, &format!("/{number}"), AGENT).as_bytes()).unwrap();
        }
    };
    let wait_for = |views: i64| {
        wait_until(&format!("{views} page views"), || server.count("year", None) >= views);
    };
    let packed = log.with_extension("gz");
    fs::write(&packed, [0x1f, 0x8b, 8, 0]).unwrap();
    let refused =
        super::backup::refused(&server, &["import", "access-log", "access.gz", "--follow"]);
    assert!(refused.contains("access.gz is packed"), "{refused}");
    append(0, 3);
    let mut child = follow();
    wait_for(3);
    append(3, 5);
    wait_for(5);
    // The server puts the log aside, goes on for a moment, and begins a new one.
    fs::rename(&log, server.folder.path().join("access.log.1")).unwrap();
    append(5, 8);
    wait_for(8);
    // Another one copies and empties it.
    fs::write(&log, "").unwrap();
    append(8, 9);
    wait_for(9);
    // So quickly that it is longer than before when it is looked at again.
    let more: String =
        (9..14).map(|number| line("", number, &format!("/{number}"), AGENT)).collect();
    fs::write(&log, more).unwrap();
    wait_for(14);
    child.kill().unwrap();
    child.wait().unwrap();
    append(14, 17);
    let mut child = follow();
    wait_for(17);
    child.kill().unwrap();
    child.wait().unwrap();
    for number in 0..17 {
        assert_eq!(server.count("day", Some(&format!("/{number}"))), 1, "{number}");
    }
    // All of it is one visit of one visitor, but for the restart.
    let file = server.file();
    let [count, visitors, visits, ..] = figures(&file, "page_view", None, None);
    assert_eq!((count, visitors, visits), (17, 2, 2));
    let in_ledger = |sql: &str| file.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    // One for each of the four files: how far it was read.
    assert_eq!(in_ledger("SELECT count(*) FROM edit_source"), 4);
    assert_eq!(in_ledger("SELECT count(*) FROM edit_delta"), 0);
    // One a day, of which a test may see two.
    assert!(in_ledger("SELECT count(*) FROM edit") <= 2);
    drop(file);
    assert!(server.terminate().success());
    let verified = Command::new(BINARY).arg("verify").current_dir(server.folder.path()).output();
    let verified = verified.unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

/// A log, and the process that follows it.
struct Followed<'s> {
    server: &'s Server,
    log: PathBuf,
    child: Child,
}

impl<'s> Followed<'s> {
    /// Follows a log in the server's folder that has `lines`.
    fn begin(server: &'s Server, lines: &str) -> Self {
        let log = server.folder.path().join("access.log");
        fs::write(&log, lines).unwrap();
        Self { server, log, child: follow_by(server).spawn().unwrap() }
    }

    fn append(&self, lines: &str) {
        let mut file = fs::OpenOptions::new().append(true).open(&self.log).unwrap();
        file.write_all(lines.as_bytes()).unwrap();
    }

    /// Waits until so many page views were handed over.
    fn wait_for(&self, views: i64) {
        wait_until(&format!("{views} page views"), || self.server.count("year", None) == views);
    }

    fn end(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Followed<'_> {
    fn drop(&mut self) {
        // It may have ended before, which is no matter here.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn follow_by(server: &Server) -> Command {
    let words = ["import", "access-log", "access.log", "--follow", "--site", "a.example"];
    super::backup::command(server, &words)
}

/// A line of the visitor with this number, at `time`: `03/Mar/2026:10:00:00`.
fn line_of(visitor: u32, time: &str, target: &str) -> String {
    format!(
        "192.0.2.{visitor} - - [{time} +0000] \"GET {target} HTTP/1.1\" 200 1 \"-\" \"{AGENT}\"\n"
    )
}

/// Page views, visitors, visits, bounces and seconds of each day, the first first.
fn days(server: &Server) -> Vec<[i64; 5]> {
    let file = server.file();
    let sql = "SELECT count, visitors, visits, bounces, seconds FROM beacon_aggregates
        WHERE granularity = 'day' AND event_type = 'page_view' AND identifier IS NULL ORDER BY period_start";
    let mut statement = file.prepare(sql).unwrap();
    let rows = statement
        .query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?]));
    rows.unwrap().map(Result::unwrap).collect()
}

/// Whether `verify` finds the file of a server that has ended sound.
fn check_sound_of(mut server: Server) {
    assert!(server.terminate().success());
    super::backup::done(&server, &["verify"]);
}

#[test]
fn a_log_is_followed_after_a_day_without_a_line() {
    let clock = Clock::at("2026-03-03 10:00:00");
    let server = Server::start_at(&clock, "");
    let followed = Followed::begin(&server, &line_of(1, "03/Mar/2026:10:00:00", "/a"));
    followed.wait_for(1);
    clock.set("2026-03-04 11:00:00");
    followed.append(&line_of(1, "04/Mar/2026:11:00:00", "/a"));
    followed.wait_for(2);
    followed.end();
    assert_eq!(days(&server), [[1, 1, 1, 1, 0], [1, 1, 1, 1, 0]]);
}

#[test]
fn around_midnight_a_visitor_of_a_followed_log_is_one_a_day() {
    let clock = Clock::at("2026-03-03 23:59:50");
    let server = Server::start_at(&clock, "");
    let followed = Followed::begin(&server, &line_of(1, "03/Mar/2026:23:59:50", "/a"));
    followed.wait_for(1);
    clock.set("2026-03-04 00:00:05");
    followed.append(&line_of(2, "04/Mar/2026:00:00:01", "/a"));
    followed.wait_for(2);
    // The server has written it late.
    followed.append(&line_of(1, "03/Mar/2026:23:59:59", "/b"));
    followed.append(&line_of(2, "04/Mar/2026:00:00:20", "/b"));
    followed.wait_for(4);
    followed.end();
    assert_eq!(days(&server), [[2, 1, 1, 0, 9], [2, 1, 1, 0, 19]]);
    check_sound_of(server);
}

#[test]
fn an_edit_ends_the_visits_of_a_followed_log_and_loses_nothing() {
    let clock = Clock::at("2026-03-03 10:00:00");
    let server = Server::start_at(&clock, "");
    let come = |visitors: std::ops::RangeInclusive<u32>, second: u32, target: &str| -> String {
        let time = format!("03/Mar/2026:10:00:{second:02}");
        visitors.map(|visitor| line_of(visitor, &time, target)).collect()
    };
    let followed = Followed::begin(&server, &come(1..=3, 0, "/a"));
    followed.wait_for(3);
    super::backup::done(&server, &["edit", "delete-page", "/a"]);
    followed.wait_for(0);
    followed.append(&come(1..=2, 10, "/b"));
    followed.wait_for(2);
    // They were seen on that day, and their visits begin anew.
    assert_eq!(days(&server), [[2, 0, 2, 2, 0]]);
    followed.append(&come(2..=4, 20, "/c"));
    // What was read and not handed over counts once.
    thread::sleep(Duration::from_secs(1));
    super::backup::done(&server, &["edit", "rename-page", "/b", "/d"]);
    followed.wait_for(5);
    super::backup::done(&server, &["edit", "undo", "2"]);
    followed.append(&come(4..=5, 30, "/e"));
    followed.wait_for(10);
    super::backup::done(&server, &["edit", "reset"]);
    followed.append(&come(4..=6, 40, "/f"));
    followed.wait_for(3);
    followed.end();
    check_sound_of(server);
}

#[test]
fn a_log_is_followed_by_one_process() {
    let server = Server::start("");
    let mut followed = Followed::begin(&server, &line("", 0, "/a", AGENT));
    followed.wait_for(1);
    let said = refusal(follow_by(&server).spawn().unwrap());
    assert!(said.contains("access.log is followed already"), "{said}");
    // It was put aside for a copy, which nobody holds yet.
    let copy = server.folder.path().join("copy.log");
    fs::copy(&followed.log, &copy).unwrap();
    fs::rename(&followed.log, server.folder.path().join("access.log.1")).unwrap();
    fs::rename(&copy, &followed.log).unwrap();
    let second = follow_by(&server).spawn().unwrap();
    followed.append(&line("", 1, "/b", AGENT));
    followed.wait_for(2);
    // The first one goes on with what the second one has.
    let first = mem::replace(&mut followed.child, second);
    let said = refusal(first);
    assert!(said.contains("access.log is followed already"), "{said}");
    followed.append(&line("", 2, "/c", AGENT));
    followed.wait_for(3);
    followed.end();
    assert_eq!(server.count("day", None), 3);
}

#[test]
fn a_log_is_not_taken_in_from_where_nobody_knows_it() {
    let place = Place::new("");
    place.write("access.log", line("", 0, "/a", AGENT));
    let words = ["access-log", "access.log", "--follow", "--site", "a.example"];
    let child = place.command(&words).spawn().unwrap();
    let counted = || count(&place.file(), "year", None);
    wait_until("a page view", || place.database().exists() && counted() == 1);
    let backup = place.path("backup.db");
    fs::copy(place.database(), &backup).unwrap();
    let append = |second, target: &str| {
        let mut file = fs::OpenOptions::new().append(true).open(place.path("access.log")).unwrap();
        file.write_all(line("", second, target, AGENT).as_bytes()).unwrap();
    };
    append(1, "/b");
    wait_until("two page views", || counted() == 2);
    // Somebody puts an older copy back.
    fs::copy(&backup, place.database()).unwrap();
    append(2, "/c");
    let said = refusal(child);
    assert!(said.contains("start this again"), "{said}");
    assert_eq!(counted(), 1);
    let mut child = place.command(&words).spawn().unwrap();
    wait_until("three page views", || counted() == 3);
    child.kill().unwrap();
    child.wait().unwrap();
    check_sound(&place);
}

#[test]
fn logs_of_one_length_are_followed_each_from_where_it_was() {
    let place = Place::new("");
    for (views, (log, second)) in (1..).zip([("a", 0), ("b", 0), ("b", 1), ("a", 1)]) {
        let mut file =
            fs::OpenOptions::new().create(true).append(true).open(place.path(log)).unwrap();
        file.write_all(line("", second, &format!("/{log}"), AGENT).as_bytes()).unwrap();
        let words = ["access-log", log, "--follow", "--site", "a.example"];
        let mut child = place.command(&words).spawn().unwrap();
        let counted = || place.database().exists() && count(&place.file(), "year", None) >= views;
        wait_until(&format!("{views} page views"), counted);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(count(&place.file(), "year", None), views);
    }
}

/// What a process says that ends because it was refused something.
fn refusal(mut child: Child) -> String {
    wait_until("its end", || child.try_wait().unwrap().is_some());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn what_is_written_to_a_log_after_it_was_renamed_is_counted() {
    let server = Server::start("");
    let followed = Followed::begin(&server, &line("", 0, "/a", AGENT));
    followed.wait_for(1);
    let mut old = fs::OpenOptions::new().append(true).open(&followed.log).unwrap();
    fs::rename(&followed.log, server.folder.path().join("access.log.1")).unwrap();
    fs::write(&followed.log, "").unwrap();
    // The server is told of its new log a while later.
    for second in 1..4 {
        thread::sleep(Duration::from_secs(2));
        old.write_all(line("", second, "/b", AGENT).as_bytes()).unwrap();
    }
    followed.append(&line("", 4, "/c", AGENT));
    followed.wait_for(5);
    followed.end();
    let file = server.file();
    assert_eq!(figures(&file, "page_view", None, None), [5, 1, 1, 0, 4]);
}

#[test]
fn killed_at_any_moment_an_import_is_whole_or_not_there() {
    let place = Place::new("");
    place.write("access.log.gz", LOG);
    let words = ["access-log", "access.log.gz", "--site", HOST];
    let begun = Instant::now();
    place.import(&words);
    let whole_time = begun.elapsed();
    let after = rows(&place.database());
    place.import(&["undo", "1"]);
    let before = rows(&place.database());
    assert!(before != after);
    let (mut unfinished, mut edits) = (0, 1);
    for kill in 0..KILLS {
        let mut child = place.command(&words).spawn().unwrap();
        // The moment is the point: there is nothing to wait for.
        thread::sleep(whole_time * kill / KILLS);
        child.kill().unwrap();
        unfinished += u32::from(!child.wait().unwrap().success());
        let found = rows(&place.database());
        if found == after {
            edits += 1;
            place.import(&["undo", &edits.to_string()]);
        } else {
            check_same(&found, &before);
        }
    }
    println!("{unfinished} imports of {KILLS} were broken off, {} were whole", edits - 1);
    assert!(unfinished > 0);
    place.import(&words);
    check_same(&rows(&place.database()), &after);
    // What was broken off has left nothing for ever.
    assert_eq!(place.beside(), ["trim-beacons.db"]);
}
