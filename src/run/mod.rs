//! Running a scope.
//!
//! | module | what |
//! |---|---|
//! | [`root`] | the root future: polls a scope to its end, or drops it |
//! | [`body`] | the body: a closure, a future, an output |
//! | [`poll_loop`], [`turn`], [`budget`] | what happens in a poll, and how much of it |
//! | [`drain`] | a poll that cannot return yet |
//! | [`order`] | in which order, in tests |
//! | [`ending`] | how its children are dropped at the end, and closures waited for |
//! | [`shared`] | what the parts of a scope share |
//! | [`current`], [`frame`] | which scope is the innermost one on a thread |
//! | [`closures`] | closures of `spawn_blocking` that the scope waits for |

mod body;
pub(crate) mod budget;
pub(crate) mod closures;
pub(crate) mod current;
mod drain;
mod ending;
pub(crate) mod frame;
pub(crate) mod order;
mod poll_loop;
pub(crate) mod root;
pub(crate) mod shared;
mod turn;
