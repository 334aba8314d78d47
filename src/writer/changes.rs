//! Changing a file that others may use meanwhile, and one that nobody uses, in the same words.

use tokio::runtime::Handle;

use super::{Affects, Writer};
use crate::store::{self, Readers, Transaction, connection::Writable};

/// A file: each reading is one snapshot, each change one transaction.
pub trait Changes {
    /// Reads.
    ///
    /// # Errors
    /// When the file can't be read, or `read` fails.
    fn read<T, E>(
        &mut self,
        read: impl FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<store::Error> + Send + 'static;

    /// Changes. It must be short where a server runs: beacons wait for it.
    ///
    /// # Errors
    /// When the file can't be written, or `change` fails; then nothing of it is in the file.
    fn change<T, E>(
        &mut self,
        affects: Affects,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<store::Error> + Send + 'static;
}

/// The file of a server that does not run.
#[derive(Debug)]
pub struct Stopped(pub Writable);

impl Changes for Stopped {
    fn read<T, E>(
        &mut self,
        read: impl FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<store::Error> + Send + 'static,
    {
        read(&self.0.transaction()?)
    }

    fn change<T, E>(
        &mut self,
        _: Affects,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<store::Error> + Send + 'static,
    {
        let transaction = self.0.transaction()?;
        let made = change(&transaction)?;
        transaction.commit().map_err(store::Error::from)?;
        Ok(made)
    }
}

/// The file of this very server, whose writer makes the changes. Not for the threads that serve: it
/// blocks.
#[derive(Debug)]
pub struct Served {
    readers: Readers,
    writer: Writer,
    handle: Handle,
}

impl Served {
    /// The file that `readers` read and `writer` writes, from a thread of the current runtime that may
    /// block.
    pub fn new(readers: Readers, writer: Writer) -> Self {
        Self { readers, writer, handle: Handle::current() }
    }
}

impl Changes for Served {
    fn read<T, E>(
        &mut self,
        read: impl FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<store::Error> + Send + 'static,
    {
        self.readers.snapshot(|file| Ok(read(file)))?
    }

    fn change<T, E>(
        &mut self,
        affects: Affects,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<store::Error> + Send + 'static,
    {
        self.handle.block_on(self.writer.change(affects, change))
    }
}
