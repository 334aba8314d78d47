//! Power cuts: of what the server did to its disk is kept what was synced, and anything of the rest. From
//! every such disk it begins again, with each answered beacon counted once.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};
use trim_beacons::{
    app, clock,
    config::{self, registry::Registry},
    store::{self, connection::read_one},
    verify,
};

use super::{
    disk::{self, Deed, Record, note_connection, recorded, records},
    image::{Disk, Kept},
    times,
};
use crate::{
    server::{
        backup::command,
        upgrades::{self, SAMPLES, assert_counted, version, write_sample},
    },
    support::{Server, http::Client, wait_until},
};

const CONFIG: &str = r#"
[event.sent]
identifier = "key"
granularities = ["hour", "day"]
dimensions = ["source", "browser"]
limits = { identifiers_per_day = 1_000_000 }
dedupe = "0s"
raw = "7d"
"#;

/// How long a text each beacon carries, so that the log soon is long enough to be brought into the file.
const TEXT_BYTES: usize = 1_800;

/// How many clients send at once.
const CLIENTS: u64 = 3;

/// One disk in so many is of a cut before the first answer.
const CREATION_PARTS: usize = 6;

/// How a server is asked for what it has done while it is recorded.
struct Recorded {
    server: Server,
    log: PathBuf,
    /// How many connections there were.
    connections: u64,
    _folder: tempfile::TempDir,
}

/// Sends `most` beacons over a connection of its own, each when the one before is answered, or fewer if the
/// server ends.
fn send(port: u16, log: &Path, connection: u64, most: u64) {
    let mut client = Client::connect(port).unwrap();
    note_connection(log, client.port(), connection);
    let text = "x".repeat(TEXT_BYTES);
    for number in 0..most {
        let body = format!(
            r#"{{"event_type":"sent","identifier":"{connection}-{number}","meta":{{"x":"{text}"}}}}"#
        );
        match client.send("POST", "/beacon", &[], body.as_bytes()) {
            Ok(answer) => assert_eq!(answer.status, 204, "{}", answer.text()),
            Err(_) => return,
        }
    }
}

impl Recorded {
    fn start() -> Self {
        let folder = disk::folder();
        let log = folder.path().join("log");
        let server = Server::start_with(recorded(&log), CONFIG);
        Self { server, log, connections: 0, _folder: folder }
    }

    /// Sends from several clients, while `meanwhile` goes on.
    fn load(&mut self, each: u64, meanwhile: impl FnOnce(&mut Server)) {
        let first = self.connections;
        self.connections += CLIENTS;
        let (port, log) = (self.server.port, &self.log);
        thread::scope(|scope| {
            for client in 0..CLIENTS {
                scope.spawn(move || send(port, log, first + client, each));
            }
            meanwhile(&mut self.server);
        });
    }
}

/// What a server did to its disk from its first start on: under load, at a clean stop, and over a kill.
fn a_life() -> Recorded {
    let mut recorded = Recorded::start();
    recorded.load(40, |_| {});
    recorded.server.json("/api/v1/reports/overview");
    recorded.load(40, |_| {});
    assert!(recorded.server.terminate().success());
    recorded.server.restart();
    recorded.load(u64::MAX, |server| {
        // The moment is the point: there is nothing to wait for.
        thread::sleep(Duration::from_millis(60));
        server.kill();
    });
    recorded.server.restart();
    // So much that the log is brought into the file meanwhile.
    wait_until("a checkpoint", || {
        recorded.load(20, |_| {});
        recorded.server.health("/checkpoints") > 0
    });
    recorded.load(30, |_| {});
    recorded.server.kill();
    recorded
}

/// What came of a server that begins on a disk after a power cut.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    /// Why it does not begin, or what its own check finds.
    unsound: Vec<String>,
    /// Answered beacons that are not counted.
    lost: u64,
    /// Beacons that count more than once, or that nobody can have sent.
    wrong: u64,
}

fn registry(text: &str, database: PathBuf) -> Registry {
    let mut registry = config::parse(text, "test").unwrap();
    registry.server.database = database;
    registry
}

/// Begins on the file as the server does, counts what waits, and ends.
fn begin_and_end(registry: &Registry) -> Result<(), String> {
    let (app, running) = app::start(registry.clone()).map_err(|error| error.to_string())?;
    drop(app);
    running.close().map_err(|error| error.to_string())
}

