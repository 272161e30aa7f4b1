//! Scopes whose children run on several threads, and the runtimes that lend those.

#[path = "../support/blocked.rs"]
mod blocked;
#[path = "../support/failing.rs"]
mod failing;
#[path = "../support/lenders.rs"]
mod lenders;
#[path = "../support/life.rs"]
mod life;
#[path = "../support/meeting.rs"]
mod meeting;

mod ambient;
mod around;
mod draining;
mod draining_blocked;
mod draining_ends;
mod failure;
mod hostile_runtime;
mod runtimes;
mod slow;
mod slow_bounds;
mod slow_limits;
mod slow_on_tokio;
mod tickets;
mod under_load;
mod windows;
