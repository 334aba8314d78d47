//! More pages from literal answers: under filters, of one thing, live, shared.

use super::{
    Error,
    card::Leads,
    dashboard::DashboardPage,
    embed::EmbedPage,
    layout::Frame,
    link::{self, Link, Way},
    live::{Beacon, LivePage},
    metric::Metric,
    one::{OnePage, Property},
    sample::{self, TODAY},
    sites::SitesPage,
    storybook::Story,
    strip::Stat,
    unlock::UnlockPage,
};
use crate::{
    model::{interval::Interval, rejection::Reason},
    report::sites::Glance,
};

pub(super) fn all() -> Vec<Story> {
    vec![
        ("dashboard-filtered", under_filters(None)),
        ("one-page", one()),
        ("sites", sites()),
        ("live", live()),
        ("unlock", unlock()),
        ("shared", shared()),
        ("embedded", embedded()),
        ("dashboard-not-told", under_filters(Some("Before <then> only pairs are kept."))),
    ]
}

fn under_filters(not_told: Option<&str>) -> Result<String, Error> {
    let series = sample::series(Interval::Day, 30, 40);
    let mut cards = sample::cards();
    cards[1].leads = Leads::Not("Sources are not kept together with both.".to_owned());
    cards[2] = sample::without_rows(&cards[2]);
    cards[2].ranking.not_told =
        Some("Single <events> don’t keep their exit page apart.".to_owned());
    DashboardPage {
        frame: &sample::frame_with_filters(link::OVERVIEW),
        picker: &sample::picker(&series, Metric::Visitors),
        visitors_now: Some(3),
        series: &series,
        before: None,
        intervals: &[],
        annotations: &[],
        filters: &sample::filter_bar(link::OVERVIEW, true),
        not_told,
        cards: if not_told.is_some() { &[] } else { &cards },
        happened: &sample::happened(),
        week: None,
        undeclared: None,
        alerts: &[],
        first_run: None,
    }
    .render()
}

fn sites() -> Result<String, Error> {
    let glance = |(site, level, before, alerts): (&str, i64, Option<i64>, usize)| {
        let course = (0..28).map(|day| level * (20 + day * 7 % 23) / 30).collect();
        (Glance { site: site.to_owned(), today: level / 3, course, before, alerts }, Some(3))
    };
    let sites = [
        ("example.com", 260, Some(5_107), 0),
        ("a-rather-long-name-of-a-site.example.org", 3, Some(8), 2),
        ("<b>.example", 0, None, 0),
    ]
    .map(glance);
    let frame = sample::frame_of_many_sites(link::SITES);
    SitesPage { frame: &frame, sites: &sites, undeclared: Some("<i>.example") }.render()
}

fn one() -> Result<String, Error> {
    let series = sample::series(Interval::Day, 30, 40);
    let before = sample::before(&series);
    let stat = |title, value: &str| Stat { title, value: value.into(), change: None, metric: None };
    let link = |name: &str| Link { name: name.into(), href: "/month".into(), current: false };
    OnePage {
        frame: &sample::frame_of_many_sites(link::PAGE),
        today: TODAY,
        noun: "Page",
        name: "/notes/<b>sqlite</b>-wal-explained",
        title: Some("The write-ahead log, <explained>"),
        path: link::PAGE,
        pairs: [(link::EVENT, ""), (link::IDENTIFIER, "/notes/<b>sqlite</b>-wal-explained")],
        series: &series,
        before: Some(&before),
        metric: Metric::Visitors,
        more: &[stat("Time visible", "1 m 4 s"), stat("Scrolled", "75 %")],
        links: &[link("The overview of this page alone"), link("12 months")],
        cards: &sample::cards()[1..],
        properties: &[Property {
            key: "plan".into(),
            value: "<i>pro".into(),
            count: "12".into(),
            visitors: "7".into(),
        }],
        note: Some("Before 25 October <2026> only these are kept together: page and source."),
    }
    .render()
}

fn live() -> Result<String, Error> {
    let beacon = |time: &str, words: &str, reason| Beacon {
        time: time.to_owned(),
        words: words.to_owned(),
        reason,
    };
    LivePage {
        frame: &sample::frame(link::LIVE),
        visitors: 3,
        pages: &[("/notes/<b>".to_owned(), 2), ("/".to_owned(), 1)],
        beacons: &[
            beacon("14:02:07", "page_view /notes/<b>", None),
            beacon("14:02:01", "no site takes pages on \"<i>.example\"", Some(Reason::UnknownSite)),
        ],
        stream: "/live/events",
    }
    .render()
}

fn unlock() -> Result<String, Error> {
    let frame = Frame { assets: sample::frame("").assets, ..Frame::default() };
    UnlockPage { frame: &frame, action: "/share/abc/unlock", wrong: "That is not the password." }
        .render()
}

fn shared() -> Result<String, Error> {
    let frame = sample::frame(link::OVERVIEW);
    let way = Way { root: "/public/example.com".into(), ..frame.way };
    let nav = Frame::shared_sections(&way, link::OVERVIEW, &[]);
    let frame = Frame {
        nav,
        way,
        shared: true,
        owner: false,
        account: String::new(),
        form_token: String::new(),
        filtered_today: None,
        file_bytes: None,
        ..sample::frame(link::OVERVIEW)
    };
    let series = sample::series(Interval::Day, 30, 40);
    DashboardPage {
        frame: &frame,
        picker: &sample::picker(&series, Metric::Visitors),
        visitors_now: Some(3),
        series: &series,
        before: None,
        intervals: &[],
        annotations: &[],
        filters: &sample::filter_bar(link::OVERVIEW, false),
        not_told: None,
        cards: &[sample::map_card()],
        happened: &sample::happened(),
        week: None,
        undeclared: None,
        alerts: &[],
        first_run: None,
    }
    .render()
}

fn embedded() -> Result<String, Error> {
    let series = sample::series(Interval::Day, 30, 40);
    EmbedPage { assets: &sample::frame("").assets, series: &series }.render()
}
