//! Believable answers for tests and the storybook; the same at every run.

use jiff::{
    ToSpan,
    civil::{Date, Weekday, date},
};

pub(super) use super::sample_lists::{
    alerts, errors, events, filter_bar, frame_with_filters, goals, storage, vitals,
};
use super::{
    address::Address,
    card::{Card, Leads},
    date::Today,
    filtered::Reason,
    happened::HappenedCard,
    layout::{Assets, Frame},
    link::{self, Link, Place, Way},
    metric::Metric,
    picker::Picker,
    privacy::{EventFacts, Facts},
};
use crate::{
    model::{interval::Interval, period::DateRange},
    report::{
        answer::{Figures, Point, Ranking, Row, Scope, Series},
        happened::{Happened, Happening},
        week::{Week, WeekHour},
    },
    store::chronicle::{Annotation, Kind},
};

/// The day on which the samples are looked at.
pub(super) const TODAY: Today = Today { date: date(2026, 11, 24), week_starts: Weekday::Monday };

/// What the samples are about.
pub(super) fn scope(range: DateRange) -> Scope {
    Scope {
        site: "example.com".into(),
        time_zone: "Europe/Berlin".into(),
        event_type: "page_view".into(),
        identifier: None,
        range,
    }
}

/// Figures that fit each other, for a number of visitors.
pub(super) fn figures(visitors: i64) -> Figures {
    let visits = visitors * 122 / 100;
    Figures {
        count: visits * 23 / 10,
        visitors,
        visits,
        bounces: visits * 46 / 100,
        seconds: visits * 112,
    }
}

/// `count` buckets that end with the one of today, around `level` visitors each; the last is not
/// over.
pub(super) fn series(granularity: Interval, count: usize, level: i64) -> Series {
    let last = TODAY.date;
    let mut noise = 7_u64;
    let mut points = Vec::new();
    for index in 0..count {
        let back = i64::try_from(count - 1 - index).unwrap();
        let (date, hour) = match granularity {
            Interval::Hour => {
                let hour = i64::try_from(index).unwrap();
                let days = (i64::try_from(count).unwrap() - 1) / 24 - hour / 24;
                (last.saturating_sub(days.days()), i8::try_from(hour % 24).ok())
            }
            Interval::Day => (last.saturating_sub(back.days()), None),
            Interval::Week => (last.saturating_sub((7 * back).days()), None),
            Interval::Month => (last.first_of_month().saturating_sub(back.months()), None),
            _ => (last.first_of_year().saturating_sub(back.years()), None),
        };
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040);
        let percent = 60 + i64::try_from((noise >> 33) % 70).unwrap();
        let weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        let weekend = weekend && granularity == Interval::Day;
        let unfinished = index + 1 == count;
        let percent = if weekend || unfinished { percent / 2 } else { percent };
        let start = i64::try_from(index).unwrap();
        points.push(Point {
            start,
            end: start + 1,
            date,
            hour,
            figures: figures(level * percent / 100),
            cut: false,
            down_seconds: i64::from(granularity == Interval::Hour && index == 3),
            unfinished,
        });
    }
    let first = points.first().map_or(last, |point| point.date);
    with_total(Series {
        scope: scope(DateRange { first, last }),
        granularity,
        points,
        total: Figures::default(),
    })
}

/// The series that lies directly before `series`, a little lower.
pub(super) fn before(series: &Series) -> Series {
    let mut before = series.clone();
    let count = before.points.len();
    let shifted: Vec<i64> =
        (0..count).map(|index| series.points[(index * 5 + 3) % count].figures.visitors).collect();
    for (point, visitors) in before.points.iter_mut().zip(shifted) {
        point.figures = figures(visitors * 85 / 100);
        point.unfinished = false;
    }
    before.scope.range = series.scope.range.before();
    with_total(before)
}

/// What is said about two points of `series`.
pub(super) fn annotations(series: &Series) -> Vec<Annotation> {
    let said = |(id, index, kind, text): (i64, usize, Kind, &str)| Annotation {
        id,
        at: series.points.get(index).map_or(0, |point| point.start),
        site: String::new(),
        kind,
        text: text.to_owned(),
    };
    [
        (1, 12, Kind::Note, "<b>Hacker News</b> links to the \"log\" post"),
        (2, 18, Kind::Upgrade, "Trim Beacons 0.2.0 instead of 0.1.0"),
    ]
    .map(said)
    .to_vec()
}

/// The picker of a page that is about the dates of `series`.
pub(super) fn picker(series: &Series, metric: Metric) -> Picker {
    let range = series.scope.range;
    let address =
        Address { path: link::OVERVIEW, range: Some(range), metric, ..Address::default() };
    Picker { address, today: TODAY, range, before: Some(range.before()), earliest: None }
}

/// The series with the sum of its points as its total.
pub(super) fn with_total(mut series: Series) -> Series {
    series.add_up();
    series
}

