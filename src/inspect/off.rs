//! What is left of the feature when it is off: nothing that takes an instruction or a byte.
#![forbid(unsafe_code)]

use std::sync::Arc;

use super::Name;
use super::spans::ChildSpan;
use crate::task::metadata::{Meta, Spawned};

/// What is known of a child.
#[derive(Debug)]
pub(crate) struct Record;

impl Record {
    #[inline]
    pub(crate) fn new() -> Self {
        Self
    }

    #[inline]
    pub(crate) fn is_ready(&self) {}

    #[inline]
    pub(crate) fn begin_drop(&self, _: *const ()) -> InPoll {
        InPoll
    }

    #[inline]
    pub(crate) fn begin_poll(&self, _: *const ()) -> InPoll {
        InPoll
    }
}

/// A poll.
pub(crate) struct InPoll;

/// The children and closures of one scope.
#[derive(Debug)]
pub(crate) struct Members;

impl Members {
    #[inline]
    pub(crate) fn new() -> Self {
        Self
    }

    pub(crate) fn set_name(&self, _: Name) {}

    #[inline]
    pub(crate) fn enter<S>(&self, _: &Meta<S>) {}

    #[inline]
    pub(crate) fn leave<S>(&self, _: &Meta<S>) {}

    #[inline]
    pub(crate) fn begin_poll(&self) -> InPoll {
        InPoll
    }
}

/// What is known of a closure of `spawn_blocking`.
#[cfg_attr(
    not(feature = "blocking"),
    allow(dead_code, reason = "there are no closures then")
)]
#[derive(Debug)]
pub(crate) struct ClosureRecord;

#[cfg_attr(
    not(feature = "blocking"),
    allow(dead_code, reason = "there are no closures then")
)]
impl ClosureRecord {
    #[inline]
    pub(crate) fn new<S>(_: &Arc<S>, _: Name, _: Spawned, _: &ChildSpan) -> Self {
        Self
    }

    #[inline]
    pub(crate) fn enter(&self) {}

    #[inline]
    pub(crate) fn begin(&self) -> InPoll {
        InPoll
    }

    #[inline]
    pub(crate) fn leave(&self) {}
}

/// A scope or pen begins.
#[inline]
pub(crate) fn begin<S>(_: &Arc<S>, _: Option<&Arc<S>>) {}