fn outcome(registry: &Registry, answered: &BTreeMap<u64, u64>) -> Outcome {
    let mut outcome = Outcome::default();
    if let Err(error) = begin_and_end(registry) {
        outcome.unsound.push(error);
        return outcome;
    }
    let path = &registry.server.database;
    let check =
        |file: &store::Transaction<'_>| verify::verify(file, registry, clock::now(), &mut |_| {});
    match read_one(path, check) {
        Ok(report) => outcome.unsound.extend(report.findings),
        Err(error) => outcome.unsound.push(error.to_string()),
    }
    let file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let sql = "SELECT t.value, sum(a.count) FROM beacon_aggregate AS a JOIN text AS t
        ON t.id = a.identifier WHERE a.granularity = 4 GROUP BY 1";
    let mut statement = file.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let mut counted: BTreeMap<(u64, u64), i64> = BTreeMap::new();
    for row in rows {
        let (name, count): (String, i64) = row.unwrap();
        let (connection, number) = name.split_once('-').unwrap();
        counted.insert((connection.parse().unwrap(), number.parse().unwrap()), count);
    }
    for (connection, answered) in answered {
        let is_there = |number: &u64| counted.contains_key(&(*connection, *number));
        outcome.lost += (0..*answered).filter(|number| !is_there(number)).count() as u64;
    }
    for ((connection, number), count) in counted {
        // The one after the last that was answered may have been on its way.
        let may_be = answered.get(&connection).is_some_and(|answered| number <= *answered);
        outcome.wrong += u64::from(!may_be || count != 1);
    }
    outcome
}

/// How often each connection was answered so far.
#[derive(Default)]
struct Answers {
    /// The connection that goes from each port.
    ports: BTreeMap<u64, u64>,
    answered: BTreeMap<u64, u64>,
}

impl Answers {
    fn apply(&mut self, record: &Record<'_>) {
        match record.deed {
            Deed::Connect { port, number } => {
                self.ports.insert(port, number);
                self.answered.insert(number, 0);
            }
            Deed::Answer { port, status: b"204" } => {
                if let Some(connection) = self.ports.get(&port) {
                    *self.answered.get_mut(connection).unwrap() += 1;
                }
            }
            _ => {}
        }
    }
}

/// Whether SQLite would have made this sync with `synchronous=NORMAL`: of its log only before it is brought
/// into the file.
fn is_made_by_normal(disk: &Disk<'_>, records: &[Record<'_>], at: usize) -> bool {
    if !disk.is_called(records[at].inode, "-wal") {
        return true;
    }
    let next = records[at + 1..].iter().find(|next| matches!(next.deed, Deed::Write { .. }));
    next.is_some_and(|next| disk.is_called(next.inode, ".db"))
}

