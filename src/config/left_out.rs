//! What somebody's own event type leaves out of the built-in one that it replaces.

use super::{
    Error, embedded,
    registry::{EventType, IdentifierRule, Registry},
};

/// What event types of `registry` no longer keep that the built-in ones of the same name do, each in a sentence.
///
/// # Errors
/// Never in a build whose tests pass.
pub fn left_out(registry: &Registry) -> Result<Vec<String>, Error> {
    let built_in = embedded()?;
    let sentences = registry.events.iter().filter_map(|event| {
        let lost = lost(event, built_in.event(&event.name)?);
        let name = &event.name;
        (!lost.is_empty()).then(|| {
            format!(
                "[event.{name}] replaces the built-in one as a whole, without its {}",
                lost.join("; ")
            )
        })
    });
    Ok(sentences.collect())
}

fn lost(event: &EventType, built_in: &EventType) -> Vec<String> {
    let mut lost = Vec::new();
    if event.identifier == IdentifierRule::PagePath
        && built_in.identifier != IdentifierRule::PagePath
    {
        lost.push("identifier".to_owned());
    }
    if built_in.visits && !event.visits {
        lost.push("visits and visitors".to_owned());
    }
    if built_in.raw_days > 0 && event.raw_days == 0 {
        lost.push("single beacons (raw)".to_owned());
    }
    let of_measure = |event: &EventType| {
        event.measures.iter().map(|measure| measure.name.clone()).collect::<Vec<_>>()
    };
    let names = |all: &[crate::model::dimension::Dimension]| {
        all.iter().map(|dimension| dimension.name().into_owned()).collect::<Vec<_>>()
    };
    for (what, there, here) in [
        ("dimensions", names(&built_in.dimensions), names(&event.dimensions)),
        ("pairs with", names(&built_in.pairs), names(&event.pairs)),
        ("measures", of_measure(built_in), of_measure(event)),
    ] {
        let missing: Vec<String> = there.into_iter().filter(|name| !here.contains(name)).collect();
        if !missing.is_empty() {
            lost.push(format!("{what} {}", missing.join(", ")));
        }
    }
    lost
}
