//! What is to be said of the certificate, to whoever asks whether all is well.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use super::{Grade, InForce, Remark, certificate::Certificate, kept::Folder, keyring::of_files};
use crate::{
    config::registry::{Acme, Server, Source},
    model::period::timestamp,
};

/// So long before its end, in seconds, a certificate that nobody renews by itself is worth a word.
const SOON: i64 = 14 * 86_400;

/// What is to be said at `now`, UTC seconds, beside a server that shows what is `in_force`. Nothing of one
/// without TLS.
pub fn examine(server: &Server, in_force: Option<&InForce>, now: i64) -> Vec<Remark> {
    match server.tls.as_ref().map(|tls| &tls.source) {
        None => Vec::new(),
        Some(Source::Files { certificate, key }) => {
            let mut told = vec![of_owner(server, of_files(certificate, key), in_force, now)];
            told.extend(for_others(key));
            told
        }
        Some(Source::Acme(acme)) => {
            let trouble = in_force.and_then(|shown| shown.trouble.as_deref());
            let folder = Folder(acme.folder(&server.database));
            let mut told = vec![of_authority(acme, folder.certificate(), trouble, now)];
            told.extend(folder.files().iter().filter_map(|path| for_others(path)));
            told
        }
    }
}

fn wrong(why: impl Into<String>, to_do: impl Into<String>) -> Remark {
    Remark { grade: Grade::Wrong, why: why.into(), to_do: to_do.into() }
}

/// A certificate in files of the owner's.
fn of_owner(
    server: &Server,
    found: Result<Certificate, String>,
    in_force: Option<&InForce>,
    now: i64,
) -> Remark {
    let certificate = match found {
        Ok(certificate) => certificate,
        Err(why) => {
            let to_do =
                "Put both files right; a running server goes on with what it has read before.";
            return wrong(format!("It can’t be used: {why}."), to_do);
        }
    };
    let ends = timestamp(certificate.ends_at);
    let next = "Put the next one into its files, then reload.";
    if certificate.ends_at <= now {
        return wrong(format!("It has ended at {ends}: browsers turn away."), next);
    }
    if certificate.begins_at > now {
        let begins = timestamp(certificate.begins_at);
        let to_do = "Look whether the clock is right, or wait.";
        return wrong(format!("It does not hold before {begins}: browsers turn away."), to_do);
    }
    if let Some(shown) = in_force.and_then(|shown| shown.ends_at)
        && shown != certificate.ends_at
    {
        return Remark {
            grade: if shown <= now { Grade::Wrong } else { Grade::Advice },
            why: format!(
                "The files have another one than the server shows, which ends at {}.",
                timestamp(shown)
            ),
            to_do: "Reload the server, and let whoever renews the files do so.".to_owned(),
        };
    }
    if let Some(host) = host(server).filter(|host| !certificate.is_for(host)) {
        let why = format!("It is not for {host}, the name in base_url.");
        return Remark {
            grade: Grade::Advice,
            why,
            to_do: "Use one that is, or set base_url to a name that it has.".to_owned(),
        };
    }
    if certificate.ends_at - now < SOON {
        let why = format!("It ends at {ends}, and nothing here renews it.");
        return Remark { grade: Grade::Advice, why, to_do: next.to_owned() };
    }
    Remark { grade: Grade::Well, why: format!("It holds until {ends}."), to_do: String::new() }
}

/// A certificate of an authority.
fn of_authority(
    acme: &Acme,
    found: Result<Option<Certificate>, String>,
    trouble: Option<&str>,
    now: i64,
) -> Remark {
    let to_do = "Look whether each host leads to this server, with its port 443; a reload tries again at once.";
    let sentence = match trouble {
        Some(trouble) => format!("None was given at the last attempt: {trouble}."),
        None => String::new(),
    };
    let certificate = match found {
        Ok(Some(certificate)) => certificate,
        Ok(None) if trouble.is_some() => return wrong(sentence, to_do),
        Ok(None) => {
            let why = format!("There is none for {} yet.", acme.hosts.join(", "));
            let to_do = "A running server asks for it by itself.".to_owned();
            return Remark { grade: Grade::Advice, why, to_do };
        }
        Err(why) => return wrong(format!("It can’t be used: {why}."), to_do),
    };
    let ends = timestamp(certificate.ends_at);
    if certificate.ends_at <= now {
        return wrong(format!("It has ended at {ends}: browsers turn away. {sentence}"), to_do);
    }
    if trouble.is_some() {
        let why = format!("It holds until {ends}, but the next one is due. {sentence}");
        return Remark { grade: Grade::Advice, why, to_do: to_do.to_owned() };
    }
    let why = format!("It holds until {ends}, and is renewed before that.");
    Remark { grade: Grade::Well, why, to_do: String::new() }
}

/// The host in base_url.
fn host(server: &Server) -> Option<String> {
    let url = url::Url::parse(server.base_url.as_deref()?).ok()?;
    url.host_str().map(str::to_owned)
}

/// That others may read a key.
fn for_others(path: &Path) -> Option<Remark> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    let shown = path.display();
    (mode & 0o007 != 0).then(|| Remark {
        grade: Grade::Advice,
        why: format!("Every user of this machine may read or write {shown} (mode {mode:o})."),
        to_do: format!("chmod o= {shown}"),
    })
}
