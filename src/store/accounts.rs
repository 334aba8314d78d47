//! Who may look: accounts, the browsers that are signed in, and what programs show.

use rusqlite::{Connection, Transaction, params};
use serde::{Deserialize, Serialize};

use super::Error;

/// What somebody with an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything.
    Owner,
    /// Read the figures of some sites.
    Viewer,
}

/// What a program with a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Read figures.
    Read,
    /// Tell addresses, user agents and times of the visitors that it speaks for.
    Ingest,
    /// Read and change what an owner may.
    Admin,
}

/// Somebody who may look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub id: i64,
    /// Its name, lower case.
    pub name: String,
    /// The hash of the password, in PHC's form.
    pub password: String,
    /// What it may do.
    pub role: Role,
    /// The sites that a viewer sees.
    pub sites: Vec<String>,
    /// When it was made, UTC seconds.
    pub created_at: i64,
}

/// A browser that is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its number.
    pub id: i64,
    /// The hash of its token.
    pub token: [u8; 32],
    /// Whose it is.
    pub account: i64,
    /// When it began, UTC seconds.
    pub began_at: i64,
    /// When it was last used, UTC seconds, to the hour.
    pub seen_at: i64,
}

/// What a program shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Its number.
    pub id: i64,
    /// The hash of the token.
    pub token: [u8; 32],
    /// What it is good for.
    pub scope: Scope,
    /// The one site that it is about; all for `None`.
    pub site: Option<String>,
    /// What it is for.
    pub label: String,
    /// When it was made, UTC seconds.
    pub created_at: i64,
    /// The first second of the UTC day on which it was last used, if ever.
    pub used_on: Option<i64>,
}

impl Role {
    /// Each with its word.
    pub const ALL: [(Self, &'static str); 2] = [(Self::Owner, "owner"), (Self::Viewer, "viewer")];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Viewer => "viewer",
        }
    }

    /// The role that `word` stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == word).map(|(role, _)| role)
    }
}

impl Scope {
    /// Each with its word.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Read, "read"), (Self::Ingest, "ingest"), (Self::Admin, "admin")];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Ingest => "ingest",
            Self::Admin => "admin",
        }
    }

    /// The scope that `word` stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == word).map(|(scope, _)| scope)
    }
}

/// All accounts, the oldest first.
///
/// # Errors
/// When the file can't be read.
pub fn all(file: &Connection) -> Result<Vec<Account>, Error> {
    let mut statement = file
        .prepare_cached("SELECT id, name, password, role, created_at FROM account ORDER BY id")?;
    let rows = statement.query_map([], |row| {
        // A word of a later release means the lesser role here.
        let role = Role::from_word(&row.get::<_, String>(3)?).unwrap_or(Role::Viewer);
        Ok(Account {
            id: row.get(0)?,
            name: row.get(1)?,
            password: row.get(2)?,
            role,
            sites: Vec::new(),
            created_at: row.get(4)?,
        })
    })?;
    let mut accounts: Vec<Account> = rows.collect::<Result<_, _>>()?;
    let mut statement =
        file.prepare_cached("SELECT site FROM account_site WHERE account = ?1 ORDER BY site")?;
    for account in &mut accounts {
        let sites = statement.query_map([account.id], |row| row.get(0))?;
        account.sites = sites.collect::<Result<_, _>>()?;
    }
    Ok(accounts)
}

/// Adds an account, whose number is ignored, and says which number it has got.
///
/// # Errors
/// When the file can't be written.
pub fn add(file: &Transaction<'_>, account: &Account) -> Result<i64, Error> {
    let mut statement = file.prepare_cached(
        "INSERT INTO account (name, password, role, created_at) VALUES (?1, ?2, ?3, ?4)",
    )?;
    let Account { name, password, role, sites, created_at, .. } = account;
    let id = statement.insert(params![name, password, role.as_str(), created_at])?;
    set_sites(file, id, sites)?;
    Ok(id)
}

/// Removes an account and all that it has.
///
/// # Errors
/// When the file can't be written.
pub fn remove(file: &Transaction<'_>, id: i64) -> Result<(), Error> {
    sign_out(file, id, None)?;
    file.execute("DELETE FROM device WHERE account = ?1", [id])?;
    file.execute("DELETE FROM account_site WHERE account = ?1", [id])?;
    file.execute("DELETE FROM account WHERE id = ?1", [id])?;
    Ok(())
}

/// Gives an account another password, by its hash in PHC's form.
///
/// # Errors
/// When the file can't be written.
pub fn set_password(file: &Transaction<'_>, id: i64, password: &str) -> Result<(), Error> {
    file.execute("UPDATE account SET password = ?2 WHERE id = ?1", params![id, password])?;
    Ok(())
}

/// Gives an account another role, and its sites.
///
/// # Errors
/// When the file can't be written.
pub fn set_role(
    file: &Transaction<'_>,
    id: i64,
    role: Role,
    sites: &[String],
) -> Result<(), Error> {
    file.execute("UPDATE account SET role = ?2 WHERE id = ?1", params![id, role.as_str()])?;
    file.execute("DELETE FROM account_site WHERE account = ?1", [id])?;
    set_sites(file, id, sites)
}

fn set_sites(file: &Transaction<'_>, id: i64, sites: &[String]) -> Result<(), Error> {
    let mut statement =
        file.prepare_cached("INSERT OR IGNORE INTO account_site (account, site) VALUES (?1, ?2)")?;
    for site in sites {
        statement.execute(params![id, site])?;
    }
    Ok(())
}

