//! The certificate in force, and the ones by which an authority sees that a name is ours.

use std::{
    collections::HashMap,
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring::{self, Ticketer},
        server::{ClientHello, ResolvesServerCert},
        sign::CertifiedKey,
    },
};
use tracing::{info, warn};

use super::{
    InForce, authority,
    certificate::Certificate,
    kept::{self, Folder},
};
use crate::config::registry::{Acme, Server, Source};

/// By this name an authority says that it only looks whose a host is (RFC 8737).
pub(super) const CHALLENGE: &[u8] = b"acme-tls/1";

/// So many bytes of an answer are encrypted ahead of what the client has taken.
const AHEAD_BYTES: usize = 16 * 1024;

/// How long an authority is left alone after it refused, in seconds: so long, then twice as long, up to
/// the second. Let's Encrypt takes five failures an hour.
const FIRST_REST: i64 = 5 * 60;
const LONGEST_REST: i64 = 6 * 3600;

/// A connection by TLS.
pub type Session<S> = tokio_rustls::server::TlsStream<S>;

/// What TLS is spoken with.
pub struct Keyring {
    shown: Arc<Shown>,
    acceptor: TlsAcceptor,
    attempts: Mutex<Attempts>,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring").field("attempts", &self.lock()).finish_non_exhaustive()
    }
}

/// What is shown to whom.
#[derive(Debug, Default)]
pub(super) struct Shown {
    own: RwLock<Option<Certificate>>,
    /// For the authority, by host, while it looks.
    challenges: RwLock<HashMap<String, Arc<CertifiedKey>>>,
}

impl Shown {
    fn own(&self) -> Option<Certificate> {
        self.own.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn show(&self, certificate: Certificate) {
        *self.own.write().unwrap_or_else(PoisonError::into_inner) = Some(certificate);
    }

    /// Shows `certificate` to an authority that asks for `host`; `None`: nothing any more.
    pub(super) fn challenge(&self, host: &str, certificate: Option<Arc<CertifiedKey>>) {
        let mut all = self.challenges.write().unwrap_or_else(PoisonError::into_inner);
        match certificate {
            Some(certificate) => all.insert(host.to_owned(), certificate),
            None => all.remove(host),
        };
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, client: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if client.alpn().is_some_and(|mut names| names.any(|name| name == CHALLENGE)) {
            let all = self.challenges.read().unwrap_or_else(PoisonError::into_inner);
            return all.get(client.server_name()?).cloned();
        }
        self.own().map(|own| own.shown)
    }
}

/// What came of asking an authority.
#[derive(Debug, Default)]
struct Attempts {
    /// Whether this authority has not given anything yet.
    is_first: bool,
    /// How often it has failed since the last success.
    failures: u32,
    /// Not before that it is asked again, UTC seconds.
    rests_until: i64,
    /// Why it failed.
    trouble: Option<String>,
}

impl Attempts {
    fn failed(&mut self, now: i64, why: String) -> i64 {
        let rest = FIRST_REST.saturating_mul(1 << self.failures.min(20)).min(LONGEST_REST);
        self.failures = self.failures.saturating_add(1);
        self.rests_until = now + rest;
        self.trouble = Some(why);
        rest
    }
}

impl Keyring {
    /// The keyring of a server that speaks TLS. Of files, the certificate is there from now on; of an
    /// authority, if one was kept.
    ///
    /// # Errors
    /// With a sentence, when the files can't be used.
    pub fn open(server: &Server, now: i64) -> Result<Option<Self>, String> {
        if server.tls.is_none() {
            return Ok(None);
        }
        let shown = Arc::<Shown>::default();
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS can't be set up: {error}"))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&shown) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec(), CHALLENGE.to_vec()];
        // Whoever comes back is known by a ticket of its own, and nothing is kept of it here.
        config.ticketer =
            Ticketer::new().map_err(|error| format!("TLS can't be set up: {error}"))?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let keyring = Self { shown, acceptor, attempts: Mutex::default() };
        keyring.reload(server, now)?;
        Ok(Some(keyring))
    }

