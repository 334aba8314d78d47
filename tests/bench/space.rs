//! How many bytes of the file a page view takes after a year, with what is kept by default.

use rusqlite::Connection;

use super::{
    figures::{float, head, row},
    server::database,
    traffic::Traffic,
};

/// Page views a day, pages, sources.
const SITES: [(u64, usize, usize); 2] = [(1_000, 200, 40), (30_000, 2_000, 300)];
const DAYS: i64 = 365;

pub(crate) fn measure() {
    head(&["page views a day", "bytes each", "of them single page views of 30 days", "the file"]);
    for (views, pages, sources) in SITES {
        let folder = tempfile::tempdir().unwrap();
        let all = views * DAYS.unsigned_abs();
        Traffic { views: all, days: DAYS, pages, sources }.fill(folder.path());
        let file = Connection::open(database(folder.path())).unwrap();
        let number = |sql: &str| -> u64 {
            let number: i64 = file.query_row(sql, [], |row| row.get(0)).unwrap();
            number.unsigned_abs()
        };
        let page = number("PRAGMA page_size");
        // What has gone by age leaves room, which the next day takes.
        let used = number("PRAGMA page_count") - number("PRAGMA freelist_count");
        file.execute_batch("DELETE FROM beacon_event").unwrap();
        let without = number("PRAGMA page_count") - number("PRAGMA freelist_count");
        let each = |pages: u64| format!("{:.1}", float(pages * page) / float(all));
        let megabytes = format!("{:.1} MB", float(used * page) / 1e6);
        row(&views.to_string(), &[each(used), each(used.saturating_sub(without)), megabytes]);
    }
}
