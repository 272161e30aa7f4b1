//! Many children: sets, which give values as they come, and streams, which run ahead.
//!
//! | module | what |
//! |---|---|
//! | [`join_set`], [`limited`] | [`JoinSet`] and [`LimitedJoinSet`] |
//! | [`results`], [`member`] | what a set and its children share, from either side |
//! | [`buffered`] | [`Buffered`] and [`BufferUnordered`] |
//! | [`read_ahead`], [`in_order`] | what they have in common, and children that keep their order |
//! | [`spawner`] | the four kinds of scope handles behind one trait |
#![forbid(unsafe_code)]

mod buffered;
mod in_order;
mod join_set;
mod limited;
mod member;
mod read_ahead;
mod results;
mod spawner;

pub use buffered::{BufferUnordered, Buffered};
pub use join_set::JoinSet;
pub use limited::{LimitedJoinSet, Spawn};
