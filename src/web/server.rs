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
    desk::Desk,
    listener::{Listeners, Stream},
    routes::Routes,
    wire::{
        crowd::{Crowd, Full, Place},
        descriptors,
        exchange::Exchange,
        gate::Gate,
        network::Networks,
    },
};
use crate::{app::App, metrics::Metrics};

/// How much hyper reads of a connection at once; no head is larger, see `wire`.
const BUFFER_BYTES_MAX: usize = 32 * 1024;

/// How long open requests may take once the server is to end.
const DRAIN_TIME: Duration = Duration::from_secs(8);

/// How long the listener rests at most when the system has no more sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How often the log says so at most.
const ACCEPT_SAID_EVERY: Duration = Duration::from_secs(60);

/// Serves `app` on `listeners` until `stop` is done, then finishes what is open.
///
/// # Errors
/// When the routes contradict each other.
pub async fn serve(
    app: App,
    listeners: Listeners,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let routes = Routes::new().map_err(io::Error::other)?;
    let desk = Arc::new(Desk::new(app.clone(), routes));
    let most = descriptors::room(app.registry.get().server.limits.connections);
    let (crowd, networks) = (Arc::default(), Networks::default());
    let mut door = Door { desk, crowd, networks, most, said: None };
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = door.accept(&listeners) => accepted,
            () = &mut stop => break,
        };
        let Some((stream, peer, place)) = accepted else { continue };
        let desk = Arc::clone(&door.desk);
        tokio::spawn(connection(desk, stream, peer, place, graceful.watcher()));
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

impl Door {
    async fn accept(&mut self, listeners: &Listeners) -> Option<(Stream, SocketAddr, Place)> {
        match listeners.accept().await {
            Ok((stream, peer)) => {
                let place = self.place(peer).await?;
                Some((stream, peer, place))
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
async fn connection(
    desk: Arc<Desk>,
    stream: Stream,
    peer: SocketAddr,
    place: Place,
    watcher: Watcher,
) {
    desk.app.metrics.connections.add(1);
    let _open = Open::new(&desk.app.metrics);
    let exchange = Arc::<Exchange>::default();
    let mut gate = Gate::new(stream, place, Arc::clone(&exchange));
    let ending = desk.app.ending.clone();
    let first = tokio::select! {
        first = gate.first() => first,
        // Whoever has asked for nothing waits for nothing.
        () = ending.wait() => return,
    };
    if !matches!(first, Ok(true)) {
        return;
    }
    // What hyper and an answer take is on the heap, and there only while they need it: most of the
    // connections of an attacker never come so far.
    Box::pin(requests(desk, gate, exchange, peer, watcher)).await;
}

/// The requests of a connection, of which the first has come.
async fn requests(
    desk: Arc<Desk>,
    gate: Gate<Stream>,
    exchange: Arc<Exchange>,
    peer: SocketAddr,
    watcher: Watcher,
) {
    let service = service_fn(move |request| {
        let answer = Box::pin(Arc::clone(&desk).answer(Arc::clone(&exchange), peer, request));
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let connection = http1::Builder::new()
        .max_buf_size(BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(gate), service);
    if let Err(error) = watcher.watch(connection).await {
        debug!(%error, "a connection ended early");
    }
}
