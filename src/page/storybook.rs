//! Every page from literal answers, to be looked at: set `TRIM_BEACONS_STORYBOOK` to a folder and
//! the pages are written there. Without it, what must be true of every page is checked.

use std::{collections::HashSet, fs, path::Path};

use jiff::civil::date;

use super::{
    Error,
    alerts::AlertsPage,
    card::Card,
    dashboard::{DashboardPage, FirstRun},
    error::ErrorPage,
    errors::ErrorsPage,
    events::EventsPage,
    filtered::FilteredPage,
    goals::GoalsPage,
    link,
    markup::{self, Element},
    metric::Metric,
    month::MonthPage,
    one_error::OneErrorPage,
    privacy::PrivacyPage,
    sample::{self, TODAY},
    setup::{self, SetupPage},
    storage::StoragePage,
    stories, stories_access,
    top::TopPage,
    trend::Trend,
    vitals::VitalsPage,
    year::YearPage,
};
use crate::{
    model::{interval::Interval, period::DateRange},
    report::answer::{Alerts, ErrorGroup, Errors, Event, Events, Goals, Series, Storage, Vitals},
    store::errors::State,
};

/// The assets, under the names by which the samples' pages load them.
const ASSETS: [(&str, &str); 3] = [
    ("dashboard.css", include_str!("../../assets/dashboard.css")),
    ("dashboard.js", include_str!("../../assets/dashboard.js")),
    ("favicon.svg", include_str!("../../assets/favicon.svg")),
];

