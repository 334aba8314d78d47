//! Where pages lead: their paths, their query parameters, and how both are written.
//!
//! The web room serves the same paths and reads the same parameters.

use jiff::civil::Date;

use crate::model::{
    filter::{Filter, Operator},
    period::DateRange,
};

/// The overview of a site.
pub const OVERVIEW: &str = "/";
/// The ranking of pages, or of another dimension's values.
pub const TOP: &str = "/top";
/// Everything about one page.
pub const PAGE: &str = "/page";
/// Everything about one source.
pub const SOURCE: &str = "/source";
/// Everything about one event.
pub const EVENT_PAGE: &str = "/event";
/// One month, day by day.
pub const MONTH: &str = "/month";
/// Twelve months.
pub const YEAR: &str = "/year";
/// Single beacons.
pub const EVENTS: &str = "/events";
/// Single beacons as CSV.
pub const EVENTS_CSV: &str = "/events.csv";
/// Errors by what they are, and one of them if it is named.
pub const ERRORS: &str = "/errors";
/// How fast pages are.
pub const VITALS: &str = "/speed";
/// Every site at a glance.
pub const SITES: &str = "/sites";
/// What alerts have noticed.
pub const ALERTS: &str = "/alerts";
/// What visitors were wanted to reach.
pub const GOALS: &str = "/goals";
/// Who is here now, and what has just come.
pub const LIVE: &str = "/live";
/// The same as events that are sent.
pub const LIVE_EVENTS: &str = "/live/events";
/// What was filtered, and why.
pub const FILTERED: &str = "/filtered";
/// The file, and how long what is in it is kept.
pub const STORAGE: &str = "/storage";
/// Whether all is well with the server.
pub const DOCTOR: &str = "/doctor";
/// A backup to download; a form on the page of the file asks for it.
pub const DOWNLOAD: &str = "/storage/backup";
/// What is collected, in plain words.
pub const PRIVACY: &str = "/privacy";

/// How pages and programs are led here.
pub const SETUP: &str = "/setup";

/// Where somebody says who it is.
pub const SIGN_IN: &str = "/sign-in";
/// The beginning of the one-time link of the first start; its token follows.
pub const CLAIM: &str = "/claim";
/// Where a session ends.
pub const SIGN_OUT: &str = "/sign-out";
/// One's own account, and for owners everybody's.
pub const ACCOUNT: &str = "/account";
/// Where a form gives an account another password.
pub const PASSWORD: &str = "/account/password";
/// Where a form makes tokens and takes them back.
pub const TOKENS: &str = "/account/tokens";
/// Where a form says who may look.
pub const PEOPLE: &str = "/account/people";

/// What is said about moments.
pub const ANNOTATIONS: &str = "/api/v1/annotations";

/// A site's name.
pub const SITE: &str = "site";
/// The first date of a range, `2026-11-01`.
pub const FROM: &str = "from";
/// The last date of a range, `2026-11-30`.
pub const TO: &str = "to";
/// The name of a range, `28d`.
pub const PERIOD: &str = "period";
/// What a range is compared with: `previous`, `year`, `dates`, `none`.
pub const COMPARE: &str = "compare";
/// Of the dates compared with, the first.
pub const COMPARE_FROM: &str = "compare_from";
/// Of the dates compared with, the last.
pub const COMPARE_TO: &str = "compare_to";
/// How long a course's points are: `hour`, `day`, `week`, `month`, `year`.
pub const GRANULARITY: &str = "granularity";
/// A month, `2026-11`; of twelve months the last.
pub const IN_MONTH: &str = "month";
/// The event type, where it isn't page views.
pub const EVENT: &str = "event_type";
/// The identifier that a page is about.
pub const IDENTIFIER: &str = "identifier";
/// What is ranked: `identifier` or a dimension's name.
pub const DIMENSION: &str = "dimension";
/// Which figure is shown: see [`Metric::slug`](super::metric::Metric::slug).
pub const SHOW: &str = "show";
/// The words that names must contain.
pub const SEARCH: &str = "search";
/// How many rows come before the first that is shown.
pub const OFFSET: &str = "offset";

/// A filter: `source:is:Google`; it may stand several times.
pub const FILTER: &str = "filter";
/// A ranking that takes the place of the first one of its card; it may stand several times.
pub const CARD: &str = "card";

/// The value of [`CARD`] that shows countries as a map.
pub const MAP: &str = "map";
/// Where somebody goes on who had to sign in first.
pub const NEXT: &str = "next";
/// Of single beacons, the number before which they came.
pub const BEFORE: &str = "before";
/// What was decided about errors: `open`, `resolved`, `muted`.
pub const STATE: &str = "state";

/// The event type that needs no parameter.
pub const PAGE_VIEW: &str = "page_view";

/// A link with its text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Link {
    /// What it says.
    pub name: String,
    /// Where it leads.
    pub href: String,
    /// Whether it leads to what is being shown.
    pub current: bool,
}

/// What every link of a page begins with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Way {
    /// The path under which the server is mounted: empty, or `/stats`.
    pub root: String,
    /// The site, if links must name it because there are several.
    pub site: Option<String>,
    /// The filters that go along to pages which know them.
    pub filters: Vec<Filter>,
}