/// Cuts the power at each of `cuts` (how many records were before), and says what came of it.
fn cut(records: &[Record<'_>], cuts: &[usize], is_normal: bool) -> Vec<(usize, Kept, Outcome)> {
    let mut random = fastrand::Rng::with_seed(20_261_124);
    let (mut disk, mut answers, mut done) = (Disk::default(), Answers::default(), 0);
    let mut outcomes = Vec::new();
    for (image, &at) in cuts.iter().enumerate() {
        while done < at {
            let record = &records[done];
            let is_sync = matches!(record.deed, Deed::Sync);
            if !(is_normal && is_sync) || is_made_by_normal(&disk, records, done) {
                disk.apply(record);
            }
            answers.apply(record);
            done += 1;
        }
        let kept = Kept::ALL[image % Kept::ALL.len()];
        let folder = disk::folder();
        disk.write(folder.path(), kept, &mut random);
        let registry = registry(CONFIG, folder.path().join("trim-beacons.db"));
        outcomes.push((at, kept, outcome(&registry, &answers.answered)));
    }
    outcomes
}

/// Moments to cut the power at, in their order, a part of them before the first answer.
fn moments(records: &[Record<'_>], many: usize) -> Vec<usize> {
    let is_answer = |record: &Record<'_>| matches!(record.deed, Deed::Answer { .. });
    let first = records.iter().position(is_answer).unwrap();
    let mut random = fastrand::Rng::with_seed(many as u64);
    let mut cuts: Vec<usize> = (0..many)
        .map(|cut| match cut % CREATION_PARTS {
            0 => random.usize(..first),
            _ => random.usize(first..=records.len()),
        })
        .collect();
    cuts.sort_unstable();
    cuts
}

/// The whole of what was written down makes the files that are really there.
fn assert_whole(recorded: &Recorded, records: &[Record<'_>]) {
    let mut disk = Disk::default();
    records.iter().for_each(|record| disk.apply(record));
    let folder = disk::folder();
    disk.write(folder.path(), Kept::Everything, &mut fastrand::Rng::new());
    for suffix in ["", "-wal", "-salt"] {
        let name = format!("trim-beacons.db{suffix}");
        let (there, made) = (
            fs::read(recorded.server.folder.path().join(&name)),
            fs::read(folder.path().join(&name)),
        );
        assert!(there.unwrap() == made.unwrap(), "{name} is not what was written down");
    }
}

#[test]
fn a_power_cut_loses_nothing_that_was_answered() {
    let recorded = a_life();
    let log = fs::read(&recorded.log).unwrap();
    let records = records(&log);
    assert_whole(&recorded, &records);
    let cuts = moments(&records, times(500, 5_000));
    let outcomes = cut(&records, &cuts, false);
    let bad: Vec<_> =
        outcomes.iter().filter(|(_, _, outcome)| *outcome != Outcome::default()).collect();
    let kinds =
        |of: fn(&Deed<'_>) -> bool| records.iter().filter(|record| of(&record.deed)).count();
    println!(
        "{} disks after a power cut at moments of {} writes, {} syncs and {} answers: {} bad",
        outcomes.len(),
        kinds(|deed| matches!(deed, Deed::Write { .. })),
        kinds(|deed| matches!(deed, Deed::Sync)),
        kinds(|deed| matches!(deed, Deed::Answer { .. })),
        bad.len()
    );
    assert!(bad.is_empty(), "{:#?}", &bad[..bad.len().min(10)]);
    // The same with fewer syncs shows what this would see.
    let control = cut(&records, &moments(&records, 100), true);
    let lost: u64 = control.iter().map(|(_, _, outcome)| outcome.lost).sum();
    let with_loss = control.iter().filter(|(_, _, outcome)| outcome.lost > 0).count();
    println!(
        "with synchronous=NORMAL {with_loss} of {} disks had lost {lost} answered",
        control.len()
    );
    assert!(with_loss > 0 && lost > 0);
}

#[test]
fn a_power_cut_during_an_upgrade_loses_nothing() {
    let mut server = Server::start(upgrades::CONFIG);
    let latest = version(&server.database());
    assert!(server.terminate().success());
    for (old, sample) in SAMPLES {
        for file in fs::read_dir(server.folder.path()).unwrap() {
            let path = file.unwrap().path();
            if path.file_name().is_some_and(|name| name != "beacons.toml") {
                fs::remove_file(path).unwrap();
            }
        }
        write_sample(sample, &server.database());
        let before = (
            "trim-beacons.db".to_owned(),
            fs::metadata(server.database()).unwrap().ino(),
            fs::read(server.database()).unwrap(),
        );
        let logs = disk::folder();
        let log = logs.path().join("log");
        let done = command(&server, &["prune"]).envs(recorded(&log)).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let log = fs::read(log).unwrap();
        let records = records(&log);
        let (mut disk, mut done) = (Disk::holding(vec![before]), 0);
        let mut random = fastrand::Rng::with_seed(old.cast_unsigned());
        let images = times(100, 1_000);
        let mut cuts: Vec<usize> = (0..images).map(|_| random.usize(..=records.len())).collect();
        cuts.sort_unstable();
        for (image, at) in cuts.into_iter().enumerate() {
            records[done..at].iter().for_each(|record| disk.apply(record));
            done = at;
            let folder = disk::folder();
            disk.write(folder.path(), Kept::ALL[image % Kept::ALL.len()], &mut random);
            let database = folder.path().join("trim-beacons.db");
            begin_and_end(&registry(upgrades::CONFIG, database.clone())).unwrap();
            assert_eq!(version(&database), latest);
            assert_counted(&database);
            let copy = folder.path().join(format!("trim-beacons.db.schema-{old}"));
            assert_eq!(version(&copy), old);
            assert_counted(&copy);
        }
        println!("{images} disks after a power cut in an upgrade from schema {old}");
    }
}
