//! Where browsers find the server: by what name, under which path, by TLS or not.

use super::{listen::Listen, registry::Server};

impl Server {
    /// The address under which browsers find it, as far as beacons.toml tells.
    pub fn url(&self) -> String {
        self.base_url.clone().unwrap_or_else(|| match &self.listen {
            Listen::Address(address) => format!("http://{address}"),
            Listen::Path(_) => "http://localhost".to_owned(),
        })
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
