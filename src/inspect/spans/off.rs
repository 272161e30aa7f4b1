//! What is left of the feature when it is off: nothing that takes an instruction or a byte.

use super::super::Name;
use crate::task::metadata::Spawned;

/// Inside of a span.
pub(crate) struct Inside;

/// The span of a child.
#[derive(Clone, Debug)]
pub(crate) struct ChildSpan;

impl ChildSpan {
    #[inline]
    pub(crate) fn new(_: &Name, _: Spawned) -> Self {
        Self
    }

    #[inline]
    pub(crate) fn begin_poll(&self) -> Inside {
        Inside
    }

    #[cfg_attr(
        not(feature = "blocking"),
        allow(dead_code, reason = "there are no closures then")
    )]
    #[inline]
    pub(crate) fn enter(&self) -> Inside {
        Inside
    }
}

/// By what a waker knows the span of its child.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpanId;

impl SpanId {
    /// No subscriber wants to know of wakes.
    pub(crate) const TELLS: bool = false;

    #[inline]
    pub(crate) fn of(_: &ChildSpan) -> Self {
        Self
    }

    #[inline]
    pub(crate) fn is_woken(self) {}

    #[inline]
    pub(crate) fn is_suspended(self) {}
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
    pub(crate) fn begin_poll(&mut self) -> Inside {
        Inside
    }

    #[inline]
    pub(crate) fn enter(&self) -> Inside {
        Inside
    }
}
