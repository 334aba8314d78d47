//! The library that stands between a server and its disk, and what it has written down.

use std::{
    env,
    fs::{self, File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::OnceLock,
};

/// What was done to a file of the server's folder, or told to a client.
#[derive(Debug)]
pub(super) enum Deed<'l> {
    Create {
        name: &'l str,
    },
    Write {
        offset: usize,
        data: &'l [u8],
    },
    Truncate {
        length: usize,
    },
    Sync,
    SyncFolder,
    Rename {
        from: &'l str,
        to: &'l str,
    },
    Remove {
        name: &'l str,
    },
    /// An answer goes out to the client with this port.
    Answer {
        port: u64,
        status: &'l [u8],
    },
    /// A client says by which number its connection from this port goes.
    Connect {
        port: u64,
        number: u64,
    },
}

/// A deed, and the inode of the file that it was done to.
#[derive(Debug)]
pub(super) struct Record<'l> {
    pub(super) inode: u64,
    pub(super) deed: Deed<'l>,
}

/// What connections are noted as; the library itself uses smaller numbers.
const CONNECT: u8 = 100;

/// How long the head of a record is, in bytes.
const HEAD_BYTES: usize = 22;

/// The library, built once.
pub(super) fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/fault/disk.c");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let built = folder.join("disk.so");
        // Another process may use the one that is there.
        let new = folder.join(format!("disk.{}.so", process::id()));
        let compiler = Command::new("cc")
            .args(["-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o"])
            .args([new.as_os_str(), source.as_ref(), "-ldl".as_ref()])
            .status();
        assert!(compiler.unwrap().success(), "{source} does not compile");
        fs::rename(new, &built).unwrap();
        built
    })
}

/// A folder in memory where there is one, so that syncs of the test itself take no time.
pub(super) fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { env::temp_dir() };
    tempfile::tempdir_in(parent).unwrap()
}

/// What makes a process write down what it does.
pub(super) fn recorded(log: &Path) -> Vec<(String, String)> {
    vec![
        ("LD_PRELOAD".to_owned(), library().display().to_string()),
        ("DISK_LOG".to_owned(), log.display().to_string()),
    ]
}

/// Notes by which number a client's connection goes, before it sends anything.
pub(super) fn note_connection(log: &Path, port: u16, number: u64) {
    let mut record = vec![CONNECT, 0, 0, 0, 0, 0];
    record.extend_from_slice(&number.to_le_bytes());
    record.extend_from_slice(&u64::from(port).to_le_bytes());
    assert_eq!(record.len(), HEAD_BYTES);
    let mut log: File = OpenOptions::new().append(true).open(log).unwrap();
    log.write_all(&record).unwrap();
}

/// The records of a log, in their order. One that a killed process has not finished ends it.
pub(super) fn records(log: &[u8]) -> Vec<Record<'_>> {
    let mut found = Vec::new();
    let mut rest = log;
    while let Some((record, after)) = record(rest) {
        found.push(record);
        rest = after;
    }
    found
}

fn record(log: &[u8]) -> Option<(Record<'_>, &[u8])> {
    let (head, rest) = log.split_at_checked(HEAD_BYTES)?;
    let number = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().unwrap());
    let length = u32::from_le_bytes(head[2..6].try_into().unwrap());
    let (name, rest) = rest.split_at_checked(head[1].into())?;
    let (data, rest) = rest.split_at_checked(usize::try_from(length).unwrap())?;
    let name = std::str::from_utf8(name).unwrap();
    let (inode, offset) = (number(6), number(14));
    let at = usize::try_from(offset).unwrap();
    let deed = match head[0] {
        1 => Deed::Create { name },
        2 => Deed::Write { offset: at, data },
        3 => Deed::Truncate { length: at },
        4 => Deed::Sync,
        5 => Deed::SyncFolder,
        6 => Deed::Rename { from: name, to: std::str::from_utf8(data).unwrap() },
        7 => Deed::Remove { name },
        8 => Deed::Answer { port: offset, status: data },
        CONNECT => Deed::Connect { port: offset, number: inode },
        other => panic!("a record of kind {other}"),
    };
    Some((Record { inode, deed }, rest))
}
