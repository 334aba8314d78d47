//! For which site a file counts.

use std::{borrow::Cow, path::Path};

use super::Error;
use crate::{
    config::registry::{DEFAULT_SITE, Registry, Site},
    ingest::page_address::bare_host,
};

/// The site that is meant, as far as it was told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The site's name, if everything counts for this one.
    pub(super) site: Option<String>,
    /// The host of pages, where the file does not tell it.
    pub(super) host: Option<String>,
}

impl Asked {
    /// The site that `--site` names, by its name or one of its hosts; without it the only one there is.
    ///
    /// # Errors
    /// When there is no such site.
    pub fn new(named: Option<&str>, registry: &Registry) -> Result<Self, Error> {
        let Some(named) = named else {
            let only = registry.sites.first().filter(|_| registry.sites.len() == 1);
            return Ok(Self {
                site: None,
                host: only.and_then(|site| site.hosts.first().cloned()),
            });
        };
        let host = named.to_ascii_lowercase();
        let by_name = registry.site(named).filter(|site| site.name != DEFAULT_SITE);
        match (by_name, registry.site_of_host(&host)) {
            (Some(site), _) => {
                Ok(Self { site: Some(site.name.clone()), host: site.hosts.first().cloned() })
            }
            (None, Some(site)) => Ok(Self { site: Some(site.name.clone()), host: Some(host) }),
            (None, None) => {
                let names: Vec<&str> =
                    registry.sites.iter().map(|site| site.name.as_str()).collect();
                let names = names.join(", ");
                Err(Error::Unclear(format!("no site is called {named:?}; declared are {names}")))
            }
        }
    }

    /// The host of a page for which the file tells `told`.
    pub(super) fn host<'h>(
        &'h self,
        told: Option<&'h str>,
        registry: &Registry,
    ) -> Option<Cow<'h, str>> {
        let told = told.map(bare_host).filter(|host| !host.is_empty());
        let site: Option<&Site> =
            self.site.as_ref().and_then(|name| registry.site(name)).map(AsRef::as_ref);
        match (told, site) {
            (Some(told), None) => Some(told.into()),
            // Everything counts for one site: a host that is none of its own is a server's inner name.
            (Some(told), Some(site)) if !site.hosts.is_empty() && site.takes_host(&told) => {
                Some(told.into())
            }
            _ => self.host.as_deref().map(Cow::Borrowed),
        }
    }

    /// The site that sums count for, which are told of no host.
    ///
    /// # Errors
    /// When there are several and none is named.
    pub(super) fn only_site(&self, registry: &Registry) -> Result<String, Error> {
        let only = registry.sites.first().filter(|_| registry.sites.len() == 1);
        self.site.clone().or_else(|| only.map(|site| site.name.clone())).ok_or_else(|| {
            let names: Vec<&str> = registry.sites.iter().map(|site| site.name.as_str()).collect();
            let names = names.join(", ");
            Error::Unclear(format!(
                "say which site it counts for with --site; declared are {names}"
            ))
        })
    }

    /// Refuses a file that does not tell the host of its pages, if nobody has told it either: without it
    /// the site's own pages would be taken for sources.
    pub(super) fn refuse_unknown(&self, path: &Path, registry: &Registry) -> Result<(), Error> {
        if self.host.is_some() {
            return Ok(());
        }
        let hosts: Vec<&str> =
            registry.sites.iter().flat_map(|site| site.hosts.iter()).map(String::as_str).collect();
        let declared = if hosts.is_empty() {
            String::new()
        } else {
            format!("; declared are {}", hosts.join(", "))
        };
        Err(Error::Unclear(format!(
            "{} does not tell the host of its pages: name it with --site HOST{declared}",
            path.display()
        )))
    }
}
