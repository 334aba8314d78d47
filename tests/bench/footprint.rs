//! What the program takes before it does anything.

use std::{fs, thread, time::Duration};

use rusqlite::Connection;

use super::{
    figures::{float, head, median, row},
    server::{CONFIG, Server, database, program},
    traffic::Traffic,
};

const GIGABYTE: u64 = 1_000_000_000;
const STARTS: usize = 9;

pub(crate) fn measure() {
    let folder = tempfile::tempdir().unwrap();
    head(&["footprint", "measured"]);
    let size = fs::metadata(program()).unwrap().len();
    row("the program", &[format!("{:.2} MB", float(size) / 1e6)]);
    let server = Server::start(folder.path(), CONFIG);
    thread::sleep(Duration::from_secs(10));
    let idle = server.figures().rss_mb;
    row("memory, idle", &[format!("{idle:.1} MB")]);
    let script = server.get("/tb.js").0.len();
    row("the script, packed", &[format!("{script} bytes")]);
    drop(server);
    Traffic { views: 400_000, days: 395, pages: 5_000, sources: 300 }.fill(folder.path());
    let server = Server::start(folder.path(), CONFIG);
    row("the first screen, packed", &[format!("{:.1} kB", float(first_screen(&server)) / 1e3)]);
    drop(server);
    grow(folder.path());
    let mut times: Vec<f64> = (0..STARTS)
        .map(|_| {
            let server = Server::start(folder.path(), CONFIG);
            let answered = server.started_ms + server.get("/health").1;
            server.stop();
            answered
        })
        .collect();
    let bytes = fs::metadata(database(folder.path())).unwrap().len();
    let name = format!("from start to first answer, with {:.1} GB", float(bytes) / 1e9);
    row(&name, &[format!("{:.0} ms", median(&mut times))]);
    let server = Server::start(folder.path(), CONFIG);
    thread::sleep(Duration::from_secs(10));
    row("memory with that file, idle", &[format!("{:.1} MB", server.figures().rss_mb)]);
}

/// The page and all that it loads.
fn first_screen(server: &Server) -> u64 {
    let page = server.get("/?period=28d").0;
    let mut text = String::new();
    let mut unpacked = flate2::read::GzDecoder::new(page.as_slice());
    std::io::Read::read_to_string(&mut unpacked, &mut text).unwrap();
    let mut whole = page.len();
    let mut seen = Vec::new();
    for attribute in ["href=\"", "src=\""] {
        let addresses = text.split(attribute).skip(1).filter_map(|rest| rest.split('"').next());
        for address in addresses.filter(|address| address.starts_with("/assets/")) {
            if !seen.contains(&address) {
                seen.push(address);
                whole += server.get(address).0.len();
            }
        }
    }
    u64::try_from(whole).unwrap()
}

/// Makes the file a gigabyte large by keeping its single page views many times.
fn grow(folder: &std::path::Path) {
    let database = database(folder);
    let file = Connection::open(&database).unwrap();
    let columns: String = file
        .query_row(
            "SELECT group_concat(name) FROM pragma_table_info('beacon_event') WHERE pk = 0",
            [],
            |row| row.get(0),
        )
        .unwrap();
    while fs::metadata(&database).unwrap().len() < GIGABYTE {
        let sql =
            format!("INSERT INTO beacon_event ({columns}) SELECT {columns} FROM beacon_event");
        file.execute_batch(&sql).unwrap();
        file.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    }
}
