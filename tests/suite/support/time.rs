//! A clock that stands still until the test moves it, for a server that believes it.

use std::{fs, path::PathBuf};

/// The clock. It goes with its folder.
pub(crate) struct Clock {
    folder: tempfile::TempDir,
}

impl Clock {
    /// A clock that shows `moment`: `2026-10-26 03:50:00`, UTC.
    pub(crate) fn at(moment: &str) -> Self {
        let clock = Self { folder: tempfile::tempdir().unwrap() };
        clock.set(moment);
        clock
    }

    /// Moves it, from one moment to the next without any in between.
    pub(crate) fn set(&self, moment: &str) {
        let new = self.folder.path().join("new");
        fs::write(&new, moment).unwrap();
        fs::rename(new, self.face()).unwrap();
    }

    fn face(&self) -> PathBuf {
        self.folder.path().join("now")
    }

    /// What makes a process believe it. Only the time of day is moved: what waits, waits as ever.
    pub(super) fn environment(&self) -> Vec<(String, String)> {
        let pairs = [
            ("LD_PRELOAD", library().display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.face().display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("NO_FAKE_STAT", "1".to_owned()),
            ("TZ", "UTC".to_owned()),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value)).into()
    }
}

/// The library of the package faketime: it lies in a folder that is named after the machine.
fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
    let mut found = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1"));
    found.find(|path| path.exists()).unwrap_or_else(|| panic!("faketime is not installed"))
}
