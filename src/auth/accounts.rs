//! Who may look, as a running server knows it: read from the file at the start and after each change, so
//! that no request waits for the file.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
};

use super::{secret, throttle::Throttle};
use crate::{
    config::registry::Access,
    store::{
        self, Readers, Transaction,
        accounts::{self, Account, ApiToken, Role, Scope, Session},
    },
};

/// How long a session lasts, in seconds.
pub const SESSION_SECONDS: i64 = 14 * 86_400;

/// How long a session lasts that nobody uses, in seconds.
pub const IDLE_SECONDS: i64 = 7 * 86_400;

/// How long what is noted of the use of a session or a token stays as it is, in seconds.
const NOTE_SECONDS: i64 = 3_600;

const DAY_SECONDS: i64 = 86_400;

/// What somebody may do who sends a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// See what is public.
    Nobody,
    /// See figures.
    Reader,
    /// Everything.
    Owner,
}

/// Who sends a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    /// What may be done.
    pub rank: Rank,
    /// The sites that may be seen; every one for `None`.
    pub sites: Option<Vec<String>>,
    /// Who it is, if it is a person with an account.
    pub person: Option<Person>,
    /// The hash of the token that was shown, if one was.
    proof: Option<[u8; 32]>,
}

/// A person who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The account.
    pub account: Arc<Account>,
    /// The number of the session.
    pub session: i64,
    /// What forms must bring.
    pub form_token: String,
}

/// What is to be noted of a use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// The session with this number was used now.
    Session(i64),
    /// The token with this number was used on the day that begins with this second.
    Token(i64, i64),
}

/// Everybody who may look, and every program.
#[derive(Debug, Default)]
pub struct Book {
    accounts: Vec<Arc<Account>>,
    sessions: HashMap<[u8; 32], (Session, AtomicI64)>,
    tokens: HashMap<[u8; 32], (ApiToken, AtomicI64)>,
}

/// The book of the running server, and what it remembers beside it.
#[derive(Debug, Default)]
pub struct Accounts {
    book: RwLock<Arc<Book>>,
    /// Held while the book is read anew, so that an older reading never replaces a newer one.
    reading: Mutex<()>,
    /// The hash of the token that makes the first account.
    setup: Mutex<Option<[u8; 32]>>,
    /// How often passwords were tried.
    pub throttle: Throttle,
}

impl Visitor {
    /// Whoever shows nothing.
    pub const fn nobody() -> Self {
        Self { rank: Rank::Nobody, sites: None, person: None, proof: None }
    }

    /// Anybody at all, where nobody is asked to sign in.
    pub const fn anybody() -> Self {
        Self { rank: Rank::Owner, sites: None, person: None, proof: None }
    }

    /// Whether every site may be seen.
    pub const fn sees_all(&self) -> bool {
        self.sites.is_none()
    }

    /// Whether it is a program that has shown a token.
    pub const fn is_program(&self) -> bool {
        self.proof.is_some() && self.person.is_none()
    }
}

