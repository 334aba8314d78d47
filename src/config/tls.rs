//! `[server.tls]`: as written, then as meant.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use toml::Spanned;

use super::{
    error::{Fault, quoted},
    file,
    listen::Listen,
    value,
};
use crate::files::with_suffix;

/// Let's Encrypt.
const DEFAULT_DIRECTORY: &str = "https://acme-v02.api.letsencrypt.org/directory";
/// How many names one certificate may have, as Let's Encrypt has it.
const HOSTS_MAX: usize = 100;

/// TLS on the server's own port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// Where its certificate comes from.
    pub source: Source,
    /// A port without TLS, which sends browsers to the one with it.
    pub redirect: Option<SocketAddr>,
}

/// Where a certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Two files of the owner's, in PEM.
    Files {
        /// The certificate and those that lead from it to its authority.
        certificate: PathBuf,
        /// Its key.
        key: PathBuf,
    },
    /// An authority, by the protocol ACME.
    Acme(Acme),
}

/// What an authority is asked for, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acme {
    /// The names that the certificate is for, lower case; at least one.
    pub hosts: Vec<String>,
    /// Whom the authority may write to: `mailto:…`.
    pub contact: Option<String>,
    /// The address of the authority's directory, https.
    pub directory: String,
    /// The certificate by which its own server is known, where browsers would not know it.
    pub directory_root: Option<PathBuf>,
    /// Where account and certificates are kept; `None`: beside the database.
    pub folder: Option<PathBuf>,
}

impl Acme {
    /// The folder of what this authority has given, for a server on `database`. Another authority has another.
    pub fn folder(&self, database: &Path) -> PathBuf {
        let folder = self.folder.clone().unwrap_or_else(|| with_suffix(database, "-acme"));
        let authority = self.directory.split('/').nth(2).unwrap_or_default();
        folder.join(authority.replace(':', "-"))
    }
}

/// Checks `[server.tls]` for a server that listens on `listen` and is called `base_url`.
pub(super) fn check(
    written: Option<&Spanned<file::Tls>>,
    listen: &Listen,
    base_url: Option<(&Spanned<String>, &str)>,
) -> Result<Option<Tls>, Fault> {
    let Some(table) = written else { return Ok(None) };
    if cfg!(not(feature = "tls")) {
        let sentence = "this build has no TLS: build it with --features tls, or let a proxy do it";
        return Err(Fault::at(table, sentence));
    }
    if matches!(listen, Listen::Path(_)) {
        let sentence = "listen is a Unix socket, which has no TLS: take [server.tls] out, or listen on an \
                        address";
        return Err(Fault::at(table, sentence));
    }
    if let Some((text, url)) = base_url
        && !url.starts_with("https:")
    {
        let sentence = "with [server.tls], browsers come by https: begin this with \"https://\"";
        return Err(Fault::at(text, sentence));
    }
    let file::Tls { certificate, key, redirect, acme } = table.get_ref();
    let source = match (certificate, key, acme) {
        (Some(certificate), Some(key), None) => {
            Source::Files { certificate: value::path(certificate)?, key: value::path(key)? }
        }
        (None, None, Some(acme)) => Source::Acme(asked_for(acme, base_url)?),
        (None, None, None) => {
            let sentence = "[server.tls] needs either \"certificate\" and \"key\", or \"acme\"";
            return Err(Fault::at(table, sentence));
        }
        (Some(one), None, None) => {
            return Err(Fault::at(one, "a certificate needs its \"key\" beside it"));
        }
        (None, Some(one), None) => {
            return Err(Fault::at(one, "a key needs its \"certificate\" beside it"));
        }
        (Some(one), ..) | (_, Some(one), _) => {
            let sentence =
                "write either files or \"acme\": an authority's certificate has its own place";
            return Err(Fault::at(one, sentence));
        }
    };
    let redirect = redirect.as_ref().map(|text| {
        if base_url.is_none() && matches!(source, Source::Files { .. }) {
            let sentence = "redirect needs a base_url to send browsers to";
            return Err(Fault::at(text, sentence));
        }
        text.get_ref().parse().map_err(|_| {
            let written = quoted(text.get_ref());
            let sentence = format!(
                "{written} is not an address and a port; write both in numbers, such as \"0.0.0.0:80\" or \
                 \"[::]:80\""
            );
            Fault::at(text, sentence)
        })
    });
    Ok(Some(Tls { source, redirect: redirect.transpose()? }))
}

