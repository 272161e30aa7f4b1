//! The peers: who else runs many futures, in the way that its users would write it.
//!
//! Each is a type with the same functions, so that a workload is one expression for all of them:
//!
//! * `join(n, child)`: start `n` children, wait for all, add up what they give;
//! * `bounded(n, most, child)`: the same with no more than `most` at a time;
//! * `suspend(n)`: start `n` children that never finish, return when all have been polled once;
//! * `end(parent)`: cancel those; when it returns, their futures have been dropped.

mod async_std;
mod join_set;
mod local_executor;
mod moro;
mod pens;
mod tokio_helpers;

pub(crate) use self::async_std::AsyncStd;
pub(crate) use self::join_set::JoinSet;
pub(crate) use self::local_executor::LocalExecutor;
pub(crate) use self::moro::Moro;
pub(crate) use self::pens::{OnAsyncStd, OnSmol, OnTokioThreads, PenOn, SmolTasks, TokioTasks};
pub(crate) use self::tokio_helpers::OnTokio;
pub(crate) use crate::common::taskpen::{Ambient, Serial, Taskpen};
pub(crate) use crate::common::unordered::Unordered;
