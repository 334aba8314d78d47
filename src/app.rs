//! The appliance: everything that a running server shares, put together and taken apart here.

use std::{path::Path, sync::Arc, time::Instant};

use tokio::sync::watch;

use crate::{
    auth::accounts::Accounts,
    clock,
    config::{current::Current, registry::Registry},
    ingest::{
        Ingest,
        agents::Agents,
        location::{Locations, Unreadable},
        salt::Salts,
        undeclared::Undeclared,
    },
    metrics::Metrics,
    observed::Observed,
    recent::RecentBeacons,
    report::past::Past,
    store::{self, Readers, readers::Pause},
    tls::Keyring,
    turns::Turns,
    writer::{self, Running, Writer, changes::Served},
};

/// The release, and the commit that it was built from.
pub const VERSION: &str = env!("TRIM_BEACONS_VERSION");

/// What every handler and job works with.
#[derive(Debug, Clone)]
pub struct App {
    /// The registry in force.
    pub registry: Arc<Current>,
    /// The way to the file, for what is written.
    pub writer: Writer,
    /// The way to the file, for what is read.
    pub readers: Readers,
    /// Whose turn it is to read.
    pub turns: Turns,
    /// What takes beacons.
    pub ingest: Arc<Ingest>,
    /// Who may look.
    pub accounts: Arc<Accounts>,
    /// What TLS is spoken with, if it is.
    pub tls: Option<Arc<Keyring>>,
    /// Counters since the start.
    pub metrics: Arc<Metrics>,
    /// The way that requests come.
    pub observed: Arc<Observed>,
    /// The last beacons.
    pub recent: Arc<RecentBeacons>,
    /// Whether the server is to end, for what would go on for ever.
    pub ending: Ending,
    /// What is remembered of days that are over.
    pub past: Arc<Past>,
    /// When it was started.
    pub started: Instant,
    /// The database file.
    pub database: Arc<Path>,
}

impl App {
    /// The file, for threads that may block and that may have to change it.
    pub fn file(&self) -> Served {
        Served::new(self.readers.clone(), self.writer.clone())
    }

    /// A site that beacons came for though nobody has declared it, as long as nobody has.
    pub fn undeclared_site(&self) -> Option<String> {
        let registry = self.registry.get();
        self.metrics.undeclared_site.get(|name| registry.site_called(name).is_none())
    }

    /// How many bytes the disk of the database has free, if the system tells.
    pub fn disk_free(&self) -> Option<i64> {
        store::upkeep::disk_free(&self.database)
    }
}

/// That the server is to end, once it is said.
#[derive(Debug, Clone)]
pub struct Ending(watch::Sender<bool>);

impl Default for Ending {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Ending {
    /// Says it.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Waits until it is said.
    pub async fn wait(&self) {
        // Whoever waits has the sender, so that it can't be gone.
        let mut heard = self.0.subscribe();
        let _said = heard.wait_for(|ending| *ending).await;
    }
}

/// Why the appliance can't be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database can't be opened, read or written.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The country database can't be read.
    #[error(transparent)]
    Locations(#[from] Unreadable),
    /// TLS can't be spoken.
    #[error("no TLS: {0}")]
    Tls(String),
}

/// Opens the file, counts what an earlier process has answered but not counted, and makes everything
/// ready to serve.
///
/// # Errors
/// When the file can't be opened, read or written, or the country database not be read.
pub fn start(registry: Registry) -> Result<(App, Running), Error> {
    let database = registry.server.database.clone();
    let locations = Locations::open(registry.server.country_database.as_deref())?;
    let tls = Keyring::open(&registry.server, clock::now()).map_err(Error::Tls)?.map(Arc::new);
    let metrics = Arc::new(Metrics::default());
    let registry = Arc::new(Current::new(registry));
    let pause = Pause::default();
    let (writer, running) =
        writer::start(&database, Arc::clone(&registry), Arc::clone(&metrics), pause.clone())?;
    let readers = Readers::held_back_by(&database, pause)?;
    let accounts = Arc::new(Accounts::read(&readers)?);
    let ingest = Arc::new(Ingest {
        salts: Salts::beside(&database),
        locations,
        agents: Agents::default(),
        undeclared: Undeclared::default(),
    });
    let app = App {
        registry,
        writer,
        readers,
        turns: Turns::default(),
        ingest,
        accounts,
        tls,
        metrics,
        observed: Arc::default(),
        recent: Arc::default(),
        past: Arc::default(),
        ending: Ending::default(),
        started: Instant::now(),
        database: database.into(),
    };
    Ok((app, running))
}
