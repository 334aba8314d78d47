//! The picker above a page: its dates, the steps to others, and what they are compared with.

use jiff::civil::Date;

use super::{
    address::Address,
    date::{self, Today},
    link::{self, Link},
};
use crate::{
    model::period::DateRange,
    report::dates::{self, Compare, Dates},
};

/// The dates of a page, and what they can be changed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picker {
    /// The page's own address.
    pub address: Address,
    /// Today.
    pub today: Today,
    /// The dates that are shown.
    pub range: DateRange,
    /// The dates that they are compared with, if they are.
    pub before: Option<DateRange>,
    /// The first date that anything was counted on.
    pub earliest: Option<Date>,
}

/// Dates with a name, as a link and with the key that leads there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) name: &'static str,
    pub(super) href: String,
    pub(super) key: &'static str,
    pub(super) current: bool,
}

impl Picker {
    /// What the dates are called: `Last 28 days`, `10 – 16 November 2026`.
    pub(super) fn name(&self) -> String {
        let offered = self.offered().find(|(_, range)| *range == self.range);
        let named = self.address.dates.or(offered.map(|(dates, _)| dates));
        named.map_or_else(
            || date::range_words(self.range),
            |dates| date::dates_name(dates).to_owned(),
        )
    }

    /// The dates themselves: `27 October – 23 November 2026`.
    pub(super) fn words(&self) -> String {
        date::range_words(self.range)
    }

    /// Every range with a name.
    pub(super) fn offers(&self) -> Vec<Offer> {
        let mut is_found = false;
        let offer = |(dates, range): (Dates, DateRange)| {
            let is_asked = self.address.dates.map_or(range == self.range, |asked| asked == dates);
            let current = is_asked && !is_found;
            is_found |= current;
            let name = date::dates_name(dates);
            Offer { name, href: self.address.about(dates).href(), key: key(dates), current }
        };
        self.offered().map(offer).collect()
    }

    /// As much time before, if anything was counted then.
    pub(super) fn earlier(&self) -> Option<Link> {
        let range = dates::earlier(self.range, self.today.date);
        let is_known = self.earliest.is_none_or(|earliest| range.last >= earliest);
        is_known.then(|| self.step(range))
    }

    /// As much time after, if any of it is over.
    pub(super) fn later(&self) -> Option<Link> {
        dates::later(self.range, self.today.date).map(|range| self.step(range))
    }

    /// What the dates are compared with: `Compare: period before`.
    pub(super) fn comparison(&self) -> String {
        let name = match self.address.compare {
            Compare::Nothing => return "Compare".to_owned(),
            Compare::Previous | Compare::LastYear if self.before.is_none() => {
                return "Compare".to_owned();
            }
            Compare::Previous => "period before",
            Compare::LastYear => "year before",
            Compare::With(_) => "other dates",
        };
        format!("Compare: {name}")
    }

    /// What the dates can be compared with.
    pub(super) fn comparisons(&self) -> Vec<Link> {
        let link = |(name, compare): (&str, Compare)| Link {
            name: name.to_owned(),
            href: Address { compare, ..self.address.clone() }.href(),
            current: self.address.compare == compare,
        };
        [
            ("Period before", Compare::Previous),
            ("Same dates a year before", Compare::LastYear),
            ("Nothing", Compare::Nothing),
        ]
        .map(link)
        .to_vec()
    }

    /// Where the key for comparisons leads: none, or the usual one again.
    pub(super) fn toggled(&self) -> String {
        let compare = match self.address.compare {
            Compare::Nothing => Compare::Previous,
            _ => Compare::Nothing,
        };
        Address { compare, ..self.address.clone() }.href()
    }

    /// The dates that the form for comparisons begins with.
    pub(super) fn compared(&self) -> DateRange {
        self.before.unwrap_or_else(|| self.range.before())
    }

    /// What the form for dates carries along, as names and values.
    pub(super) fn kept_by_dates(&self) -> Vec<(&'static str, String)> {
        let others = Address { dates: None, range: None, interval: None, ..self.address.clone() };
        let compare = match others.compare {
            Compare::With(_) => Compare::default(),
            compare => compare,
        };
        Address { compare, ..others }.pairs()
    }

    /// What the form for comparisons carries along.
    pub(super) fn kept_by_comparison(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Address { compare: Compare::default(), ..self.address.clone() }.pairs();
        let dates = Compare::With(self.range);
        pairs.push((link::COMPARE, dates.slug().to_owned()));
        pairs
    }

    /// The address that the forms are sent to.
    pub(super) fn action(&self) -> String {
        format!("{}{}", self.address.way.root, self.address.path)
    }

    fn offered(&self) -> impl Iterator<Item = (Dates, DateRange)> {
        let today = self.today.date;
        let earliest = self.earliest.unwrap_or(today);
        Dates::OFFERED.into_iter().map(move |dates| (dates, dates.range(today, earliest)))
    }

    fn step(&self, range: DateRange) -> Link {
        let name =
            self.offered().find(|(dates, offered)| *dates != Dates::All && *offered == range);
        let (name, address) = match name {
            Some((dates, _)) => (date::dates_name(dates).to_owned(), self.address.about(dates)),
            None => (date::range_words(range), self.address.over(range)),
        };
        let address = Address { interval: self.address.interval, ..address };
        Link { name, href: address.href(), current: false }
    }
}

/// The key that leads to dates; those that users of other products know.
const fn key(dates: Dates) -> &'static str {
    match dates {
        Dates::Today => "d",
        Dates::Yesterday => "e",
        Dates::SinceYesterday => "h",
        Dates::Days(7) => "w",
        Dates::Days(28) => "f",
        Dates::Days(30) => "t",
        Dates::Days(_) => "n",
        Dates::ThisMonth => "m",
        Dates::LastMonth => "p",
        Dates::ThisYear => "y",
        Dates::Months(6) => "s",
        Dates::Months(_) => "l",
        Dates::All => "a",
    }
}
