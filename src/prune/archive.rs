//! The archive: buckets that leave the file, a month at a time, as compressed CSV.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};

use super::Error;
use crate::{
    csv, files,
    store::{
        self, Transaction,
        aging::{self, ArchivedRow},
        figures::{Bucket, Subject},
    },
};

/// The columns of a file.
const COLUMNS: [&str; 9] = [
    "period_start",
    "identifier",
    "dimension",
    "value",
    "count",
    "visitors",
    "visits",
    "bounces",
    "seconds",
];

/// Where the files of one site, event type, kind of rows and month are: without number and ending.
#[derive(Debug, Clone)]
pub(super) struct Place(PathBuf);

impl Place {
    /// `archive/example.com/page_view/hour-2026-01`.
    pub(super) fn new(archive: &Path, site: &str, event: &str, what: &str, month: &str) -> Self {
        // Names of sites and event types hold no slash; a colon is no good in every file system.
        let folder = archive.join(site.replace(':', "_")).join(event.replace(':', "_"));
        Self(folder.join(format!("{what}-{month}")))
    }

    /// The file with this number; the first has none in its name.
    fn file(&self, number: i64) -> PathBuf {
        let mut name = self.0.clone().into_os_string();
        if number > 1 {
            name.push(format!(".{number}"));
        }
        name.push(".csv.gz");
        name.into()
    }

    /// The first number that no file has.
    pub(super) fn free_number(&self) -> i64 {
        (1..).find(|number| !self.file(*number).exists()).unwrap_or(i64::MAX)
    }

    /// Writes the rows of `buckets`, or their pairs alone, as file `number`, whole or not at all.
    ///
    /// # Errors
    /// When the archive can't be written, or the file not be read.
    pub(super) fn write(
        &self,
        number: i64,
        file: &Transaction<'_>,
        subject: Subject,
        (buckets, only_pairs): (&[Bucket], bool),
    ) -> Result<(), Error> {
        let path = self.file(number);
        let failed = |source| Error::Archive { path: path.clone(), source };
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(failed)?;
        let new = path.with_extension("new");
        let written = File::create(&new).map_err(failed)?;
        let mut packed = GzEncoder::new(BufWriter::new(written), Compression::default());
        packed.write_all(csv::Table::new(&COLUMNS).finish().as_bytes()).map_err(failed)?;
        let mut broken = None;
        for bucket in buckets {
            aging::each_row(file, subject, *bucket, only_pairs, &mut |row| {
                // A disk that is full is told of below; the rest of the rows need not be read.
                if broken.is_none() {
                    broken = packed.write_all(line(&row).as_bytes()).err();
                }
                Ok::<(), store::Error>(())
            })?;
        }
        if let Some(source) = broken {
            return Err(failed(source));
        }
        let finish = || -> io::Result<()> {
            packed.finish()?.flush()?;
            files::put_in_place(&new, &path).map(|_bytes| ())
        };
        finish().map_err(failed)
    }
}

fn line(row: &ArchivedRow) -> String {
    let counters = row.counters.map(|counter| counter.to_string());
    let (dimension, value) = row.split.as_ref().map_or(("", ""), |(name, value)| (name, value));
    let texts = [
        row.period_start.as_str(),
        row.identifier.as_deref().unwrap_or_default(),
        dimension,
        value,
    ];
    csv::line(texts.into_iter().chain(counters.iter().map(String::as_str)))
}
