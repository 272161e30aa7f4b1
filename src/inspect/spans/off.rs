//! What is left of the feature when it is off: nothing that takes an instruction or a byte.

use super::super::Name;
use crate::task::metadata::Spawned;

/// The span of a child.
#[derive(Clone, Debug)]
pub(crate) struct ChildSpan;

impl ChildSpan {
    #[inline]
    pub(crate) fn new(_: &Name, _: Spawned) -> Self {
        Self
    }

    #[inline]
    pub(crate) fn poll<T>(&self, poll: impl FnOnce() -> T) -> T {
        poll()
    }

    #[inline]
    pub(crate) fn drop_in(&self, _: bool, drop: impl FnOnce()) {
        drop();
    }

    #[cfg_attr(
        not(feature = "blocking"),
        allow(dead_code, reason = "there are no closures then")
    )]
    #[inline]
    pub(crate) fn around<T>(&self, act: impl FnOnce() -> T) -> T {
        act()
    }
}

/// By what a waker knows the span of its child.
#[derive(Debug)]
pub(crate) struct SpanId;

impl SpanId {
    #[inline]
    pub(crate) fn of(_: &ChildSpan) -> Self {
        Self
    }

    #[inline]
    pub(crate) fn is_woken(&self) {}
}

/// The span of a scope.
#[derive(Debug)]
pub(crate) struct ScopeSpan;

impl ScopeSpan {
    #[inline]
    pub(crate) fn new() -> Self {
        Self
    }

    #[inline]
    pub(crate) fn set_name(&mut self, _: &Name) {}

    #[inline]
    pub(crate) fn poll<T>(&mut self, poll: impl FnOnce() -> T) -> T {
        poll()
    }
}
