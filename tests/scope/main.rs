//! One scope and its children: how they run, end, fail, are cancelled and woken.
//!
//! The tests of one subject are one program, so that it is linked once.

#[macro_use]
#[path = "../support/life.rs"]
mod life;
#[path = "../support/failing.rs"]
mod failing;
#[path = "../support/foreign.rs"]
mod foreign;
#[path = "../support/lenders.rs"]
mod lenders;
#[path = "../support/meeting.rs"]
mod meeting;
#[path = "../support/random_program.rs"]
mod random_program;
#[path = "../support/running_program.rs"]
mod running_program;
#[path = "../support/waiting.rs"]
mod waiting;
#[path = "../support/world.rs"]
mod world;

mod auto_traits;
mod caller_waker;
mod cancel;
mod children;
mod debug;
mod dropping;
mod ended;
mod failure;
mod fairness;
mod first_error;
mod handles;
mod hostile_waker;
mod join;
mod large;
mod lifetime;
mod native;
mod nested_turns;
mod nesting;
mod outputs;
mod panicking_destructors;
mod panicking_values;
mod property;
mod races;
mod running;
mod shuffled;
mod try_scope;
mod turns;
mod until;
mod waker_clones;
mod wakers;