fn asked_for(
    table: &Spanned<file::Acme>,
    base_url: Option<(&Spanned<String>, &str)>,
) -> Result<Acme, Fault> {
    let file::Acme { hosts, contact, directory, directory_root, folder } = table.get_ref();
    let names = value::list(hosts.as_ref(), host)?;
    if names.is_empty() || names.len() > HOSTS_MAX {
        let sentence = format!("\"acme\" needs \"hosts\", 1 to {HOSTS_MAX} names");
        return Err(Fault::at(table, sentence));
    }
    if let Some((text, url)) = base_url
        && let Some(called) =
            url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned))
        && !names.contains(&called)
    {
        let sentence = format!("{} is not among the hosts of \"acme\"", quoted(&called));
        return Err(Fault::at(text, sentence));
    }
    Ok(Acme {
        hosts: names,
        contact: contact.as_ref().map(mail_address).transpose()?,
        directory: match directory {
            Some(text) => secure_address(text)?,
            None => DEFAULT_DIRECTORY.to_owned(),
        },
        directory_root: directory_root.as_ref().map(value::path).transpose()?,
        folder: folder.as_ref().map(value::path).transpose()?,
    })
}

/// A name that an authority can prove by connecting to it.
fn host(text: &Spanned<String>) -> Result<String, Fault> {
    let host = value::host(text)?;
    if host.parse::<std::net::IpAddr>().is_ok() || host.starts_with('[') {
        let sentence = format!("{} is an address; certificates are for names", quoted(&host));
        return Err(Fault::at(text, sentence));
    }
    Ok(host)
}

fn mail_address(text: &Spanned<String>) -> Result<String, Fault> {
    let address = text.get_ref().strip_prefix("mailto:").unwrap_or(text.get_ref());
    let is_one = address.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty()
            && host.contains('.')
            && address.chars().all(|c| c.is_ascii_graphic() && !",?<>\"".contains(c))
    });
    if is_one {
        return Ok(format!("mailto:{address}"));
    }
    let sentence = format!("{} is not a mail address such as \"me@example.com\"", quoted(address));
    Err(Fault::at(text, sentence))
}

fn secure_address(text: &Spanned<String>) -> Result<String, Fault> {
    let url = url::Url::parse(text.get_ref()).ok();
    let url = url.filter(|url| url.scheme() == "https" && url.username().is_empty());
    url.map(String::from).ok_or_else(|| {
        let written = quoted(text.get_ref());
        let sentence =
            format!("{written} is not the address of a directory, such as \"{DEFAULT_DIRECTORY}\"");
        Fault::at(text, sentence)
    })
}

