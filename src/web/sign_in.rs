//! The way in and out: the form that asks who it is, the one-time link of the first start, and the end of
//! a session.

use std::{
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Instant,
};

use hyper::{HeaderMap, Request, StatusCode, body::Incoming, header, http::request::Parts};
use tokio::{sync::Semaphore, task, time};
use tracing::{error, info};

use super::{
    access::{self, field, not_stored},
    client, cookie,
    pages::{self, ClaimWords, SignInWords},
    respond::{self, Answer},
};
use crate::{
    app::App,
    auth::{
        self, DEVICES_MAX, SESSIONS_MAX,
        accounts::{SESSION_SECONDS, Visitor},
        secret,
        throttle::{SLOWER, Trier, Verdict},
    },
    clock,
    config::registry::Access,
    page::link,
    store::{self, Transaction, accounts},
    writer::Affects,
};

/// How many passwords are looked at at once: each takes 19 MiB and a while, for whoever guesses too.
const PASSWORDS_AT_ONCE: usize = 2;

/// How many may wait for that; whoever comes then is sent away.
const WAITING_MAX: usize = 32;

/// How many more may wait who come in browsers that have signed in before: guesses of others leave them room.
const KNOWN_WAITING_MAX: usize = 16;

static PASSWORDS: Semaphore = Semaphore::const_new(PASSWORDS_AT_ONCE);

static WAITING: AtomicUsize = AtomicUsize::new(0);

/// What whoever is told who tells a wrong name or a wrong password.
const WRONG: &str = "That name and password don’t belong together.";

/// Too many wait for their password to be looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crowded;

/// Somebody who waits. Whoever hangs up goes on waiting: what a form asks for is done to its end.
struct Waiting;

impl Waiting {
    fn begin(most: usize) -> Result<Self, Crowded> {
        // From here on it is counted, whatever becomes of it.
        let waiting = Self;
        if WAITING.fetch_add(1, Relaxed) < most { Ok(waiting) } else { Err(Crowded) }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Relaxed);
    }
}

/// Does what takes as long as a password does, a few at a time; `is_known`: for somebody who has been here before.
///
/// # Errors
/// When too many wait already.
pub(super) async fn with_password<T: Send + 'static>(
    is_known: bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Crowded> {
    let waiting = Waiting::begin(WAITING_MAX + if is_known { KNOWN_WAITING_MAX } else { 0 })?;
    let _room = PASSWORDS.acquire().await.map_err(|_| Crowded)?;
    drop(waiting);
    task::spawn_blocking(work).await.map_err(|error| {
        error!(%error, "looking at a password broke off");
        Crowded
    })
}

/// The answer to one too many.
pub(super) fn crowded(app: &App) -> Answer {
    let why = "too many passwords are looked at in this moment: try again in some seconds";
    let mut answer = pages::failed(app, StatusCode::TOO_MANY_REQUESTS, why);
    respond::set(&mut answer, header::RETRY_AFTER, "5");
    answer
}

/// The form that asks who it is.
pub(super) fn get(app: &App, request: &Request<Incoming>) -> Answer {
    let registry = app.registry.get();
    if registry.server.access == Access::Open {
        return respond::see_other(&next(app, None));
    }
    if !app.accounts.is_claimed() {
        return pages::closed(app);
    }
    let query = request.uri().query().unwrap_or_default();
    let next = next(app, field(query.as_bytes(), link::NEXT));
    match access::visitor(app, request.headers()) {
        Ok(Visitor { person: Some(_), .. }) => respond::see_other(&next),
        _ => pages::sign_in(
            app,
            StatusCode::OK,
            &SignInWords { next: &next, ..SignInWords::default() },
        ),
    }
}

/// Where somebody wanted to go who had to sign in first: a path of this server and nothing else.
pub(super) fn next(app: &App, told: Option<String>) -> String {
    let registry = app.registry.get();
    let root = registry.server.root();
    let is_own = |path: &String| {
        path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\r', '\n', '\t'])
    };
    let path = told.filter(is_own).unwrap_or_else(|| link::OVERVIEW.to_owned());
    let is_mounted =
        !root.is_empty() && path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'));
    if is_mounted { path } else { format!("{root}{path}") }
}