    /// Shows what the files tell now, or what an authority has given. One that failed is asked again.
    ///
    /// # Errors
    /// With a sentence, when the files can't be used; then nothing has changed.
    pub fn reload(&self, server: &Server, now: i64) -> Result<(), String> {
        let Some(tls) = &server.tls else { return Ok(()) };
        match &tls.source {
            Source::Files { certificate, key } => {
                let certificate = of_files(certificate, key)?;
                if certificate.ends_at <= now {
                    warn!("the certificate has ended: browsers turn away");
                }
                self.shown.show(certificate);
            }
            Source::Acme(acme) => {
                let kept =
                    Folder(acme.folder(&server.database)).certificate().unwrap_or_else(|why| {
                        warn!(
                            "a new certificate is asked for, as the kept one can't be used: {why}"
                        );
                        None
                    });
                *self.lock() = Attempts { is_first: kept.is_none(), ..Attempts::default() };
                // Until another authority has given one, that of the former is shown.
                if let Some(kept) = kept {
                    self.shown.show(kept);
                }
            }
        }
        Ok(())
    }

    /// What it shows now.
    pub fn in_force(&self) -> InForce {
        let trouble = self.lock().trouble.clone();
        InForce { ends_at: self.shown.own().map(|own| own.ends_at), trouble }
    }

    /// Asks the authority for the next certificate if it is time at `now`, UTC seconds. It may block.
    pub async fn keep(&self, server: &Server, now: i64) {
        let Some(acme) = server.acme() else { return };
        if !self.is_due(acme, now) || self.lock().rests_until > now {
            return;
        }
        let folder = Folder(acme.folder(&server.database));
        info!(
            hosts = acme.hosts.join(" "),
            directory = acme.directory,
            "a certificate is asked for"
        );
        let given = authority::ask(acme, &folder, &self.shown).await;
        match given.map_err(|error| error.to_string()).and_then(|()| {
            folder.certificate()?.ok_or_else(|| "the kept certificate is gone".to_owned())
        }) {
            Ok(certificate) => {
                let days = (certificate.ends_at - now) / 86_400;
                info!(days, "a new certificate is in force");
                self.shown.show(certificate);
                *self.lock() = Attempts::default();
            }
            Err(why) => {
                let rest = self.lock().failed(now, why.clone());
                warn!(
                    "no certificate was given: {why}; the next attempt is in {} minutes, or at once after a \
                     reload",
                    rest / 60
                );
            }
        }
    }

    fn is_due(&self, acme: &Acme, now: i64) -> bool {
        let is_right =
            |own: Certificate| !own.is_due(now) && acme.hosts.iter().all(|host| own.is_for(host));
        self.lock().is_first || !self.shown.own().is_some_and(is_right)
    }

    /// Agrees on keys with the client at `stream`.
    ///
    /// # Errors
    /// When the client breaks off, does not speak TLS, or there is no certificate for it; and after an
    /// authority has seen what it wanted to.
    pub async fn begin<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> io::Result<Session<S>> {
        let session = self.acceptor.accept_with(stream, |session| {
            session.set_buffer_limit(Some(AHEAD_BYTES));
        });
        let session = session.await?;
        if session.get_ref().1.alpn_protocol() == Some(CHALLENGE) {
            return Err(io::Error::other("an authority has looked"));
        }
        Ok(session)
    }

    fn lock(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The certificate in two files of the owner's.
pub(super) fn of_files(certificate: &Path, key: &Path) -> Result<Certificate, String> {
    let read = |path: &Path| {
        kept::read(path).map_err(|error| format!("can't read {}: {error}", path.display()))
    };
    let names = [certificate.display().to_string(), key.display().to_string()];
    Certificate::read(&read(certificate)?, &read(key)?, [&names[0], &names[1]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_that_refuses_is_left_alone_longer_each_time() {
        let mut attempts = Attempts::default();
        let rests: Vec<i64> = (0..9).map(|_| attempts.failed(0, String::new()) / 60).collect();
        assert_eq!(rests, [5, 10, 20, 40, 80, 160, 320, 360, 360]);
        // Within any hour it is asked five times at most.
        assert!(rests[..4].iter().sum::<i64>() >= 60);
    }
}