#[cfg(all(test, feature = "tls"))]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use crate::config::{self, tests::check};

    fn server(text: &str) -> config::registry::Server {
        config::parse(&format!("[server]\n{text}"), "beacons.toml").unwrap().server
    }

    #[test]
    fn what_is_written_is_meant() {
        let plain = server("");
        assert!(plain.tls.is_none() && !plain.is_https());
        let files = server(
            "base_url = \"https://a.example\"\n\
             tls = { certificate = \"a.pem\", key = \"k.pem\", redirect = \"[::]:80\" }",
        );
        let tls = files.tls.as_ref().unwrap();
        let (certificate, key) = ("a.pem".into(), "k.pem".into());
        assert_eq!(tls.source, Source::Files { certificate, key });
        assert_eq!(tls.redirect, Some("[::]:80".parse().unwrap()));
        let own = server("listen = \"127.0.0.1:8443\"\ntls = { certificate = \"a\", key = \"k\" }");
        assert!(own.is_https());
        assert_eq!(own.url(), "https://127.0.0.1:8443");
        let asked = server("tls.acme = { hosts = [\"A.example\"], contact = \"me@b.example\" }");
        assert_eq!(asked.url(), "https://a.example");
        let acme = asked.acme().unwrap();
        assert_eq!(acme.contact.as_deref(), Some("mailto:me@b.example"));
        let kept = acme.folder(Path::new("/var/a.db"));
        assert_eq!(kept, Path::new("/var/a.db-acme/acme-v02.api.letsencrypt.org"));
    }

    #[test]
    fn what_can_not_be_meant_is_told() {
        let tls = |body: &str, expected: &str| check(&format!("[server.tls]\n{body}"), expected);
        tls(
            "",
            "beacons.toml:1:1: [server.tls] needs either \"certificate\" and \"key\", or \"acme\"",
        );
        tls(
            "certificate = \"a.pem\"",
            "beacons.toml:2:15: a certificate needs its \"key\" beside it",
        );
        tls("key = \"a.pem\"", "beacons.toml:2:7: a key needs its \"certificate\" beside it");
        tls(
            "certificate = \"a.pem\"\nacme = { hosts = [\"a.example\"] }",
            "beacons.toml:2:15: write either files or \"acme\": an authority's certificate has its own place",
        );
        tls(
            "certificate = \"a\"\nkey = \"b\"\nredirect = \"0.0.0.0:80\"",
            "beacons.toml:4:12: redirect needs a base_url to send browsers to",
        );
        tls(
            "acme = { hosts = [\"a.example\"] }\nredirect = \"80\"",
            "beacons.toml:3:12: \"80\" is not an address and a port; write both in numbers, such as \
             \"0.0.0.0:80\" or \"[::]:80\"",
        );
        tls("acme = {}", "beacons.toml:2:8: \"acme\" needs \"hosts\", 1 to 100 names");
        tls(
            "acme = { hosts = [\"192.0.2.1\"] }",
            "beacons.toml:2:19: \"192.0.2.1\" is an address; certificates are for names",
        );
        tls(
            "acme = { hosts = [\"a.example\"], contact = \"me\" }",
            "beacons.toml:2:43: \"me\" is not a mail address such as \"me@example.com\"",
        );
        tls(
            "acme = { hosts = [\"a.example\"], directory = \"http://a.example\" }",
            "beacons.toml:2:45: \"http://a.example\" is not the address of a directory, such as \
             \"https://acme-v02.api.letsencrypt.org/directory\"",
        );
        check(
            "[server]\nbase_url = \"http://a.example\"\ntls = { certificate = \"a\", key = \"k\" }",
            "beacons.toml:2:12: with [server.tls], browsers come by https: begin this with \"https://\"",
        );
        check(
            "[server]\nbase_url = \"https://b.example\"\ntls.acme.hosts = [\"a.example\"]",
            "beacons.toml:2:12: \"b.example\" is not among the hosts of \"acme\"",
        );
        check(
            "[server]\nlisten = \"unix:/run/a\"\n[server.tls]\ncertificate = \"a\"\nkey = \"k\"",
            "beacons.toml:3:1: listen is a Unix socket, which has no TLS: take [server.tls] out, or listen \
             on an address",
        );
    }
}

#[cfg(all(test, not(feature = "tls")))]
mod tests_without {
    use crate::config::tests::check;

    #[test]
    fn a_build_without_tls_says_how_to_get_it() {
        check(
            "[server.tls]\ncertificate = \"a\"\nkey = \"b\"",
            "beacons.toml:1:1: this build has no TLS: build it with --features tls, or let a proxy do it",
        );
    }
}
