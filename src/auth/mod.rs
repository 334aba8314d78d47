//! Who may look: accounts of people and tokens of programs, made, changed and taken back.
//!
//! What a running server knows of them is [`accounts`]; who sends a request, the web room finds out.

pub mod accounts;
pub mod password;
pub mod secret;
pub mod throttle;

use serde::{Deserialize, Serialize};

use crate::{
    config::registry::Registry,
    store::{
        self, Transaction,
        accounts::{self as kept, Account, ApiToken, Role, Scope},
    },
    writer::{Affects, changes::Changes},
};

/// How many people may look at most.
pub const ACCOUNTS_MAX: usize = 100;

/// How many tokens of programs there are at most.
pub const TOKENS_MAX: usize = 100;

/// How many browsers may be signed in to an account; the oldest session ends for one more.
pub const SESSIONS_MAX: u32 = 20;

/// Of how many browsers of an account it is remembered that they have signed in before.
pub const DEVICES_MAX: u32 = 20;

/// The longest name of an account and the longest label of a token, in bytes.
pub const TEXT_BYTES_MAX: usize = 64;

/// What every token of a program begins with.
pub const TOKEN_PREFIX: &str = "tb_";

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Let somebody look.
    AddPerson {
        /// The name.
        name: String,
        /// The password, as it was told.
        password: String,
        /// What somebody may do.
        role: Role,
        /// The sites that a viewer sees.
        sites: Vec<String>,
    },
    /// Let nobody of this name look any more.
    RemovePerson(String),
    /// Give somebody another password, and end every session.
    Password {
        /// The name.
        name: String,
        /// The password, as it was told.
        password: String,
    },
    /// Give somebody another role, and end every session.
    Role {
        /// The name.
        name: String,
        /// What somebody may do from now on.
        role: Role,
        /// The sites that a viewer sees.
        sites: Vec<String>,
    },
    /// End every session of somebody.
    SignOut(String),
    /// Make a token for a program.
    CreateToken {
        /// What it is good for.
        scope: Scope,
        /// The one site that it is about; all for `None`.
        site: Option<String>,
        /// What it is for.
        label: String,
    },
    /// Take back the token with this number.
    RevokeToken(i64),
}

/// Why it is not done. The file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file can't be read or written.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// What was asked for can't be.
    #[error("{0}")]
    Wrong(String),
}

/// Does what `request` asks for at `now` (UTC seconds), and says in a sentence what that was. A new token
/// stands in it.
///
/// # Errors
/// When it makes no sense, or the file can't be written.
pub fn carry_out(
    file: &mut impl Changes,
    registry: &Registry,
    request: Request,
    now: i64,
) -> Result<String, Error> {
    match request {
        Request::AddPerson { name, password, role, sites } => {
            let account = person(registry, &name, &password, role, sites, now)?;
            let said = format!("{} may look now, as {}.", account.name, described(&account));
            file.change(Affects::Nothing, move |file| add(file, &account))?;
            Ok(said)
        }
        Request::Password { name, password } => {
            let hash = new_password(&name, &password)?;
            let said = format!("{name} has another password, and is signed out everywhere.");
            file.change(Affects::Nothing, move |file| {
                let account = find(file, &name)?;
                kept::set_password(file, account.id, &hash)?;
                Ok::<_, Error>(kept::sign_out(file, account.id, None)?)
            })?;
            Ok(said)
        }
        Request::Role { name, role, sites } => {
            let sites = checked_sites(registry, role, sites)?;
            let change = move |file: &Transaction<'_>| {
                set_role(file, &name, role, &sites).map(|it| (name, it))
            };
            let (name, account) = file.change(Affects::Nothing, change)?;
            Ok(format!("{name} is {} now, and signed out everywhere.", described(&account)))
        }
        Request::RemovePerson(name) => {
            let said = format!("{name} may not look any more.");
            file.change(Affects::Nothing, move |file| remove(file, &name))?;
            Ok(said)
        }
        Request::SignOut(name) => {
            let said = format!("{name} is signed out everywhere.");
            file.change(Affects::Nothing, move |file| {
                let account = find(file, &name)?;
                Ok::<_, Error>(kept::sign_out(file, account.id, None)?)
            })?;
            Ok(said)
        }
        Request::CreateToken { scope, site, label } => {
            create_token(file, registry, scope, site, label, now)
        }
        Request::RevokeToken(id) => {
            let found = file.change(Affects::Nothing, move |file| kept::remove_token(file, id))?;
            if !found {
                return Err(wrong(format!("there is no token {id}: token list shows them")));
            }
            Ok(format!("Token {id} is good for nothing any more."))
        }
    }
}

/// Makes the first account, an owner, unless there is one. Says which number it has got.
///
/// # Errors
/// When there is one, what is told can't be, or the file can't be written.
pub fn claim(
    file: &mut impl Changes,
    registry: &Registry,
    name: &str,
    password: &str,
    now: i64,
) -> Result<i64, Error> {
    let account = person(registry, name, password, Role::Owner, Vec::new(), now)?;
    // Whoever comes second finds the account of the first: changes come one after the other.
    file.change(Affects::Nothing, move |file| {
        if !kept::all(file)?.is_empty() {
            return Err(wrong(
                "somebody has set this server up already: sign in instead".to_owned(),
            ));
        }
        Ok(kept::add(file, &account)?)
    })
}

/// The link by which the first account is made, under `base_url`.
pub fn setup_link(base_url: &str, token: &str) -> String {
    format!("{base_url}/claim/{token}")
}

fn wrong(sentence: String) -> Error {
    Error::Wrong(sentence)
}

