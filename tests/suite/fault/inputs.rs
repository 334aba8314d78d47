//! What strangers send, changed at random: nothing panics, what is refused has a sentence, and what is
//! accepted keeps its limits. The same entries are fed by libFuzzer where there is one.

use std::{fs, panic, path::Path};

use super::times;

#[path = "../../fuzz/entries.rs"]
mod entries;

use entries::ENTRIES;

/// How long a changed input may get, in bytes.
const BYTES_MAX: usize = 4_096;

/// What is put in, beside bytes at random.
const PIECES: [&[u8]; 24] = [
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"}",
    b"[",
    b"]",
    b"=",
    b"&",
    b"%",
    b"%00",
    b"%ff",
    b"\n",
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xe2\x80\xae",
    b"1e999",
    b"-0",
    b"9223372036854775808",
    b"null",
    b":",
    b".",
];

/// An input, changed in a few places.
fn changed(seeds: &[&[u8]], random: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = seeds[random.usize(..seeds.len())].to_vec();
    for _ in 0..random.usize(1..6) {
        let at = random.usize(..=bytes.len());
        let end = (at + random.usize(..20)).min(bytes.len());
        match random.u8(..6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.u8(..8),
            1 => drop(bytes.drain(at..end)),
            2 => drop(bytes.splice(at..end, PIECES[random.usize(..PIECES.len())].iter().copied())),
            3 => {
                let part = bytes[at..end].repeat(random.usize(1..60));
                drop(bytes.splice(at..at, part));
            }
            4 => {
                let other = seeds[random.usize(..seeds.len())];
                let from = random.usize(..=other.len());
                drop(bytes.splice(at.., other[from..].iter().copied()));
            }
            _ => bytes.insert(at, random.u8(..)),
        }
    }
    bytes.truncate(BYTES_MAX);
    bytes
}

#[test]
fn whatever_comes_in_is_taken_or_told() {
    let many = times(3_000, 300_000);
    for (name, entry, seeds) in ENTRIES {
        // For libFuzzer to begin with.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("inputs").join(name);
        fs::create_dir_all(&folder).unwrap();
        for (number, seed) in seeds.iter().enumerate() {
            fs::write(folder.join(number.to_string()), seed).unwrap();
            entry(seed);
        }
        let mut random = fastrand::Rng::with_seed(20_261_124);
        for _ in 0..many {
            let bytes = changed(seeds, &mut random);
            if let Err(panic) = panic::catch_unwind(|| entry(&bytes)) {
                println!("{name}: {:?}", String::from_utf8_lossy(&bytes));
                println!("{name}: b\"{}\"", bytes.escape_ascii());
                panic::resume_unwind(panic);
            }
        }
    }
    println!("{many} changed inputs each for {} entries", ENTRIES.len());
}
