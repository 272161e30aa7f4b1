//! One child: the only place where a lifetime is erased.
//!
//! | module | what |
//! |---|---|
//! | [`child`] | the future of a child, and how it is spawned |
//! | [`child_of`] | what can be a child of which kind of scope |
//! | [`metadata`] | what is known of it beside its future |
//! | [`suspend`] | what it does that is pending |
//! | [`joint`] | what its handle has of it: the task, and the value that it leaves |
//! | [`handle`] | `JoinHandle` and `Join` |
//! | [`error`] | children that may fail, and where the first error is kept |

pub(crate) mod child;
pub(crate) mod child_of;
pub(crate) mod error;
pub(crate) mod handle;
pub(crate) mod joint;
pub(crate) mod metadata;
mod suspend;
