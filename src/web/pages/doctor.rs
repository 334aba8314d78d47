//! `GET /doctor`: whether all is well with the server and its file.

use super::{Asked, NoPage, frame};
use crate::{
    app::App,
    clock,
    doctor::{self, Finding, Patient},
    page::{self, doctor::DoctorPage, link},
    web::read::Unanswered,
};

pub(super) async fn get(app: &App, asked: Asked) -> Result<String, NoPage> {
    let (registry, seen) = (app.registry.get(), Some(app.observed.get()));
    let in_force = app.tls.as_ref().map(|keyring| keyring.in_force());
    let put_off = app.metrics.put_off();
    let readers = app.readers.clone();
    let examined = tokio::task::spawn_blocking(move || {
        let (readers, in_force) = (Some(&readers), in_force.as_ref());
        let now = clock::now();
        doctor::examine(&Patient { registry: &registry, readers, seen, put_off, in_force, now })
    });
    let mut findings = examined.await.map_err(|error| {
        tracing::error!(%error, "the doctor’s visit broke off");
        Unanswered
    })?;
    findings.sort_by_key(|finding| finding.state);
    let finding = |finding: Finding| page::doctor::Finding {
        about: finding.about,
        state: finding.state.as_str(),
        why: finding.why,
        to_do: finding.to_do,
    };
    let findings: Vec<_> = findings.into_iter().map(finding).collect();
    let frame = frame::of(app, &asked, link::DOCTOR, None);
    Ok(DoctorPage { frame: &frame, findings: &findings }.render()?)
}
