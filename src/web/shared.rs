//! What is open to others: secret links, public sites, cards in frames of other pages, badges.
//!
//! Each door shows one site, read only, and no page behind it leads out.

use std::{net::SocketAddr, time::Instant};

use hyper::{
    HeaderMap, Request, StatusCode,
    body::Incoming,
    header::{self, HeaderName, HeaderValue},
    http::request::Parts,
};
use serde_json::json;

use super::{
    access, cookie,
    pages::{self, Door},
    read::{self, Unanswered},
    respond::{self, Answer},
    sign_in::{self, Crowded},
};
use crate::{
    app::App,
    auth::{
        secret,
        throttle::{SLOWER, Trier, Verdict},
    },
    clock,
    model::period::DateRange,
    page::embed,
    report::{self, answer::Series, question::Question},
    share,
    store::share::ShareLink,
};

/// How many days a card and a badge tell of.
const DAYS: i32 = 30;

/// What a browser that knows the password is known by.
const COOKIE: &str = "tb_share";

/// The page `rest` behind the secret link `token`.
pub(super) async fn get_share(
    app: &App,
    token: &str,
    rest: &str,
    request: &Request<Incoming>,
) -> Answer {
    let link = match find(app, token).await {
        Ok(Some(link)) => link,
        Ok(None) => return pages::not_shared(app),
        Err(answer) => return answer,
    };
    let root = format!("{}/share/{token}", app.registry.get().server.root());
    if link.password.is_some() && !has_pass(request.headers(), &share::pass(&link, token)) {
        return pages::unlock(app, &root, StatusCode::UNAUTHORIZED, "");
    }
    pages::get_shared(app, rest, request, Door { root, site: link.site }).await
}

/// Opens a link that asks for a password.
pub(super) async fn post_share(
    app: &App,
    peer: SocketAddr,
    token: &str,
    head: &Parts,
    form: &[u8],
) -> Answer {
    let link = match find(app, token).await {
        Ok(Some(link)) => link,
        Ok(None) => return pages::not_shared(app),
        Err(answer) => return answer,
    };
    let password = access::field(form, "password").unwrap_or_default();
    let pass = share::pass(&link, token);
    let registry = app.registry.get();
    let root = format!("{}/share/{token}", registry.server.root());
    // The link is the account: who guesses is slowed down as at the door of people.
    // No account has a capital letter here.
    let name = format!("Share {}", link.id);
    let trier = Trier::Network(sign_in::client_address(app, peer, &head.headers));
    match app.accounts.throttle.count(&name, trier, Instant::now()) {
        Verdict::Try => {}
        Verdict::TrySlowly => tokio::time::sleep(SLOWER).await,
        Verdict::Wait(_) => {
            let wrong = "Too many tries. Try again in some minutes.";
            return pages::unlock(app, &root, StatusCode::TOO_MANY_REQUESTS, wrong);
        }
    }
    let looking = move || share::is_password(&link, &password);
    match sign_in::with_password(false, looking).await {
        Ok(true) => app.accounts.throttle.forgive(&name, trier),
        Ok(false) => {
            let wrong = "That is not the password.";
            return pages::unlock(app, &root, StatusCode::FORBIDDEN, wrong);
        }
        Err(Crowded) => return sign_in::crowded(app),
    }
    let mut answer = respond::see_other(&format!("{root}/"));
    let safe = if registry.server.is_https() { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={pass}; Path={root}; HttpOnly; SameSite=Lax{safe}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        answer.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    answer
}

async fn find(app: &App, token: &str) -> Result<Option<ShareLink>, Answer> {
    let token = token.to_owned();
    let found = read::answer(app, move |file| share::open(file, &token, clock::now())).await;
    match found {
        // Of a site that is no longer declared, nothing is shown.
        Ok((link, _)) => Ok(link.filter(|link| app.registry.get().site(&link.site).is_some())),
        Err(Unanswered) => Err(respond::empty(StatusCode::SERVICE_UNAVAILABLE)),
    }
}

fn has_pass(headers: &HeaderMap, pass: &str) -> bool {
    cookie::find(headers, COOKIE).is_some_and(|told| secret::is_same(told, pass))
}

/// The page `rest` of a site that is public.
pub(super) async fn get_public(
    app: &App,
    site: &str,
    rest: &str,
    request: &Request<Incoming>,
) -> Answer {
    let registry = app.registry.get();
    match registry.site(site).filter(|site| site.public) {
        Some(site) => {
            let root = format!("{}/public/{}", registry.server.root(), site.name);
            let door = Door { root, site: site.name.clone() };
            pages::get_shared(app, rest, request, door).await
        }
        None => pages::not_shared(app),
    }
}

/// The card of a site, for frames in pages of the origins that may have it.
pub(super) async fn get_embed(app: &App, site: &str) -> Answer {
    let origins = match app.registry.get().site(site) {
        Some(site) if !site.embed_origins.is_empty() => site.embed_origins.join(" "),
        _ => return pages::not_shared(app),
    };
    let Some(series) = last_days(app, site).await else {
        return respond::empty(StatusCode::SERVICE_UNAVAILABLE);
    };
    let policy = format!(
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors {origins}"
    );
    let (Ok(html), Ok(policy)) = (pages::embedded(app, &series), HeaderValue::from_str(&policy))
    else {
        return respond::empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let mut answer = respond::with_body(StatusCode::OK, "text/html; charset=utf-8", html);
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    respond::set(&mut answer, header::REFERRER_POLICY, "no-referrer");
    respond::set(&mut answer, header::CACHE_CONTROL, "max-age=300");
    answer
}

/// The badge of a public site: `NAME.svg` as an image, `NAME.json` as a number.
pub(super) async fn get_badge(app: &App, name: &str) -> Answer {
    let (site, is_image) = match (name.strip_suffix(".svg"), name.strip_suffix(".json")) {
        (Some(site), _) => (site, true),
        (_, Some(site)) => (site, false),
        _ => return pages::not_shared(app),
    };
    if !app.registry.get().site(site).is_some_and(|site| site.public) {
        return pages::not_shared(app);
    }
    let Some(series) = last_days(app, site).await else {
        return respond::empty(StatusCode::SERVICE_UNAVAILABLE);
    };
    let visitors = series.total.visitors;
    let mut answer = if is_image {
        respond::with_body(StatusCode::OK, "image/svg+xml", embed::badge(visitors))
    } else {
        let facts = json!({ "site": site, "days": series.scope.range.days(), "visitors": visitors,
                            "page_views": series.total.count });
        respond::json(StatusCode::OK, &facts)
    };
    respond::set(&mut answer, header::CACHE_CONTROL, "max-age=300");
    respond::set(&mut answer, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    respond::set(&mut answer, policy, "cross-origin");
    answer
}

/// The last thirty days of a site; `None` when they can't be read.
async fn last_days(app: &App, site: &str) -> Option<Series> {
    let registry = app.registry.get();
    let site = std::sync::Arc::clone(registry.site(site)?);
    let mut question = Question::about(site, &registry, clock::now());
    question.range = Some(DateRange::ending(question.today(), DAYS));
    let told = read::answer(app, move |file| report::overview::answer(&question, file)).await;
    told.ok().map(|(overview, _)| overview.series)
}