/// `owner`, or `viewer of a.example and b.example`.
pub fn described(account: &Account) -> String {
    match account.role {
        Role::Owner => "owner".to_owned(),
        Role::Viewer => format!("viewer of {}", account.sites.join(", ")),
    }
}

fn person(
    registry: &Registry,
    name: &str,
    password: &str,
    role: Role,
    sites: Vec<String>,
    now: i64,
) -> Result<Account, Error> {
    let name = checked_name(name)?;
    let sites = checked_sites(registry, role, sites)?;
    let password = new_password(&name, password)?;
    Ok(Account { id: 0, name, password, role, sites, created_at: now })
}

/// A name as it is kept: lower case, without spaces.
fn checked_name(name: &str) -> Result<String, Error> {
    let name = name.trim().to_lowercase();
    let is_plain = |c: char| c.is_alphanumeric() || "._-+@".contains(c);
    if name.is_empty() || name.len() > TEXT_BYTES_MAX || !name.chars().all(is_plain) {
        return Err(wrong(format!(
            "a name has 1 to {TEXT_BYTES_MAX} letters, digits and . _ - + @, as in jo@example.com"
        )));
    }
    Ok(name)
}

fn checked_sites(
    registry: &Registry,
    role: Role,
    sites: Vec<String>,
) -> Result<Vec<String>, Error> {
    if role == Role::Owner && !sites.is_empty() {
        return Err(wrong("an owner sees every site: name none".to_owned()));
    }
    if role == Role::Viewer && sites.is_empty() {
        return Err(wrong("a viewer sees the sites that are named: name one at least".to_owned()));
    }
    match sites.iter().find(|site| registry.site(site).is_none()) {
        Some(unknown) => Err(wrong(format!("there is no site {unknown}"))),
        None => Ok(sites),
    }
}

fn new_password(name: &str, password: &str) -> Result<String, Error> {
    password::check(name, password).map_err(wrong)?;
    secret::hashed(password).map_err(wrong)
}

fn find(file: &Transaction<'_>, name: &str) -> Result<Account, Error> {
    let name = name.trim().to_lowercase();
    let found = kept::all(file)?.into_iter().find(|account| account.name == name);
    found.ok_or_else(|| wrong(format!("nobody is called {name}: user list shows who may look")))
}

fn add(file: &Transaction<'_>, account: &Account) -> Result<(), Error> {
    let others = kept::all(file)?;
    if others.len() >= ACCOUNTS_MAX {
        return Err(wrong(format!("{ACCOUNTS_MAX} people may look already: remove some first")));
    }
    if others.iter().any(|other| other.name == account.name) {
        return Err(wrong(format!("somebody is called {} already", account.name)));
    }
    if others.is_empty() && account.role != Role::Owner {
        return Err(wrong("the first one is an owner: who else could let others look?".to_owned()));
    }
    kept::add(file, account)?;
    Ok(())
}

fn remove(file: &Transaction<'_>, name: &str) -> Result<(), Error> {
    let account = find(file, name)?;
    refuse_last_owner(file, &account)?;
    Ok(kept::remove(file, account.id)?)
}

fn set_role(
    file: &Transaction<'_>,
    name: &str,
    role: Role,
    sites: &[String],
) -> Result<Account, Error> {
    let account = find(file, name)?;
    if role != Role::Owner {
        refuse_last_owner(file, &account)?;
    }
    kept::set_role(file, account.id, role, sites)?;
    kept::sign_out(file, account.id, None)?;
    Ok(Account { role, sites: sites.to_vec(), ..account })
}

/// Without an owner, whoever has the log of the next start would be one.
fn refuse_last_owner(file: &Transaction<'_>, account: &Account) -> Result<(), Error> {
    let is_other = |other: &Account| other.role == Role::Owner && other.id != account.id;
    if account.role == Role::Owner && !kept::all(file)?.iter().any(is_other) {
        let why = format!("{} is the only owner: make somebody else one first", account.name);
        return Err(wrong(why));
    }
    Ok(())
}

fn create_token(
    file: &mut impl Changes,
    registry: &Registry,
    scope: Scope,
    site: Option<String>,
    label: String,
    now: i64,
) -> Result<String, Error> {
    if let Some(unknown) = site.as_deref().filter(|site| registry.site(site).is_none()) {
        return Err(wrong(format!("there is no site {unknown}")));
    }
    if site.is_some() && scope != Scope::Read {
        return Err(wrong("only a token that reads can be about one site".to_owned()));
    }
    if label.len() > TEXT_BYTES_MAX || label.contains(char::is_control) {
        return Err(wrong(format!("a label is a line of up to {TEXT_BYTES_MAX} bytes")));
    }
    let told = format!("{TOKEN_PREFIX}{}", secret::token().map_err(wrong)?);
    let about = site.as_deref().map(|site| format!(" of {site}")).unwrap_or_default();
    let token = secret::hash(&told);
    let token = ApiToken { id: 0, token, scope, site, label, created_at: now, used_on: None };
    let id = file.change(Affects::Nothing, move |file| {
        if kept::tokens(file)?.len() >= TOKENS_MAX {
            return Err(wrong(format!("there are {TOKENS_MAX} tokens already: revoke some first")));
        }
        Ok(kept::add_token(file, &token)?)
    })?;
    let may = match scope {
        Scope::Read => "reads the figures",
        Scope::Ingest => "tells of visitors",
        Scope::Admin => "does what an owner may",
    };
    Ok(format!("Token {id} {may}{about}. It is told only now:\n{told}"))
}
