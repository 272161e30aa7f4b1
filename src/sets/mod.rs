//! Many children: sets, which give values as they come, and streams, which run ahead.
//!
//! | module | what |
//! |---|---|
//! | [`join_set`] | [`JoinSet`] |
//! | [`buffered`] | [`Buffered`], in either order |
//! | [`scope`] | the methods of scopes that make them |
//! | [`results`] | what a set and its children share |
//! | [`member`] | the future of a child of a set |
#![forbid(unsafe_code)]

mod buffered;
mod join_set;
pub(crate) mod member;
pub(crate) mod results;
mod scope;

pub use buffered::Buffered;
pub use join_set::JoinSet;
