//! What is here in a build without TLS: nobody.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{InForce, Remark};
use crate::config::registry::Server;

/// No keyring.
#[derive(Debug)]
pub enum Keyring {}

impl Keyring {
    /// None: `beacons.toml` can't ask for one in this build.
    ///
    /// # Errors
    /// Never.
    pub const fn open(_: &Server, _: i64) -> Result<Option<Self>, String> {
        Ok(None)
    }

    /// See the room with TLS.
    ///
    /// # Errors
    /// Never.
    pub const fn reload(&self, _: &Server, _: i64) -> Result<(), String> {
        match *self {}
    }

    /// See the room with TLS.
    pub async fn keep(&self, _: &Server, _: i64) {
        match *self {}
    }

    /// See the room with TLS.
    pub const fn in_force(&self) -> InForce {
        match *self {}
    }

    /// See the room with TLS.
    ///
    /// # Errors
    /// Never.
    pub async fn begin<S>(&self, _: S) -> io::Result<Session<S>> {
        match *self {}
    }
}

/// No connection by TLS.
#[derive(Debug)]
pub struct Session<S>(Nobody, std::marker::PhantomData<S>);

#[derive(Debug)]
enum Nobody {}

impl<S: Unpin> AsyncRead for Session<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.0 {}
    }
}

impl<S: Unpin> AsyncWrite for Session<S> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        match self.0 {}
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.0 {}
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.0 {}
    }
}

/// Nothing is to be said.
pub const fn examine(_: &Server, _: Option<&InForce>, _: i64) -> Vec<Remark> {
    Vec::new()
}
