//! `serve`: the appliance, from its first to its last line.

use std::{
    cell::Cell,
    future::Future,
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{Signal, SignalKind, signal},
};
use tracing::{info, warn};

use super::{DEFAULT_CONFIG, Failure, Place, log, notify, say};
use crate::{
    app::{self, App},
    auth::{self, accounts::Accounts},
    clock,
    config::{
        self,
        registry::{Access, Registry, Server},
    },
    control::Socket,
    jobs, store,
    web::{self, listener::Listeners, server},
    writer::Affects,
};

/// How many threads serve; more would only cost memory, one writes anyway.
const THREADS_MAX: usize = 4;

/// How many threads may read pages at once. They end after a while without work.
const READING_THREADS_MAX: usize = 6;

/// How long a reload waits for the writer. Who may look must not depend on a disk.
const RELOAD_PATIENCE: Duration = Duration::from_secs(5);

/// How long what is still being read may take at the end.
const LAST_WORK_TIME: Duration = Duration::from_secs(2);

pub(super) fn run(place: &Place) -> Result<(), Failure> {
    let registry = place.registry()?;
    log::begin(registry.server.log);
    tell_of(&registry);
    // A file that was there is not one that may be missing later.
    let known = Cell::new(place.config().is_some());
    serve(registry, "", |app| reload(app, place, &known), async |_| std::future::pending().await)
}

/// Serves `registry` until a signal ends it. `note` is told at the start, `on_hangup` is asked at each SIGHUP what
/// to put into force, `beside` goes on meanwhile.
pub(super) fn serve(
    registry: Registry,
    note: &str,
    on_hangup: impl Fn(&App) -> Option<Registry>,
    beside: impl AsyncFnOnce(&App),
) -> Result<(), Failure> {
    let room = server::room(&registry.server);
    let runtime = runtime().map_err(|error| Failure::Other(format!("can't begin: {error}")))?;
    let (stop, hangups) = runtime
        .block_on(async { Ok((stop_signal()?, signal(SignalKind::hangup())?)) })
        .map_err(|error: io::Error| Failure::Other(format!("can't listen to signals: {error}")))?;
    // Where a file may not grow any more, a write fails and is told, instead of ending the process.
    let _caught = runtime
        .block_on(async { signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw())) })
        .map_err(|error| Failure::Other(format!("can't listen to signals: {error}")))?;
    // Bound before the file is opened: whoever connects meanwhile waits instead of being refused.
    let listeners = runtime.block_on(async { listen(&registry.server) })?;
    let (app, running) = app::start(registry)?;
    say(&greeting(&app, &listeners, running.created, note)?)?;
    notify::tell("READY=1");
    let served = runtime.block_on(async {
        let jobs = tokio::spawn(jobs::run(app.clone()));
        let socket = Socket::beside(&app.database).inspect_err(|error| {
            warn!(%error, "commands can't reach this server; they work while it is stopped");
        });
        let commands = async {
            match &socket {
                Ok(socket) => socket.serve(&app).await,
                Err(_) => std::future::pending().await,
            }
        };
        let hanging_up = hangups_to(&app, hangups, on_hangup);
        let served = tokio::select! {
            served = server::serve(app.clone(), listeners, room, stop) => served,
            () = hanging_up => Ok(()),
            () = commands => Ok(()),
            () = beside(&app) => Ok(()),
            () = notify::feed_watchdog(&app) => Ok(()),
        };
        jobs.abort();
        jobs::close(&app).await;
        served
    });
    // Readers go before the writer, so that the last connection leaves the `.db` file alone.
    drop(app);
    runtime.shutdown_timeout(LAST_WORK_TIME);
    match running.close() {
        Err(error @ store::Error::NotCounted(_)) => warn!("{error}"),
        closed => {
            closed?;
            info!("everything that was answered is counted");
        }
    }
    served.map_err(|error| Failure::Other(format!("can't serve: {error}")))
}

fn runtime() -> io::Result<Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Builder::new_multi_thread()
        .worker_threads(cores.min(THREADS_MAX))
        .max_blocking_threads(READING_THREADS_MAX)
        .thread_name("serve")
        .enable_all()
        .build()
}

fn listen(server: &Server) -> Result<Listeners, Failure> {
    Listeners::open(server).map_err(|(listen, error)| {
        let Some(listen) = listen else { return Failure::Other(format!("can't listen: {error}")) };
        let way_out = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "; stop the program that has it, or choose another with --listen"
            }
            io::ErrorKind::PermissionDenied => {
                "; ports below 1024 are for root: let systemd open it, or choose another"
            }
            _ => "",
        };
        Failure::Other(format!("can't listen on {}: {error}{way_out}", listen))
    })
}

/// Done at the first SIGTERM or SIGINT.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
        notify::tell("STOPPING=1");
        info!("stopping: what is open is finished first");
    })
}

/// Puts into force what `on_hangup` gives for each signal, for ever.
async fn hangups_to(app: &App, mut hangups: Signal, on_hangup: impl Fn(&App) -> Option<Registry>) {
    loop {
        if hangups.recv().await.is_none() {
            return std::future::pending().await;
        }
        // It reads files, on whatever disk they lie.
        if let Some(registry) = tokio::task::block_in_place(|| on_hangup(app)) {
            put_into_force(app, registry).await;
        }
    }
}

