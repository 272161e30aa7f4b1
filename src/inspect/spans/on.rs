//! What there is of the feature when it is on.
//!
//! A span is foreign code: the subscriber may panic, and may use the scope. None is made, entered
//! or dropped under a lock, and a panic of it is dropped.

use std::cell::Cell;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tracing::dispatcher::with_default;
use tracing::level_filters::LevelFilter;
use tracing::span::Entered;
use tracing::{Span, trace, trace_span, warn};

use super::super::Name;
use crate::panic::quietly;
use crate::queue::Kind;
use crate::task::metadata::Spawned;

/// A poll of a child that takes longer is warned of.
const SLOW_POLL: Duration = Duration::from_millis(10);

/// So many spans are in each other at most, and then one has none around it: a child that is
/// spawned by the one before it, and so on for ever, would keep the spans of all. For a subscriber
/// keeps a span for as long as there is one inside, and lets them go one in the other.
const DEEPEST: u32 = 250;

thread_local! {
    /// How many spans the innermost one of ours is in, itself included.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// How many slow polls this thread was warned of.
    static WARNINGS: Cell<u64> = const { Cell::new(0) };
}

/// The depth of a span that is made here, and whether it may be in another one.
fn next_depth() -> (u32, bool) {
    match DEPTH.get() {
        DEEPEST.. => (1, false),
        depth => (depth + 1, true),
    }
}

/// Inside of a span, until it is dropped. A guard, and not a function around a poll, for what that
/// would keep on the stack: scopes are in each other as deep as it reaches.
pub(crate) struct Inside<'a> {
    entered: Option<Entered<'a>>,
    /// The depth around it.
    around: u32,
}

impl<'a> Inside<'a> {
    fn enter(span: &'a Span, depth: u32) -> Self {
        Self {
            entered: quietly(|| span.enter()),
            around: DEPTH.replace(depth),
        }
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        DEPTH.set(self.around);
        let entered = self.entered.take();
        quietly(|| drop(entered));
    }
}

/// A poll of a child inside of its span, until it is dropped: that warns if it took long.
pub(crate) struct InPoll<'a> {
    child: &'a ChildSpan,
    start: Option<Instant>,
    warnings: u64,
    #[expect(dead_code, reason = "its end is what it is for")]
    inside: Inside<'a>,
}

impl Drop for InPoll<'_> {
    fn drop(&mut self) {
        if let Some(start) = self.start {
            self.child.heed(start.elapsed(), self.warnings);
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
    depth: u32,
    at: &'static Location<'static>,
}

impl ChildSpan {
    /// The span of a child that is spawned inside of the one that is current.
    pub(crate) fn new(name: &Name, spawned: Spawned) -> Self {
        let (depth, may_be_inside) = next_depth();
        let make = || make_span(name, spawned, may_be_inside);
        let span = match spawned.is_hidden() {
            true => None,
            false => quietly(make),
        };
        Self {
            span: span.unwrap_or_else(Span::none),
            depth,
            at: spawned.at,
        }
    }

    /// A poll of the child begins.
    pub(crate) fn begin_poll(&self) -> InPoll<'_> {
        InPoll {
            child: self,
            start: warns().then(Instant::now),
            warnings: WARNINGS.get(),
            inside: self.enter(),
        }
    }

    /// A poll took so long, and so many were warned of before. Of polls in each other the innermost
    /// one is.
    fn heed(&self, took: Duration, warnings: u64) {
        if took >= SLOW_POLL && WARNINGS.get() == warnings {
            WARNINGS.set(warnings.wrapping_add(1));
            quietly(|| self.warn(took));
        }
    }

    /// Tells who knows the span; or inside of what is current, if nobody wants such spans.
    #[cold]
    fn warn(&self, took: Duration) {
        let (took, at) = (took.as_millis() as u64, self.at);
        macro_rules! warn_inside {
            ($($parent:tt)*) => {
                warn!(
                    target: "taskpen",
                    $($parent)*
                    {
                        poll.ms = took,
                        loc.file = at.file(),
                        loc.line = at.line(),
                        loc.col = at.column(),
                    },
                    "a poll took long; what blocks belongs into `spawn_blocking`"
                )
            };
        }
        let told = self.span.with_subscriber(|(id, subscriber)| {
            with_default(subscriber, || warn_inside!(parent: id,));
        });
        if told.is_none() {
            warn_inside!();
        }
    }

    /// The future is dropped. Inside of the span, unless it has finished: that would be one more
    /// visit, and count as a poll, and the last one was that of its end.
    pub(crate) fn begin_drop(&self, has_finished: bool) -> Option<Inside<'_>> {
        (!has_finished).then(|| self.enter())
    }

    pub(crate) fn enter(&self) -> Inside<'_> {
        Inside::enter(&self.span, self.depth)
    }
}

