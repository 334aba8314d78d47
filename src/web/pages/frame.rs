//! The frame of a page: what stands around its content, from the registry and the status.

use super::Asked;
use crate::{
    app::App,
    assets,
    auth::accounts::{Rank, Visitor},
    model::period::{self, DateRange},
    page::{
        layout::{Assets, Frame},
        link::{self, Link, Way},
    },
    report::{question::Question, status::Status},
};

/// The frame of the page at the path `here`.
pub(super) fn of(app: &App, asked: &Asked, here: &str, status: Option<&Status>) -> Frame {
    let registry = app.registry.get();
    let question = &asked.question;
    let sites = registry.sites.iter().map(|site| Link {
        name: site.name.clone(),
        href: Way { site: Some(site.name.clone()), ..asked.way.unfiltered() }.to(here, &[]),
        current: site.name == question.site.name,
    });
    let way = asked.way.clone();
    let dates = chosen(question);
    let dates: Vec<(&str, &str)> =
        dates.iter().map(|(name, value)| (*name, value.as_str())).collect();
    if asked.shared {
        return Frame {
            nav: Frame::shared_sections(&way, here, &dates),
            sites: Vec::new(),
            shared: true,
            owner: false,
            filtered_today: None,
            file_bytes: None,
            ..of(app, &Asked { shared: false, ..asked.clone() }, here, status)
        };
    }
    let now = question.site.zone.to_datetime(period::timestamp(question.now));
    Frame {
        nav: Frame::sections(&way, here, &dates),
        way,
        site: question.site.name.clone(),
        sites: sites.collect(),
        time_zone: question.site.zone_name.clone(),
        updated_at: now.strftime("%H:%M:%S").to_string(),
        filtered_today: status.map(|status| status.filtered_today),
        file_bytes: status.map(|status| status.file_bytes),
        ..of_nobody(app, &asked.visitor)
    }
}

/// The dates that were asked for, as parameters; none where a page shows its own.
fn chosen(question: &Question) -> Vec<(&'static str, String)> {
    match (question.dates, question.range) {
        (Some(dates), _) => vec![(link::PERIOD, dates.slug().to_owned())],
        (None, Some(DateRange { first, last })) => {
            vec![(link::FROM, first.to_string()), (link::TO, last.to_string())]
        }
        (None, None) => Vec::new(),
    }
}

/// The frame of a page that is about no site, for `visitor`.
pub(super) fn of_nobody(app: &App, visitor: &Visitor) -> Frame {
    let person = visitor.person.as_ref();
    // How many wait is of all sites together.
    let told = |count| if visitor.rank == Rank::Owner { count } else { 0 };
    Frame {
        put_off: app.metrics.put_off().map(told),
        owner: visitor.rank == Rank::Owner,
        account: person.map(|person| person.account.name.clone()).unwrap_or_default(),
        form_token: person.map(|person| person.form_token.clone()).unwrap_or_default(),
        ..bare(app)
    }
}

/// The frame of a page that is about no site, for whoever it may be.
pub(super) fn bare(app: &App) -> Frame {
    let root = app.registry.get().server.root().to_owned();
    let path = |name| format!("{root}{}", assets::path(name));
    Frame {
        assets: Assets {
            css: path("dashboard.css"),
            js: path("dashboard.js"),
            icon: path("favicon.svg"),
        },
        version: env!("CARGO_PKG_VERSION").to_owned(),
        way: Way { root, ..Way::default() },
        ..Frame::default()
    }
}
