//! A disk that loses power: what was synced is there, of the rest anything may be.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

use super::disk::{Deed, Record};

/// What a disk writes as a whole, in bytes.
const SECTOR: usize = 512;

/// What is there of what was written and not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    Nothing,
    Everything,
    /// What was done first.
    Prefix,
    /// Some, in any order.
    Some,
    /// Some sectors of some.
    Torn,
}

impl Kept {
    pub(super) const ALL: [Self; 5] =
        [Self::Nothing, Self::Everything, Self::Prefix, Self::Some, Self::Torn];
}

#[derive(Debug, Clone, Copy)]
enum Change<'l> {
    Write { offset: usize, data: &'l [u8] },
    Truncate { length: usize },
}

/// What a file holds: surely, and perhaps.
#[derive(Debug, Default)]
struct Content<'l> {
    synced: Vec<u8>,
    pending: Vec<Change<'l>>,
}

#[derive(Debug, Clone)]
enum Naming<'l> {
    Create(&'l str, usize),
    Rename(&'l str, &'l str),
    Remove(&'l str),
}

type Names = BTreeMap<String, usize>;

/// The folder of a server, as a disk has it.
#[derive(Debug, Default)]
pub(super) struct Disk<'l> {
    contents: Vec<Content<'l>>,
    /// Which content an inode has now; a number comes back once its file has gone.
    inodes: HashMap<u64, usize>,
    names: Names,
    pending_names: Vec<Naming<'l>>,
}

impl<'l> Disk<'l> {
    /// A folder that holds these files (name, inode, content) for long.
    pub(super) fn holding(files: Vec<(String, u64, Vec<u8>)>) -> Self {
        let mut disk = Self::default();
        for (name, inode, synced) in files {
            disk.names.insert(name, disk.contents.len());
            disk.inodes.insert(inode, disk.contents.len());
            disk.contents.push(Content { synced, pending: Vec::new() });
        }
        disk
    }

    pub(super) fn apply(&mut self, record: &Record<'l>) {
        match record.deed {
            Deed::Create { name } => {
                self.pending_names.push(Naming::Create(name, self.contents.len()));
                self.inodes.insert(record.inode, self.contents.len());
                self.contents.push(Content::default());
            }
            Deed::Write { offset, data } => {
                self.content(record.inode).pending.push(Change::Write { offset, data });
            }
            Deed::Truncate { length } => {
                self.content(record.inode).pending.push(Change::Truncate { length });
            }
            Deed::Sync => {
                let content = self.content(record.inode);
                for change in std::mem::take(&mut content.pending) {
                    change.make(&mut content.synced, |_| true);
                }
            }
            Deed::SyncFolder => {
                for naming in std::mem::take(&mut self.pending_names) {
                    naming.make(&mut self.names);
                }
            }
            Deed::Rename { from, to } => self.pending_names.push(Naming::Rename(from, to)),
            Deed::Remove { name } => self.pending_names.push(Naming::Remove(name)),
            Deed::Answer { .. } | Deed::Connect { .. } => {}
        }
    }

    /// Whether the file of this inode has this name at the end of its own.
    pub(super) fn is_called(&self, inode: u64, suffix: &str) -> bool {
        let mut names = self.names.clone();
        self.pending_names.iter().for_each(|naming| naming.make(&mut names));
        let content = self.inodes.get(&inode);
        names.iter().any(|(name, at)| name.ends_with(suffix) && Some(at) == content)
    }

    /// Writes into `folder` what is there after a power cut.
    pub(super) fn write(&self, folder: &Path, kept: Kept, random: &mut fastrand::Rng) {
        let mut names = self.names.clone();
        // A file system keeps the order of what happens to names.
        let namings = match kept {
            Kept::Nothing => 0,
            Kept::Everything => self.pending_names.len(),
            Kept::Prefix | Kept::Some | Kept::Torn => random.usize(..=self.pending_names.len()),
        };
        self.pending_names[..namings].iter().for_each(|naming| naming.make(&mut names));
        for (name, at) in names {
            fs::write(folder.join(name), self.contents[at].after_cut(kept, random)).unwrap();
        }
    }

    fn content(&mut self, inode: u64) -> &mut Content<'l> {
        let at = *self.inodes.get(&inode).unwrap_or_else(|| panic!("nobody has made {inode}"));
        &mut self.contents[at]
    }
}

impl Content<'_> {
    fn after_cut(&self, kept: Kept, random: &mut fastrand::Rng) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        let first = match kept {
            Kept::Nothing => 0,
            Kept::Prefix => random.usize(..=self.pending.len()),
            Kept::Everything | Kept::Some | Kept::Torn => self.pending.len(),
        };
        for change in &self.pending[..first] {
            match kept {
                Kept::Some if random.bool() => {}
                Kept::Torn => change.make(&mut bytes, |_| random.bool()),
                _ => change.make(&mut bytes, |_| true),
            }
        }
        bytes
    }
}

impl Change<'_> {
    /// Makes the change, of a write those sectors of the file that `reaches` says.
    fn make(self, bytes: &mut Vec<u8>, mut reaches: impl FnMut(usize) -> bool) {
        match self {
            Self::Truncate { length } => {
                if reaches(0) {
                    bytes.resize(length, 0);
                }
            }
            Self::Write { offset, data } => {
                let mut done = 0;
                while done < data.len() {
                    let at = offset + done;
                    let length = (SECTOR - at % SECTOR).min(data.len() - done);
                    if reaches(at / SECTOR) {
                        if bytes.len() < at + length {
                            bytes.resize(at + length, 0);
                        }
                        bytes[at..at + length].copy_from_slice(&data[done..done + length]);
                    }
                    done += length;
                }
            }
        }
    }
}

impl Naming<'_> {
    fn make(&self, names: &mut Names) {
        match *self {
            Self::Create(name, at) => {
                names.insert(name.to_owned(), at);
            }
            Self::Rename(from, to) => {
                if let Some(at) = names.remove(from) {
                    names.insert(to.to_owned(), at);
                }
            }
            Self::Remove(name) => {
                names.remove(name);
            }
        }
    }
}

fn after(kept: Kept, records: &[Record<'_>]) -> BTreeMap<String, Vec<u8>> {
    let mut disk = Disk::default();
    records.iter().for_each(|record| disk.apply(record));
    let folder = super::disk::folder();
    disk.write(folder.path(), kept, &mut fastrand::Rng::with_seed(1));
    let files = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap());
    files
        .map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap()))
        .collect()
}

#[test]
fn what_is_synced_stays_and_the_rest_may_go() {
    let of = |deed| Record { inode: 7, deed };
    let records = [
        of(Deed::Create { name: "a" }),
        of(Deed::Write { offset: 0, data: b"old" }),
        of(Deed::Sync),
        of(Deed::SyncFolder),
        of(Deed::Write { offset: 1, data: b"new" }),
        of(Deed::Rename { from: "a", to: "b" }),
    ];
    let file = |name: &str, content: &str| {
        BTreeMap::from([(name.to_owned(), content.as_bytes().to_vec())])
    };
    assert_eq!(after(Kept::Nothing, &records), file("a", "old"));
    assert_eq!(after(Kept::Everything, &records), file("b", "onew"));
    assert_eq!(after(Kept::Nothing, &records[..3]), BTreeMap::new());
}
