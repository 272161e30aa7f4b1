//! Pens: tasks that belong to a value.

#[path = "../support/blocked.rs"]
mod blocked;
#[path = "../support/lenders.rs"]
mod lenders;
#[path = "../support/life.rs"]
mod life;
#[macro_use]
mod executors;

mod closing;
mod dropping;
mod failure;
mod running;
