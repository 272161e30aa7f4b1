//! Cooperative cancellation: the guide `many`, ids K.

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
