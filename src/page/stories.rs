//! More pages from literal answers: under filters, of one thing, live, shared.

use super::{
    Error,
    card::Leads,
    dashboard::DashboardPage,
    link,
    metric::Metric,
    sample::{self, TODAY},
    storybook::Story,
};
use crate::model::period::Granularity;

pub(super) fn all() -> Vec<Story> {
    vec![
        ("dashboard-filtered", under_filters(None)),
        ("dashboard-not-told", under_filters(Some("Before <then> only pairs are kept."))),
    ]
}

fn under_filters(not_told: Option<&str>) -> Result<String, Error> {
    let series = sample::series(Granularity::Day, 30, 40);
    let mut cards = sample::cards();
    cards[1].leads = Leads::Not("Sources are not kept together with both.".to_owned());
    cards[2] = sample::without_rows(&cards[2]);
    cards[2].ranking.not_told =
        Some("Single <events> don’t keep their exit page apart.".to_owned());
    DashboardPage {
        frame: &sample::frame_with_filters(link::OVERVIEW),
        today: TODAY,
        visitors_now: Some(3),
        series: &series,
        before: None,
        metric: Metric::Visitors,
        filters: &sample::filter_bar(link::OVERVIEW, true),
        not_told,
        cards: if not_told.is_some() { &[] } else { &cards },
        undeclared: None,
        alerts: &[],
        first_run: None,
    }
    .render()
}
