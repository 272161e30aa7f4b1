//! Models of a scope under every interleaving of its threads, checked by loom.
//!
//! The modules with a `path` are the crate's own files. They meet a `sync` made of loom's types,
//! whose runnables are those of a `child` that stands for async-task; these are in this folder. So
//! what the models explore is the ready queue, the registry of suspended children, the shared
//! state, the window, the stop requests and the root future as they ship: how a scope goes idle,
//! how it is asked to stop, how it waits for closures, and how it ends; and what a set shares with
//! its children. event-listener, with which threads wait, has a loom mode of its own, and is
//! modelled with the rest.
//!
//! Each model is one race with two outcomes or more. It asserts what holds in every execution,
//! and afterwards that each outcome did occur: a model in which the race never happens says
//! nothing.
//!
//! What loom cannot see: the reference counts of `std::sync::Arc`, spurious
//! wake-ups of a condition variable, and orderings weaker than those of its mutex, which is
//! sequentially consistent. Time is not modelled: the clock of the models stands still.
#![cfg(test)]

#[allow(
    dead_code,
    unused_imports,
    clippy::reversed_empty_ranges,
    reason = "the models do not use all of it, and spin zero times before they sleep"
)]
#[path = "../../../src/help/mod.rs"]
mod help;
#[allow(dead_code, reason = "the models do not use all of it")]
#[path = "../../../src/inspect/mod.rs"]
mod inspect;
#[path = "../../../src/panic.rs"]
mod panic;
#[allow(dead_code, reason = "the models do not use all of it")]
#[path = "../../../src/queue/mod.rs"]
mod queue;
#[allow(dead_code, reason = "the models do not use all of it")]
#[path = "../../../src/run/mod.rs"]
mod run;

#[allow(dead_code, reason = "the models do not use all of it")]
#[path = "../../../src/stop/cause.rs"]
mod cause;
#[path = "../../../src/pen/closing.rs"]
mod closing;
#[path = "../../../src/blocking/closure.rs"]
mod closure;
#[path = "../../../src/pen/life.rs"]
mod life;
#[path = "../../../src/sets/member.rs"]
mod member;
#[allow(dead_code, reason = "the models do not use all of it")]
#[path = "../../../src/task/metadata.rs"]
mod metadata;
#[allow(dead_code, reason = "the models do not use all of it")]
#[path = "../../../src/sets/results.rs"]
mod results;
#[path = "../../../src/stop/state.rs"]
mod state;

/// Folders of the crate of which not all files are here.
mod blocking {
    pub(crate) use crate::closure;
}
mod pen {
    pub(crate) use crate::{closing, life};
}
mod sets {
    pub(crate) use crate::{member, results};
}
mod stop {
    pub(crate) use crate::{cause, state};
}
mod task {
    pub(crate) use crate::metadata;
}

mod child;
mod support;
mod sync;

mod closures;
mod dropped_pens;
mod ending;
mod idling;
mod members;
mod parts;
mod pens;
mod reading;
mod slow;
mod stopping;
mod windows;
