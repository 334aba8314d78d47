//! Where an address is, from the operator's own database. Only the place leaves this file.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use maxminddb::{MaxMindDbError, PathElement, Reader};

use crate::model::country;

/// A place, as far as the database knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// ISO 3166-1 alpha-2 code.
    pub country: Option<&'static str>,
    /// English name of the first subdivision, behind the country's code: `PT, Lisbon`.
    pub region: Option<String>,
    /// English name of the city, behind the country's code.
    pub city: Option<String>,
}

/// The database can't be read.
#[derive(Debug, thiserror::Error)]
#[error("the country database {} can't be read: {source}", path.display())]
pub struct Unreadable {
    path: PathBuf,
    source: MaxMindDbError,
}

type Database = Arc<Reader<Vec<u8>>>;

/// The database in force, if there is one. It is held in memory as a whole.
#[derive(Debug, Default)]
pub struct Locations(RwLock<Option<Database>>);

impl Locations {
    /// The database at `path`, or none.
    ///
    /// # Errors
    /// When there is no such file, or it is not in MaxMind's format.
    pub fn open(path: Option<&Path>) -> Result<Self, Unreadable> {
        Ok(Self(RwLock::new(read(path)?)))
    }

    /// Reads the file at `path` and puts it into force. If that fails, the old one stays.
    ///
    /// # Errors
    /// When there is no such file, or it is not in MaxMind's format.
    pub fn reload(&self, path: Option<&Path>) -> Result<(), Unreadable> {
        let new = read(path)?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// Whether there is a database.
    pub fn is_open(&self) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Where `address` is; nothing where no database says so.
    pub fn find(&self, address: IpAddr) -> Place {
        let database = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        database.and_then(|database| place(&database, address.to_canonical())).unwrap_or_default()
    }
}

fn read(path: Option<&Path>) -> Result<Option<Database>, Unreadable> {
    let Some(path) = path else { return Ok(None) };
    match Reader::open_readfile(path) {
        Ok(reader) => Ok(Some(Arc::new(reader))),
        Err(source) => Err(Unreadable { path: path.to_owned(), source }),
    }
}

/// What the database says. A damaged entry is like none: the beacon counts without a place.
fn place(database: &Reader<Vec<u8>>, address: IpAddr) -> Option<Place> {
    let found = database.lookup(address).ok().filter(|found| found.has_data())?;
    let text = |path: &[PathElement<'_>]| -> Option<String> { found.decode_path(path).ok()? };
    let key = PathElement::Key;
    let country = country::code(&text(&[key("country"), key("iso_code")])?)?;
    let region = text(&[key("subdivisions"), PathElement::Index(0), key("names"), key("en")]);
    let city = text(&[key("city"), key("names"), key("en")]);
    let within = |name: String| format!("{country}, {name}");
    Some(Place { country: Some(country), region: region.map(within), city: city.map(within) })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    fn check(address: &str, country: Option<&str>, region: Option<&str>, city: Option<&str>) {
        let locations = Locations::open(Some(Path::new("tests/fixtures/places/places.mmdb")));
        let place = locations.unwrap().find(address.parse().unwrap());
        let found = (place.country, place.region.as_deref(), place.city.as_deref());
        assert_eq!(found, (country, region, city), "{address}");
    }

    #[test]
    fn an_address_is_where_the_database_says() {
        check("198.51.100.7", Some("PT"), Some("PT, Lisbon"), Some("PT, Lisbon"));
        check("::ffff:198.51.100.7", Some("PT"), Some("PT, Lisbon"), Some("PT, Lisbon"));
        check("203.0.113.200", Some("NZ"), None, None);
        check("2001:db8:7::1", Some("SE"), Some("SE, Stockholm"), None);
        check("192.0.2.1", None, None, None);
        check("::1", None, None, None);
    }

    #[test]
    fn a_database_that_can_not_be_read_leaves_the_old_one_in_force() {
        let locations = Locations::open(Some(Path::new("tests/fixtures/places/places.mmdb")));
        let locations = locations.unwrap();
        for path in ["Cargo.toml", "tests/no-such-file"] {
            let error = locations.reload(Some(Path::new(path))).unwrap_err().to_string();
            assert!(error.starts_with(&format!("the country database {path}")), "{error}");
        }
        assert!(locations.is_open());
        locations.reload(None).unwrap();
        assert_eq!(locations.find("198.51.100.7".parse().unwrap()), Place::default());
    }
}
