//! Secret links to the figures of one site, for those who shall see nothing else.
//!
//! A link's token is told once; the file has its hash alone.

use serde::{Deserialize, Serialize};

use crate::{
    auth::{Error, secret},
    config::registry::Registry,
    store::{
        self, Transaction,
        share::{self, ShareLink},
    },
    writer::{Affects, changes::Changes},
};

/// How many links there are at most.
const LINKS_MAX: usize = 1_000;

/// The longest label and the longest password, in bytes.
const TEXT_BYTES_MAX: usize = 256;

/// The shortest password, in bytes.
const PASSWORD_BYTES_MIN: usize = 8;

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Make a link.
    Create {
        /// The site.
        site: String,
        /// What must be known to open it.
        password: Option<String>,
        /// For how many days it opens; for ever if left out.
        days: Option<u32>,
        /// Whom it is for.
        label: String,
    },
    /// Take back the link with this number.
    Revoke(i64),
}

/// Does what `request` asks for at `now` (UTC seconds), and says in a sentence what that was. A new link
/// stands in it, under `base_url`.
///
/// # Errors
/// When it makes no sense, or the file can't be written.
pub fn carry_out(
    file: &mut impl Changes,
    registry: &Registry,
    base_url: &str,
    request: Request,
    now: i64,
) -> Result<String, Error> {
    match request {
        Request::Create { site, password, days, label } => {
            if registry.site(&site).is_none() {
                return Err(Error::Wrong(format!("there is no site {site}")));
            }
            let password = password.as_deref().map(hashed).transpose()?;
            if label.len() > TEXT_BYTES_MAX {
                return Err(Error::Wrong(format!(
                    "the label is longer than {TEXT_BYTES_MAX} bytes"
                )));
            }
            let token = secret::token().map_err(Error::Wrong)?;
            let hash = secret::hash(&token);
            let expires_at = days.map(|days| now + i64::from(days) * 86_400);
            let link = ShareLink { id: 0, site, password, label, created_at: now, expires_at };
            let site = link.site.clone();
            let id = file.change(Affects::Nothing, move |file| create(file, &link, &hash))?;
            Ok(format!(
                "Link {id} shows {site} to whoever has it. It is told only now:\n{base_url}/share/{token}/"
            ))
        }
        Request::Revoke(id) => {
            let found = file.change(Affects::Nothing, move |file| share::remove(file, id))?;
            if !found {
                return Err(Error::Wrong(format!("there is no link {id}: share list shows them")));
            }
            Ok(format!("Link {id} opens nothing any more."))
        }
    }
}

fn create(file: &Transaction<'_>, link: &ShareLink, hash: &[u8; 32]) -> Result<i64, Error> {
    if share::all(file)?.len() >= LINKS_MAX {
        let why = format!("there are {LINKS_MAX} links already: take some back first");
        return Err(Error::Wrong(why));
    }
    Ok(share::add(file, link, hash)?)
}

/// The link of `token`, if it opens anything at `now` (UTC seconds).
///
/// # Errors
/// When the file can't be read.
pub fn open(
    file: &Transaction<'_>,
    token: &str,
    now: i64,
) -> Result<Option<ShareLink>, store::Error> {
    share::find(file, &secret::hash(token), now)
}

/// Whether `password` opens `link`. It takes a while, as it is meant to.
pub fn is_password(link: &ShareLink, password: &str) -> bool {
    link.password.as_deref().is_none_or(|kept| secret::is_password(kept, password))
}

/// What a browser keeps that has told the password of `link`; another one once that changes.
pub fn pass(link: &ShareLink, token: &str) -> String {
    let kept = link.password.as_deref().unwrap_or_default();
    blake3::Hasher::new_keyed(&secret::hash(token))
        .update(kept.as_bytes())
        .finalize()
        .to_hex()
        .to_string()
}

fn hashed(password: &str) -> Result<String, Error> {
    if !(PASSWORD_BYTES_MIN..=TEXT_BYTES_MAX).contains(&password.len()) {
        return Err(Error::Wrong(format!(
            "a password has {PASSWORD_BYTES_MIN} to {TEXT_BYTES_MAX} bytes"
        )));
    }
    secret::hashed(password).map_err(Error::Wrong)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn a_password_opens_its_own_link_alone() {
        let link = |password: Option<&str>| ShareLink {
            id: 1,
            site: "a.example".to_owned(),
            password: password.map(|password| hashed(password).unwrap()),
            label: String::new(),
            created_at: 0,
            expires_at: None,
        };
        let (one, other) = (link(Some("correct horse")), link(Some("correct horse")));
        assert!(is_password(&one, "correct horse") && !is_password(&one, "correct horses"));
        assert!(is_password(&link(None), ""));
        assert_ne!(one.password, other.password);
        assert_ne!(pass(&one, "x"), pass(&other, "x"));
        assert_ne!(pass(&one, "x"), pass(&one, "y"));
        assert!(hashed("short").is_err());
    }
}
