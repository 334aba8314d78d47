//! A certificate with its key, as it stands in PEM: whether the two belong together, for which names they
//! are and how long they hold.

use std::sync::Arc;

use jiff::{civil::DateTime, tz::TimeZone};
use tokio_rustls::rustls::{
    client::verify_server_name,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    server::ParsedCertificate,
    sign::CertifiedKey,
};

/// The tags of DER that lead to the time in which a certificate holds (RFC 5280, 4.1).
const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const VERSION: u8 = 0xa0;
const SHORT_TIME: u8 = 0x17;
const LONG_TIME: u8 = 0x18;

/// A certificate that can be shown.
#[derive(Debug, Clone)]
pub(super) struct Certificate {
    pub(super) shown: Arc<CertifiedKey>,
    /// When it begins to hold, UTC seconds.
    pub(super) begins_at: i64,
    /// When it ends, UTC seconds.
    pub(super) ends_at: i64,
}

impl Certificate {
    /// The certificates in `chain`, its own first, with the key in `key`; errors call the two texts by
    /// `names`.
    ///
    /// # Errors
    /// With a sentence, when one of them is missing or damaged, or the key is that of another.
    pub(super) fn read(chain: &[u8], key: &[u8], names: [&str; 2]) -> Result<Self, String> {
        let [of_chain, of_key] = names;
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(|error| format!("{of_chain} is not PEM: {error}"))?;
        let own = chain.first().ok_or_else(|| format!("there is no certificate in {of_chain}"))?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| {
            format!("there is no key in {of_key}, or one that is locked by a passphrase")
        })?;
        let damaged = || format!("the certificate in {of_chain} is damaged");
        ParsedCertificate::try_from(own).map_err(|_| damaged())?;
        let (begins_at, ends_at) = validity(own).ok_or_else(damaged)?;
        let signer = ring::sign::any_supported_type(&key)
            .map_err(|_| format!("the key in {of_key} is of a kind that TLS does not use"))?;
        let shown = CertifiedKey::new(chain, signer);
        shown.keys_match().map_err(|_| {
            format!("the key in {of_key} is not that of the certificate in {of_chain}")
        })?;
        Ok(Self { shown: Arc::new(shown), begins_at, ends_at })
    }

    /// Whether browsers take it for `host`.
    pub(super) fn is_for(&self, host: &str) -> bool {
        let own = self.shown.cert.first().map(ParsedCertificate::try_from);
        let name = ServerName::try_from(host.trim_matches(['[', ']']));
        matches!((own, name), (Some(Ok(own)), Ok(name)) if verify_server_name(&own, &name).is_ok())
    }

    /// Whether it is time for the next one at `now`: two thirds of its time are over.
    pub(super) const fn is_due(&self, now: i64) -> bool {
        now >= self.ends_at - (self.ends_at - self.begins_at) / 3
    }
}

/// When a certificate begins and ends to hold. What reads certificates for TLS does not tell that.
fn validity(certificate: &[u8]) -> Option<(i64, i64)> {
    let (certificate, _) = value(certificate, SEQUENCE)?;
    let (signed, _) = value(certificate, SEQUENCE)?;
    let rest = value(signed, VERSION).map_or(signed, |(_, rest)| rest);
    let (_, rest) = value(rest, INTEGER)?;
    let (_algorithm, rest) = value(rest, SEQUENCE)?;
    let (_issuer, rest) = value(rest, SEQUENCE)?;
    let (validity, _) = value(rest, SEQUENCE)?;
    let (begins_at, rest) = time(validity)?;
    let (ends_at, _) = time(rest)?;
    Some((begins_at, ends_at))
}

/// The content of the value that `der` begins with, if it has this tag, and what follows it.
fn value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let [found, length, rest @ ..] = der else { return None };
    if *found != tag {
        return None;
    }
    let (length, rest) = match usize::from(*length) {
        short @ ..0x80 => (short, rest),
        long => {
            let (bytes, rest) =
                rest.split_at_checked(long - 0x80).filter(|(it, _)| it.len() <= 4)?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
    };
    rest.split_at_checked(length)
}

/// The time that `der` begins with, UTC seconds, and what follows it.
fn time(der: &[u8]) -> Option<(i64, &[u8])> {
    let (digits, rest, is_long) = match value(der, SHORT_TIME) {
        Some((digits, rest)) => (digits, rest, false),
        None => value(der, LONG_TIME).map(|(digits, rest)| (digits, rest, true))?,
    };
    let digits = str::from_utf8(digits).ok()?;
    let text = match (is_long, digits.as_bytes().first()?) {
        (true, _) => digits.to_owned(),
        (false, b'0'..=b'4') => format!("20{digits}"),
        (false, _) => format!("19{digits}"),
    };
    let at = DateTime::strptime("%Y%m%d%H%M%SZ", text).ok()?;
    Some((TimeZone::UTC.to_timestamp(at).ok()?.as_second(), rest))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
pub(super) mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    /// Chain and key of a certificate for `hosts` that holds in these years.
    pub(crate) fn pem(hosts: &[&str], years: [i32; 2]) -> (String, String) {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut params = CertificateParams::new(hosts).unwrap();
        params.not_before = date_time_ymd(years[0], 1, 1);
        params.not_after = date_time_ymd(years[1], 1, 1);
        let key = KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    fn read(chain: &str, key: &str) -> Result<Certificate, String> {
        Certificate::read(chain.as_bytes(), key.as_bytes(), ["a.pem", "key.pem"])
    }

    #[test]
    fn names_and_time_are_read() {
        let (chain, key) = pem(&["a.example", "*.b.example", "192.0.2.1"], [2026, 2060]);
        let found = read(&chain, &key).unwrap();
        let year = |year| i64::from(year - 1970) * 31_556_952;
        assert!((found.begins_at - year(2026)).abs() < 2 * 86_400, "{}", found.begins_at);
        assert!((found.ends_at - year(2060)).abs() < 2 * 86_400, "{}", found.ends_at);
        for (host, expected) in [
            ("a.example", true),
            ("A.example", true),
            ("x.b.example", true),
            ("192.0.2.1", true),
            ("b.example", false),
            ("192.0.2.2", false),
            ("", false),
        ] {
            assert_eq!(found.is_for(host), expected, "{host}");
        }
        assert!(!found.is_due(year(2040)) && found.is_due(year(2050)));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let (chain, key) = pem(&["a.example"], [2026, 2027]);
        let (_, other) = pem(&["a.example"], [2026, 2027]);
        let check = |chain: &str, key: &str, expected: &str| {
            let error = read(chain, key).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        };
        check("", &key, "there is no certificate in a.pem");
        check(&chain, "", "there is no key in key.pem");
        check(&chain, &other, "the key in key.pem is not that of the certificate in a.pem");
        check("-----BEGIN CERTIFICATE-----\n!", &key, "a.pem is not PEM: ");
        let empty = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        check(empty, &key, "the certificate in a.pem is damaged");
        let whole = read(&chain, &key).unwrap();
        let der = &whole.shown.cert[0];
        for end in 0..der.len().min(200) {
            assert_eq!(validity(&der[..end]), None, "cut at {end}");
        }
    }
}