impl Book {
    /// What the file says.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn read(file: &Transaction<'_>) -> Result<Self, store::Error> {
        let accounts = accounts::all(file)?.into_iter().map(Arc::new).collect();
        let session = |session: Session| {
            let seen_at = AtomicI64::new(session.seen_at);
            (session.token, (session, seen_at))
        };
        let token = |token: ApiToken| {
            let used_on = AtomicI64::new(token.used_on.unwrap_or_default());
            (token.token, (token, used_on))
        };
        Ok(Self {
            accounts,
            sessions: accounts::sessions(file)?.into_iter().map(session).collect(),
            tokens: accounts::tokens(file)?.into_iter().map(token).collect(),
        })
    }

    /// Everybody, the oldest account first.
    pub fn accounts(&self) -> &[Arc<Account>] {
        &self.accounts
    }

    /// The account called `name`, in any case of letters.
    pub fn called(&self, name: &str) -> Option<&Arc<Account>> {
        let name = name.trim().to_lowercase();
        self.accounts.iter().find(|account| account.name == name)
    }

    /// The sessions of an account that go on at `now` (UTC seconds), the newest first.
    pub fn sessions(&self, account: i64, now: i64) -> Vec<Session> {
        let own = self.sessions.values().filter(|(session, seen_at)| {
            session.account == account && is_on(session, seen_at.load(Relaxed), now)
        });
        let seen = |(session, seen_at): &(Session, AtomicI64)| Session {
            seen_at: seen_at.load(Relaxed),
            ..session.clone()
        };
        let mut sessions: Vec<Session> = own.map(seen).collect();
        sessions.sort_by_key(|session| std::cmp::Reverse(session.id));
        sessions
    }

    /// The tokens of programs, the oldest first.
    pub fn tokens(&self) -> Vec<ApiToken> {
        let used = |(token, used_on): &(ApiToken, AtomicI64)| {
            let used_on = Some(used_on.load(Relaxed)).filter(|used_on| *used_on > 0);
            ApiToken { used_on, ..token.clone() }
        };
        let mut tokens: Vec<ApiToken> = self.tokens.values().map(used).collect();
        tokens.sort_by_key(|token| token.id);
        tokens
    }

    /// Who is signed in with the session token `told` at `now` (UTC seconds), and what is to be noted.
    pub fn person(&self, told: &str, now: i64) -> Option<(Visitor, Option<Use>)> {
        let hash = secret::hash(told);
        let (session, seen_at) = self.sessions.get(&hash)?;
        let seen = seen_at.load(Relaxed);
        if !is_on(session, seen, now) {
            return None;
        }
        let account = self.accounts.iter().find(|account| account.id == session.account)?;
        let noted = (now - seen >= NOTE_SECONDS
            && seen_at.compare_exchange(seen, now, Relaxed, Relaxed).is_ok())
        .then_some(Use::Session(session.id));
        let (rank, sites) = match account.role {
            Role::Owner => (Rank::Owner, None),
            Role::Viewer => (Rank::Reader, Some(account.sites.clone())),
        };
        let person = Person {
            account: Arc::clone(account),
            session: session.id,
            form_token: secret::form_token(told),
        };
        Some((Visitor { rank, sites, person: Some(person), proof: Some(hash) }, noted))
    }

    /// Which program shows the token `told` at `now` (UTC seconds), and what is to be noted.
    pub fn program(&self, told: &str, now: i64) -> Option<(Visitor, Option<Use>)> {
        let hash = secret::hash(told);
        let (token, _) = self.tokens.get(&hash)?;
        let (rank, sites) = match token.scope {
            Scope::Read => (Rank::Reader, token.site.clone().map(|site| vec![site])),
            // It speaks for visitors, which is no matter of pages.
            Scope::Ingest => (Rank::Nobody, None),
            Scope::Admin => (Rank::Owner, None),
        };
        let visitor = Visitor { rank, sites, person: None, proof: Some(hash) };
        Some((visitor, self.noted(&hash, now)))
    }

    /// The hashes of the tokens by which programs may speak for visitors.
    pub fn senders(&self) -> impl Iterator<Item = [u8; 32]> {
        let tokens = self.tokens.values().map(|(token, _)| token);
        tokens.filter(|token| token.scope != Scope::Read).map(|token| token.token)
    }

    /// What is to be noted if `told` is one of these at `now` (UTC seconds).
    pub fn use_by_sender(&self, told: &str, now: i64) -> Option<Use> {
        let hash = secret::hash(told);
        let (token, _) = self.tokens.get(&hash)?;
        if token.scope == Scope::Read { None } else { self.noted(&hash, now) }
    }

    fn noted(&self, hash: &[u8; 32], now: i64) -> Option<Use> {
        let (token, used_on) = self.tokens.get(hash)?;
        let (before, day) = (used_on.load(Relaxed), now - now.rem_euclid(DAY_SECONDS));
        let is_first =
            day != before && used_on.compare_exchange(before, day, Relaxed, Relaxed).is_ok();
        is_first.then_some(Use::Token(token.id, day))
    }
}

