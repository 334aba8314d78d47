//! Every way in, fed by libFuzzer. `INPUT` names the one that is meant.
#![no_main]

mod entries;

use std::sync::LazyLock;

static ENTRY: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("INPUT").expect("INPUT names one of the entries");
    let found = entries::ENTRIES.iter().find(|(known, _, _)| *known == name);
    found.unwrap_or_else(|| panic!("no entry is called {name}")).1
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ENTRY(bytes));