/// Returns false if nobody wants to be warned. Not by asking a subscriber: to some of them that is
/// a question about the event that comes next, whichever that is.
fn warns() -> bool {
    LevelFilter::current() >= LevelFilter::WARN
}

/// Its fields are those that tokio-console shows, under the names by which it knows them.
fn make_span(name: &Name, spawned: Spawned, may_be_inside: bool) -> Span {
    static LAST: AtomicU64 = AtomicU64::new(0);
    macro_rules! span_inside {
        ($($parent:tt)*) => {
            trace_span!(
                target: "taskpen",
                $($parent)*
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
        };
    }
    match may_be_inside {
        true => span_inside!(),
        false => span_inside!(parent: None,),
    }
}

impl Clone for ChildSpan {
    fn clone(&self) -> Self {
        Self {
            span: quietly(|| self.span.clone()).unwrap_or_else(Span::none),
            ..*self
        }
    }
}

impl Drop for ChildSpan {
    fn drop(&mut self) {
        close(&mut self.span);
    }
}

/// By what a waker knows the span of its child, which may be gone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpanId(u64);

impl SpanId {
    /// Wakers have somebody to tell.
    pub(crate) const TELLS: bool = true;

    pub(crate) fn of(span: &ChildSpan) -> Self {
        Self(span.span.id().map_or(0, |id| id.into_u64()))
    }

    /// The child was woken.
    pub(crate) fn is_woken(self) {
        self.tell("waker.wake_by_ref");
    }

    /// The child is suspended for the first time: there is a waker of it from now on, until it is
    /// gone.
    pub(crate) fn is_suspended(self) {
        self.tell("waker.clone");
    }

    fn tell(self, op: &'static str) {
        if self.0 != 0 {
            quietly(|| trace!(target: "runtime::waker", op, task.id = self.0));
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
    depth: u32,
}

impl ScopeSpan {
    #[track_caller]
    pub(crate) fn new() -> Self {
        Self {
            name: Name::default(),
            at: Location::caller(),
            span: None,
            depth: 0,
        }
    }

    pub(crate) fn set_name(&mut self, name: &Name) {
        self.name = name.clone();
    }

    fn begin(&mut self) {
        let (depth, may_be_inside) = next_depth();
        let (name, at) = (self.name.as_str(), self.at);
        macro_rules! span_inside {
            ($($parent:tt)*) => {
                trace_span!(
                    target: "taskpen",
                    $($parent)*
                    "scope",
                    name,
                    loc.file = at.file(),
                    loc.line = at.line(),
                    loc.col = at.column(),
                )
            };
        }
        let make = || match may_be_inside {
            true => span_inside!(),
            false => span_inside!(parent: None,),
        };
        self.span = Some(quietly(make).unwrap_or_else(Span::none));
        self.depth = depth;
    }

    /// A poll of the scope begins: its first, inside of the span that is current then.
    pub(crate) fn begin_poll(&mut self) -> Option<Inside<'_>> {
        if self.span.is_none() {
            self.begin();
        }
        self.enter()
    }

    /// Enters it, if it has begun.
    pub(crate) fn enter(&self) -> Option<Inside<'_>> {
        let span = self.span.as_ref();
        span.map(|span| Inside::enter(span, self.depth))
    }
}

impl Drop for ScopeSpan {
    fn drop(&mut self) {
        if let Some(span) = &mut self.span {
            close(span);
        }
    }
}
