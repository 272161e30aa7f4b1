//! Which executor is around a poll.
#![forbid(unsafe_code)]

use crate::help::executor::{Helpers, SharedExecutor};

#[cfg(feature = "async-std")]
use crate::help::async_std::AsyncStd;
#[cfg(feature = "tokio")]
use crate::help::tokio::Tokio;

/// Returns the executor to ask, if there is one.
pub(crate) fn resolve(helpers: Option<Helpers>) -> Option<SharedExecutor> {
    match helpers {
        None => detect(),
        Some(Helpers::None) => None,
        Some(Helpers::From(executor)) => Some(executor),
    }
}

/// Returns the runtime that is positively known to be running around us.
fn detect() -> Option<SharedExecutor> {
    #[cfg(feature = "tokio")]
    if let Some(tokio) = Tokio::detect() {
        return Some(SharedExecutor::new(tokio));
    }
    #[cfg(feature = "async-std")]
    if let Some(async_std) = AsyncStd::detect() {
        return Some(SharedExecutor::new(async_std));
    }
    // For tests that want every window open: children of theirs need no runtime around them.
    #[cfg(all(taskpen_force_windows, feature = "async-std"))]
    return Some(SharedExecutor::new(AsyncStd));
    #[cfg(not(all(taskpen_force_windows, feature = "async-std")))]
    None
}
