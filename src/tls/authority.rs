//! Asks an authority for a certificate, by the protocol ACME (RFC 8555): it connects to each host by TLS
//! and finds there what only who has the account can show (RFC 8737).

use std::{pin::Pin, sync::Arc, time::Duration};

use instant_acme::{
    Account, AuthorizationStatus, BodyWrapper, BytesResponse, ChallengeType, HttpClient,
    Identifier, NewAccount, NewOrder, Order, OrderStatus, Problem, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use tokio_rustls::rustls::{
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    sign::CertifiedKey,
};
use ureq::{
    http::{Request, Response},
    tls::{Certificate, PemItem, RootCerts, TlsConfig},
};

use super::{
    kept::{self, Folder},
    keyring::Shown,
};
use crate::config::registry::Acme;

/// How long one request to the authority may take.
const REQUEST_TIME: Duration = Duration::from_secs(30);

/// How long it may take to look, and to make a certificate.
const PATIENCE: RetryPolicy = RetryPolicy::new().timeout(Duration::from_secs(90));

/// The longest answer, in bytes.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// How much is repeated of what an authority says.
const SENTENCE_CHARACTERS_MAX: usize = 400;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{}", in_words(.0))]
    Authority(#[from] instant_acme::Error),
    #[error("the authority could not prove that {host} is this server: {why}")]
    NotProven { host: String, why: String },
    #[error("what the authority needs can't be made: {0}")]
    NotMade(#[from] rcgen::Error),
    #[error("{0}")]
    Other(String),
}

/// What went wrong between the authority and us.
fn in_words(error: &instant_acme::Error) -> String {
    match error {
        instant_acme::Error::Api(problem) => format!("the authority says: {}", said(problem)),
        instant_acme::Error::Timeout(_) => "the authority takes longer than it may".to_owned(),
        other => format!("the authority can't be asked: {other}"),
    }
}

/// What an authority says, on one line that is none too long.
fn said(problem: &Problem) -> String {
    let text = problem.to_string();
    let text = text.strip_prefix("API error: ").unwrap_or(&text);
    text.chars().filter(|letter| !letter.is_control()).take(SENTENCE_CHARACTERS_MAX).collect()
}

/// Asks for a certificate and keeps it in `folder`.
///
/// # Errors
/// When the authority can't be reached, refuses, or does not find this server under its names; or when
/// something can't be kept.
pub(super) async fn ask(acme: &Acme, folder: &Folder, shown: &Shown) -> Result<(), Error> {
    let account = account(acme, folder).await?;
    let hosts: Vec<Identifier> =
        acme.hosts.iter().map(|host| Identifier::Dns(host.clone())).collect();
    let mut order = account.new_order(&NewOrder::new(&hosts)).await?;
    let given = given(&mut order, shown).await;
    for host in &acme.hosts {
        shown.challenge(host, None);
    }
    let (key, chain) = given?;
    folder.keep_certificate(&key, &chain).map_err(|error| {
        Error::Other(format!("it can't be kept in {}: {error}", folder.0.display()))
    })
}

/// The account that was kept, or a new one.
async fn account(acme: &Acme, folder: &Folder) -> Result<Account, Error> {
    let not_kept = |error: std::io::Error| {
        Error::Other(format!("the account in {} can't be used: {error}", folder.0.display()))
    };
    let builder = Account::builder_with_http(Box::new(Way::to(acme)?));
    if let Some(kept) = folder.account().map_err(not_kept)? {
        let known = serde_json::from_slice(&kept).map_err(|error| not_kept(error.into()))?;
        return Ok(builder.from_credentials(known).await?);
    }
    let contact: Vec<&str> = acme.contact.as_deref().into_iter().collect();
    let new = NewAccount {
        contact: &contact,
        // README and beacons.toml say so where it is set up.
        terms_of_service_agreed: true,
        only_return_existing: false,
    };
    let (account, known) = builder.create(&new, acme.directory.clone(), None).await?;
    let known = serde_json::to_vec(&known).map_err(|error| not_kept(error.into()))?;
    folder.keep_account(&known).map_err(not_kept)?;
    Ok(account)
}

/// Key and chain of the certificate that is ordered, in PEM.
async fn given(order: &mut Order, shown: &Shown) -> Result<(String, String), Error> {
    let mut open = order.authorizations();
    while let Some(authorization) = open.next().await {
        let mut authorization = authorization?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let host = authorization.identifier().to_string();
        let Some(mut challenge) = authorization.challenge(ChallengeType::TlsAlpn01) else {
            let why = "it does not offer to look by TLS (tls-alpn-01)".to_owned();
            return Err(Error::NotProven { host, why });
        };
        let proof = proof(&host, challenge.key_authorization().digest().as_ref())?;
        shown.challenge(&host, Some(Arc::new(proof)));
        challenge.set_ready().await?;
    }
    let unproven = match order.poll_ready(&PATIENCE).await {
        Ok(OrderStatus::Ready) => None,
        Ok(_) => Some(instant_acme::Error::Str("it refused, and does not say why")),
        // It may say more of the single names than of all together.
        Err(error @ instant_acme::Error::Api(_)) => Some(error),
        Err(error) => return Err(error.into()),
    };
    if let Some(error) = unproven {
        return Err(not_proven(order).await?.unwrap_or_else(|| error.into()));
    }
    let key = order.finalize().await?;
    Ok((key, order.poll_certificate(&PATIENCE).await?))
}

/// What the authority says to a name that it did not find here.
async fn not_proven(order: &mut Order) -> Result<Option<Error>, Error> {
    let mut all = order.authorizations();
    while let Some(authorization) = all.next().await {
        let mut authorization = authorization?;
        let host = authorization.identifier().to_string();
        let state = authorization.refresh().await?;
        let problem = state.challenges.iter().find_map(|challenge| challenge.error.as_ref());
        if let Some(problem) = problem {
            return Ok(Some(Error::NotProven { host, why: said(problem) }));
        }
    }
    Ok(None)
}

/// The certificate that shows `digest` to an authority that looks at `host`.
fn proof(host: &str, digest: &[u8]) -> Result<CertifiedKey, Error> {
    let mut params = CertificateParams::new(vec![host.to_owned()])?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let signer = ring::sign::any_supported_type(&key)
        .map_err(|error| Error::Other(format!("a key can't be used: {error}")))?;
    Ok(CertifiedKey::new(vec![certificate.der().clone()], signer))
}

/// The way to the authority. Its requests block: the job that asks has a thread of its own.
struct Way(ureq::Agent);

impl Way {
    fn to(acme: &Acme) -> Result<Self, Error> {
        let mut tls = TlsConfig::builder();
        if let Some(path) = &acme.directory_root {
            let unusable = |why: String| {
                Error::Other(format!("directory_root {} can't be used: {why}", path.display()))
            };
            let text = kept::read(path).map_err(|error| unusable(error.to_string()))?;
            let roots: Vec<Certificate<'static>> = ureq::tls::parse_pem(&text)
                .filter_map(|item| match item {
                    Ok(PemItem::Certificate(root)) => Some(root),
                    _ => None,
                })
                .collect();
            if roots.is_empty() {
                return Err(unusable("there is no certificate in it".to_owned()));
            }
            tls = tls.root_certs(RootCerts::from(roots));
        }
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(REQUEST_TIME))
            .max_redirects(0)
            .http_status_as_error(false)
            .https_only(true)
            .tls_config(tls.build())
            .build();
        Ok(Self(config.into()))
    }
}

impl HttpClient for Way {
    fn request(
        &self,
        request: Request<BodyWrapper<bytes::Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, instant_acme::Error>> + Send>> {
        let agent = self.0.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            // What can be read whole is an answer alone.
            let mut body = BytesResponse::from(Response::new(body)).body;
            let body = body.into_bytes().await.map_err(instant_acme::Error::Other)?;
            let failed = |error: ureq::Error| instant_acme::Error::Other(Box::new(error));
            let answer = match body.is_empty() {
                true => agent.run(Request::from_parts(head, ())),
                false => agent.run(Request::from_parts(head, body.to_vec())),
            };
            let (parts, mut body) = answer.map_err(failed)?.into_parts();
            let limited = body.with_config().limit(ANSWER_BYTES_MAX);
            let body = bytes::Bytes::from(limited.read_to_vec().map_err(failed)?);
            Ok(BytesResponse { parts, body: Box::new(body) })
        })
    }
}
