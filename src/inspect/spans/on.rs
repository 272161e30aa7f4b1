//! What there is of the feature when it is on.
//!
//! A span is foreign code: the subscriber may panic, and may use the scope. None is made, entered
//! or dropped under a lock, and a panic of it is dropped.

use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tracing::span::Entered;
use tracing::{Level, Span, enabled, trace, trace_span, warn};

use super::super::Name;
use crate::panic::quietly;
use crate::queue::Kind;
use crate::task::metadata::Spawned;

/// A poll of a child that takes longer is warned of.
const SLOW_POLL: Duration = Duration::from_millis(10);

/// Inside of a span, until it is dropped. A guard, and not a function around a poll, for what that
/// would keep on the stack: scopes are in each other as deep as it reaches.
pub(crate) struct Inside<'a>(Option<Entered<'a>>);

impl<'a> Inside<'a> {
    fn enter(span: &'a Span) -> Self {
        Self(quietly(|| span.enter()))
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let entered = self.0.take();
        quietly(|| drop(entered));
    }
}

/// A poll of a child inside of its span, until it is dropped: that warns if it took long.
pub(crate) struct InPoll<'a> {
    child: &'a ChildSpan,
    start: Option<Instant>,
    #[expect(dead_code, reason = "its end is what it is for")]
    inside: Inside<'a>,
}

impl Drop for InPoll<'_> {
    fn drop(&mut self) {
        if let Some(start) = self.start {
            self.child.heed(start.elapsed());
        }
    }
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

    /// A poll of the child begins.
    pub(crate) fn begin_poll(&self) -> InPoll<'_> {
        InPoll {
            child: self,
            start: warns().then(Instant::now),
            inside: self.enter(),
        }
    }

    fn heed(&self, took: Duration) {
        if took >= SLOW_POLL {
            self.warn(took);
        }
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

    /// The future is dropped. Inside of the span, unless it has finished: that would be one more
    /// visit, and count as a poll, and the last one was that of its end.
    pub(crate) fn begin_drop(&self, has_finished: bool) -> Option<Inside<'_>> {
        (!has_finished).then(|| self.enter())
    }

    pub(crate) fn enter(&self) -> Inside<'_> {
        Inside::enter(&self.span)
    }
}

/// Returns true if anybody wants to be warned.
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

    /// A poll of the scope begins: its first, inside of the span that is current then.
    pub(crate) fn begin_poll(&mut self) -> Inside<'_> {
        self.begin();
        match &self.span {
            Some(span) => Inside::enter(span),
            None => Inside(None),
        }
    }

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
}

impl Drop for ScopeSpan {
    fn drop(&mut self) {
        if let Some(span) = &mut self.span {
            close(span);
        }
    }
}
