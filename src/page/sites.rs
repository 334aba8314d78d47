//! Every site at a glance, for those who have several.

use askama::Template;

use super::{
    Error,
    layout::Frame,
    link::{self, Way},
    number::{self, Change, Wish},
    svg::{Svg, sparkline},
};
use crate::report::sites::Glance;

/// The page.
#[derive(Debug, Template)]
#[template(path = "sites.html")]
pub struct SitesPage<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// Each site, and how many visitors it has now, if that is known.
    pub sites: &'a [(Glance, Option<usize>)],
    /// A site that beacons have come for and that nobody has declared.
    pub undeclared: Option<&'a str>,
}

/// A site as the template shows it.
struct SiteRow<'a> {
    glance: &'a Glance,
    href: String,
    alerts: Option<(String, String)>,
    now: String,
    visitors: String,
    change: Option<Change>,
    course: Svg,
}

impl SitesPage<'_> {
    /// The page as HTML.
    ///
    /// # Errors
    /// When the template can't be written out.
    pub fn render(&self) -> Result<String, Error> {
        Ok(Template::render(self)?)
    }

    fn rows(&self) -> Vec<SiteRow<'_>> {
        self.sites.iter().map(|(glance, now)| self.row(glance, *now)).collect()
    }

    fn row<'g>(&self, glance: &'g Glance, now: Option<usize>) -> SiteRow<'g> {
        let way = Way { site: Some(glance.site.clone()), ..self.frame.way.unfiltered() };
        let visitors = glance.course.iter().sum();
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let alerts = number::counted(count(glance.alerts), "alert", "alerts");
        SiteRow {
            glance,
            href: way.to(link::OVERVIEW, &[]),
            alerts: (glance.alerts > 0).then(|| (alerts, way.to(link::ALERTS, &[]))),
            now: now.map(|now| number::thousands(count(now))).unwrap_or_default(),
            visitors: number::thousands(visitors),
            change: glance.before.map(|before| number::change(visitors, before, Wish::More)),
            course: sparkline(&glance.course),
        }
    }

    fn thousands(&self, number: &i64) -> String {
        number::thousands(*number)
    }
}
