//! Cooperative cancellation: asking a scope, and those inside it, to stop.
//!
//! | module | what |
//! |---|---|
//! | [`token`] | what users see: the methods of a scope, [`CancelToken`], [`Cancelled`] |
//! | [`cause`] | [`Cause`]: why |
//! | [`signal`] | the state behind them, and who waits for it |
//! | [`enclosing`] | which scope is inside which |
#![forbid(unsafe_code)]

pub(crate) mod cause;
pub(crate) mod enclosing;
pub(crate) mod signal;
mod token;

pub use cause::Cause;
pub use token::{CancelToken, Cancelled};
