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

/// Makes a span inside of the one that is current, if `$is_inside`.
macro_rules! span {
    ($is_inside:expr, $($span:tt)*) => {
        match $is_inside {
            true => trace_span!(target: "taskpen", $($span)*),
            false => trace_span!(target: "taskpen", parent: None, $($span)*),
        }
    };
}

/// A span of ours, and how many are in each other down to it.
#[derive(Debug)]
struct Nested {
    span: Span,
    depth: u32,
}

impl Nested {
    /// Calls `make` with whether the span may be inside of another one.
    fn new(make: impl FnOnce(bool) -> Span) -> Self {
        let (depth, is_inside) = match DEPTH.get() {
            DEEPEST.. => (1, false),
            depth => (depth + 1, true),
        };
        Self {
            span: quietly(|| make(is_inside)).unwrap_or_else(Span::none),
            depth,
        }
    }

    fn enter(&self) -> Inside<'_> {
        Inside {
            entered: quietly(|| self.span.enter()),
            around: DEPTH.replace(self.depth),
        }
    }
}

impl Clone for Nested {
    fn clone(&self) -> Self {
        Self {
            span: quietly(|| self.span.clone()).unwrap_or_else(Span::none),
            depth: self.depth,
        }
    }
}

impl Drop for Nested {
    fn drop(&mut self) {
        quietly(|| self.span = Span::none());
    }
}

/// Inside of a span, until it is dropped. A guard, and not a function around a poll, for what that
/// would keep on the stack: scopes are in each other as deep as it reaches.
pub(crate) struct Inside<'a> {
    entered: Option<Entered<'a>>,
    /// The depth around it.
    around: u32,
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

/// The span of a child, or of a closure.
#[derive(Clone, Debug)]
pub(crate) struct ChildSpan {
    nested: Nested,
    at: &'static Location<'static>,
}

impl ChildSpan {
    /// The span of a child that is spawned inside of the one that is current.
    pub(crate) fn new(name: &Name, spawned: Spawned) -> Self {
        let make = |is_inside| match spawned.is_hidden() {
            true => Span::none(),
            false => make_span(name, spawned, is_inside),
        };
        Self {
            nested: Nested::new(make),
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

    /// Tells the subscriber of the span; or inside of what is current, if none wants such spans.
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
        let told = self.nested.span.with_subscriber(|(id, subscriber)| {
            with_default(subscriber, || warn_inside!(parent: id,));
        });
        if told.is_none() {
            warn_inside!();
        }
    }

    pub(crate) fn enter(&self) -> Inside<'_> {
        self.nested.enter()
    }
}

/// Returns false if no subscriber wants warnings. Not by asking one: to some of them that is a
/// question about the event that comes next, whichever that is.
fn warns() -> bool {
    LevelFilter::current() >= LevelFilter::WARN
}

/// Its fields are those that tokio-console shows, under the names by which it knows them.
fn make_span(name: &Name, spawned: Spawned, is_inside: bool) -> Span {
    static LAST: AtomicU64 = AtomicU64::new(0);
    span!(
        is_inside,
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

/// By what a waker knows the span of its child, which may be gone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpanId(u64);

impl SpanId {
    /// Subscribers may want to know of wakes.
    pub(crate) const TELLS: bool = true;

    pub(crate) fn of(span: &ChildSpan) -> Self {
        Self(span.nested.span.id().map_or(0, |id| id.into_u64()))
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
    nested: Option<Nested>,
}

impl ScopeSpan {
    #[track_caller]
    pub(crate) fn new() -> Self {
        Self {
            name: Name::default(),
            at: Location::caller(),
            nested: None,
        }
    }

    pub(crate) fn set_name(&mut self, name: &Name) {
        self.name = name.clone();
    }

    /// A poll of the scope begins: its first, inside of the span that is current then.
    pub(crate) fn begin_poll(&mut self) -> Option<Inside<'_>> {
        let make = |is_inside| {
            span!(
                is_inside,
                "scope",
                name = self.name.as_str(),
                loc.file = self.at.file(),
                loc.line = self.at.line(),
                loc.col = self.at.column(),
            )
        };
        self.nested.get_or_insert_with(|| Nested::new(make));
        self.enter()
    }

    /// Enters it, if it has begun.
    pub(crate) fn enter(&self) -> Option<Inside<'_>> {
        self.nested.as_ref().map(Nested::enter)
    }
}
