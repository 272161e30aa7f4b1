//! V5: spans of children, closures and scopes. The ids are those of `tests/README.md`.
#![cfg(feature = "tracing")]

#[path = "../support/blocked.rs"]
mod blocked;
#[path = "../support/lenders.rs"]
mod lenders;
#[path = "../support/life.rs"]
mod life;

mod beside_others;
mod recorder;
mod spans;
