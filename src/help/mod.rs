//! Helpers: threads that run children of a scope that another thread polls.
//!
//! | module | what |
//! |---|---|
//! | [`executor`] | who gives them: [`Executor`], and the [`Ticket`] it is handed |
//! | [`detect`] | which executor is around a poll |
//! | [`ticket`] | what a helper does, and how one is called |
//! | [`tickets`] | how many there are |
//! | [`dispatch`] | which helpers a scope has, and when it calls them |
//! | [`watch`] | which children are slow |
//! | [`worker`] | what the threads of a pen do |
//! | [`calling`] | how one of them is called |
//! | [`serving`] | what they do with children that they wake, spawn or drop |
//! | [`window`] | the span of a poll in which helpers may run children |
//! | [`epoch`] | how those inside are counted |
//! | [`policy`] | when it pays |
//! | `async_std`, `smol`, `tokio` | the executors of the runtimes |

pub(crate) mod calling;
pub(crate) mod detect;
pub(crate) mod dispatch;
pub(crate) mod epoch;
pub(crate) mod executor;
pub(crate) mod policy;
pub(crate) mod serving;
pub(crate) mod ticket;
pub(crate) mod tickets;
pub(crate) mod watch;
pub(crate) mod window;
pub(crate) mod worker;

#[cfg(feature = "async-std")]
mod async_std;
#[cfg(feature = "smol")]
mod smol;
#[cfg(feature = "tokio")]
mod tokio;

#[cfg(feature = "async-std")]
pub use self::async_std::AsyncStd;
#[cfg(feature = "smol")]
pub use self::smol::Smol;
#[cfg(feature = "tokio")]
pub use self::tokio::Tokio;
pub use executor::{Executor, Ticket};
pub use worker::Worker;
