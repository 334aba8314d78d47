//! The frame around every page: header, navigation, footer.

use super::{
    link::{
        ACCOUNT, ALERTS, DOCTOR, ERRORS, EVENTS, FILTERED, GOALS, Link, MONTH, OVERVIEW, PRIVACY,
        SETUP, STORAGE, TOP, VITALS, Way, YEAR,
    },
    number,
};

/// The addresses of the assets that pages load, with their hashes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Assets {
    /// The style sheet, `/assets/dashboard.<hash>.css`.
    pub css: String,
    /// The script; pages work without it.
    pub js: String,
    /// The icon.
    pub icon: String,
}

/// What every page shows around its content.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frame {
    /// The assets.
    pub assets: Assets,
    /// What links begin with.
    pub way: Way,
    /// The site's name; empty where a page is about none.
    pub site: String,
    /// Whether it is shown to others, who see the figures of this site and nothing else.
    pub shared: bool,
    /// Whether it is shown to somebody who may change things.
    pub owner: bool,
    /// Who is signed in; empty where nobody is.
    pub account: String,
    /// What forms bring along, to prove that they are of this very session; empty where nobody is signed
    /// in.
    pub form_token: String,
    /// Links to every site, for the switcher; it appears when there are two or more.
    pub sites: Vec<Link>,
    /// The navigation; see [`Frame::sections`].
    pub nav: Vec<Link>,
    /// The site's IANA time zone; empty where a page shows no times.
    pub time_zone: String,
    /// The local time at which the figures were read, `14:02:07`; empty where there are none.
    pub updated_at: String,
    /// The program's version.
    pub version: String,
    /// How many beacons were filtered today; `None` leaves the link out.
    pub filtered_today: Option<i64>,
    /// How many beacons that were answered wait to be counted, where that fails at the moment; 0 for those who may
    /// not know.
    pub put_off: Option<u64>,
    /// How large the database file is, in bytes; `None` leaves it out.
    pub file_bytes: Option<i64>,
}

/// How many of the sections, the first, are shown to those with whom a site is shared.
const SHARED: usize = 4;

impl Frame {
    /// The usual navigation, where `here` is the path of the page (one of [`super::link`]'s). The dates that were
    /// chosen go along, but to months, which are dates of their own.
    pub fn sections(way: &Way, here: &str, dates: &[(&str, &str)]) -> Vec<Link> {
        let sections = [
            ("Overview", OVERVIEW),
            ("Pages", TOP),
            ("Month", MONTH),
            ("12 months", YEAR),
            ("Goals", GOALS),
            ("Events", EVENTS),
            ("Errors", ERRORS),
            ("Speed", VITALS),
        ];
        let link = |(name, path): (&str, &str)| Link {
            name: name.to_owned(),
            href: way.to(path, if [MONTH, YEAR].contains(&path) { &[] } else { dates }),
            current: path == here,
        };
        sections.into_iter().map(link).collect()
    }

    /// The navigation of those with whom the site is shared.
    pub fn shared_sections(way: &Way, here: &str, dates: &[(&str, &str)]) -> Vec<Link> {
        let mut all = Self::sections(way, here, dates);
        all.truncate(SHARED);
        all
    }

    /// The title of the browser's window.
    pub(super) fn window_title(&self, page: &str) -> String {
        let parts = [page, self.site.as_str(), "Trim Beacons"];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
    }

    /// Whether there is another site to go to.
    pub(super) const fn has_switcher(&self) -> bool {
        self.sites.len() > 1
    }

    /// Where the site's name leads.
    pub(super) fn overview(&self) -> String {
        self.way.to(OVERVIEW, &[])
    }

    /// How many beacons wait: `7 answered beacons wait`.
    pub(super) fn waiting(&self, count: &u64) -> String {
        let count = match i64::try_from(*count).unwrap_or(i64::MAX) {
            0 => return "Answered beacons wait".to_owned(),
            count => count,
        };
        number::counted(count, "answered beacon waits", "answered beacons wait")
    }

    /// The link about filtered beacons, as a sentence.
    pub(super) fn filtered(&self) -> Option<Link> {
        let count = self.filtered_today?;
        let name = match count {
            0 => "Nothing filtered today".to_owned(),
            count => {
                format!("{} filtered today: why?", number::counted(count, "beacon", "beacons"))
            }
        };
        Some(Link { name, href: self.way.to(FILTERED, &[]), current: false })
    }

    /// Where "how are visitors counted" is answered.
    pub(super) fn privacy(&self) -> String {
        self.way.to(PRIVACY, &[])
    }

    /// Where every site is shown at a glance.
    pub(super) fn all_sites(&self) -> String {
        let bare = Way { site: None, ..self.way.unfiltered() };
        bare.to(OVERVIEW, &[])
    }

    /// Where alerts are.
    pub(super) fn alerts(&self) -> String {
        self.way.to(ALERTS, &[])
    }

    /// Where the size of the file is explained.
    pub(super) fn storage(&self) -> String {
        self.way.to(STORAGE, &[])
    }

    /// Where the lines to paste are.
    pub(super) fn setup(&self) -> String {
        self.way.to(SETUP, &[])
    }

    /// Where it stands whether all is well.
    pub(super) fn doctor(&self) -> String {
        self.action(DOCTOR)
    }

    /// Where one's own account is.
    pub(super) fn account_page(&self) -> String {
        self.action(ACCOUNT)
    }

    /// The size of the file, if it is shown.
    pub(super) fn file_size(&self) -> Option<String> {
        self.file_bytes.filter(|_| self.owner).map(number::bytes)
    }

    /// The site that a form must name, if there are several.
    pub(super) fn form_site(&self) -> Option<&str> {
        self.way.site.as_deref()
    }

    /// The address that a form is sent to.
    pub(super) fn action(&self, path: &str) -> String {
        format!("{}{path}", self.way.root)
    }
}