/// Signs somebody in.
pub(super) async fn post(app: &App, peer: SocketAddr, head: &Parts, form: &[u8]) -> Answer {
    let told = |name: &str| field(form, name).unwrap_or_default();
    let (name, password) = (told("name"), told("password"));
    let next = next(app, field(form, link::NEXT));
    let again = |status, wrong: &str| {
        pages::sign_in(app, status, &SignInWords { next: &next, name: &name, wrong })
    };
    let address = client_address(app, peer, &head.headers);
    let account = app.accounts.book().called(&name).cloned();
    let device = cookie::device(&head.headers, &app.registry.get().server).map(secret::hash);
    let known = match (&account, &device) {
        (Some(account), Some(device)) => knows_device(app, account.id, *device).await,
        _ => false,
    };
    let trier = match &device {
        Some(device) if known => Trier::Device(device),
        _ => Trier::Network(address),
    };
    let name_key = name.trim().to_lowercase();
    match app.accounts.throttle.count(&name_key, trier, Instant::now()) {
        Verdict::Try => {}
        Verdict::TrySlowly => time::sleep(SLOWER).await,
        Verdict::Wait(wait) => {
            let minutes = wait.as_secs().div_ceil(60);
            let wrong = format!("Too many tries. Try again in {minutes} minutes.");
            return again(StatusCode::TOO_MANY_REQUESTS, &wrong);
        }
    }
    // Nobody's password takes as long as somebody's.
    let kept = account.as_ref().map_or(secret::NOBODY, |account| account.password.as_str());
    let kept = kept.to_owned();
    let right = match with_password(known, move || secret::is_password(&kept, &password)).await {
        Ok(right) => right,
        Err(Crowded) => return crowded(app),
    };
    let Some(account) = account.filter(|_| right) else {
        return again(StatusCode::FORBIDDEN, WRONG);
    };
    app.accounts.throttle.forgive(&name_key, trier);
    match begin(app, account.id, device.is_some() && known, &head.headers, &next).await {
        Ok(answer) => answer,
        Err((status, sentence)) => again(status, &sentence),
    }
}

/// The address of whoever sends this, behind the proxies that are trusted.
pub(super) fn client_address(app: &App, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    client::client(headers, peer.ip(), &app.registry.get().server.trusted_proxies)
}

async fn knows_device(app: &App, account: i64, device: [u8; 32]) -> bool {
    let readers = app.readers.clone();
    let known = task::spawn_blocking(move || {
        readers.snapshot(|file| accounts::knows_device(file, account, &device))
    });
    match known.await {
        Ok(Ok(known)) => known,
        Ok(Err(error)) => {
            error!(%error, "whether a browser is known could not be read");
            false
        }
        Err(error) => {
            error!(%error, "whether a browser is known could not be read");
            false
        }
    }
}

/// Begins a session of `account` with a token that nobody had before, and leads on to `next`.
pub(super) async fn begin(
    app: &App,
    account: i64,
    keeps_device: bool,
    headers: &HeaderMap,
    next: &str,
) -> Result<Answer, (StatusCode, String)> {
    let failed = |cause: String| (StatusCode::INTERNAL_SERVER_ERROR, cause);
    let token = secret::token().map_err(failed)?;
    let registry = app.registry.get();
    let device = match cookie::device(headers, &registry.server).filter(|_| keeps_device) {
        Some(device) => device.to_owned(),
        None => secret::token().map_err(failed)?,
    };
    let (session, browser, now) = (secret::hash(&token), secret::hash(&device), clock::now());
    let change = move |file: &Transaction<'_>| {
        accounts::sign_in(file, account, &session, now, now - SESSION_SECONDS, SESSIONS_MAX)?;
        accounts::note_device(file, account, &browser, now, DEVICES_MAX)
    };
    let stored: Result<(), store::Error> = app.writer.change(Affects::Nothing, change).await;
    stored.map_err(|cause| not_stored(&cause))?;
    refresh(app).await?;
    info!("somebody has signed in");
    let mut answer = respond::see_other(next);
    cookie::set_session(&mut answer, &registry.server, &token, SESSION_SECONDS);
    cookie::set_device(&mut answer, &registry.server, &device);
    Ok(answer)
}

