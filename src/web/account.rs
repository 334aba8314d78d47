//! What people change about who may look: their password, and as owners other people and tokens.

use std::{net::SocketAddr, time::Instant};

use hyper::{StatusCode, http::request::Parts};

use super::{
    access::{field, not_stored},
    pages::{self, Said},
    respond::Answer,
    sign_in::{Crowded, begin, client_address, crowded, refresh, with_password},
};
use crate::{
    app::App,
    auth::{
        self, Request,
        accounts::Visitor,
        secret,
        throttle::{Trier, Verdict},
    },
    clock,
    page::link,
    store::accounts::{Role, Scope},
};

/// Gives whoever is signed in another password. Every other session ends, and this one goes on under
/// another token.
pub(super) async fn post_password(
    app: &App,
    visitor: &Visitor,
    peer: SocketAddr,
    head: &Parts,
    form: &[u8],
) -> Answer {
    let Some(person) = &visitor.person else { return pages::not_found(app) };
    let told = |name: &str| field(form, name).unwrap_or_default();
    let (old, new, repeated) = (told("old"), told("new"), told("repeated"));
    let again =
        |status, sentence: &str| pages::account(app, visitor, status, Some(Said::wrong(sentence)));
    if new != repeated {
        return again(StatusCode::BAD_REQUEST, "The two new passwords are not the same.");
    }
    let account = &person.account;
    let address = client_address(app, peer, &head.headers);
    let trier = Trier::Network(address);
    if let Verdict::Wait(_) = app.accounts.throttle.count(&account.name, trier, Instant::now()) {
        return again(StatusCode::TOO_MANY_REQUESTS, "Too many tries. Try again in some minutes.");
    }
    let kept = account.password.clone();
    match with_password(true, move || secret::is_password(&kept, &old)).await {
        Ok(true) => app.accounts.throttle.forgive(&account.name, trier),
        Ok(false) => return again(StatusCode::FORBIDDEN, "That is not the current password."),
        Err(Crowded) => return crowded(app),
    }
    let request = Request::Password { name: account.name.clone(), password: new };
    let changed = match carry_out(app, request).await {
        Ok(_) => {
            let account_page = format!("{}{}", app.registry.get().server.root(), link::ACCOUNT);
            begin(app, account.id, true, &head.headers, &account_page).await
        }
        Err(failed) => Err(failed),
    };
    changed.unwrap_or_else(|(status, sentence)| again(status, &sentence))
}

/// Makes a token, or takes one back.
pub(super) async fn post_tokens(app: &App, visitor: &Visitor, form: &[u8]) -> Answer {
    let told = |name: &str| field(form, name).unwrap_or_default();
    let request = match field(form, "revoke") {
        Some(id) => id.parse().ok().map(Request::RevokeToken),
        None => Scope::from_word(&told("scope")).map(|scope| Request::CreateToken {
            scope,
            site: Some(told("site")).filter(|site| !site.is_empty()),
            label: told("label"),
        }),
    };
    done(app, visitor, request).await
}

/// Lets somebody look, changes what somebody may, or takes it back.
pub(super) async fn post_people(app: &App, visitor: &Visitor, form: &[u8]) -> Answer {
    let told = |name: &str| field(form, name).unwrap_or_default();
    let name = told("name");
    let sites: Vec<String> = url::form_urlencoded::parse(form)
        .filter(|(key, _)| key == "site")
        .map(|(_, site)| site.into_owned())
        .collect();
    let role = Role::from_word(&told("role"));
    // A browser sends the sites of an owner too, if somebody has ticked them before.
    let sites = if role == Some(Role::Owner) { Vec::new() } else { sites };
    let request = match (told("do").as_str(), role) {
        ("add", Some(role)) => {
            Some(Request::AddPerson { name, password: told("password"), role, sites })
        }
        ("role", Some(role)) => Some(Request::Role { name, role, sites }),
        ("remove", _) => Some(Request::RemovePerson(name)),
        ("sign-out", _) => Some(Request::SignOut(name)),
        _ => None,
    };
    done(app, visitor, request).await
}

async fn done(app: &App, visitor: &Visitor, request: Option<Request>) -> Answer {
    let Some(request) = request else {
        let sentence = "The form asks for nothing that is known here.";
        return pages::account(app, visitor, StatusCode::BAD_REQUEST, Some(Said::wrong(sentence)));
    };
    let done = match carry_out(app, request).await {
        Ok(sentence) => refresh(app).await.map(|()| sentence),
        Err(failed) => Err(failed),
    };
    match done {
        Ok(sentence) => pages::account(app, visitor, StatusCode::OK, Some(Said::done(&sentence))),
        Err((status, sentence)) => {
            pages::account(app, visitor, status, Some(Said::wrong(&sentence)))
        }
    }
}

async fn carry_out(app: &App, request: Request) -> Result<String, (StatusCode, String)> {
    let own = app.clone();
    let work = move || auth::carry_out(&mut own.file(), &own.registry.get(), request, clock::now());
    match with_password(true, work).await {
        Ok(Ok(sentence)) => Ok(sentence),
        Ok(Err(auth::Error::Wrong(why))) => Err((StatusCode::BAD_REQUEST, pages::sentence(&why))),
        Ok(Err(auth::Error::Store(cause))) => Err(not_stored(&cause)),
        Err(Crowded) => {
            let sentence = "Too many passwords are being looked at: try again in a moment.";
            Err((StatusCode::TOO_MANY_REQUESTS, sentence.to_owned()))
        }
    }
}
