//! Pens: tasks that belong to a value.

#[path = "../support/blocked.rs"]
mod blocked;
#[path = "../support/lenders.rs"]
mod lenders;
#[path = "../support/life.rs"]
mod life;
#[macro_use]
mod executors;

mod auto_traits;
mod called;
mod closing;
#[cfg(feature = "blocking")]
mod closures;
mod dropping;
mod executor_gone;
mod failure;
mod held_up;
mod in_hand;
mod inside;
mod odd_executors;
mod running;
mod slow;
mod storm;
