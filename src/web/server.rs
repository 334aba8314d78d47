//! The listener: connections, their limits, and their orderly end.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{
    rt::TokioIo,
    server::graceful::{GracefulShutdown, Watcher},
};
use tracing::{debug, warn};

use super::{
    client,
    desk::{Asker, Desk},
    listener::{Listeners, Port, Stream},
    routes::Routes,
    wire::{
        crowd::{Crowd, Full, Place},
        descriptors,
        exchange::Exchange,
        gate::Gate,
        patience,
    },
};
use crate::{
    app::App, config::registry::Server, metrics::Metrics, network::Networks, tls::Keyring,
};

/// How much hyper reads of a connection at once; no head is larger, see `wire`.
const BUFFER_BYTES_MAX: usize = 32 * 1024;

/// How long open requests may take once the server is to end.
const DRAIN_TIME: Duration = Duration::from_secs(8);

/// How long the listener rests at most when the system has no more sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How often the log says so at most.
const ACCEPT_SAID_EVERY: Duration = Duration::from_secs(60);

/// How many connections there is room for, of those that `server` wants. To be asked before there is a
/// second thread, which would make it slow.
#[must_use]
pub fn room(server: &Server) -> usize {
    descriptors::room(server.limits.connections)
}

/// Serves `app` on `listeners`, `most` connections at once, until `stop` is done, then finishes what is open.
///
/// # Errors
/// When the routes contradict each other.
pub async fn serve(
    app: App,
    listeners: Listeners,
    most: usize,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let routes = Routes::new().map_err(io::Error::other)?;
    let desk = Arc::new(Desk::new(app.clone(), routes));
    let (crowd, networks) = (Arc::default(), Networks::default());
    let mut door = Door { desk, crowd, networks, most, said: None };
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = door.accept(&listeners) => accepted,
            () = &mut stop => break,
        };
        let Some(accepted) = accepted else { continue };
        let desk = Arc::clone(&door.desk);
        tokio::spawn(connection(desk, accepted, graceful.watcher()));
    }
    drop(listeners);
    app.ending.begin();
    if tokio::time::timeout(DRAIN_TIME, graceful.shutdown()).await.is_err() {
        warn!("some connections were still busy and were closed");
    }
    Ok(())
}

/// Where connections come in.
struct Door {
    desk: Arc<Desk>,
    crowd: Arc<Crowd>,
    networks: Networks,
    /// How many connections the system has room for.
    most: usize,
    /// When the log last said that the system had no more sockets to give.
    said: Option<Instant>,
}

/// A connection that was let in.
struct Accepted {
    stream: Stream,
    peer: SocketAddr,
    port: Port,
    place: Place,
}

impl Door {
    async fn accept(&mut self, listeners: &Listeners) -> Option<Accepted> {
        match listeners.accept().await {
            Ok((stream, peer, port)) => {
                let place = self.place(peer).await?;
                Some(Accepted { stream, peer, port, place })
            }
            Err(error) => {
                self.could_not(&error).await;
                None
            }
        }
    }

    /// Out of file descriptors, or the client was gone at once: either passes.
    async fn could_not(&mut self, error: &io::Error) {
        if self.said.is_none_or(|said| said.elapsed() >= ACCEPT_SAID_EVERY) {
            self.said = Some(Instant::now());
            warn!(
                %error,
                "a connection could not be accepted, which is said once a minute: if there are too many open \
                 files, LimitNOFILE= or ulimit -n allows more"
            );
        }
        if self.crowd.make_room() {
            let left = self.crowd.someone_left();
            let _not_yet = tokio::time::timeout(ACCEPT_PAUSE, left).await;
        } else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
    }

    /// A place for a connection from `peer`, which may have to wait for it. `None` when its network has
    /// as many as it may.
    async fn place(&self, peer: SocketAddr) -> Option<Place> {
        loop {
            let registry = self.desk.app.registry.get();
            let limits = &registry.server.limits;
            let is_bound = client::is_bound(peer.ip(), &registry.server);
            let network = is_bound.then(|| self.networks.number(peer.ip(), 0));
            let most = limits.connections.min(self.most);
            match self.crowd.enter(most, network, limits.connections_per_network) {
                Ok(place) => return Some(place),
                Err(Full::Network) => {
                    self.desk.app.metrics.connections_refused.add(1);
                    return None;
                }
                // All are at work: none of them takes long.
                Err(Full::Whole) => self.crowd.someone_left().await,
            }
        }
    }
}

/// Counts a connection for as long as it is open.
struct Open(Arc<Metrics>);

impl Open {
    fn new(metrics: &Arc<Metrics>) -> Self {
        metrics.connections_open.increase();
        Self(Arc::clone(metrics))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connections_open.decrease();
    }
}

/// One connection, from its first to its last request.
async fn connection(desk: Arc<Desk>, accepted: Accepted, watcher: Watcher) {
    desk.app.metrics.connections.add(1);
    let _open = Open::new(&desk.app.metrics);
    let Accepted { mut stream, peer, port, mut place } = accepted;
    let mut asker = Asker { peer, strays: port == Port::Redirect };
    let exchange = Arc::<Exchange>::default();
    let ending = desk.app.ending.clone();
    let beginning = async {
        if let (Some(keyring), Port::Main) = (&desk.app.tls, port) {
            (stream, asker.strays) = secured(&desk.app, keyring, stream, &mut place).await?;
        }
        let mut gate = Gate::new(stream, place, Arc::clone(&exchange));
        matches!(gate.first().await, Ok(true)).then_some(gate)
    };
    let begun = tokio::select! {
        begun = beginning => begun,
        // Whoever has asked for nothing waits for nothing.
        () = ending.wait() => return,
    };
    let Some(gate) = begun else { return };
    // What hyper and an answer take is on the heap, and there only while they need it: most of the
    // connections of an attacker never come so far.
    Box::pin(requests(desk, gate, exchange, asker, watcher)).await;
}

/// The first byte of TLS: of a record that begins to agree on keys.
const HANDSHAKE: u8 = 22;

/// `stream` by TLS, or as it is with `true`, if its client speaks something else; `None` if that comes to
/// nothing. Until the client has said something, nothing is kept for it.
async fn secured(
    app: &App,
    keyring: &Keyring,
    stream: Stream,
    place: &mut Place,
) -> Option<(Stream, bool)> {
    // Who comes through a Unix socket is on this machine.
    let Stream::Tcp(tcp) = stream else { return Some((stream, false)) };
    let agreed = patience::handshake(place, async {
        let mut first = [0];
        if tcp.peek(&mut first).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        if first != [HANDSHAKE] {
            return Ok((Stream::Tcp(tcp), true));
        }
        let session = Box::pin(keyring.begin(tcp)).await?;
        Ok((Stream::Tls(Box::new(session)), false))
    });
    match agreed.await {
        Some(Ok(agreed)) => Some(agreed),
        Some(Err(error)) => {
            debug!(%error, "a client did not come to terms by TLS");
            app.metrics.handshakes_failed.add(1);
            None
        }
        None => None,
    }
}

/// The requests of a connection, of which the first has come.
async fn requests(
    desk: Arc<Desk>,
    gate: Gate<Stream>,
    exchange: Arc<Exchange>,
    asker: Asker,
    watcher: Watcher,
) {
    let service = service_fn(move |request| {
        let answer = Box::pin(Arc::clone(&desk).answer(Arc::clone(&exchange), asker, request));
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let connection = http1::Builder::new()
        .max_buf_size(BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(gate), service);
    if let Err(error) = watcher.watch(connection).await {
        debug!(%error, "a connection ended early");
    }
}
