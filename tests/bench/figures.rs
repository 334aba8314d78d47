//! Numbers, and how they are printed.

use std::fs;

/// `value` as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "nothing measured here comes near 2^53")]
pub(crate) const fn float(value: u64) -> f64 {
    value as f64
}

/// The one in the middle.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A line of a table, as Markdown has it.
pub(crate) fn row(name: &str, cells: &[String]) {
    println!("| {name} | {} |", cells.join(" | "));
}

/// The head of a table.
pub(crate) fn head(names: &[&str]) {
    println!("| {} |\n|{}", names.join(" | "), "---|".repeat(names.len()));
}

/// What it is measured on.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let (cpu, memory) = (text("/proc/cpuinfo"), text("/proc/meminfo"));
    let line = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    format!(
        "{cores} cores ({}), {} of memory, load {}",
        line(&cpu, "model name").unwrap_or_default(),
        line(&memory, "MemTotal").unwrap_or_default(),
        text("/proc/loadavg").split(' ').next().unwrap_or_default()
    )
}