/// All sessions, the oldest first.
///
/// # Errors
/// When the file can't be read.
pub fn sessions(file: &Connection) -> Result<Vec<Session>, Error> {
    let mut statement = file
        .prepare_cached("SELECT id, token, account, began_at, seen_at FROM session ORDER BY id")?;
    let rows = statement.query_map([], |row| {
        Ok(Session {
            id: row.get(0)?,
            token: row.get(1)?,
            account: row.get(2)?,
            began_at: row.get(3)?,
            seen_at: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Begins a session of `account` at `now` (UTC seconds). Those that began before `oldest` go, and of the
/// account's own all but the last `most`.
///
/// # Errors
/// When the file can't be written.
pub fn sign_in(
    file: &Transaction<'_>,
    account: i64,
    token: &[u8; 32],
    now: i64,
    oldest: i64,
    most: u32,
) -> Result<(), Error> {
    file.execute("DELETE FROM session WHERE began_at < ?1", [oldest])?;
    file.execute(
        "INSERT INTO session (token, account, began_at, seen_at) VALUES (?1, ?2, ?3, ?3)",
        params![token, account, now],
    )?;
    file.execute(
        "DELETE FROM session WHERE account = ?1 AND id NOT IN
             (SELECT id FROM session WHERE account = ?1 ORDER BY id DESC LIMIT ?2)",
        params![account, most],
    )?;
    Ok(())
}

/// Ends the session of `account` with this number, or all of them. Says how many there were.
///
/// # Errors
/// When the file can't be written.
pub fn sign_out(file: &Transaction<'_>, account: i64, id: Option<i64>) -> Result<usize, Error> {
    Ok(file.execute(
        "DELETE FROM session WHERE account = ?1 AND (?2 IS NULL OR id = ?2)",
        params![account, id],
    )?)
}

/// Notes that the session with this number was used at `now` (UTC seconds).
///
/// # Errors
/// When the file can't be written.
pub fn note_session(file: &Transaction<'_>, id: i64, now: i64) -> Result<(), Error> {
    file.execute("UPDATE session SET seen_at = ?2 WHERE id = ?1", params![id, now])?;
    Ok(())
}

/// Whether a browser with this token has signed in to `account` before.
///
/// # Errors
/// When the file can't be read.
pub fn knows_device(file: &Connection, account: i64, token: &[u8; 32]) -> Result<bool, Error> {
    let mut statement =
        file.prepare_cached("SELECT 1 FROM device WHERE token = ?1 AND account = ?2")?;
    Ok(statement.exists(params![token, account])?)
}

/// Notes that a browser with this token has signed in to `account` at `now` (UTC seconds). Of the
/// account's browsers the last `most` are known.
///
/// # Errors
/// When the file can't be written.
pub fn note_device(
    file: &Transaction<'_>,
    account: i64,
    token: &[u8; 32],
    now: i64,
    most: u32,
) -> Result<(), Error> {
    file.execute(
        "INSERT INTO device (token, account, seen_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (token) DO UPDATE SET account = ?2, seen_at = ?3",
        params![token, account, now],
    )?;
    file.execute(
        "DELETE FROM device WHERE account = ?1 AND token NOT IN
             (SELECT token FROM device WHERE account = ?1 ORDER BY seen_at DESC LIMIT ?2)",
        params![account, most],
    )?;
    Ok(())
}

/// All tokens of programs, the oldest first.
///
/// # Errors
/// When the file can't be read.
pub fn tokens(file: &Connection) -> Result<Vec<ApiToken>, Error> {
    let mut statement = file.prepare_cached(
        "SELECT id, token, scope, site, label, created_at, used_on FROM api_token ORDER BY id",
    )?;
    let rows = statement.query_map([], |row| {
        // A word of a later release means the least here.
        let scope = Scope::from_word(&row.get::<_, String>(2)?).unwrap_or(Scope::Ingest);
        Ok(ApiToken {
            id: row.get(0)?,
            token: row.get(1)?,
            scope,
            site: row.get(3)?,
            label: row.get(4)?,
            created_at: row.get(5)?,
            used_on: row.get(6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Adds a token, whose number is ignored, and says which number it has got.
///
/// # Errors
/// When the file can't be written.
pub fn add_token(file: &Transaction<'_>, token: &ApiToken) -> Result<i64, Error> {
    let mut statement = file.prepare_cached(
        "INSERT INTO api_token (token, scope, site, label, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let ApiToken { token: hash, scope, site, label, created_at, .. } = token;
    Ok(statement.insert(params![hash, scope.as_str(), site, label, created_at])?)
}

/// Takes the token with this number back. Says whether there was one.
///
/// # Errors
/// When the file can't be written.
pub fn remove_token(file: &Transaction<'_>, id: i64) -> Result<bool, Error> {
    Ok(file.execute("DELETE FROM api_token WHERE id = ?1", [id])? > 0)
}

/// Notes that the token with this number was used on `day`, by its first second.
///
/// # Errors
/// When the file can't be written.
pub fn note_token(file: &Transaction<'_>, id: i64, day: i64) -> Result<(), Error> {
    file.execute("UPDATE api_token SET used_on = ?2 WHERE id = ?1", params![id, day])?;
    Ok(())
}
