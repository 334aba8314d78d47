//! From bytes to a beacon: what a client claims is checked once, and the person is taken out.
//!
//! An address and a full user agent come in with a [`Request`] and never leave this room: a
//! [`Beacon`] has no field for them, and neither has a [`Rejected`].

pub mod agents;
pub mod bots;
mod channel;
pub mod compat;
pub mod country;
pub mod enrich;
mod fingerprint;
pub mod identifier;
pub mod location;
mod meta;
pub mod page_address;
pub mod payload;
pub mod people;
mod referrer;
pub mod rejected;
pub mod request;
pub mod salt;
mod scrub;
mod sorted_text;
pub mod source;
pub mod undeclared;
pub mod user_agent;
pub mod visitor;

use std::{borrow::Cow, sync::Arc};

use crate::{
    config::registry::{IdentifierRule, Registry, Site},
    model::{
        beacon::{Beacon, Measure, Once},
        period::{Granularity, Period},
        rejection::Reason,
    },
};

use self::{
    agents::Agents,
    enrich::Told,
    location::Locations,
    page_address::PageAddress,
    payload::Payload,
    salt::Salts,
    undeclared::{NAME_BYTES_MAX, UNDECLARED_MAX, Undeclared},
};
pub use self::{rejected::Rejected, request::Request};

/// What begins the part of a sentence that tells which event types there are: nothing for strangers.
pub const DECLARED: &str = "; declared are ";

/// What this room keeps between beacons: today's keys, the map of the world, and what agents tell.
#[derive(Debug)]
pub struct Ingest {
    /// The keys of the day.
    pub salts: Salts,
    /// Where addresses are.
    pub locations: Locations,
    /// What the user agents tell that were met of late.
    pub agents: Agents,
    /// The event types that were met and are not declared.
    pub undeclared: Undeclared,
}

impl Ingest {
    /// Accepts the beacon that `payload` claims, by the rules of `registry`.
    ///
    /// # Errors
    /// When a rule refuses it, with the rule and a sentence for whoever has sent it.
    pub fn accept(
        &self,
        payload: &Payload<'_>,
        request: &Request<'_>,
        registry: &Registry,
    ) -> Result<Beacon<'static>, Rejected> {
        self.lend(payload, request, registry, |beacon| beacon.into_owned())
    }

    /// The same, for who needs the beacon no longer than `then` takes: it borrows what it can from what it is made of,
    /// and so spares a dozen copies.
    ///
    /// # Errors
    /// As [`Self::accept`].
    pub fn lend<T>(
        &self,
        payload: &Payload<'_>,
        request: &Request<'_>,
        registry: &Registry,
        then: impl FnOnce(Beacon<'_>) -> T,
    ) -> Result<T, Rejected> {
        let address = PageAddress::of(payload, request);
        let site = site_of(payload, &address, request, registry)?;
        let at_site = |rejected: Rejected| rejected.at(&site.name);
        let Some(event) = registry.event(&payload.event_type) else {
            let known: Vec<&str> = registry.events.iter().map(|event| &*event.name).collect();
            let reason = Reason::UnknownEventType;
            let sentence = format!(
                "no event type is called {:?}{DECLARED}{}",
                &*payload.event_type,
                known.join(", ")
            );
            return Err(at_site(Rejected::new(reason, sentence)));
        };
        check_origin(request, &site).map_err(at_site)?;
        payload.check_size(event.limits.meta_bytes).map_err(at_site)?;
        let identifier = identifier::of(payload, &address, request, event).map_err(at_site)?;
        let told = Told::new(payload, &address, request, &site, self);
        people::check(payload, request, &site, &told).map_err(at_site)?;
        // The rules of an undeclared one are those of another name. What is not counted takes no room.
        if event.name != *payload.event_type && !self.undeclared.admit(&payload.event_type) {
            let sentence = format!(
                "{UNDECLARED_MAX} event types that nobody has declared count since the start, and none whose name \
                 is longer than {NAME_BYTES_MAX} bytes: declare it as an [event.NAME]"
            );
            return Err(at_site(Rejected::new(Reason::UnknownEventType, sentence)));
        }
        let day = |ms: i64| Period::containing(Granularity::Day, ms.div_euclid(1000), &site.zone);
        let (today, day) = (day(request.arrived_at), day(request.received_at));
        let keys = self.salts.of_day(&site.name, today).map_err(at_site)?;
        let keys = if day == today {
            keys
        } else {
            // Just after midnight there still is the key of the day before, by which its visitors are known.
            self.salts.kept(&site.name, day).unwrap_or_else(|| keys.of_past(day))
        };
        let identifier = match event.identifier {
            IdentifierRule::Session | IdentifierRule::User => {
                identifier.map(|id| self.salts.pseudonym(&id)).transpose().map_err(at_site)?
            }
            _ => identifier,
        };
        let measures = event.measures.iter().filter_map(|rule| {
            let value = payload.meta.number(&rule.name)?;
            Some(Measure { name: Cow::Borrowed(&*rule.name), value })
        });
        let visitor = keys.visitor(&site.name, request.client, request.user_agent);
        let is_known_again =
            event.dedupe_seconds > 0 && (payload.id.is_some() || event.dedupe_by_request);
        let seconds = request.received_at.div_euclid(1000) - day.start;
        let has_begun_now = seconds <= i64::from(event.dedupe_seconds);
        let before = (is_known_again && has_begun_now)
            .then(|| self.salts.of_day_before(&site.name, day))
            .flatten();
        Ok(then(Beacon {
            received_at: request.received_at,
            site: Cow::Borrowed(&site.name),
            event_type: Cow::Borrowed(&payload.event_type),
            identifier: identifier.map(Into::into),
            visitor: Some(visitor),
            network: Some(keys.network(request.client)),
            once: match before {
                _ if !is_known_again => Once::No,
                None => Once::Today(keys.once(visitor, payload)),
                Some(before) => {
                    let known_as = before.visitor(&site.name, request.client, request.user_agent);
                    Once::OverMidnight(keys.once(visitor, payload), before.once(known_as, payload))
                }
            },
            dimensions: told.dimensions(event),
            measures: measures.collect(),
            raw: (event.raw_days > 0).then(|| scrub::payload(payload, event)),
        }))
    }
}

fn site_of(
    payload: &Payload<'_>,
    address: &PageAddress,
    request: &Request<'_>,
    registry: &Registry,
) -> Result<Arc<Site>, Rejected> {
    if let Some(name) = &payload.site {
        let declared = registry.site(name).or_else(|| registry.site_of_host(name));
        return declared.cloned().ok_or_else(|| {
            let sentence = format!("no site is called {:?}", &**name);
            Rejected::new(Reason::UnknownSite, sentence).of_undeclared(name)
        });
    }
    let host = address.host.as_deref().or(request.host);
    let host = host.map(page_address::bare_host).unwrap_or_default();
    registry.site_of_host(&host).cloned().ok_or_else(|| {
        let sentence = format!("no site takes pages on {host:?}; declare it as a [[site]]");
        Rejected::new(Reason::UnknownSite, sentence).of_undeclared(&host)
    })
}

fn check_origin(request: &Request<'_>, site: &Site) -> Result<(), Rejected> {
    let allowed = &site.allowed_origins;
    let origin = request.origin.unwrap_or("none");
    if allowed.is_empty() || allowed.iter().any(|allowed| allowed == origin) {
        return Ok(());
    }
    let sentence = format!("the site {} takes no beacons from the origin {origin:?}", site.name);
    Err(Rejected::new(Reason::OriginNotAllowed, sentence))
}
