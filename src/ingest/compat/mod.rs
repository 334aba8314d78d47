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