/// A ranking of a dimension's values.
pub(super) fn ranking(
    dimension: &str,
    range: DateRange,
    rows: &[(&str, Option<&str>, i64)],
    rows_in_all: u64,
) -> Ranking {
    let row = |(name, label, visitors): &(&str, Option<&str>, i64)| Row {
        name: (*name).to_owned(),
        label: label.map(str::to_owned),
        figures: figures(*visitors),
    };
    Ranking {
        scope: scope(range),
        dimension: dimension.to_owned(),
        rows: rows.iter().map(row).collect(),
        rows_in_all,
        not_told: None,
        total: figures(6_021),
    }
}

/// The last thirty days.
pub(super) fn thirty_days() -> DateRange {
    DateRange::ending(TODAY.date, 30)
}

/// The days of a month that ends before, or is still running on, the day of the samples.
pub(super) fn month(first: Date) -> Series {
    let days = usize::try_from(first.days_in_month()).unwrap();
    let mut series = series(Interval::Day, days, 320);
    for (point, date) in series.points.iter_mut().zip(first.series(1.day())) {
        point.date = date;
        point.unfinished = date >= TODAY.date;
        if date > TODAY.date {
            point.figures = Figures::default();
        }
    }
    series.scope.range = Today::month_of(first);
    with_total(series)
}

/// The frame of a server with one site.
pub(super) fn frame(here: &str) -> Frame {
    let way = Way::default();
    Frame {
        assets: Assets {
            css: "dashboard.css".into(),
            js: "dashboard.js".into(),
            icon: "favicon.svg".into(),
        },
        nav: Frame::sections(&way, here, &[]),
        way,
        site: "example.com".into(),
        sites: Vec::new(),
        shared: false,
        owner: true,
        account: "jo@example.com".into(),
        form_token: "5f0c9d".repeat(8),
        time_zone: "Europe/Berlin".into(),
        updated_at: "14:02:07".into(),
        version: "0.1.0".into(),
        put_off: Some(7),
        filtered_today: Some(1_204),
        file_bytes: Some(14_300_000),
    }
}

/// The frame of a server with several sites, one with a long name.
pub(super) fn frame_of_many_sites(here: &str) -> Frame {
    let way = Way { root: "/stats".into(), site: Some("example.com".into()), ..Way::default() };
    let names = ["example.com", "notes.example.net", "a-rather-long-name-of-a-site.example.org"];
    let site = |name: &str| Link {
        name: name.to_owned(),
        href: Way { site: Some(name.to_owned()), ..way.clone() }.to(link::OVERVIEW, &[]),
        current: name == "example.com",
    };
    let sites = names.map(site).to_vec();
    Frame { nav: Frame::sections(&way, here, &[]), way, sites, ..frame(here) }
}

/// A believable dashboard's cards.
pub(super) fn cards() -> Vec<Card> {
    let pages = [
        ("/", Some("Example: notes of a baker who programs"), 1_846),
        ("/notes/sqlite-wal-explained", Some("The write-ahead log, explained"), 1_312),
        ("/recipes/rye-bread", Some("Rye bread"), 703),
        ("/about", None, 402),
        ("/notes/one-binary", Some("One binary is enough"), 318),
        ("/projects", Some("Projects"), 244),
    ];
    let sources = [
        ("Direct or unknown", None, 2_210),
        ("Google", None, 1_544),
        ("Hacker News", None, 902),
        ("Mastodon", None, 377),
        ("ChatGPT", None, 214),
        ("DuckDuckGo", None, 198),
    ];
    let countries = [
        ("DE", Some("Germany"), 1_610),
        ("US", Some("United States"), 1_388),
        ("FR", Some("France"), 544),
        ("NL", Some("Netherlands"), 401),
        ("IN", Some("India"), 322),
        ("GB", Some("United Kingdom"), 297),
    ];
    let browsers = [("Chrome", None, 2_688), ("Safari", None, 1_479), ("Opera", None, 4)];
    let mut cards = vec![
        card("Pages", "identifier", &pages, 212),
        card("Sources", "source", &sources, 64),
        card("Countries", "country", &countries, 71),
        card("Browsers", "browser", &browsers, 3),
        card("UTM campaigns", "utm_campaign", &[], 0),
    ];
    cards[0].trends = (0..6).map(|row| trend(row, 14)).collect();
    cards[1].tabs = tabs(["Sources", "Channels", "Campaigns"]);
    cards[4].ranking.scope.range = DateRange::ending(TODAY.date, 7);
    cards
}

/// Goals, events and errors.
pub(super) fn happened() -> [HappenedCard; 3] {
    let goals =
        [("Signed up", None, 96), ("Read the <prices>", None, 704), ("Got nothing", None, 0)];
    let kind = |event_type: &str, identifier: Option<&str>, visitors, before| Happening {
        event_type: event_type.to_owned(),
        identifier: identifier.map(str::to_owned),
        figures: figures(visitors),
        before: Some(before),
    };
    let kinds = vec![
        kind("download_click", None, 402, 900),
        kind("custom_event", Some("A <name> of its own that is rather long"), 96, 500),
        kind("signup", None, 5, 1),
    ];
    let mut errors = card("Errors", "identifier", &[("TypeError: <x> is null", None, 7)], 2);
    errors.ranking.scope.event_type = "error".to_owned();
    [
        HappenedCard::Goals(ranking("goal", thirty_days(), &goals, 3)),
        HappenedCard::Events(Happened { kinds, names_in_all: 31 }),
        HappenedCard::Errors(errors),
    ]
}

