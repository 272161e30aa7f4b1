//! Models of a scope under every interleaving of its threads, checked by loom.
//!
//! The modules with a `path` are the crate's own files. They meet a `sync` made of loom's types, a
//! `child` that stands for async-task, and an `enclosing` that does without thread-locals; these
//! are in this folder. So what the models explore is the ready queue, the registry of suspended
//! children, the shared state with the cancellation, and the driver as they ship: how a scope goes
//! idle, how it is cancelled, how it waits for closures, and how it ends; and what a set shares
//! with its children.
//!
//! Each model is one race with two outcomes or more. It asserts what holds in every execution,
//! and afterwards that each outcome did occur: a model in which the race never happens says
//! nothing.
//!
//! What loom cannot see: the reference counts of `std::sync::Arc`, spurious
//! wake-ups of a condition variable, and orderings weaker than those of its mutex, which is
//! sequentially consistent. Time is not modelled: the clock of the models stands still.
#![cfg(test)]

#[path = "../../../src/body.rs"]
mod body;
#[path = "../../../src/cancel/cancellation.rs"]
mod cancellation;
#[allow(dead_code, reason = "the models do not use all of it")]
#[path = "../../../src/cancel/cause.rs"]
mod cause;
#[path = "../../../src/blocking/closure.rs"]
mod closure;
#[allow(dead_code, reason = "the models do not use all of it")]
#[path = "../../../src/driver.rs"]
mod driver;
#[allow(dead_code, reason = "the models do not use all of it")]
#[path = "../../../src/engine.rs"]
mod engine;
#[path = "../../../src/helper.rs"]
mod helper;
#[path = "../../../src/home.rs"]
mod home;
#[path = "../../../src/blocking/lingering.rs"]
mod lingering;
#[path = "../../../src/panic.rs"]
mod panic;
#[allow(dead_code, reason = "the models do not use all of it")]
#[path = "../../../src/policy.rs"]
mod policy;
#[allow(dead_code, reason = "the models do not use all of it")]
#[path = "../../../src/ready/mod.rs"]
mod ready;
#[path = "../../../src/sets/results.rs"]
mod results;
#[allow(dead_code, reason = "the models do not use all of it")]
#[path = "../../../src/runtime/mod.rs"]
mod runtime;
#[allow(dead_code, reason = "the models do not use all of it")]
#[path = "../../../src/shared.rs"]
mod shared;
#[path = "../../../src/cancel/signal.rs"]
mod signal;
#[path = "../../../src/turn.rs"]
mod turn;
#[allow(
    clippy::reversed_empty_ranges,
    reason = "the models spin zero times before they sleep"
)]
#[path = "../../../src/window.rs"]
mod window;

mod child;
mod enclosing;
mod support;
mod sync;

mod cancelling;
mod closures;
mod ending;
mod idling;
mod reading;
mod windows;

/// The folders of the crate, of which not all files are here.
mod blocking {
    pub(crate) use crate::{closure, lingering};
}
mod cancel {
    pub(crate) use crate::{cancellation, cause, enclosing, signal};
}
mod sets {
    pub(crate) use crate::results;
}
