//! Whether the promises hold when processes, disks and clocks fail.
//!
//! In minutes as it stands. With `TRIM_BEACONS_THOROUGH=1` each of these tests does what it does many
//! times more, which takes most of an hour.

mod calls;
mod clocks;
mod corpora;
mod descriptors;
mod disk;
mod files;
mod full;
mod image;
mod inputs;
mod json;
mod kills;
mod parts;
mod power;

use std::env;

/// How often something is done: `usually`, or `thoroughly` where it is asked for.
pub(crate) fn times(usually: usize, thoroughly: usize) -> usize {
    let is_thorough = env::var_os("TRIM_BEACONS_THOROUGH").is_some_and(|value| value != "0");
    if is_thorough { thoroughly } else { usually }
}
