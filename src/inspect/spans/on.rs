//! What there is of the feature when it is on.
//!
//! A span is foreign code: the subscriber may panic, and may use the scope. None is made, entered
//! or dropped under a lock, and a panic of it is dropped.

use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tracing::{Level, Span, enabled, trace, trace_span, warn};

use super::super::Name;
use crate::panic::quietly;
use crate::queue::Kind;
use crate::task::metadata::Spawned;

/// A poll of a child that takes longer is warned of.
const SLOW_POLL: Duration = Duration::from_millis(10);

/// Calls `act` inside of a span.
#[inline(always)]
fn inside<T>(span: &Span, act: impl FnOnce() -> T) -> T {
    let entered = quietly(|| span.enter());
    let value = act();
    quietly(|| drop(entered));
    value
}

/// Drops a span.
fn close(span: &mut Span) {
    quietly(|| *span = Span::none());
}

/// The span of a child, or of a closure.
#[derive(Debug)]
pub(crate) struct ChildSpan {
    span: Span,
    at: &'static Location<'static>,
}

impl ChildSpan {
    /// The span of a child that is spawned inside of the one that is current.
    pub(crate) fn new(name: &Name, spawned: Spawned) -> Self {
        let make = || make_span(name, spawned);
        let span = match spawned.is_hidden() {
            true => None,
            false => quietly(make),
        };
        Self {
            span: span.unwrap_or_else(Span::none),
            at: spawned.at,
        }
    }

    /// Polls the child inside of it, and warns if that takes long.
    #[inline(always)]
    pub(crate) fn poll<T>(&self, poll: impl FnOnce() -> T) -> T {
        let start = warns().then(Instant::now);
        let value = inside(&self.span, poll);
        let took = start.map(|start| start.elapsed());
        if let Some(took) = took.filter(|took| *took >= SLOW_POLL) {
            self.warn(took);
        }
        value
    }

    #[cold]
    fn warn(&self, took: Duration) {
        let (took, at) = (took.as_millis() as u64, self.at);
        quietly(|| {
            warn!(
                target: "taskpen",
                parent: &self.span,
                { poll.ms = took, loc.file = at.file(), loc.line = at.line(), loc.col = at.column() },
                "a poll took long; what blocks belongs into `spawn_blocking`"
            );
        });
    }

    /// Drops the future inside of it; not if that has finished. For that would be one more visit,
    /// and count as a poll: the last one was that of its end.
    pub(crate) fn drop_in(&self, has_finished: bool, drop: impl FnOnce()) {
        match has_finished {
            true => drop(),
            false => inside(&self.span, drop),
        }
    }

    /// Calls `act` inside of it.
    #[cfg_attr(
        not(feature = "blocking"),
        allow(dead_code, reason = "there are no closures then")
    )]
    pub(crate) fn around<T>(&self, act: impl FnOnce() -> T) -> T {
        inside(&self.span, act)
    }
}

/// Returns true if anybody wants to be warned.
#[inline(never)]
fn warns() -> bool {
    quietly(|| enabled!(target: "taskpen", Level::WARN)).unwrap_or_default()
}

/// Its fields are those that tokio-console shows, under the names by which it knows them.
fn make_span(name: &Name, spawned: Spawned) -> Span {
    static LAST: AtomicU64 = AtomicU64::new(0);
    trace_span!(
        target: "taskpen",
        "runtime.spawn",
        kind = match (spawned.is_closure(), spawned.kind) {
            (true, _) => "blocking",
            (false, Kind::Ordinary) => "child",
            (false, Kind::Background) => "background",
        },
        task.name = name.as_str(),
        task.id = LAST.fetch_add(1, Ordering::Relaxed) + 1,
        loc.file = spawned.at.file(),
        loc.line = spawned.at.line(),
        loc.col = spawned.at.column(),
    )
}

impl Clone for ChildSpan {
    fn clone(&self) -> Self {
        Self {
            span: quietly(|| self.span.clone()).unwrap_or_else(Span::none),
            at: self.at,
        }
    }
}

impl Drop for ChildSpan {
    fn drop(&mut self) {
        close(&mut self.span);
    }
}

/// By what a waker knows the span of its child, which may be gone.
#[derive(Debug)]
pub(crate) struct SpanId(u64);

impl SpanId {
    pub(crate) fn of(span: &ChildSpan) -> Self {
        Self(span.span.id().map_or(0, |id| id.into_u64()))
    }

    /// The child was woken.
    pub(crate) fn is_woken(&self) {
        if self.0 != 0 {
            quietly(|| trace!(target: "runtime::waker", op = "waker.wake", task.id = self.0));
        }
    }
}

/// The span of a scope.
#[derive(Debug)]
pub(crate) struct ScopeSpan {
    name: Name,
    at: &'static Location<'static>,
    /// Once it has begun.
    span: Option<Span>,
}

impl ScopeSpan {
    #[track_caller]
    pub(crate) fn new() -> Self {
        Self {
            name: Name::default(),
            at: Location::caller(),
            span: None,
        }
    }

    pub(crate) fn set_name(&mut self, name: &Name) {
        self.name = name.clone();
    }

    /// A function of its own, as [`warns`], for what the macros keep on the stack: scopes are in
    /// each other as deep as that reaches.
    #[inline(never)]
    fn begin(&mut self) {
        let make = || {
            trace_span!(
                target: "taskpen",
                "scope",
                name = self.name.as_str(),
                loc.file = self.at.file(),
                loc.line = self.at.line(),
                loc.col = self.at.column(),
            )
        };
        if self.span.is_none() {
            self.span = Some(quietly(make).unwrap_or_else(Span::none));
        }
    }

    /// Polls the scope inside of it: it begins inside of the one that is current then.
    #[inline(always)]
    pub(crate) fn poll<T>(&mut self, poll: impl FnOnce() -> T) -> T {
        self.begin();
        match &self.span {
            Some(span) => inside(span, poll),
            None => poll(),
        }
    }
}

impl Drop for ScopeSpan {
    fn drop(&mut self) {
        if let Some(span) = &mut self.span {
            close(span);
        }
    }
}
