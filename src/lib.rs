//! Structured concurrency for async-std and every other runtime: tasks that borrow, and cannot
//! outlive their scope.
//!
//! Tasks are spawned through a [`Scope`]; a scope exists only inside [`scope`]; and when
//! `scope(…).await` returns, is dropped or unwinds, every child has finished or was cancelled, and
//! its future has been dropped. There is no detached task to lose, because there is no call that
//! makes one.
//!
//! ```
//! use taskpen::scope;
//!
//! # async fn fetch(url: &str) -> usize { url.len() }
//! # async_std::task::block_on(async {
//! let urls = vec!["/index".to_string(), "/guide".to_string()];
//! let mut total = 0;
//!
//! scope(async |s| {
//!     let pages: Vec<_> = urls.iter().map(|url| s.spawn(fetch(url))).collect();
//!     for page in pages {
//!         total += page.await;
//!     }
//! })
//! .await;
//!
//! assert_eq!(total, 12); // and every child is gone
//! # });
//! ```
//!
//! The children *borrow* `urls`, although they are tasks of their own and `scope(…)` is `Send`.
//!
//! # Which function
//!
//! | | children | the first `Err` |
//! |---|---|---|
//! | [`scope`] | `Send` | is a value like any other |
//! | [`try_scope`] | `Send` | ends the scope, which returns it |
//! | [`local_scope`] | anything | is a value like any other |
//! | [`try_local_scope`] | anything | ends the scope, which returns it |
//!
//! For many children whose values are read as they come there is a [set](Scope::join_set), and for
//! those that should run ahead of their consumer a [stream](Scope::buffered).
//!
//! [`request_stop`](Scope::request_stop) *asks* the children of a scope to stop, and those of the
//! scopes inside it; a [`StopToken`] carries the request to other threads, and the [cause](Cause)
//! back.
//!
//! A scope has no timeout, no select and no retry of its own: dropping its future cancels the
//! whole tree, so every combinator of your runtime that drops a future already does it; see
//! [`scope`] for examples.
//!
//! Tasks that belong to a *value* rather than to a block of code, as the reader of a client does,
//! are the children of a [`Pen`].
//!
//! # Why
//!
//! A task that nothing owns runs after its reason is gone. It holds sockets and memory, and its
//! error is lost. Keeping handles in a set and cancelling them in a `close()` is a convention: it
//! works until it is forgotten once. Here the compiler does not forget:
//!
//! ```compile_fail,E0373
//! # futures_lite::future::block_on(async {
//! taskpen::scope(async |s| {
//!     let page = String::from("index"); // dies with the body, but children may outlive that
//!     s.spawn(async { page.len() });    // error: async block may outlive the current function
//! })
//! .await;
//! # });
//! ```
//!
//! # How it works
//!
//! The children belong to the scope's own future. They are polled only while that future is
//! itself inside `poll`, and the borrow checker guarantees that everything they borrow is alive
//! there. Between two polls no thread touches a child. A forgotten scope therefore leaves nothing
//! running, and a dropped one drops its children before `drop` returns, without blocking. A closure
//! of [`spawn_blocking`](guide::many#blocking-work) that is running cannot be dropped: an end that
//! is awaited waits for it, and a dropped scope leaves it to the scope around it.
//!
//! The crate needs no runtime: it works under async-std, smol, tokio or a bare `block_on`.
//!
//! # Parallelism: the poll window
//!
//! Between two polls of the scope no thread touches its children. *During* a poll other threads
//! may: everything that children borrow is alive while `poll` is on the stack. So a poll of a scope
//! with several children is a *window*, in which threads of the runtime around it can help: they
//! run children together with the polling thread, and all of them are out before `poll` returns.
//!
//! That gives several threads to children that borrow, and stays sound whatever happens to the
//! scope: a helper that comes late finds the window shut. A scope asks for help
//!
//! * **if there is work to share.** It measures its children and begins alone; children that do
//!   little per poll never leave the polling thread.
//! * **if a child is slow.** What becomes ready while a child blocks its thread is for helpers.
//!   From the second slow poll on a scope is prepared for that for some seconds: nothing that
//!   another thread could run is behind a slow child.
//!
//! What a slow poll still holds up: the body, which is polled by the scope's own thread only; until
//! slow polls are known, what the child or the body that blocks has spawned itself; where several
//! slow polls overlap, now and then the children that are slow or new, so that the poll of the
//! scope comes to an end; the task around the scope, since **a poll of the scope does not return
//! before the longest poll of a child in it**, and after some of them if they overlap (on tokio the
//! other tasks of its worker go to another thread meanwhile); and everything, if the executor has
//! no thread to spare. So put an accept loop into a child, and what blocks for long on
//! [other threads](guide::many#blocking-work). A serial scope has one thread, and so has one under
//! a bare `block_on`.
//!
//! Which executor it asks:
//!
//! | the scope is polled | helpers come from |
//! |---|---|
//! | after `.on(executor)` | that executor |
//! | in a child or the body of another scope | where that scope's helpers come from |
//! | inside tokio, with feature `tokio` | tokio's worker threads; none from a current-thread runtime |
//! | inside an async-std task, with feature `async-std` | async-std's threads |
//! | anywhere else: smol, a bare `block_on` | nowhere, it is serial; say `.on(…)` |
//!
#![cfg_attr(feature = "async-std", doc = "```")]
#![cfg_attr(not(feature = "async-std"), doc = "```ignore")]
//! use taskpen::{AsyncStd, scope};
//!
//! # fn digest(page: &str) -> usize { page.len() }
//! # let pages = ["index", "guide"];
//! # futures_lite::future::block_on(async { // nothing to detect here
//! scope(async |s| {
//!     for page in &pages {
//!         s.spawn(async move { digest(page) });
//!     }
//! })
//! .on(AsyncStd) // threads of async-std
//! .helpers(3) // at most three of them
//! .await;
//! # });
//! ```
//!
//! **What is current** where the scope is polled (a tracing span, a task-local, tokio's context) is
//! current for a child only on the polling thread. Children that do little always run there, so a
//! program can seem to work that does not under load. [`.around(hook)`](Scoped::around) sets it on
//! each helper: see [what is current](guide::recipes#what-is-current).
//!
//! `.serial()` switches help off. Do that if the caller that polls the scope holds something that
//! belongs to its thread, such as the lock of `stderr`, which the children want as well: with
//! helpers that is a deadlock. Other runtimes and thread pools give helpers by implementing
//! [`Executor`].
//!
//! # Guides
//!
//! * [The life of a task](guide::life): states, handles, and the order in which a scope ends.
//! * [Which owner](guide::owner): a block of code or a value; scopes and pens.
//! * [Clean-up](guide::cleanup): what happens on return, error, panic, drop, forget and shutdown.
//! * [Resources](guide::resources): what a scope holds, and how to test for a leak.
//! * [Many children](guide::many): sets, read-ahead, asking them to stop, and work that blocks.
//! * [Recipes](guide::recipes): time limits, races, `select!`, retries, handshakes.
//! * [More recipes](guide::structure): limits, progress bars, periodic jobs, structs with a handle.
//! * [Moving from async-std](guide::moving): from `task::spawn` to a scope, step by step.
//! * [My scope does not end](guide::endless): how to find the child that keeps it open.
//! * [Compiler errors](guide::errors): the words, the reason, the cure.
//! * [Soundness](guide::soundness): why borrowing children are safe.
#![deny(
    missing_docs,
    unsafe_op_in_unsafe_fn,
    clippy::undocumented_unsafe_blocks
)]
#![warn(missing_debug_implementations)]
#![cfg_attr(docsrs, feature(doc_cfg))]

// First, so that the documentation of a scope begins with `spawn`.
mod scope;

#[cfg(feature = "blocking")]
mod blocking;
pub mod guide;
mod help;
#[cfg(not(feature = "inspect"))]
mod inspect;
#[cfg(feature = "inspect")]
#[cfg_attr(docsrs, doc(cfg(feature = "inspect")))]
pub mod inspect;
mod open;
mod panic;
mod pen;
mod queue;
mod run;
mod sets;
mod stop;
mod sync;
mod task;

#[cfg(feature = "async-std")]
pub use help::AsyncStd;
#[cfg(feature = "smol")]
pub use help::Smol;
#[cfg(feature = "tokio")]
pub use help::Tokio;
pub use help::{Executor, Ticket, Worker};
pub use open::{
    LocalScoped, Scoped, TryLocalScoped, TryScoped, Until, local_scope, scope, try_local_scope,
    try_scope,
};
pub use pen::Pen;
pub use scope::{Local, LocalScope, Multi, Scope, TryLocalScope, TryScope};
pub use sets::{Buffered, JoinSet};
pub use stop::{Cause, StopToken};
pub use task::child_of::ChildOf;
pub use task::handle::{Join, JoinHandle};

/// The code in the README is tested like that of any other page.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