/// A page with the name of its file.
pub(super) type Story = (&'static str, Result<String, Error>);

fn stories() -> Vec<Story> {
    [dashboards(), tops(), trends(), errors(), others(), stories::all(), stories_access::all()]
        .into_iter()
        .flatten()
        .collect()
}

fn dashboards() -> Vec<Story> {
    let cards = sample::cards();
    let week = sample::week();
    let (all, nothing) = (sample::happened(), sample::nothing_happened());
    let page = |name, count, granularity, level: i64, cards: &[Card], metric| {
        let series = sample::series(granularity, count, level);
        let before = sample::before(&series);
        let page = DashboardPage {
            frame: &sample::frame(link::OVERVIEW),
            picker: &sample::picker(&series, metric),
            visitors_now: Some(3),
            series: &series,
            before: Some(&before),
            filters: &sample::filter_bar(link::OVERVIEW, false),
            not_told: None,
            intervals: &[Interval::Day, Interval::Week],
            annotations: &sample::annotations(&series),
            cards,
            happened: if level > 0 { &all } else { &nothing },
            week: (level > 0).then_some(&week),
            undeclared: None,
            alerts: &[],
            first_run: None,
        };
        (name, page.render())
    };
    let empty: Vec<Card> = cards.iter().map(sample::without_rows).collect();
    let strange = [sample::strange_card()];
    vec![
        page("dashboard", 30, Interval::Day, 260, &cards, Metric::Visitors),
        page("dashboard-quarter", 91, Interval::Day, 18_000, &cards, Metric::Count),
        page("dashboard-today", 24, Interval::Hour, 9, &cards[..3], Metric::Visits),
        page("dashboard-week", 7, Interval::Day, 2, &cards[..1], Metric::Visitors),
        page("dashboard-empty", 30, Interval::Day, 0, &empty, Metric::Visitors),
        page("dashboard-strange", 1, Interval::Day, 40, &strange, Metric::Visitors),
        ("first-run", first_run()),
    ]
}

fn first_run() -> Result<String, Error> {
    let series = sample::series(Interval::Day, 7, 0);
    DashboardPage {
        frame: &sample::frame_of_many_sites(link::OVERVIEW),
        picker: &sample::picker(&series, Metric::Visitors),
        visitors_now: Some(0),
        series: &series,
        before: None,
        filters: &sample::filter_bar(link::OVERVIEW, false),
        not_told: None,
        intervals: &[],
        annotations: &[],
        cards: &[],
        happened: &sample::happened(),
        week: None,
        undeclared: Some("<i>.example"),
        alerts: &[("Silence".to_owned(), "No beacon for <b>7</b> hours.".to_owned())],
        first_run: Some(FirstRun {
            undeclared: Some("<i>default"),
            refused: &[("Bots", "It is a bot’s.", "the user agent is <i>a bot’s</i>".to_owned())],
            snippet: r#"<script defer src="https://stats.example.com/tb.js"></script>"#,
            curl: "curl https://stats.example.com/beacon -H 'content-type: application/json' \
                   -d '{\"event_type\":\"page_view\",\"identifier\":\"/\"}'",
        }),
    }
    .render()
}

fn tops() -> Vec<Story> {
    let page = |name, card: &Card, search, offset| {
        let page = TopPage {
            frame: &sample::frame_of_many_sites(link::TOP),
            today: TODAY,
            card,
            filters: &sample::filter_bar(link::TOP, false),
            search,
            limit: 10,
            offset,
            csv: Some("/api/top.csv?site=example.com"),
        };
        (name, page.render())
    };
    let pages = Card {
        tabs: sample::tabs(["Pages", "Entry pages", "Exit pages"]),
        ..sample::cards().swap_remove(0)
    };
    vec![
        page("top", &pages, "", 10),
        page("top-strange", &sample::strange_card(), "é<b>\"", 0),
        page("top-nothing", &sample::without_rows(&pages), "<script>", 0),
    ]
}

fn trends() -> Vec<Story> {
    let month = |name, series: &Series| {
        let (frame, before) = (sample::frame(link::MONTH), sample::before(series));
        let (metric, before) = (Metric::Visitors, Some(&before));
        let trend = Trend { frame: &frame, series, before, metric, more: &[] };
        (name, MonthPage { frame: &frame, today: TODAY, trend }.render())
    };
    let year = |name, level| {
        let series = sample::series(Interval::Month, 12, level);
        let frame = sample::frame_of_many_sites(link::YEAR);
        let trend = Trend {
            frame: &frame,
            series: &series,
            before: None,
            metric: Metric::Count,
            more: &[],
        };
        (name, YearPage { frame: &frame, today: TODAY, trend }.render())
    };
    let running = sample::month(date(2026, 11, 1));
    let mut of_a_page = sample::month(date(2026, 10, 1));
    of_a_page.scope.identifier = Some("/notes/<b>sqlite</b>&wal-explained".to_owned());
    vec![
        month("month", &running),
        month("month-of-a-page", &of_a_page),
        year("year", 9_400),
        year("year-empty", 0),
    ]
}

fn errors() -> Vec<Story> {
    let list = |name, errors: &Errors, state, search| {
        let page = ErrorsPage {
            frame: &sample::frame(link::ERRORS),
            today: TODAY,
            errors,
            state,
            search,
            snippet: r#"<script src="https://stats.example.com/tb-errors.js"></script>"#,
        };
        (name, page.render())
    };
    let found = sample::errors();
    let none = Errors { groups: Vec::new(), ..found.clone() };
    let one = |name, group: &ErrorGroup, samples: &[Event]| {
        let page = OneErrorPage {
            frame: &sample::frame_of_many_sites(link::ERRORS),
            today: TODAY,
            group,
            series: &sample::series(Interval::Day, 30, 7),
            cards: &sample::cards()[..2],
            samples,
        };
        (name, page.render())
    };
    let events = |name, events: &Events, search| {
        let page = EventsPage {
            frame: &sample::frame(link::EVENTS),
            today: TODAY,
            events,
            kept_types: &["error".to_owned(), "signup".to_owned()],
            search,
            downloads: ["/events.csv?from=2026-11-01", "/api/v1/reports/events"],
        };
        (name, page.render())
    };
    let vitals = |name, vitals: &Vitals| {
        let page = VitalsPage {
            frame: &sample::frame(link::VITALS),
            today: TODAY,
            vitals,
            snippet: r#"<script defer src="https://stats.example.com/tb-vitals.js"></script>"#,
        };
        (name, page.render())
    };
    let alerts = |name, alerts: &Alerts, declared: &[String]| {
        (name, AlertsPage { frame: &sample::frame(link::ALERTS), alerts, declared }.render())
    };
    let goals = |name, goals: &Goals| {
        (name, GoalsPage { frame: &sample::frame(link::GOALS), today: TODAY, goals }.render())
    };
    let storage = |name, storage: &Storage, disk_free| {
        let frame = sample::frame(link::STORAGE);
        let kept = [("page_view".to_owned(), "hours 90 days, months for ever".to_owned())];
        let path = "/var/lib/<b>/trim-beacons.db";
        (
            name,
            StoragePage { frame: &frame, storage, disk_free, last_backup: None, path, kept: &kept }
                .render(),
        )
    };
    let kept = sample::events();
    let nothing = Events { kept_days: 0, rows: Vec::new(), next_before: None, ..kept.clone() };
    vec![
        list("errors", &found, None, ""),
        list("errors-none", &none, None, ""),
        list("errors-nothing", &none, Some(State::Muted), "<b>"),
        one("one-error", &found.groups[0], &kept.rows),
        one("one-error-muted", &found.groups[2], &[]),
        alerts("alerts", &sample::alerts(), &["Silence".to_owned()]),
        alerts("alerts-none", &Alerts::default(), &[]),
        goals("goals", &sample::goals()),
        goals("goals-none", &Goals { goals: Vec::new(), ..sample::goals() }),
        storage("storage", &sample::storage(), Some(31_000_000_000)),
        storage(
            "storage-new",
            &Storage {
                history: Vec::new(),
                bytes_a_day: None,
                sites: Vec::new(),
                ..sample::storage()
            },
            None,
        ),
        vitals("speed", &sample::vitals()),
        vitals("speed-none", &Vitals { all: Vec::new(), pages: Vec::new(), ..sample::vitals() }),
        events("events", &kept, ""),
        events("events-nothing", &nothing, "\"<x>"),
    ]
}

fn others() -> Vec<Story> {
    let range = DateRange::ending(TODAY.date, 14);
    let frame = sample::frame("");
    let filtered = |name, reasons: &[_], agents: &[_]| {
        let page = FilteredPage { frame: &frame, range, accepted: 48_211, reasons, agents };
        (name, page.render())
    };
    let facts = sample::facts();
    let snippet = r#"<script defer src="https://stats.example.com/tb.js"></script>"#;
    let line = "POST https://stats.example.com/api/event".to_owned();
    let clients = vec![("Events API".to_owned(), line)];
    let products = [setup::Product { name: "Plausible".to_owned(), clients }];
    let bare = super::layout::Frame {
        assets: frame.assets.clone(),
        version: frame.version.clone(),
        ..Default::default()
    };
    let error = |name, frame, sentence, advice| {
        let title = "There is no such page";
        (name, ErrorPage { frame, status: 404, title, sentence, advice }.render())
    };
    vec![
        filtered("filtered", &sample::reasons(), &sample::agents()),
        filtered("filtered-nothing", &[], &[]),
        ("setup", SetupPage { frame: &frame, snippet, products: &products }.render()),
        ("privacy", PrivacyPage { frame: &frame, facts: &facts }.render()),
        error("error", &frame, "In the address, from=<b> is no date.", "Pick one below."),
        error("error-bare", &bare, "", "Perhaps the address was mistyped."),
    ]
}

/// The pages with their elements.
fn read() -> Vec<(&'static str, String, Vec<Element>)> {
    let read = |(name, html): Story| {
        let html = html.unwrap();
        let elements = markup::elements(&html);
        assert!(elements.is_ok(), "{name}: {elements:?}");
        (name, html, elements.unwrap_or_default())
    };
    stories().into_iter().map(read).collect()
}

#[test]
fn the_storybook_is_written_where_it_is_wanted() {
    let Some(folder) = std::env::var_os("TRIM_BEACONS_STORYBOOK") else { return };
    let folder = Path::new(&folder);
    fs::create_dir_all(folder).unwrap();
    for (name, html, _) in read() {
        fs::write(folder.join(format!("{name}.html")), html).unwrap();
    }
    for (name, content) in ASSETS {
        fs::write(folder.join(name), content).unwrap();
    }
}

#[test]
fn every_page_has_one_heading_and_one_main() {
    for (name, _, elements) in read() {
        for once in ["h1", "main", "title"] {
            let count = elements
                .iter()
                .filter(|it| it.name == once && !it.around.contains(&"svg".to_owned()))
                .count();
            assert_eq!(count, 1, "{name}: <{once}>");
        }
    }
}

#[test]
fn every_table_has_a_caption() {
    for (name, html, _) in read() {
        for table in html.split("<table").skip(1) {
            let start: String = table.chars().take(200).collect();
            assert!(start.contains("\n<caption"), "{name}: {start}");
        }
    }
}

#[test]
fn ids_are_unique_and_what_names_them_finds_them() {
    for (name, _, elements) in read() {
        let ids: Vec<&str> = elements.iter().filter_map(|it| it.attribute("id")).collect();
        let unique: HashSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), unique.len(), "{name}: {ids:?}");
        let named = elements.iter().filter_map(|it| it.attribute("aria-labelledby"));
        for id in named.flat_map(str::split_whitespace) {
            assert!(unique.contains(id), "{name}: {id}");
        }
    }
}

