//! The command line: words become calls, errors become one sentence and an exit code.
//!
//! Exit codes: 0 done, 1 it could not be done, 2 the command or `beacons.toml` can't be meant.

mod alert;
mod annotate;
mod backup;
mod change;
mod check;
mod demo;
mod doctor;
mod edit;
mod export;
mod import;
mod inspect;
mod log;
mod notify;
mod prune;
mod serve;
mod share;
mod token;
mod traffic;
mod user;
mod verify;

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};

use crate::{
    app,
    config::{
        self,
        registry::{Access, Listen, Log, Registry},
    },
    store::{self, Readers, Transaction},
};

/// The file that is read when none is named, if there is one.
const DEFAULT_CONFIG: &str = "beacons.toml";

const UNUSABLE: u8 = 2;

/// Self-hosted web analytics: counts beacons into one SQLite file and shows them as pages.
#[derive(Debug, Parser)]
#[command(name = "trim-beacons", version = app::VERSION, args_conflicts_with_subcommands = true)]
#[command(after_help = "Without a command it serves: one file, one port, nothing to configure.\n\
    TRIM_BEACONS_LOG=debug logs more.")]
struct Words {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Place,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take beacons and show pages (what happens without a command, too)
    Serve(Place),
    /// Say whether beacons.toml and the database are sound, and change nothing
    Check(Place),
    /// Say what is amiss with the server and its database, and what to do
    Doctor(doctor::Options),
    /// List everything in the database that could be about a person
    Inspect(Place),
    /// Copy the database into one checked file, also beside a running server
    Backup(backup::Options),
    /// Put a backup in the place of the database, and keep the old one
    Restore(backup::RestoreOptions),
    /// Say whether the database is what was counted, row by row
    Verify(verify::Options),
    /// Write tables out, as CSV or JSON lines
    Export(export::Options),
    /// Add all that another database holds; also beside a running server
    Merge(edit::MergeOptions),
    /// See and undo what was changed by hand: merges, imports and the like
    Edit(edit::Options),
    /// Count what logs and other products' exports tell, once, with their own times
    Import(import::Options),
    /// Say something about a moment, which charts show; also beside a running server
    Annotate(annotate::Options),
    /// Remove what is older than beacons.toml keeps it; a running server does so by itself
    Prune(prune::Options),
    /// Make, list and take back secret links to a site's figures; also beside a running server
    Share(share::Options),
    /// Say who may look: let people in, change and take back; also beside a running server
    User(user::Options),
    /// Make, list and revoke tokens of programs; also beside a running server
    Token(token::Options),
    /// Print a new link by which the first account of a running server is made
    SetupLink(Place),
    /// Try out an alert of beacons.toml
    Alert(alert::Options),
    /// Serve a temporary database with thirteen months of made-up traffic, to look around
    Demo(demo::Options),
}

/// Where things are.
#[derive(Debug, Clone, Args)]
struct Place {
    /// The configuration [default: beacons.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The database file [default: trim-beacons.db]
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
    /// The address to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<Listen>,
    /// Ask nobody to sign in [default: access of beacons.toml]
    #[arg(long)]
    open: bool,
}

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Config(#[from] config::Error),
    #[error(transparent)]
    App(#[from] app::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Backup(#[from] crate::backup::Error),
    #[error("{0}")]
    Other(String),
}

impl Failure {
    fn code(&self) -> ExitCode {
        match self {
            Self::Config(_) => ExitCode::from(UNUSABLE),
            Self::App(_) | Self::Store(_) | Self::Backup(_) | Self::Other(_) => ExitCode::FAILURE,
        }
    }
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    let words = Words::parse();
    let command = words.command.unwrap_or(Command::Serve(words.serve));
    // What serves says in beacons.toml how it logs.
    if !matches!(command, Command::Serve(_)) {
        log::begin(Log::Text);
    }
    let outcome = match command {
        Command::Serve(place) => serve::run(&place),
        Command::Check(place) => check::run(&place),
        Command::Doctor(options) => doctor::run(&options),
        Command::Inspect(place) => inspect::run(&place),
        Command::Backup(options) => backup::make(&options),
        Command::Restore(options) => backup::restore(&options),
        Command::Verify(options) => verify::run(&options),
        Command::Export(options) => export::run(&options),
        Command::Merge(options) => edit::merge(&options),
        Command::Edit(options) => edit::run(&options),
        Command::Import(options) => import::run(&options),
        Command::Annotate(options) => annotate::run(&options),
        Command::Prune(options) => prune::run(&options),
        Command::Share(options) => share::run(&options),
        Command::User(options) => user::run(&options),
        Command::Token(options) => token::run(&options),
        Command::SetupLink(place) => user::setup_link(&place),
        Command::Alert(options) => alert::run(&options),
        Command::Demo(options) => demo::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Whoever has closed stderr does not want to know.
            let _unread = writeln!(io::stderr(), "trim-beacons: {}", plain(&failure.to_string()));
            failure.code()
        }
    }
}

impl Place {
    /// The file to read: the one that was named, or the one that lies here.
    fn config(&self) -> Option<&Path> {
        let here = Path::new(DEFAULT_CONFIG);
        self.config.as_deref().or_else(|| here.exists().then_some(here))
    }

    /// The registry of the file, with what the command line says instead.
    fn registry(&self) -> Result<Registry, config::Error> {
        let mut registry = config::load(self.config())?;
        if let Some(database) = &self.database {
            registry.server.database.clone_from(database);
        }
        if let Some(listen) = &self.listen {
            registry.server.listen = listen.clone();
        }
        if self.open {
            registry.server.access = Access::Open;
        }
        Ok(registry)
    }

    /// What `read` finds in the database, whether a server runs or not.
    fn read<T>(
        &self,
        read: impl FnOnce(&Transaction<'_>) -> Result<T, store::Error>,
    ) -> Result<T, Failure> {
        Ok(Readers::new(&self.registry()?.server.database)?.snapshot(read)?)
    }
}

/// Says something to whoever has started the command.
fn say(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout();
    match writeln!(stdout, "{}", plain(text)).and_then(|()| stdout.flush()) {
        // The reader has gone: `| head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.map_err(|error| Failure::Other(format!("can't write: {error}"))),
    }
}

/// A text that no terminal obeys: names of files and of hosts are other people's.
fn plain(text: &str) -> String {
    let obeyed = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    text.replace(obeyed, "\u{fffd}")
}

/// Asks for a password, and reads it from the first line of the input.
fn read_password(question: &str) -> Result<String, Failure> {
    say(question)?;
    let mut line = String::new();
    io::stdin()
        .read_line(&mut line)
        .map_err(|error| Failure::Other(format!("the password can't be read: {error}")))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