/// The address of the page that is shown, but for its site and its filters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// Its path.
    pub path: &'static str,
    /// Its parameters.
    pub pairs: Vec<(&'static str, String)>,
    /// Filters that it has beside those of the way to it.
    pub filters: Vec<Filter>,
}

impl Place {
    /// The same with filters of its own.
    #[must_use]
    pub fn under(self, filters: Vec<Filter>) -> Self {
        Self { filters, ..self }
    }

    /// Its address.
    pub fn href(&self, way: &Way) -> String {
        let way = &self.filters.iter().rev().fold(way.clone(), |way, filter| Way {
            filters: [vec![filter.clone()], way.filters].concat(),
            ..way
        });
        let pairs: Vec<(&str, &str)> =
            self.pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        way.to(self.path, &pairs)
    }
}

impl Way {
    /// The address of `path` with the parameters `pairs`; those with an empty value are left out.
    pub fn to(&self, path: &str, pairs: &[(&str, &str)]) -> String {
        let mut href = format!("{}{path}", self.root);
        let mut mark = '?';
        let site = self.site.as_deref().unwrap_or("");
        let knows_filters = [OVERVIEW, TOP].contains(&path);
        let filters: Vec<String> =
            self.filters.iter().filter(|_| knows_filters).map(Filter::written).collect();
        let filters: Vec<(&str, &str)> =
            filters.iter().map(|filter| (FILTER, filter.as_str())).collect();
        for (name, value) in [(SITE, site)].iter().chain(&filters).chain(pairs) {
            if !value.is_empty() {
                href.push(mark);
                href.push_str(name);
                href.push('=');
                escape_into(&mut href, value);
                mark = '&';
            }
        }
        href
    }

    /// The same with one filter more. A value that is asked for takes the place of another one.
    #[must_use]
    pub fn with(&self, filter: Filter) -> Self {
        let is_other = |own: &&Filter| {
            let exact = own.operator == Operator::Is && filter.operator == Operator::Is;
            **own != filter && !(exact && own.dimension == filter.dimension)
        };
        let mut filters: Vec<Filter> = self.filters.iter().filter(is_other).cloned().collect();
        filters.push(filter);
        Self { filters, ..self.clone() }
    }

    /// The same without the filter at `index`.
    #[must_use]
    pub fn without(&self, index: usize) -> Self {
        let others = self.filters.iter().enumerate().filter(|(at, _)| *at != index);
        Self { filters: others.map(|(_, filter)| filter.clone()).collect(), ..self.clone() }
    }

    /// The same without filters.
    #[must_use]
    pub fn unfiltered(&self) -> Self {
        Self { filters: Vec::new(), ..self.clone() }
    }

    /// The address of `path` over a range of dates, with further parameters.
    pub fn to_range(&self, path: &str, range: DateRange, pairs: &[(&str, &str)]) -> String {
        let (from, to) = (range.first.to_string(), range.last.to_string());
        let mut all = vec![(FROM, from.as_str()), (TO, to.as_str())];
        all.extend_from_slice(pairs);
        self.to(path, &all)
    }

    /// The address of `path` for the month of `date`, with further parameters.
    pub fn to_month(&self, path: &str, date: Date, pairs: &[(&str, &str)]) -> String {
        let month = month_value(date);
        let mut all = vec![(IN_MONTH, month.as_str())];
        all.extend_from_slice(pairs);
        self.to(path, &all)
    }
}

/// A month as [`IN_MONTH`] takes it: `2026-11`.
pub fn month_value(date: Date) -> String {
    format!("{:04}-{:02}", date.year(), date.month())
}

/// The value of [`EVENT`]: empty for page views.
pub fn event_value(event_type: &str) -> &str {
    if event_type == PAGE_VIEW { "" } else { event_type }
}

/// Writes `value` as part of a query: all but a few safe characters becomes `%XX` (RFC 3986, 2.1).
fn escape_into(href: &mut String, value: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/:".contains(&byte) {
            href.push(char::from(byte));
        } else {
            href.push('%');
            for half in [byte >> 4, byte & 15] {
                href.push(HEX.get(usize::from(half)).map_or('0', |digit| char::from(*digit)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_escapes_what_would_end_it() {
        let site = Some("example.com".to_owned());
        let way = Way { root: "/stats".into(), site, ..Way::default() };
        let href = way.to(MONTH, &[(IDENTIFIER, "/a b?c=1&d=é"), (SHOW, "")]);
        assert_eq!(href, "/stats/month?site=example.com&identifier=/a%20b%3Fc%3D1%26d%3D%C3%A9");
        assert_eq!(Way::default().to(OVERVIEW, &[]), "/");
    }

    #[test]
    fn filters_go_along_and_a_value_replaces_another() {
        let way = Way::default().with(Filter::is(None, "/a")).with(Filter::is(None, "/b c"));
        assert_eq!(way.to(TOP, &[(SHOW, "count")]), "/top?filter=identifier:is:/b%20c&show=count");
        assert_eq!(way.to(MONTH, &[]), "/month");
        assert_eq!(way.without(0), way.unfiltered());
    }
}
