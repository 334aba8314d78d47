//! Where browsers find the server: by what name, under which path, by TLS or not.

use super::{
    listen::Listen,
    registry::{Acme, Server, Source},
};

impl Server {
    /// The address under which browsers find it, as far as beacons.toml tells.
    pub fn url(&self) -> String {
        self.named_url().unwrap_or_else(|| match &self.listen {
            Listen::Address(address) => format!("{}://{address}", self.scheme()),
            Listen::Path(_) => "http://localhost".to_owned(),
        })
    }

    /// The same, if it is one with a name: `base_url`, or the first host that a certificate is asked for.
    pub fn named_url(&self) -> Option<String> {
        let asked_for = || self.acme().and_then(|acme| acme.hosts.first());
        self.base_url.clone().or_else(|| asked_for().map(|host| format!("https://{host}")))
    }

    /// Where `host`, with its port if it tells one, is found by TLS: there, if a certificate was asked for
    /// in its name, else under the server's own name. `None` without one.
    pub fn secure_origin(&self, host: &str) -> Option<String> {
        if let (None, Some(acme)) = (&self.base_url, self.acme()) {
            let bare = host.split(':').next().unwrap_or_default().to_ascii_lowercase();
            if acme.hosts.contains(&bare) {
                return Some(format!("https://{bare}"));
            }
        }
        let url = self.named_url()?;
        Some(url.strip_suffix(self.root()).unwrap_or(&url).to_owned())
    }

    /// What an authority is asked for, if one is.
    pub fn acme(&self) -> Option<&Acme> {
        match &self.tls.as_ref()?.source {
            Source::Acme(acme) => Some(acme),
            Source::Files { .. } => None,
        }
    }

    /// How its address begins.
    pub fn scheme(&self) -> &'static str {
        if self.is_https() { "https" } else { "http" }
    }

    /// The path under which browsers find it: empty, or `/stats`.
    pub fn root(&self) -> &str {
        let rest = self.base_url.as_deref().and_then(|url| url.split_once("://"));
        rest.and_then(|(_, rest)| rest.find('/').and_then(|at| rest.get(at..))).unwrap_or_default()
    }

    /// `path` without [`Self::root`], whether a proxy has taken that off or not.
    pub fn inner<'p>(&self, path: &'p str) -> &'p str {
        match path.strip_prefix(self.root()) {
            Some("") if !self.root().is_empty() => "/",
            Some(inner) if inner.starts_with('/') => inner,
            _ => path,
        }
    }

    /// Whether browsers reach it by TLS, as far as beacons.toml tells.
    pub fn is_https(&self) -> bool {
        self.tls.is_some() || self.is_named_https()
    }

    /// Whether that is settled, under a name: browsers may remember never to come without.
    pub fn is_https_for_good(&self) -> bool {
        self.acme().is_some() || self.is_named_https()
    }

    fn is_named_https(&self) -> bool {
        self.base_url.as_deref().is_some_and(|url| url.starts_with("https:"))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use crate::config::parse;

    #[test]
    fn a_path_is_taken_off_once() {
        let check = |base_url: &str, root: &str, paths: &[(&str, &str)]| {
            let text = format!("[server]\nbase_url = \"{base_url}\"");
            let server = parse(&text, "beacons.toml").unwrap().server;
            assert_eq!(server.root(), root);
            for (path, expected) in paths {
                assert_eq!(server.inner(path), *expected, "{base_url} {path}");
            }
        };
        check("https://a.example", "", &[("/", "/"), ("/stats/top", "/stats/top")]);
        let paths = [
            ("/stats", "/"),
            ("/stats/", "/"),
            ("/stats/top", "/top"),
            ("/top", "/top"),
            ("/statstop", "/statstop"),
        ];
        check("https://a.example/stats", "/stats", &paths);
    }
}
