//! Where connections come from: an address, a Unix socket, or sockets that systemd has opened and keeps
//! open while one process follows another.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    pin::Pin,
    task::{Context, Poll, ready},
};

use listenfd::ListenFd;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream},
};
use tracing::debug;

use crate::{
    config::registry::{Listen, Server},
    tls,
};

/// How many connections the system keeps for us until we take them.
const BACKLOG: u32 = 4096;

/// Who may connect to a Unix socket: its owner and its group, that of a proxy say.
const SOCKET_MODE: u32 = 0o660;

/// Who is at the other end of a Unix socket: a program on this machine.
const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// By this name a socket that is handed over is the one without TLS (`FileDescriptorName=`).
const REDIRECT_NAME: &str = "redirect";

/// All that is listened on.
#[derive(Debug)]
pub struct Listeners(Vec<(Listener, Port)>);

/// What a port is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Port {
    /// Everything.
    Main,
    /// To send those to the other who come without TLS.
    Redirect,
}

#[derive(Debug)]
enum Listener {
    Tcp(TcpListener),
    Unix { listener: UnixListener, _file: Option<SocketFile> },
}

/// The file of a Unix socket that this process has made, and takes away again.
#[derive(Debug)]
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _gone_already = fs::remove_file(&self.0);
    }
}

impl Listeners {
    /// The sockets that systemd hands over, or else those that `server` names. To be called within a
    /// runtime.
    ///
    /// # Errors
    /// When there is no such address, it is taken, or a socket that was handed over is of another kind; with
    /// the address, if it is one of ours.
    pub fn open(server: &Server) -> Result<Self, (Option<Listen>, io::Error)> {
        let mut all = handed_over().map_err(|error| (None, error))?;
        let has = |port| all.iter().any(|(_, found)| *found == port);
        let (has_main, has_redirect) = (has(Port::Main), has(Port::Redirect));
        if has_redirect && server.tls.is_none() {
            let sentence =
                "a socket called \"redirect\" was handed over, but there is no [server.tls]";
            return Err((None, io::Error::other(sentence)));
        }
        if !has_main {
            let opened = match &server.listen {
                Listen::Address(address) => bind(*address).map(Listener::Tcp),
                Listen::Path(path) => bind_path(path),
            };
            let opened = opened.map_err(|error| (Some(server.listen.clone()), error))?;
            all.push((opened, Port::Main));
        }
        let redirect = server.tls.as_ref().and_then(|tls| tls.redirect);
        if let Some(address) = redirect.filter(|_| !has_redirect) {
            let opened = bind(address).map(Listener::Tcp);
            let opened = opened.map_err(|error| (Some(Listen::Address(address)), error))?;
            all.push((opened, Port::Redirect));
        }
        Ok(Self(all))
    }

    /// The address under which this machine reaches the first port, or `None`.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address_of(Port::Main)
    }

    /// The same of the port that sends to the other.
    pub fn redirect_address(&self) -> Option<SocketAddr> {
        self.address_of(Port::Redirect)
    }

    fn address_of(&self, port: Port) -> Option<SocketAddr> {
        self.0.iter().find_map(|listener| match listener {
            (Listener::Tcp(listener), found) if *found == port => listener.local_addr().ok(),
            _ => None,
        })
    }

    /// The next connection, who has made it, and where.
    pub(super) async fn accept(&self) -> io::Result<(Stream, SocketAddr, Port)> {
        std::future::poll_fn(|context| {
            for (listener, port) in &self.0 {
                if let Poll::Ready(accepted) = listener.poll_accept(context) {
                    return Poll::Ready(accepted.map(|(stream, peer)| (stream, peer, *port)));
                }
            }
            Poll::Pending
        })
        .await
    }
}

impl Listener {
    fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<(Stream, SocketAddr)>> {
        Poll::Ready(Ok(match self {
            Self::Tcp(listener) => {
                let (stream, peer) = ready!(listener.poll_accept(context))?;
                if let Err(error) = stream.set_nodelay(true) {
                    debug!(%error, "answers on a connection may be held back for a moment");
                }
                (Stream::Tcp(stream), peer)
            }
            Self::Unix { listener, .. } => {
                let (stream, _) = ready!(listener.poll_accept(context))?;
                (Stream::Unix(stream), LOCAL)
            }
        }))
    }
}

/// The sockets that were handed over, with what they are for.
fn handed_over() -> io::Result<Vec<(Listener, Port)>> {
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    let mut all = ListenFd::from_env();
    let port = |name: Option<&str>| match name {
        Some(REDIRECT_NAME) => Port::Redirect,
        _ => Port::Main,
    };
    (0..all.len()).map(|at| Ok((inherited(&mut all, at)?, port(names.next())))).collect()
}

/// The socket number `at` of those that were handed over.
fn inherited(handed_over: &mut ListenFd, at: usize) -> io::Result<Listener> {
    match handed_over.take_tcp_listener(at) {
        Ok(Some(listener)) => {
            listener.set_nonblocking(true)?;
            return TcpListener::from_std(listener).map(Listener::Tcp);
        }
        Ok(None) => return Err(io::Error::other("a socket was handed over and is not there")),
        // It is of another kind.
        Err(_) => {}
    }
    match handed_over.take_unix_listener(at)? {
        Some(listener) => {
            listener.set_nonblocking(true)?;
            // Its file is not ours.
            UnixListener::from_std(listener)
                .map(|listener| Listener::Unix { listener, _file: None })
        }
        None => Err(io::Error::other("a socket was handed over and is not there")),
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // What is left of connections of an earlier process does not hold the port.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn bind_path(path: &Path) -> io::Result<Listener> {
    if fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        // Left from a process that did not end by itself.
        fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(SOCKET_MODE))?;
    Ok(Listener::Unix { listener, _file: Some(SocketFile(path.to_owned())) })
}

/// A connection, of whatever kind.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    /// With what TLS keeps of a connection, which is much.
    Tls(Box<tls::Session<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Unix(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
