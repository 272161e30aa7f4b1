//! Many children: sets, which give values as they come, and streams, which run ahead.
//!
//! | module | what |
//! |---|---|
//! | [`join_set`] | [`JoinSet`] |
//! | [`buffered`] | [`Buffered`], in either order |
//! | [`scope`] | the methods of scopes that make them |
//! | [`child_of`] | [`ChildOf`]: what can be a child of which kind of scope |
//! | [`results`] | what a set and its children share |
//! | [`member`] | the future of a child of a set |
#![forbid(unsafe_code)]

mod buffered;
mod child_of;
mod join_set;
mod member;
mod results;
mod scope;

pub use buffered::Buffered;
pub use child_of::ChildOf;
pub use join_set::JoinSet;
