//! `GET /account`: one's own account, and for owners everybody's.

use hyper::StatusCode;
use jiff::{civil::Date, tz::TimeZone};

use super::{entry::drawn, frame, not_found};
use crate::{
    app::App,
    auth::{
        self,
        accounts::{Rank, Visitor},
        password::CHARACTERS_MIN,
    },
    clock,
    model::period::date_at,
    page::account::{AccountPage, Person, Session, Token},
    store::accounts::{Account, ApiToken, Role},
    web::respond::Answer,
};

/// What came of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::web) struct Said {
    sentence: String,
    /// A secret that is told only now.
    secret: Option<String>,
    is_wrong: bool,
}

impl Said {
    /// It was done. What stands on a line of its own is a secret.
    pub(in crate::web) fn done(sentence: &str) -> Self {
        let (sentence, secret) = match sentence.split_once('\n') {
            Some((sentence, secret)) => (sentence, Some(secret.to_owned())),
            None => (sentence, None),
        };
        Self { sentence: sentence.to_owned(), secret, is_wrong: false }
    }

    /// It was not done.
    pub(in crate::web) fn wrong(sentence: &str) -> Self {
        Self { sentence: sentence.to_owned(), secret: None, is_wrong: true }
    }
}

/// The page, after a form said something or not.
pub(in crate::web) fn account(
    app: &App,
    visitor: &Visitor,
    status: StatusCode,
    said: Option<Said>,
) -> Answer {
    let Some(person) = &visitor.person else { return not_found(app) };
    let (book, registry, now) = (app.accounts.book(), app.registry.get(), clock::now());
    let session = |session: crate::store::accounts::Session| Session {
        id: session.id,
        began: day(session.began_at),
        seen: day(session.seen_at),
        is_here: session.id == person.session,
    };
    let sessions = book.sessions(person.account.id, now).into_iter().map(session).collect();
    let is_owner = visitor.rank == Rank::Owner;
    let tokens = book.tokens().into_iter().map(token).collect();
    let people = book.accounts().iter().map(|account| self::person(account)).collect();
    let frame = frame::of_nobody(app, visitor);
    let page = AccountPage {
        frame: &frame,
        name: &person.account.name,
        role: &auth::described(&person.account),
        sessions,
        tokens: if is_owner { tokens } else { Vec::new() },
        people: if is_owner { people } else { Vec::new() },
        sites: registry.sites.iter().map(|site| site.name.clone()).collect(),
        characters_min: CHARACTERS_MIN,
        said: said.as_ref().map(|said| said.sentence.as_str()).unwrap_or_default(),
        secret: said.as_ref().and_then(|said| said.secret.as_deref()),
        is_wrong: said.as_ref().is_some_and(|said| said.is_wrong),
    };
    drawn(app, status, page.render())
}

fn day(at: i64) -> Date {
    date_at(at, &TimeZone::UTC)
}

fn token(token: ApiToken) -> Token {
    Token {
        id: token.id,
        label: token.label,
        scope: token.scope.as_str(),
        site: token.site,
        made: day(token.created_at),
        used: token.used_on.map(day),
    }
}

fn person(account: &Account) -> Person {
    Person {
        name: account.name.clone(),
        is_owner: account.role == Role::Owner,
        sites: account.sites.clone(),
    }
}
