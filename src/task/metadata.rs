//! What the scope, the handle and the child itself know of a child: the metadata of its task.
//!
//! It lives in the task's allocation, beside the future, and dies with the last waker: on any
//! thread, long after the scope. So it is `Send + Sync + 'static` and owns nothing, but a name.
//!
//! # Stages
//!
//! | stage | set by | means |
//! |---|---|---|
//! | [`Alive`](Stage::Alive) | `spawn` | the future may still be polled or is being dropped |
//! | [`Refused`](Stage::Refused) | `spawn` | the scope had ended: never counted, dropped at once |
//! | [`Finished`](Stage::Finished) | the poll that gave the value | there is, or was, a value |
//! | [`Cancelled`](Stage::Cancelled) | the destructor | the future is gone and gave no value |
//!
//! # How the scope is reached
//!
//! By a plain pointer to its shared state `S`, which is good for as long as the child has not been
//! counted out. Until then the shared state cannot go: the future of the scope owns a reference,
//! and it is dropped after all children have been counted out, or never. A pen owns one, and so
//! does each thread that has a child of it in hand; when the pen is gone there are no others. Code
//! that holds a child, to poll, drop or schedule it, may follow the pointer; a handle may not.

use std::num::NonZeroU32;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::help::watch;
use crate::help::window::Window;
use crate::inspect::spans::SpanId;
use crate::inspect::{Name, Record};
#[cfg(feature = "inspect")]
use crate::inspect::{Origin, Place};
use crate::queue::Kind;
use crate::queue::children::Key;
use crate::queue::list::Link;

/// What a child is spawned as, and where.
#[derive(Clone, Copy, Debug)]
pub struct Spawned {
    pub(crate) kind: Kind,
    pub(crate) at: &'static Location<'static>,
    /// Of a closure, what of it this is.
    #[cfg(any(feature = "inspect", feature = "tracing"))]
    closure: Option<Closure>,
}

impl Spawned {
    /// By the caller of the function that says this.
    #[track_caller]
    pub(crate) fn here(kind: Kind) -> Self {
        let at = Location::caller();
        Self {
            kind,
            at,
            #[cfg(any(feature = "inspect", feature = "tracing"))]
            closure: None,
        }
    }

    /// Of the child that waits for a closure: it is neither in the tree nor in a span.
    #[cfg(feature = "blocking")]
    pub(crate) fn hidden(self) -> Self {
        Self {
            #[cfg(any(feature = "inspect", feature = "tracing"))]
            closure: Some(Closure::Child),
            ..self
        }
    }

    /// Of the closure itself.
    #[cfg(feature = "blocking")]
    pub(crate) fn of_closure(self) -> Self {
        Self {
            #[cfg(any(feature = "inspect", feature = "tracing"))]
            closure: Some(Closure::Itself),
            ..self
        }
    }

    #[inline]
    pub(crate) fn is_hidden(&self) -> bool {
        #[cfg(any(feature = "inspect", feature = "tracing"))]
        return matches!(self.closure, Some(Closure::Child));
        #[cfg(not(any(feature = "inspect", feature = "tracing")))]
        true
    }

    #[cfg(feature = "tracing")]
    pub(crate) fn is_closure(&self) -> bool {
        matches!(self.closure, Some(Closure::Itself))
    }
}

/// What there is of a closure of `spawn_blocking`.
#[cfg(any(feature = "inspect", feature = "tracing"))]
#[derive(Clone, Copy, Debug)]
enum Closure {
    #[cfg_attr(
        not(feature = "blocking"),
        allow(dead_code, reason = "there are none then")
    )]
    Child,
    #[cfg_attr(
        not(feature = "blocking"),
        allow(dead_code, reason = "there are none then")
    )]
    Itself,
}

/// How far a child is; see the module documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Alive = 0,
    Refused = 1,
    Finished = 2,
    Cancelled = 3,
}

/// The metadata of one child.
pub(crate) struct Meta<S> {
    scope: Narrow<*const S>,
    /// While it is in a queue.
    link: Link,
    #[cfg(feature = "inspect")]
    origin: Origin,
    /// Stage, kind, key and what is known of its polls, in one word. Written only by the thread
    /// that holds the child, so a load and a store do.
    status: AtomicU32,
    #[cfg(feature = "inspect")]
    place: Place,
    record: Record,
    span: SpanId,
}

// SAFETY: all that a `Meta` gives out of the pointer is `&S` and `Arc<S>`, which may go to another
// thread if `S` is `Send` and `Sync`.
unsafe impl<S: Send + Sync> Send for Meta<S> {}
// SAFETY: as above.
unsafe impl<S: Send + Sync> Sync for Meta<S> {}

