//! `GET /sites`: every site at a glance.

use super::{Asked, NoPage, frame, overview};
use crate::{
    app::App,
    page::{link, sites::SitesPage},
    report::{self, sites::Glance, status},
    web::read,
};

pub(super) async fn get(app: &App, asked: Asked) -> Result<String, NoPage> {
    let (question, sites) = (asked.question.clone(), app.registry.get().sites.clone());
    let ((glances, status), live) = read::answer(app, move |file| {
        Ok((report::sites::answer(&question, &sites, file)?, status::answer(&question, file)?))
    })
    .await?;
    // Where nothing was ever counted, the first site says what to do.
    let is_new = |glance: &Glance| {
        glance.today == 0 && glance.before.is_none() && glance.course.iter().all(|day| *day == 0)
    };
    if glances.iter().all(is_new) && !status.has_counted {
        return overview::get(app, asked).await;
    }
    let sites: Vec<_> = glances
        .into_iter()
        .map(|glance| {
            let now = live.present.get(&glance.site).copied();
            (glance, now)
        })
        .collect();
    let frame = frame::of(app, &asked, link::SITES, Some(&status));
    let undeclared = app.undeclared_site().filter(|_| frame.owner);
    Ok(SitesPage { frame: &frame, sites: &sites, undeclared: undeclared.as_deref() }.render()?)
}
