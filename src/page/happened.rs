//! The cards of what happened beside page views: goals that were reached, events that were sent.

use super::{
    card::{self, Card, RowView, View},
    date::Today,
    link::{self, Link, Way},
    number::{self, Change, Wish},
    svg::sparkline,
};
use crate::{
    model::period::DateRange,
    report::{
        answer::Ranking,
        happened::{Happened, Happening},
    },
};

/// One of these cards.
#[derive(Debug, Clone, PartialEq)]
pub enum HappenedCard {
    /// The declared goals by the visitors who reached them, among all visitors.
    Goals(Ranking),
    /// The events that pages sent.
    Events(Happened),
    /// The errors that visitors met.
    Errors(Card),
}

/// What to do where no goal is declared.
const NO_GOALS: &str = "No goals are declared yet: say in beacons.toml what visitors should reach, a page or \
    an event.";

/// What to do where nothing was sent.
const NO_EVENTS: &str = "Nothing was sent in these days. Call trimBeacon('signup') on your pages, or put \
    data-trim-event=\"download_click\" on a link, and it is counted here.";

impl HappenedCard {
    /// The card on a page that is about `range`.
    pub(super) fn view(&self, way: &Way, today: Today, range: DateRange) -> View {
        match self {
            Self::Goals(ranking) => goals(ranking, way, today, range),
            Self::Events(happened) => events(happened, way, today, range),
            Self::Errors(card) => card.view(way, today, range),
        }
    }
}

fn goals(ranking: &Ranking, way: &Way, today: Today, range: DateRange) -> View {
    let href = way.to_range(link::GOALS, range, &[]);
    let largest = ranking.rows.iter().map(|row| row.figures.visitors).max().unwrap_or(0);
    let rows = ranking.rows.iter().map(|row| {
        let figures = &row.figures;
        let values = vec![
            number::thousands(figures.count),
            number::thousands(figures.visitors),
            number::rate(figures.visitors, ranking.total.visitors),
        ];
        row_view(row.name.clone(), href.clone(), (figures.visitors, largest), values)
    });
    let rows: Vec<RowView> = rows.collect();
    let is_cut = ranking.rows_in_all > u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let name = match is_cut {
        true => format!("All {} goals", number::thousands(card::total_rows(ranking))),
        false if rows.is_empty() => "How to declare one".to_owned(),
        false => "Where they came from".to_owned(),
    };
    let all = Some(Link { name, href, current: false });
    let columns = vec!["Times", "Visitors", "Rate"];
    View { all, ..view("Goals", columns, rows, NO_GOALS, &today.name(range)) }
}

fn events(happened: &Happened, way: &Way, today: Today, range: DateRange) -> View {
    let kinds = &happened.kinds;
    let largest = kinds.iter().map(|kind| kind.figures.visitors).max().unwrap_or(0);
    let is_compared = kinds.iter().any(|kind| kind.before.is_some());
    let row = |kind: &Happening| {
        let identifier = kind.identifier.as_deref().unwrap_or_default();
        let pairs = [(link::EVENT, kind.event_type.as_str()), (link::IDENTIFIER, identifier)];
        let name = kind.identifier.clone().unwrap_or_else(|| kind.event_type.clone());
        let figures = &kind.figures;
        let values = vec![number::thousands(figures.count), number::thousands(figures.visitors)];
        let href = way.to_range(link::EVENT_PAGE, range, &pairs);
        let change = is_compared.then(|| change(figures.count, kind.before.unwrap_or(0)));
        RowView { change, ..row_view(name, href, (figures.visitors, largest), values) }
    };
    let rows: Vec<RowView> = kinds.iter().map(row).collect();
    let named = kinds.iter().filter(|kind| kind.identifier.is_some()).count();
    let is_cut = happened.names_in_all > u64::try_from(named).unwrap_or(u64::MAX);
    let event = kinds.iter().find(|kind| kind.identifier.is_some()).map(|kind| &kind.event_type);
    let all = event.filter(|_| is_cut).map(|event| Link {
        name: format!("All {} names", number::thousands(happened.names_in_all.cast_signed())),
        href: way.to_range(link::TOP, range, &[(link::EVENT, event.as_str())]),
        current: false,
    });
    let mut columns = vec!["Times", "Visitors"];
    columns.extend(is_compared.then_some("Change"));
    View { all, ..view("Events", columns, rows, NO_EVENTS, &today.name(range)) }
}

/// A change in few words, as a column has them: `+18 %`, `from 1`.
fn change(now: i64, before: i64) -> Change {
    let change = number::change(now, before, Wish::More);
    let short = match now == before {
        true => "0\u{a0}%".to_owned(),
        false => format!("from\u{a0}{}", number::thousands(before)),
    };
    let percent = if change.percent.is_empty() { short } else { change.percent };
    Change { percent, ..change }
}

fn view(
    title: &str,
    columns: Vec<&'static str>,
    rows: Vec<RowView>,
    nothing: &str,
    range: &str,
) -> View {
    View {
        id: card::id(&title.to_lowercase()),
        title: title.to_owned(),
        caption: format!("{title}, {range}"),
        note: None,
        tabs: Vec::new(),
        columns,
        why: rows.is_empty().then(|| nothing.to_owned()),
        rows,
        map: None,
        has_trends: false,
        has_shares: false,
        all: None,
    }
}

/// A row whose bar is `visitors` against the largest.
fn row_view(
    text: String,
    href: String,
    (visitors, largest): (i64, i64),
    values: Vec<String>,
) -> RowView {
    RowView {
        text,
        hint: String::new(),
        href: Some(href),
        values,
        share: String::new(),
        width: format!("{:.1}%", 100.0 * number::ratio(visitors.max(0), largest.max(1))),
        trend: sparkline(&[]),
        change: None,
    }
}
