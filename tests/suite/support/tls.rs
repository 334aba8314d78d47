//! Certificates of our own making, and clients that believe them.

use std::{fs, io, net::TcpStream, os::unix::fs::PermissionsExt as _, path::PathBuf, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use time::{Duration, OffsetDateTime};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};

use super::{PATIENCE, http::Client};

/// An authority, and a folder with the files of what it has signed.
pub(crate) struct Authority {
    pub(crate) folder: tempfile::TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let own = Self { folder: tempfile::tempdir().unwrap(), issuer };
        fs::write(own.path("root.pem"), own.root()).unwrap();
        own
    }

    pub(crate) fn root(&self) -> String {
        self.issuer.as_ref().pem()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Signs a certificate for `host` that ends in so many days, and writes it and its key.
    pub(crate) fn sign(&self, host: &str, days: i64) {
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        let now = OffsetDateTime::now_utc();
        params.not_before = now - Duration::days(90);
        params.not_after = now + Duration::days(days);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        fs::write(self.path("chain.pem"), certificate.pem()).unwrap();
        let path = self.path("key.pem");
        fs::write(&path, key.serialize_pem()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// The lines of `[server.tls]` for what was signed.
    pub(crate) fn lines(&self) -> String {
        let (certificate, key) = (self.path("chain.pem"), self.path("key.pem"));
        format!("[server.tls]\ncertificate = {certificate:?}\nkey = {key:?}\n")
    }
}

/// A connection to `localhost` at `port`, whose certificate `root` must have signed; and that certificate.
pub(crate) fn connect(port: u16, root: &str) -> io::Result<(Client, Vec<u8>)> {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(root.as_bytes()) {
        roots.add(root.unwrap()).unwrap();
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let mut session = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    while session.is_handshaking() {
        session.complete_io(&mut stream)?;
    }
    let shown = session.peer_certificates().unwrap()[0].to_vec();
    let own_port = stream.local_addr()?.port();
    Ok((Client::over(Box::new(StreamOwned::new(session, stream)), own_port), shown))
}
