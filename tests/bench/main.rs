//! The measurements: `cargo bench` makes all of them, `cargo bench -- ingest reading` those two. They
//! print tables, and ratios wherever another program or another size in the same run can be the
//! measure: what a shared machine does in a second says little.
#![expect(clippy::unwrap_used, reason = "a measurement may stop at the first surprise")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it says what it has measured")]

mod bare;
mod compare;
#[path = "../suite/support/descriptors.rs"]
mod descriptors;
mod figures;
mod footprint;
mod ingest;
mod load;
mod reading;
mod server;
mod space;
mod traffic;

type Measurement = (&'static str, fn());

/// Those that are made when none is named.
const USUAL: [Measurement; 4] = [
    ("ingest", ingest::measure),
    ("reading", reading::measure),
    ("space", space::measure),
    ("footprint", footprint::measure),
];

/// Those that take too long for that, or need another program.
const OTHER: [Measurement; 2] =
    [("hundred", reading::measure_hundred), ("compare", compare::measure)];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if words.first().is_some_and(|word| word == bare::WORD) {
        return bare::serve();
    }
    let all = || USUAL.iter().chain(&OTHER);
    for word in &words {
        let names: Vec<&str> = all().map(|(name, _)| *name).collect();
        assert!(names.contains(&word.as_str()), "there is no {word:?}, but {}", names.join(", "));
    }
    println!("{}", figures::machine());
    for (index, (name, measure)) in all().enumerate() {
        let is_usual = words.is_empty() && index < USUAL.len();
        if is_usual || words.iter().any(|word| word == name) {
            println!("\n== {name} ==");
            measure();
        }
    }
}
