//! Closures that may block, as children.
//!
//! | module | what |
//! |---|---|
//! | `spawn` | `spawn_blocking`, on the pool of the `blocking` crate |
//! | `closure` | what the child and the thread of the pool share |
//! | [`lingering`] | closures that outlive their child, for whom the scope waits |
#![forbid(unsafe_code)]

#[cfg(feature = "blocking")]
mod closure;
pub(crate) mod lingering;
#[cfg(feature = "blocking")]
mod spawn;
