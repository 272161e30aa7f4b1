//! Which executor is around a poll.
#![forbid(unsafe_code)]

use crate::help::executor::{Executor, SharedExecutor, Source};

#[cfg(feature = "async-std")]
use crate::help::async_std::AsyncStd;
#[cfg(feature = "tokio")]
use crate::help::tokio::Tokio;

/// An executor that was found. To find it is cheap, and to compare it; a scope does so in each
/// poll.
#[derive(Clone)]
pub(crate) enum Found {
    Given(SharedExecutor),
    #[cfg(feature = "tokio")]
    Tokio(Tokio),
    #[cfg(feature = "async-std")]
    AsyncStd,
}

impl Found {
    /// Returns the executor to ask, if there is one.
    pub(crate) fn resolve(source: Option<Source>) -> Option<Self> {
        match source {
            None => Self::detect(),
            Some(Source::Nowhere) => None,
            Some(Source::Executor(found)) => Some(found),
        }
    }

    /// Returns the runtime that is positively known to be running around us.
    fn detect() -> Option<Self> {
        #[cfg(feature = "tokio")]
        if let Some(tokio) = Tokio::detect() {
            return Some(Self::Tokio(tokio));
        }
        #[cfg(feature = "async-std")]
        if AsyncStd::is_current() {
            return Some(Self::AsyncStd);
        }
        // For tests that want every window open: children of theirs need no runtime around them.
        #[cfg(all(taskpen_force_windows, feature = "async-std"))]
        return Some(Self::AsyncStd);
        #[cfg(not(all(taskpen_force_windows, feature = "async-std")))]
        None
    }

    /// Returns true if `other` is the same executor.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Given(one), Self::Given(other)) => one.is_same(other),
            #[cfg(feature = "tokio")]
            (Self::Tokio(one), Self::Tokio(other)) => one.is_same(other),
            #[cfg(feature = "async-std")]
            (Self::AsyncStd, Self::AsyncStd) => true,
            #[allow(unreachable_patterns, reason = "there may be no other kind")]
            _ => false,
        }
    }

    pub(super) fn executor(&self) -> &dyn Executor {
        match self {
            Self::Given(executor) => &**executor,
            #[cfg(feature = "tokio")]
            Self::Tokio(tokio) => tokio,
            #[cfg(feature = "async-std")]
            Self::AsyncStd => &AsyncStd,
        }
    }
}

/// Calls `act` in a poll of a scope that cannot return, and says whether the runtime around it may
/// keep wakers of children back until it does.
pub(crate) fn unlimited(act: &mut dyn FnMut(bool)) {
    #[cfg(feature = "tokio")]
    return crate::help::tokio::unlimited(act);
    #[cfg(not(feature = "tokio"))]
    act(false)
}

/// Returns true if the runtime around us has what is polled on this thread wait, until the poll of
/// its task is over.
#[inline]
pub(crate) fn is_limit_reached() -> bool {
    #[cfg(feature = "tokio")]
    return !tokio::task::coop::has_budget_remaining();
    #[cfg(not(feature = "tokio"))]
    false
}
