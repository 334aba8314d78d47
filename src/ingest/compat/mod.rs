//! Clients of other products, which work unchanged: what they send becomes a [`claim::Claim`], and
//! from there on it is a beacon like any other.
//!
//! Adding a product is one file here, one line below, and one folder of requests under
//! `tests/fixtures/clients` that its clients have really sent.

pub mod claim;
pub mod contract;

mod goatcounter;
mod handmade;
mod liwan;
mod matomo;
mod plausible;
mod reporting;
mod sentry;
mod umami;

use self::{
    claim::Claim,
    contract::{Foreign, Product},
};
use super::{Ingest, Rejected};
use crate::{config::registry::Registry, model::beacon::Beacon};

/// Every product. Where two share a door, the first that is meant takes the request.
pub const PRODUCTS: &[Product] = &[
    liwan::PRODUCT,
    plausible::PRODUCT,
    umami::PRODUCT,
    goatcounter::PRODUCT,
    matomo::PRODUCT,
    reporting::PRODUCT,
    sentry::PRODUCT,
    handmade::PRODUCT,
];

/// The products behind `door`.
pub fn behind(door: &str) -> impl Iterator<Item = &'static Product> {
    PRODUCTS.iter().filter(move |product| product.doors.contains(&door))
}

impl Ingest {
    /// Accepts what `claim` of the request `foreign` claims, by the rules of `registry`.
    ///
    /// # Errors
    /// When a rule refuses it, with the rule and a sentence for whoever has sent it.
    pub fn accept_claim(
        &self,
        mut claim: Claim,
        foreign: &Foreign<'_>,
        registry: &Registry,
    ) -> Result<Beacon<'static>, Rejected> {
        claim.settle(registry)?;
        let request = claim.request(foreign.request, foreign.is_trusted)?;
        let accepted = self.accept(&claim.payload, &request, registry);
        accepted.map_err(|rejected| claim.undeclared(rejected))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{contract::Reply, *};
    use crate::{
        config::{self, registry::Entrance},
        ingest::Request,
        model::rejection::Reason,
    };

    /// What `product` makes of a request, and what it answers if all of that is refused.
    fn answered(product: &Product, door: &str, query: &str, body: &[u8]) -> (usize, Reply) {
        let request = Request {
            received_at: 1_795_000_000_000,
            arrived_at: 1_795_000_000_000,
            client: "192.0.2.1".parse().unwrap(),
            is_local: false,
            entrance: Entrance::Clients,
            host: Some("stats.test"),
            origin: None,
            referer: Some("https://site.test/"),
            user_agent: "Mozilla/5.0",
            languages: None,
            country: None,
            asks_for_privacy: false,
            is_prefetch: false,
        };
        let foreign =
            Foreign { path: door, query, body, request: &request, is_trusted: true, tokens: &[] };
        let registry = config::embedded().unwrap();
        let mut claims = 0;
        let outcome = (product.read)(&foreign).map(|items| {
            let settled = items.into_iter().map(|item| {
                let Some(mut claim) = item? else { return Ok(()) };
                claims += 1;
                claim.settle(&registry)?;
                claim.request(&request, true)?;
                let event = registry.event(&claim.payload.event_type).unwrap();
                claim.payload.check_size(event.limits.meta_bytes)?;
                Err(Rejected::new(Reason::Bot, String::new()))
            });
            settled.collect()
        });
        let reply = (product.answer)(&foreign, &outcome);
        (claims, reply)
    }

    fn every_door() -> impl Iterator<Item = (&'static Product, &'static str)> {
        PRODUCTS.iter().flat_map(|product| product.doors.iter().map(move |door| (product, *door)))
    }

    #[test]
    fn every_product_tells_how_its_clients_are_led_here() {
        for product in PRODUCTS {
            assert!(!product.setup.is_empty() && !product.doors.is_empty(), "{}", product.name);
            let bases = ["{base}", "{host}"];
            for setup in product.setup {
                assert!(bases.iter().any(|base| setup.line.contains(base)), "{}", setup.line);
            }
        }
    }

    /// JSON in which names that products know are likely.
    fn json_like() -> impl Strategy<Value = Value> {
        let words = "n|u|d|p|e|sd|\\$|type|payload|website|url|name|data|event|entity_id|hits|path|requests|\
                     body|csp-report|exception|values|stack|message|value|ip|created_at|[a-z]{1,5}";
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "pageview|engagement|event|performance|LCP|https://site\\.test/[a-zé%?#]{0,9}|\\PC{0,9}"
                .prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(words, inner, 0..8).prop_map(Value::from_iter),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_is_sent_is_answered(value in json_like(), query in "\\PC{0,40}", bytes: Vec<u8>) {
            for (product, door) in every_door() {
                for body in [value.to_string().into_bytes(), bytes.clone()] {
                    let (_, reply) = answered(product, door, &query, &body);
                    prop_assert!([200, 202, 204, 400].contains(&reply.status), "{}", reply.status);
                }
            }
        }
    }

    #[test]
    fn no_product_takes_more_than_is_allowed() {
        let many = contract::ITEMS_MAX + 1;
        let event = json!({ "type": "event", "payload": { "website": "x", "name": "y" } });
        for body in [
            json!(vec![event; many]),
            json!({ "hits": vec![json!({ "path": "/" }); many] }),
            json!({ "n": "pageview", "u": "/", "d": vec!["a.test"; many].join(",") }),
            json!({ "requests": vec!["?idsite=1&url=https%3A%2F%2Fa.test%2F"; many] }),
        ] {
            for (product, door) in every_door() {
                let (claims, _) = answered(product, door, "", body.to_string().as_bytes());
                assert!(claims <= 1, "{door} took {claims}");
            }
        }
    }
}