impl<S> Meta<S> {
    #[inline]
    pub(crate) fn new(
        scope: &Arc<S>,
        #[cfg_attr(
            not(feature = "inspect"),
            expect(unused_variables, reason = "it is for trees")
        )]
        name: Name,
        spawned: Spawned,
        span: SpanId,
    ) -> Self {
        let kind = match spawned.kind {
            Kind::Ordinary => 0,
            Kind::Background => BACKGROUND,
        };
        Self {
            scope: Narrow(Arc::as_ptr(scope)),
            link: Link::default(),
            #[cfg(feature = "inspect")]
            origin: Origin::new(name, spawned.at),
            status: AtomicU32::new(kind | Stage::Alive as u32 | NEW),
            #[cfg(feature = "inspect")]
            place: Place::new(false),
            record: Record::new(),
            span,
        }
    }

    /// It was woken, and is to be put in line. Gives what is to be told of that afterwards: by then
    /// the child may be gone.
    #[inline]
    pub(crate) fn is_woken(&self) -> SpanId {
        self.record.is_ready();
        self.span
    }

    /// It is suspended for the first time.
    #[inline]
    pub(crate) fn is_suspended(&self) {
        self.span.is_suspended();
    }

    /// Makes that of a closure.
    #[cfg(all(feature = "inspect", feature = "blocking"))]
    pub(crate) fn of_closure(scope: &Arc<S>, name: Name, spawned: Spawned, span: SpanId) -> Self {
        Self {
            place: Place::new(true),
            ..Self::new(scope, name, spawned, span)
        }
    }

    /// The future is dropped before it has finished; what this returns ends that.
    #[inline]
    pub(crate) fn begin_drop(&self) -> impl Sized + use<S> {
        self.record.begin_drop(self.scope.get().cast())
    }

    /// Returns what is known of it, for trees.
    #[cfg(feature = "inspect")]
    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    #[cfg(feature = "inspect")]
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// A poll of the child, or the closure, begins on this thread; what this returns ends it.
    #[inline]
    pub(crate) fn begin_poll(&self) -> impl Sized + use<'_, S> {
        self.record.begin_poll(self.scope.get().cast())
    }

    /// Returns the shared state of the child's scope.
    ///
    /// # Safety
    ///
    /// The child has not been counted out, and is not while the reference is used, unless the
    /// caller is inside `poll` or the end of the scope, or owns a reference to the shared state.
    #[inline]
    pub(crate) unsafe fn scope<'a>(&self) -> &'a S {
        // SAFETY: the shared state is alive: see "How the scope is reached" above.
        unsafe { &*self.scope.get() }
    }

    /// Returns a counted reference to the shared state of the child's scope.
    ///
    /// # Safety
    ///
    /// The child has not been counted out.
    pub(crate) unsafe fn clone_scope(&self) -> Arc<S> {
        let scope = self.scope.get();
        // SAFETY: the pointer is that of an `Arc`, which is alive, as above.
        unsafe { Arc::increment_strong_count(scope) };
        // SAFETY: the reference that was counted just now is this one.
        unsafe { Arc::from_raw(scope) }
    }

    /// Where the list keeps what is behind it; see [`Link`].
    #[inline]
    pub(crate) fn link(&self) -> &Link {
        &self.link
    }

    /// Returns where it was spawned, and its name.
    #[cfg(feature = "inspect")]
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    #[inline]
    pub(crate) fn stage(&self) -> Stage {
        // Acquire: a thread that sees that the future is gone sees what its destructor did.
        match self.status.load(Ordering::Acquire) & STAGE {
            0 => Stage::Alive,
            1 => Stage::Refused,
            2 => Stage::Finished,
            _ => Stage::Cancelled,
        }
    }

    /// For the code that spawns, polls or drops the child.
    #[inline]
    pub(crate) fn set_stage(&self, stage: Stage) {
        let rest = self.status.load(Ordering::Relaxed) & !STAGE;
        self.status.store(rest | stage as u32, Ordering::Release);
    }

    #[inline]
    pub(crate) fn kind(&self) -> Kind {
        match self.status.load(Ordering::Relaxed) & BACKGROUND {
            0 => Kind::Ordinary,
            _ => Kind::Background,
        }
    }

    #[inline]
    pub(crate) fn key(&self) -> Option<Key> {
        NonZeroU32::new(self.status.load(Ordering::Relaxed) >> KEY_SHIFT).map(Key)
    }

    /// Returns whether the last poll of the child was slow, of those that were measured.
    #[inline]
    pub(crate) fn is_slow(&self) -> bool {
        self.status.load(Ordering::Relaxed) & DOUBT == SLOW
    }

    /// Returns whether the next poll may well be slow: unless two that were measured were not, one
    /// after the other, and three if one was slow before.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.status.load(Ordering::Relaxed) & DOUBT != 0
    }

    /// Notes whether the poll that ends now was slow, if it is one in this window. For the code
    /// that polls the child.
    #[inline(never)]
    pub(crate) fn note_poll(&self, window: &Window) {
        if let Some(was_slow) = watch::was_slow(window) {
            let status = self.status.load(Ordering::Relaxed);
            let doubt = match was_slow {
                true => SLOW,
                false => (status & DOUBT).saturating_sub(LESS),
            };
            let rest = status & !DOUBT;
            self.status.store(rest | doubt, Ordering::Relaxed);
        }
    }

    /// For the code that polls the child.
    pub(crate) fn set_key(&self, key: Key) {
        const { assert!(Key::LARGEST <= u32::MAX >> KEY_SHIFT) };
        let rest = self.status.load(Ordering::Relaxed) & (STAGE | BACKGROUND | DOUBT);
        self.status
            .store(rest | key.0.get() << KEY_SHIFT, Ordering::Relaxed);
    }
}

// The parts of the status.
const STAGE: u32 = 0b11;
const BACKGROUND: u32 = 0b100;
const DOUBT: u32 = 0b1_1000;
const SLOW: u32 = 0b1_1000;
const NEW: u32 = 0b1_0000;
const LESS: u32 = 0b0_1000;
const KEY_SHIFT: u32 = 5;

/// A pointer that is not aligned to its size, so that what comes behind it, here and in
/// async-task's header, finds room where there would be padding: eight bytes for each child.
#[derive(Clone, Copy)]
#[repr(Rust, packed(4))]
struct Narrow<T>(T);

impl<T: Copy> Narrow<T> {
    #[inline]
    fn get(self) -> T {
        self.0
    }
}

/// Each child has one.
#[cfg(not(any(feature = "inspect", feature = "tracing", loom)))]
const _: () = assert!(size_of::<Meta<()>>() == 2 * size_of::<usize>() + 4);
