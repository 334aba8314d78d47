//! The listener: connections, their limits, and their orderly end.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{
    rt::TokioIo,
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
};
use tracing::{debug, warn};

use super::{
    client,
    desk::Desk,
    routes::Routes,
    wire::{
        crowd::{Crowd, Full, Place},
        descriptors,
        exchange::Exchange,
        gate::Gate,
        network::Networks,
    },
};
use crate::app::App;

/// How much hyper reads of a connection at once; no head is larger, see `wire`.
const BUFFER_BYTES_MAX: usize = 32 * 1024;

/// How long open requests may take once the server is to end.
const DRAIN_TIME: Duration = Duration::from_secs(8);

/// How long the listener rests when the system has no more sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves `app` on `listener` until `stop` is done, then finishes what is open.
///
/// # Errors
/// When the routes contradict each other.
pub async fn serve(
    app: App,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let routes = Routes::new().map_err(io::Error::other)?;
    let desk = Arc::new(Desk::new(app.clone(), routes));
    let most = descriptors::room(app.registry.get().server.limits.connections);
    let door = Door { desk, crowd: Arc::default(), networks: Networks::default(), most };
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = door.accept(&listener) => accepted,
            () = &mut stop => break,
        };
        let Some((stream, peer, place)) = accepted else { continue };
        let desk = Arc::clone(&door.desk);
        tokio::spawn(connection(desk, stream, peer, place, graceful.watcher()));
    }
    drop(listener);
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
}

impl Door {
    async fn accept(&self, listener: &TcpListener) -> Option<(TcpStream, SocketAddr, Place)> {
        match listener.accept().await {
            Ok((stream, peer)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    debug!(%error, "answers on a connection may be held back for a moment");
                }
                let place = self.place(peer).await?;
                Some((stream, peer, place))
            }
            Err(error) => {
                // Out of file descriptors, or the client was gone at once: either passes.
                warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                None
            }
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

/// One connection, from its first to its last request.
async fn connection<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    desk: Arc<Desk>,
    stream: S,
    peer: SocketAddr,
    place: Place,
    watcher: Watcher,
) {
    desk.app.metrics.connections.add(1);
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
    let service = service_fn(move |request| {
        let answer = Arc::clone(&desk).answer(Arc::clone(&exchange), peer, request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let connection = http1::Builder::new()
        .max_buf_size(BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(gate), service);
    if let Err(error) = watcher.watch(connection).await {
        debug!(%error, "a connection ended early");
    }
}
