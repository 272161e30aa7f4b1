//! Cooperative cancellation: asking a scope, and those inside it, to stop.
//!
//! | module | what |
//! |---|---|
//! | [`token`] | what users see: the methods of a scope, [`CancelToken`], [`Cancelled`] |
//! | [`cause`] | [`Cause`]: why |
//! | [`cancellation`] | what every scope has of it |
//! | [`signal`] | what is made when somebody asks: the cause, and who waits for it |
//! | [`enclosing`] | which scope is inside which |
#![forbid(unsafe_code)]

pub(crate) mod cancellation;
pub(crate) mod cause;
pub(crate) mod enclosing;
pub(crate) mod signal;
mod token;

pub use cause::Cause;
pub use token::{CancelToken, Cancelled};
