//! What systemd is told (sd_notify(3)): that the server is ready, that it stops, and, where a watchdog
//! is set, that the writer still works.

use std::{
    env, io,
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixDatagram},
    },
    time::Duration,
};

use tracing::warn;

use crate::app::App;

/// Tells `state`, if somebody asked to be told.
pub(super) fn tell(state: &str) {
    let Some(path) = env::var_os("NOTIFY_SOCKET") else { return };
    let address = match path.as_encoded_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&path),
    };
    let sent: io::Result<usize> = address.and_then(|address| {
        let socket = UnixDatagram::unbound()?;
        socket.send_to_addr(state.as_bytes(), &address)
    });
    if let Err(error) = sent {
        warn!(%error, "systemd could not be told that this server is {state}");
    }
}

/// Feeds the watchdog for ever, but only after the writer has shown that it works.
pub(super) async fn feed_watchdog(app: &App) {
    let micros = env::var("WATCHDOG_USEC").ok().and_then(|text| text.parse().ok());
    let Some(time) = micros.filter(|micros| *micros > 0).map(Duration::from_micros) else {
        return std::future::pending().await;
    };
    loop {
        if app.writer.up_to_date().await.is_some() {
            tell("WATCHDOG=1");
        }
        tokio::time::sleep(time / 3).await;
    }
}