/// A week that sleeps at night, with an hour that never was.
pub(super) fn week() -> Week {
    let hour = |at: i64| {
        let (day, hour) = (at / 24, at % 24);
        let busy = (12 - (hour - 14).abs()).max(0) * if day > 4 { 2 } else { 5 };
        WeekHour { figures: figures(busy * (7 + at % 5)), times: i64::from(at != 146) * 4 }
    };
    Week { range: thirty_days(), hours: (0..168).map(hour).collect() }
}

/// Countries as a map.
pub(super) fn map_card() -> Card {
    let mut card = Card { is_map: true, ..cards().swap_remove(2) };
    card.ranking.rows.extend(ranking("country", thirty_days(), &[("(other)", None, 3)], 1).rows);
    card
}

/// The same where there is nothing of it.
pub(super) fn nothing_happened() -> [HappenedCard; 2] {
    [
        HappenedCard::Goals(ranking("goal", thirty_days(), &[], 0)),
        HappenedCard::Events(Happened::default()),
    ]
}

/// Names that nobody wants: long, foreign, hostile, none.
pub(super) fn strange_card() -> Card {
    let long = format!("/archive{}", "/a-long-name-without-an-end".repeat(12));
    let rows = [
        ("<script>alert(1)</script>", Some("\"><img src=x onerror=alert(1)>"), 900),
        (
            long.as_str(),
            Some("A long title that goes on, and on, and on, until nobody reads it"),
            650,
        ),
        ("/مدونة/كيف-تعمل-قاعدة-البيانات", Some("كيف تعمل قاعدة البيانات"), 412),
        ("/🍞/👩‍🍳", Some("🥖 Bread & butter"), 300),
        ("", None, 120),
        ("/日本語の長い名前のページ", None, 44),
        ("(other)", None, 1),
    ];
    let mut card = card("Pages", "identifier", &rows, 1_234);
    card.trends = (0..7).map(|row| trend(row, 14)).collect();
    card
}

/// The card as it is when nothing was counted.
pub(super) fn without_rows(card: &Card) -> Card {
    let mut card = card.clone();
    card.ranking.rows.clear();
    card.ranking.rows_in_all = 0;
    card.trends.clear();
    card
}

/// Links to rankings that share a card, the first of which is shown.
pub(super) fn tabs(names: [&str; 3]) -> Vec<Link> {
    let tab = |name: &str| Link {
        name: name.to_owned(),
        href: format!("/top?dimension={name}"),
        current: name == names[0],
    };
    names.map(tab).to_vec()
}

fn card(title: &str, dimension: &str, rows: &[(&str, Option<&str>, i64)], in_all: u64) -> Card {
    Card {
        title: title.to_owned(),
        metric: Metric::Visitors,
        ranking: ranking(dimension, thirty_days(), rows, in_all),
        trends: Vec::new(),
        tabs: Vec::new(),
        leads: Leads::Filter(Place { path: link::OVERVIEW, ..Place::default() }),
        is_map: false,
    }
}

/// A course that looks different for every row.
fn trend(row: i64, days: i64) -> Vec<i64> {
    (0..days).map(|day| 30 + (day * (row + 3) * 17 + row * 5) % 41).collect()
}

/// Refused beacons of fourteen days.
pub(super) fn reasons() -> Vec<Reason> {
    let reason = |(slug, row): (&str, i64)| Reason { slug: slug.into(), days: trend(row, 14) };
    let mut reasons = [("bot", 1), ("own_visit", 2), ("unknown_site", 4)].map(reason).to_vec();
    reasons.push(Reason { slug: "a_reason_of_tomorrow".into(), days: vec![0; 14] });
    reasons
}

/// The user agents that were refused most.
pub(super) fn agents() -> Vec<(String, i64)> {
    [("Googlebot", 812), ("curl", 90), ("<b>Bot</b>", 1)].map(|(it, n)| (it.to_owned(), n)).to_vec()
}

/// A statement with everything in it.
pub(super) fn facts() -> Facts {
    let event = |name: &str, raw_days| EventFacts {
        name: name.to_owned(),
        identifier: "the page’s path".into(),
        dimensions: ["source", "country", "os", "os_version", "meta.plan"]
            .map(str::to_owned)
            .into(),
        kept: vec![("hour".into(), Some(90)), ("day".into(), Some(1_095)), ("month".into(), None)],
        raw_days,
    };
    Facts {
        site: "example.com".into(),
        time_zone: "Europe/Berlin".into(),
        honours_privacy_signals: true,
        country_from_address: true,
        visit_minutes: 30,
        events: vec![event("page_view", 0), event("form_sent", 14)],
    }
}
