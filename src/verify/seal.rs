//! Sealing: what was counted in a span that is over must read the same for ever.

use crate::{
    config::registry::{Registry, Site},
    model::{
        period::{Granularity, Period},
        tally::TextId,
    },
    store::{
        self, Transaction, figures,
        seals::{self, Span},
    },
};

use super::sites;

/// How long after its end a span is left open, in seconds: visits that began in it may still go on.
const GRACE_SECONDS: i64 = 2 * 3600;

/// The spans that are over at `now` (UTC seconds), hold something and have no seal, the oldest first, at
/// most `limit`.
///
/// # Errors
/// When the file can't be read.
pub fn unsealed(
    file: &Transaction<'_>,
    registry: &Registry,
    now: i64,
    limit: usize,
) -> Result<Vec<Span>, store::Error> {
    let mut found = Vec::new();
    for (site, id) in sites(file, registry)? {
        for granularity in Granularity::ALL {
            let mut from = i64::MIN;
            while let Some(bucket) = figures::next_bucket(file, granularity, from, now)? {
                let span = span(site, id, granularity, bucket.start);
                from = span.end.max(bucket.start + 1);
                if span.end + GRACE_SECONDS > now {
                    break;
                }
                if seals::is_sealed(file, &span)? || seals::taken_rows(file, &span)? == 0 {
                    continue;
                }
                found.push(span);
                if found.len() >= limit {
                    return Ok(found);
                }
            }
        }
    }
    Ok(found)
}

/// Seals `span` as it is now.
///
/// # Errors
/// When the file can't be written.
pub fn seal(file: &Transaction<'_>, span: &Span) -> Result<(), store::Error> {
    let seal = seals::taken(file, span)?;
    // What has gone by its age since it was found to be unsealed needs no seal.
    if seal.rows == 0 { Ok(()) } else { seals::put(file, span, &seal) }
}

/// What a bucket is sealed with: a day's hours together, days, months and years each for themselves.
fn span(site: &Site, id: TextId, granularity: Granularity, bucket_start: i64) -> Span {
    let whole = granularity.max(Granularity::Day);
    let period = Period::containing(whole, bucket_start, &site.zone);
    Span { site: id, granularity, start: period.start, end: period.end }
}
