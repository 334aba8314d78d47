//! Only people are counted: what tells that a beacon comes from a program, a spammer or the owner.

use super::{Rejected, Request, agents::Agent, enrich::Told, payload::Payload, source};
use crate::{
    config::registry::{Entrance, Site},
    model::rejection::Reason,
};

/// The longest user agent that a browser has, in bytes, and then some.
const USER_AGENT_BYTES_MAX: usize = 2048;

/// Refuses what no person's browser has sent, or nobody whom the site wants counted.
///
/// What comes from this machine is not judged by its user agent: somebody tries things out there,
/// with curl or a browser that a test drives.
///
/// # Errors
/// With the first rule that refuses it.
pub fn check(
    payload: &Payload<'_>,
    request: &Request<'_>,
    site: &Site,
    told: &Told<'_>,
) -> Result<(), Rejected> {
    let refused = |reason, sentence: &str| Err(Rejected::new(reason, sentence.to_owned()));
    if site.honour_privacy_signals && request.asks_for_privacy {
        let sentence = "the browser asks not to be tracked, and this site honours it";
        return refused(Reason::PrivacySignal, sentence);
    }
    if site.ignored_networks.iter().any(|network| network.contains(request.client)) {
        return refused(Reason::OwnVisit, "the site does not count its own network");
    }
    if request.entrance == Entrance::Pixel && request.is_prefetch {
        return refused(Reason::Prefetch, "the pixel was fetched ahead of a visit");
    }
    if site.judged.contains(&request.entrance) && !request.is_local {
        check_agent(request.user_agent, told.agent())?;
        if payload.meta.is_true("webdriver") {
            return refused(Reason::Automated, "a program drives the browser");
        }
    }
    if told.referring_host().is_some_and(|host| is_spam(host, site)) {
        return refused(Reason::ReferrerSpam, "the referrer is known for spam");
    }
    Ok(())
}

fn check_agent(user_agent: &str, agent: &Agent) -> Result<(), Rejected> {
    if let Some(family) = agent.bot {
        let sentence = "the user agent is a bot's".to_owned();
        return Err(Rejected::new(Reason::Bot, sentence).by(family));
    }
    if user_agent.is_empty() || user_agent.len() > USER_AGENT_BYTES_MAX {
        let sentence = "no browser has such a user agent".to_owned();
        return Err(Rejected::new(Reason::Implausible, sentence));
    }
    Ok(())
}

/// The site's own word first, then the list.
fn is_spam(host: &str, site: &Site) -> bool {
    let within = |domain: &String| {
        host == domain || host.strip_suffix(&**domain).is_some_and(|rest| rest.ends_with('.'))
    };
    if site.allowed_sources.iter().any(within) {
        return false;
    }
    site.denied_sources.iter().any(within) || source::is_spam(host)
}
