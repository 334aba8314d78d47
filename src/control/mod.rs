//! A way for commands to a running server: a socket beside the database, for its owner alone.
//!
//! A command sends one request as a line of JSON, and gets one answer. Whoever may write the database
//! may ask; nobody else can connect.

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::{fs::PermissionsExt as _, net::UnixStream as BlockingStream},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader as AsyncReader},
    net::{UnixListener, UnixStream},
    time,
};
use tracing::{info, warn};

use crate::{
    amend::{self, note::Note},
    app::App,
    auth, clock,
    config::registry::Registry,
    doctor::{self, Patient},
    share,
    writer::changes::Changes,
};

/// The longest request, in bytes.
const REQUEST_BYTES_MAX: u64 = 256 * 1024;

/// How long a command may take to send its request.
const REQUEST_WAIT: Duration = Duration::from_secs(10);

/// How long the socket rests after it could not take a command.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// What a command wants.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Change what is counted.
    Amend(amend::Request),
    /// Make a link for others, or take one back.
    Share(share::Request),
    /// Say something about a moment.
    Annotate(Note),
    /// Say who may look.
    Access(auth::Request),
    /// Make a new link by which the first account is made.
    SetupLink,
    /// Say what is amiss, as JSON.
    Doctor,
}

/// What came of it, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is done.
    Done(String),
    /// It is not done, and why.
    Failed(String),
}

/// The socket, for as long as the server runs.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Drop for Socket {
    fn drop(&mut self) {
        // A clean stop leaves the database alone on the disk.
        let _gone_already = fs::remove_file(&self.path);
    }
}

impl Socket {
    /// The socket beside `database`, whose lock is held: one that is there is left from an earlier life.
    ///
    /// # Errors
    /// When it can't be made, because the path is longer than 107 bytes, say.
    pub fn beside(database: &Path) -> io::Result<Self> {
        let path = path(database);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        Ok(Self { listener, path })
    }

    /// Does what commands ask for, one after the other, for ever.
    pub async fn serve(&self, app: &App) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    if let Err(error) = answer(app, stream).await {
                        warn!(%error, "a command broke off");
                    }
                }
                Err(error) => {
                    warn!(%error, "a command could not be heard");
                    time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

fn path(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-control");
    path.into()
}

async fn answer(app: &App, stream: UnixStream) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut read = AsyncReader::new(read.take(REQUEST_BYTES_MAX));
    time::timeout(REQUEST_WAIT, read.read_line(&mut line)).await??;
    let app = app.clone();
    let done = tokio::task::spawn_blocking(move || match serde_json::from_str(&line) {
        Ok(Request::SetupLink) => setup_link(&app),
        Ok(Request::Doctor) => answer_of(examine(&app)),
        Ok(request) => {
            let is_access = matches!(request, Request::Access(_));
            // What is shared has a secret in it, which no log may tell.
            let is_edit = matches!(request, Request::Amend(_));
            let answer = carry_out(&mut app.file(), &app.registry.get(), request, clock::now());
            if let (true, Answer::Done(what)) = (is_edit, &answer) {
                info!("{what}");
            }
            match is_access.then(|| app.accounts.refresh(&app.readers)) {
                Some(Err(error)) => Answer::Failed(format!(
                    "it is in the file, but this server could not read it again, so restart it: {error}"
                )),
                _ => answer,
            }
        }
        Err(error) => Answer::Failed(format!(
            "the server does not know this request, is it of another release? {error}"
        )),
    });
    let answer = done.await.map_err(io::Error::other)?;
    let mut line = serde_json::to_vec(&answer)?;
    line.push(b'\n');
    write.write_all(&line).await
}

/// Does what `request` asks for to `file`, at `now` (UTC seconds).
pub fn carry_out(
    file: &mut impl Changes,
    registry: &Registry,
    request: Request,
    now: i64,
) -> Answer {
    match request {
        Request::Annotate(note) => {
            let written = note.write(registry, now, file);
            answer_of(written.map(|id| format!("Annotation {id} is in the file.")))
        }
        Request::Amend(request) => {
            let done = amend::carry_out(file, registry, request, now);
            answer_of(done.map(|done| format!("Edit {}: {}", done.edit, done.what)))
        }
        Request::Access(request) => answer_of(auth::carry_out(file, registry, request, now)),
        Request::Doctor => Answer::Failed("only a running server is asked for this".to_owned()),
        Request::SetupLink => Answer::Failed(
            "no server runs here: it prints the link when it starts, as long as nobody has an account"
                .to_owned(),
        ),
        Request::Share(request) => {
            let base = registry.server.url();
            answer_of(share::carry_out(file, registry, &base, request, now))
        }
    }
}

fn examine(app: &App) -> Result<String, serde_json::Error> {
    let (registry, seen) = (app.registry.get(), Some(app.observed.get()));
    let in_force = app.tls.as_ref().map(|keyring| keyring.in_force());
    let (readers, in_force) = (Some(&app.readers), in_force.as_ref());
    let (put_off, now) = (app.metrics.put_off(), clock::now());
    let patient = Patient { registry: &registry, readers, seen, put_off, in_force, now };
    serde_json::to_string(&doctor::examine(&patient))
}

fn setup_link(app: &App) -> Answer {
    match app.accounts.new_setup_token() {
        Ok(Some(token)) => {
            let base = app.registry.get().server.url();
            Answer::Done(auth::setup_link(&base, &token))
        }
        Ok(None) => {
            Answer::Failed("this server is set up already: user list shows who may look".to_owned())
        }
        Err(why) => Answer::Failed(why),
    }
}

fn answer_of<E: std::fmt::Display>(outcome: Result<String, E>) -> Answer {
    match outcome {
        Ok(what) => Answer::Done(what),
        Err(error) => Answer::Failed(error.to_string()),
    }
}

/// Asks the server of `database`, and waits as long as it takes.
///
/// # Errors
/// When none can be reached, or it ends meanwhile; then what was asked may or may not be done.
pub fn ask(database: &Path, request: &Request) -> io::Result<Answer> {
    let mut stream = BlockingStream::connect(path(database))?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    if answer.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_str(&answer)?)
}