/// Reads anew who may look, after that was changed.
pub(super) async fn refresh(app: &App) -> Result<(), (StatusCode, String)> {
    let app = app.clone();
    match task::spawn_blocking(move || app.accounts.refresh(&app.readers)).await {
        Ok(read) => read.map_err(|cause| not_stored(&cause)),
        Err(cause) => Err(not_stored(&cause)),
    }
}

/// The page of the one-time link, for whoever takes the server first.
pub(super) fn get_claim(app: &App, token: &str) -> Answer {
    if !app.accounts.is_setup_token(token) {
        return no_claim(app);
    }
    pages::claim(app, StatusCode::OK, &ClaimWords { token, ..ClaimWords::default() })
}

/// Makes the first account, and signs its owner in.
pub(super) async fn post_claim(app: &App, token: &str, head: &Parts, form: &[u8]) -> Answer {
    if !app.accounts.is_setup_token(token) {
        return no_claim(app);
    }
    let told = |name: &str| field(form, name).unwrap_or_default();
    let (name, password, repeated) = (told("name"), told("password"), told("repeated"));
    let again =
        |status, wrong: &str| pages::claim(app, status, &ClaimWords { token, name: &name, wrong });
    if password != repeated {
        return again(StatusCode::BAD_REQUEST, "The two passwords are not the same.");
    }
    let claimed = {
        let (own, name) = (app.clone(), name.clone());
        let claim = move || {
            auth::claim(&mut own.file(), &own.registry.get(), &name, &password, clock::now())
        };
        match with_password(false, claim).await {
            Ok(claimed) => claimed,
            Err(Crowded) => return crowded(app),
        }
    };
    let begun = match claimed {
        Ok(account) => begin(app, account, false, &head.headers, &next(app, None)).await,
        Err(auth::Error::Wrong(why)) => Err((StatusCode::BAD_REQUEST, pages::sentence(&why))),
        Err(auth::Error::Store(cause)) => Err(not_stored(&cause)),
    };
    begun.unwrap_or_else(|(status, sentence)| again(status, &sentence))
}

fn no_claim(app: &App) -> Answer {
    if app.accounts.is_claimed() { pages::not_found(app) } else { pages::closed(app) }
}

/// Ends the session that the form names, every one of the account, or this very one.
pub(super) async fn post_sign_out(app: &App, visitor: &Visitor, form: &[u8]) -> Answer {
    let Some(person) = &visitor.person else { return pages::not_found(app) };
    let asked = field(form, "session").unwrap_or_default();
    let (one, is_here) = match asked.as_str() {
        "all" => (None, true),
        "" => (Some(person.session), true),
        other => match other.parse() {
            Ok(id) => (Some(id), id == person.session),
            Err(_) => return pages::not_found(app),
        },
    };
    let account = person.account.id;
    let change = move |file: &Transaction<'_>| accounts::sign_out(file, account, one);
    let ended: Result<usize, store::Error> = app.writer.change(Affects::Nothing, change).await;
    let ended = match ended {
        Ok(_) => refresh(app).await,
        Err(cause) => Err(not_stored(&cause)),
    };
    if let Err((status, sentence)) = ended {
        return pages::failed(app, status, &sentence);
    }
    let registry = app.registry.get();
    let path = if is_here { link::SIGN_IN } else { link::ACCOUNT };
    let mut answer = respond::see_other(&format!("{}{path}", registry.server.root()));
    if is_here {
        cookie::set_session(&mut answer, &registry.server, "", 0);
    }
    answer
}