fn is_on(session: &Session, seen_at: i64, now: i64) -> bool {
    now - session.began_at < SESSION_SECONDS && now - seen_at < IDLE_SECONDS
}

impl Accounts {
    /// What the file says now.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn read(readers: &Readers) -> Result<Self, store::Error> {
        let accounts = Self::default();
        accounts.refresh(readers)?;
        Ok(accounts)
    }

    /// Reads the file anew, after it was changed. It may block.
    ///
    /// # Errors
    /// When it can't be read. Then what was known before stays.
    pub fn refresh(&self, readers: &Readers) -> Result<(), store::Error> {
        let _alone = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let book = readers.snapshot(Book::read)?;
        *self.book.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(book);
        Ok(())
    }

    /// The book as it is now.
    pub fn book(&self) -> Arc<Book> {
        Arc::clone(&self.book.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether somebody has an account, so that nobody else can take the server.
    pub fn is_claimed(&self) -> bool {
        !self.book().accounts.is_empty()
    }

    /// A new token that makes the first account, in the place of an older one; `None` when there is an
    /// account.
    ///
    /// # Errors
    /// When the system gives no random numbers, in a sentence.
    pub fn new_setup_token(&self) -> Result<Option<String>, String> {
        if self.is_claimed() {
            return Ok(None);
        }
        let token = secret::token()?;
        *self.setup.lock().unwrap_or_else(PoisonError::into_inner) = Some(secret::hash(&token));
        Ok(Some(token))
    }

    /// Whether `told` makes the first account.
    pub fn is_setup_token(&self, told: &str) -> bool {
        let kept = *self.setup.lock().unwrap_or_else(PoisonError::into_inner);
        let told = blake3::Hash::from(secret::hash(told));
        !self.is_claimed() && kept.is_some_and(|kept| blake3::Hash::from(kept) == told)
    }

    /// Whether `visitor` may still look at `now` (UTC seconds): as long as what was shown is good, or who has shown
    /// nothing is not asked.
    pub fn is_still_good(&self, visitor: &Visitor, access: Access, now: i64) -> bool {
        let Some(proof) = &visitor.proof else { return access == Access::Open };
        let book = self.book();
        let session = book.sessions.get(proof);
        session.is_some_and(|(session, seen)| is_on(session, seen.load(Relaxed), now))
            || book.tokens.contains_key(proof)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(began_at: i64, seen_at: i64) -> Book {
        let account = Account {
            id: 7,
            name: "jo".to_owned(),
            password: String::new(),
            role: Role::Viewer,
            sites: vec!["a.example".to_owned()],
            created_at: 0,
        };
        let token = secret::hash("told");
        let session = Session { id: 1, token, account: 7, began_at, seen_at };
        Book {
            accounts: vec![Arc::new(account)],
            sessions: HashMap::from([(token, (session, AtomicI64::new(seen_at)))]),
            tokens: HashMap::new(),
        }
    }

    #[test]
    fn a_session_ends_after_two_weeks_and_after_a_week_without_use() {
        let signed_in =
            |began_at, seen_at, now| book(began_at, seen_at).person("told", now).is_some();
        assert!(signed_in(0, 0, IDLE_SECONDS - 1));
        assert!(!signed_in(0, 0, IDLE_SECONDS));
        assert!(signed_in(0, SESSION_SECONDS - 9, SESSION_SECONDS - 1));
        assert!(!signed_in(0, SESSION_SECONDS - 9, SESSION_SECONDS));
        assert!(book(0, 0).person("guessed", 0).is_none());
    }

    #[test]
    fn use_is_noted_once_an_hour() {
        let book = book(0, 0);
        let noted = |now| book.person("told", now).and_then(|(_, noted)| noted);
        assert_eq!(noted(NOTE_SECONDS - 1), None);
        assert_eq!(noted(NOTE_SECONDS), Some(Use::Session(1)));
        assert_eq!(noted(NOTE_SECONDS + 1), None);
        assert_eq!(book.sessions(7, NOTE_SECONDS).first().map(|s| s.seen_at), Some(NOTE_SECONDS));
    }
}
