//! `demo`: the appliance with made-up traffic in a temporary file, so that someone can look around
//! before deciding.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::{ToSpan as _, civil::Date};
use tracing::warn;

use super::{
    Failure, serve,
    traffic::{Hit, Traffic},
};
use crate::{
    app::App,
    clock,
    config::{
        self,
        registry::{Access, Listen, Registry},
        wanted::Goal,
    },
    ingest::{
        Ingest, Rejected, agents::Agents, location::Locations, payload::Payload, salt::Salts,
        undeclared::Undeclared,
    },
    model::{
        beacon::Beacon,
        period::{date_at, first_instant},
    },
    writer::bulk::Bulk,
};

/// How long ago the traffic begins.
const MONTHS: i64 = 13;

/// How long it takes until the next visitor comes, while it is served.
const NEXT_VISITOR: Duration = Duration::from_secs(4);

/// What the command takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The address to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<Listen>,
}

/// A folder that goes when the demo goes.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            warn!(folder = %self.0.display(), %error, "the demo's folder could not be removed");
        }
    }
}

pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let folder = Folder::new()
        .map_err(|error| Failure::Other(format!("can't make a temporary folder: {error}")))?;
    let mut registry = config::embedded()?;
    registry.server.database = folder.0.join("demo.db");
    registry.goals = goals();
    if let Some(listen) = &options.listen {
        registry.server.listen = listen.clone();
    }
    // There is nothing in it that anybody would have to sign in for.
    registry.server.access = Access::Open;
    fill(&registry)?;
    let note = "\nThis is a demo: its traffic is made up, nobody has to sign in, and its file is gone when \
                it stops.\n";
    serve::serve(registry, note, |_| None, visitors)
}

/// What the made-up site wants to be reached.
fn goals() -> Vec<Goal> {
    let goal = |name: &str, event: &str, identifier: Option<&str>| Goal {
        name: name.to_owned(),
        event: event.to_owned(),
        identifier: identifier.map(str::to_owned),
    };
    vec![
        goal("Signed up", "signup", None),
        goal("Read the prices", "page_view", Some("/prices")),
        goal("Got the handbook", "download_click", Some("handbook.pdf")),
    ]
}

impl Folder {
    fn new() -> io::Result<Self> {
        let name = format!("trim-beacons-demo-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

/// Fills the file with thirteen months up to now.
fn fill(registry: &Registry) -> Result<(), Failure> {
    let database: &Path = &registry.server.database;
    let Some(site) = registry.sites.first() else { return Ok(()) };
    let now = clock::now();
    let today = date_at(now, &site.zone);
    let first = today.saturating_sub(MONTHS.months());
    let days: Vec<Date> = first.series(1.day()).take_while(|date| *date <= today).collect();
    let progress = ProgressBar::new(days.len() as u64).with_message("Making up thirteen months");
    if let Ok(style) =
        ProgressStyle::with_template("{msg} {bar:40} {pos} of {len} days, {eta} left")
    {
        progress.set_style(style);
    }
    let ingest = Ingest {
        salts: Salts::beside(database),
        locations: Locations::default(),
        agents: Agents::default(),
        undeclared: Undeclared::default(),
    };
    let mut bulk = Bulk::open(database, Arc::new(registry.clone()))?;
    let mut traffic = Traffic::new(days.len());
    for date in days {
        for hit in traffic.day(date).iter().filter(|hit| hit.at_ms / 1000 < now) {
            count(hit, registry, &ingest, &mut bulk)?;
        }
        ingest.salts.erase_past(first_instant(date, &site.zone));
        progress.inc(1);
    }
    bulk.finish()?;
    progress.finish_and_clear();
    Ok(())
}

fn count(hit: &Hit, registry: &Registry, ingest: &Ingest, bulk: &mut Bulk) -> Result<(), Failure> {
    match accept(hit, registry, ingest) {
        Ok(beacon) => bulk.count(beacon)?,
        Err(rejected) => bulk.refuse(&rejected, hit.at_ms / 1000)?,
    }
    Ok(())
}

fn accept(hit: &Hit, registry: &Registry, ingest: &Ingest) -> Result<Beacon<'static>, Rejected> {
    let payload = Payload::from_json(hit.body.as_bytes())?;
    ingest.accept(&payload, &hit.request(), registry)
}

/// Sends a visitor every few seconds, for ever.
async fn visitors(app: &App) {
    let mut traffic = Traffic::new(1);
    loop {
        tokio::time::sleep(NEXT_VISITOR).await;
        for hit in traffic.moment(clock::now_ms()) {
            let mut encoded = Vec::new();
            let queued = match accept(&hit, &app.registry.get(), &app.ingest) {
                Ok(beacon) if beacon.encode_into(&mut encoded).is_ok() => {
                    app.writer.store(&encoded, 1)
                }
                _ => continue,
            };
            let is_stored = match queued {
                Ok(stored) => stored.await.is_ok(),
                Err(_) => false,
            };
            if !is_stored {
                warn!("a made-up visitor could not be counted");
            }
        }
    }
}