#[test]
fn pages_obey_their_policy() {
    for (name, _, elements) in read() {
        for element in &elements {
            let name = format!("{name}: {element:?}");
            assert!(element.name != "style", "{name}");
            assert!(element.name != "script" || element.attribute("src").is_some(), "{name}");
            for (attribute, value) in &element.attributes {
                assert!(attribute != "style" && !attribute.starts_with("on"), "{name}");
                let leads = ["href", "src", "action"].contains(&attribute.as_str());
                assert!(
                    !leads || !value.contains("//") && !value.contains("javascript:"),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn names_from_outside_stay_text() {
    let pages = read();
    let html = |wanted| {
        let found = pages.iter().find(|(name, _, _)| *name == wanted);
        found.map(|(_, html, _)| html.as_str()).unwrap_or_default()
    };
    for name in ["dashboard-strange", "top-strange"] {
        assert!(html(name).contains("&#60;script&#62;alert(1)&#60;/script&#62;"), "{name}");
        assert!(html(name).contains("كيف-تعمل"), "{name}");
    }
    assert!(html("top-nothing").contains("No pages have “&#60;script&#62;” in their name"));
    assert!(html("month-of-a-page").contains("/notes/&#60;b&#62;sqlite"));
    for (name, html, elements) in &pages {
        assert!(!html.contains("<script>"), "{name}");
        let scripts = elements.iter().filter(|element| element.name == "script").count();
        assert_eq!(scripts, usize::from(*name != "embedded"), "{name}");
    }
}

#[test]
fn what_is_shown_is_marked() {
    let current = |wanted: &str, value: &str| {
        let pages = read();
        let page = pages.iter().find(|(name, _, _)| *name == wanted);
        let elements = page.map(|(_, _, elements)| elements.clone()).unwrap_or_default();
        elements.iter().filter(|it| it.attribute("aria-current") == Some(value)).count()
    };
    assert_eq!(current("dashboard", "page"), 1);
    // What is compared with, the figure in the strip, and the length of the points.
    assert_eq!(current("dashboard", "true"), 3);
    assert_eq!(current("privacy", "page"), 0);
}

#[test]
fn colours_have_contrast_in_both_themes() {
    let css = ASSETS[0].1;
    for (theme, place) in [("light", 0), ("dark", 1)] {
        let check = |fore: &str, back: &str, wanted: f64| {
            let luminance = |name| luminance(css, name, place) + 0.05;
            let (one, other) = (luminance(fore), luminance(back));
            let contrast = one.max(other) / one.min(other);
            assert!(contrast >= wanted, "{theme}: --{fore} on --{back} has {contrast:.2}");
        };
        for back in ["ground", "card", "raised", "hover", "fill"] {
            check("ink", back, 7.0);
            check("muted", back, 4.5);
            check("accent", back, 4.5);
        }
        check("on-accent", "accent", 4.5);
        for back in ["card", "hover"] {
            check("better", back, 4.5);
            check("worse", back, 4.5);
            check("before", back, 3.0);
        }
        for back in ["card", "raised"] {
            check("edge", back, 3.0);
        }
    }
}

/// The relative luminance of a colour that a style sheet names, of its light (0) or dark (1) one, by
/// WCAG 2.2.
fn luminance(css: &str, name: &str, place: usize) -> f64 {
    let named = css.split(&format!("--{name}: light-dark(")).nth(1).unwrap();
    let hex = named.split('#').nth(place + 1).and_then(|rest| rest.get(..6)).unwrap();
    let channel = |at: usize| {
        let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
}
