//! Closures on the blocking pool: the ids B. What needs a pool of one thread is in
//! `tests/blocking_queue.rs`.
#![cfg(feature = "blocking")]

#[macro_use]
#[path = "../support/life.rs"]
mod life;
#[path = "../support/blocked.rs"]
mod blocked;
#[path = "../support/foreign.rs"]
mod foreign;

mod dropping;
mod failure;
mod runtimes;
mod until;
mod waiting;
mod wakers;
