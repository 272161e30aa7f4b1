//! See what is running: the tree of scopes, pens, children and closures that are alive.
//!
#![cfg_attr(feature = "inspect", doc = "```")]
#![cfg_attr(not(feature = "inspect"), doc = "```ignore")]
//! # use futures_lite::future::{or, pending, yield_now};
//! # futures_lite::future::block_on(async {
//! let work = taskpen::scope(async |s| {
//!     s.named("fetch /a").spawn(pending::<()>());
//!     s.spawn_background(pending::<()>());
//! });
//! let look = async {
//!     yield_now().await;
//!     println!("{}", taskpen::inspect::tree());
//! };
//! or(async { work.named("crawl").await }, look).await;
//! # });
//! ```
//!
//! prints, every line with the place in the source where it was spawned or opened:
//!
//! ```text
//! scope "crawl"  src/main.rs:2:12  suspended 12 µs, 1 poll, 31 µs busy
//! ├─ child "fetch /a"  src/main.rs:3:25  suspended 14 µs, 1 poll, 240 ns busy
//! └─ background child  src/main.rs:4:7  suspended 13 µs, 1 poll, 110 ns busy
//! ```
//!
//! A tree is a snapshot. To take one locks no lock that is held while a child, a body or other
//! foreign code runs: so it can be taken anywhere, also inside of a child, and does not wait for a
//! poll. Each node is seen at one moment, but not all of them at the same.
//!
//! # Costs
//!
//! Without the feature `inspect` there is nothing of this: [`named`](crate::Scope::named) exists,
//! and does nothing. With it each child has 48 bytes more, each poll reads a fast clock twice, and
//! to spawn a child and to drop it takes a lock of its scope.
//!
//! The guide has [recipes](crate::guide::seeing).

mod name;
#[cfg(not(feature = "inspect"))]
mod off;
#[cfg(feature = "inspect")]
mod on;
pub(crate) mod spans;

pub(crate) use name::Name;

#[cfg(not(feature = "inspect"))]
pub(crate) use off::*;
#[cfg(feature = "inspect")]
pub use on::public::*;
#[cfg(feature = "inspect")]
pub(crate) use on::*;
