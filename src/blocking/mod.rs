//! Closures that may block, as children.
//!
//! | module | what |
//! |---|---|
//! | `spawn` | `spawn_blocking`, on the pool of the `blocking` crate |
//! | `closure` | what the child and the thread of the pool share |
#![forbid(unsafe_code)]

mod closure;
mod spawn;
