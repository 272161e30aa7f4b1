//! What the benchmarks share: what the children do, and how taskpen and its nearest peer run them.
#![allow(dead_code, unreachable_pub)]

pub mod bodies;
pub mod echo;
pub mod gates;
pub mod sets;
pub mod taskpen;
pub mod unordered;

/// How many children bounded prefetch has under way at once.
pub const IN_FLIGHT: usize = 32;
