//! Asking a scope, and those inside it, to stop.
//!
//! | module | what |
//! |---|---|
//! | [`token`] | what users see: the methods of a scope, and [`StopToken`] |
//! | [`cause`] | [`Cause`]: why |
//! | [`state`] | what each scope has of it: the cause, the waiters, the scopes inside |
#![forbid(unsafe_code)]

pub(crate) mod cause;
pub(crate) mod state;
mod token;

pub use cause::Cause;
pub use token::StopToken;
