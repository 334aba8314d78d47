//! Questions and their answers: which rows a report reads, and what they add up to.

pub mod answer;
