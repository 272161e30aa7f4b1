//! Asking a scope to stop: the ids K and U5 of `tests/README.md`.
#![allow(
    clippy::async_yields_async,
    reason = "a token that a body gives is for later; it is a future as well"
)]

#[macro_use]
#[path = "../support/life.rs"]
mod life;
#[path = "../support/foreign.rs"]
mod foreign;
#[path = "../support/lenders.rs"]
mod lenders;

mod asking;
mod nested;
mod wakers;