/// The file as it is now, to be put into force; `None` for one that can't be meant, which changes nothing.
fn reload(app: &App, place: &Place, has_had_file: &Cell<bool>) -> Option<Registry> {
    let config = place.config().map_or_else(|| DEFAULT_CONFIG.into(), Path::to_owned);
    let config = (has_had_file.get() || config.exists()).then_some(config);
    let place = Place { config, ..place.clone() };
    let mut registry = match place.registry() {
        Ok(registry) => registry,
        Err(error) => {
            warn!("the old configuration stays in force: {error}");
            return None;
        }
    };
    let old = app.registry.get();
    if registry.server.keep_until_restart(&old.server) {
        warn!("another address or database takes a restart; the rest is in force");
    }
    reload_certificate(app, &old.server, &mut registry.server);
    if let Err(error) = app.ingest.locations.reload(registry.server.country_database.as_deref()) {
        warn!("the old country database stays in force: {error}");
    }
    has_had_file.set(place.config.is_some());
    tell_of(&registry);
    Some(registry)
}

/// What was answered before is counted by the rules by which it was taken, so the writer makes the change.
async fn put_into_force(app: &App, registry: Registry) {
    let registry = Arc::new(registry);
    let (current, new) = (Arc::clone(&app.registry), Arc::clone(&registry));
    let is_given_up = Arc::new(AtomicBool::new(false));
    let is_late = Arc::clone(&is_given_up);
    let replaced = app.writer.change(Affects::Names, move |_| {
        // By then another one may be in force.
        if !is_late.load(Relaxed) {
            current.replace(new);
        }
        Ok::<_, store::Error>(())
    });
    let why = match tokio::time::timeout(RELOAD_PATIENCE, replaced).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some("the writer is busy".to_owned()),
    };
    if let Some(why) = why {
        warn!("what waits is counted by the new configuration: {why}");
        is_given_up.store(true, Relaxed);
        app.registry.replace(Arc::clone(&registry));
    }
    info!(sites = registry.sites.len(), events = registry.events.len(), "reloaded");
}

/// Says what of a registry works otherwise than somebody might think.
fn tell_of(registry: &Registry) {
    for note in config::left_out(registry).unwrap_or_default() {
        info!("{note}");
    }
    if let Some(why) = web::shadowed(registry) {
        warn!("{why}");
    }
}

/// Shows the certificate of `new` from now on, or what is left of it in force without a restart.
fn reload_certificate(app: &App, old: &Server, new: &mut Server) {
    let port = |server: &Server| server.tls.as_ref().map(|tls| tls.redirect);
    if port(old) != port(new) {
        warn!("TLS begins, ends or has another port only after a restart; the rest is in force");
        new.tls.clone_from(&old.tls);
    }
    let Some(keyring) = &app.tls else { return };
    if let Err(error) = keyring.reload(new, clock::now()) {
        warn!("the old certificate stays in force: {error}");
        new.tls.clone_from(&old.tls);
    }
}

/// What somebody needs to know who has just started it.
fn greeting(
    app: &App,
    listeners: &Listeners,
    created: bool,
    note: &str,
) -> Result<String, Failure> {
    let registry = app.registry.get();
    let server = &registry.server;
    let address = listeners.address().map(reachable);
    let url =
        address.map_or_else(|| server.url(), |address| format!("{}://{address}", scheme(server)));
    let base = server.named_url().unwrap_or_else(|| url.clone());
    let database =
        std::path::absolute(&app.database).unwrap_or_else(|_| app.database.to_path_buf());
    let state = if created { " (new)" } else { "" };
    let access = access(&app.accounts, server, &base)?;
    let Some(site) = registry.sites.first() else {
        return Err(Failure::Other("there is no site".to_owned()));
    };
    if let Some(address) = listeners.redirect_address().map(reachable) {
        info!("http://{address}/ sends browsers to {base}");
    }
    Ok(format!(
        "Trim Beacons {version} serves {url}/\n{note}\n{access}\
         Paste this into the <head> of your pages:\n    {snippet}\n\
         Or send a first beacon by hand:\n    {curl}\n\
         Everything is kept in one file:\n    {database}{state}\n\
         Ctrl-C stops it.",
        version = env!("CARGO_PKG_VERSION"),
        snippet = web::snippet(&base, site.script.as_deref()),
        curl = web::curl(&base, site),
        database = database.display(),
    ))
}

/// Who may look: the link by which the first account is made, or that anybody may.
fn access(accounts: &Accounts, server: &Server, base: &str) -> Result<String, Failure> {
    if server.access == Access::Open {
        if !server.listen.is_local() {
            warn!(
                "whoever reaches {} sees every page: set access = \"sign-in\" in beacons.toml, unless a \
                 proxy asks who it is",
                server.listen
            );
        }
        return Ok(String::new());
    }
    let token = accounts.new_setup_token().map_err(Failure::Other)?;
    Ok(token.map_or_else(String::new, |token| {
        let link = auth::setup_link(base, &token);
        format!("Open this link to choose a name and a password; nobody else can:\n    {link}\n")
    }))
}

/// How an address on this machine begins: a proxy's TLS is not ours.
const fn scheme(server: &Server) -> &'static str {
    if server.tls.is_some() { "https" } else { "http" }
}

/// The address by which this machine reaches it, if it listens on all.
fn reachable(address: std::net::SocketAddr) -> std::net::SocketAddr {
    let mut address = address;
    if address.ip().is_unspecified() {
        let loopback: std::net::IpAddr = match address {
            std::net::SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            std::net::SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        };
        address.set_ip(loopback);
    }
    address
}
