//! What an authority has given, on the disk: the account with it, and the certificate with its key. Files
//! are for their owner alone, and are replaced as a whole or not at all.

use std::{
    fs::{DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use super::certificate::Certificate;
use crate::files;

/// The longest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

const ACCOUNT: &str = "account.json";
const CERTIFICATE: &str = "certificate.pem";

/// The folder of one authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    /// The account, if there is one.
    ///
    /// # Errors
    /// When it can't be read.
    pub(super) fn account(&self) -> io::Result<Option<Vec<u8>>> {
        if_there(read(&self.0.join(ACCOUNT)))
    }

    /// Keeps the account.
    ///
    /// # Errors
    /// When it can't be written.
    pub(super) fn keep_account(&self, account: &[u8]) -> io::Result<()> {
        self.keep(ACCOUNT, account)
    }

    /// The certificate, if there is one.
    ///
    /// # Errors
    /// With a sentence, when it can't be read or is damaged.
    pub(super) fn certificate(&self) -> Result<Option<Certificate>, String> {
        let path = self.0.join(CERTIFICATE);
        let name = path.display().to_string();
        let text = if_there(read(&path)).map_err(|error| format!("can't read {name}: {error}"))?;
        text.map(|text| Certificate::read(&text, &text, [&name, &name])).transpose()
    }

    /// Keeps the certificate and its key, in one file.
    ///
    /// # Errors
    /// When it can't be written.
    pub(super) fn keep_certificate(&self, key: &str, chain: &str) -> io::Result<()> {
        self.keep(CERTIFICATE, format!("{key}{chain}").as_bytes())
    }

    /// All files that are there for their owner alone.
    pub(super) fn files(&self) -> [PathBuf; 2] {
        [ACCOUNT, CERTIFICATE].map(|name| self.0.join(name))
    }

    fn keep(&self, name: &str, content: &[u8]) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        files::replace(&self.0.join(name), content)
    }
}

/// The content of a file, if it is none too long.
///
/// # Errors
/// When it can't be read or is longer than 1 MiB.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    use io::Read as _;
    let mut content = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut content)?;
    if u64::try_from(content.len()).is_ok_and(|bytes| bytes <= FILE_BYTES_MAX) {
        return Ok(content);
    }
    Err(io::Error::other("it is larger than 1 MiB"))
}

fn if_there<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
