//! A closure on the blocking pool, and the child that waits for it.
//!
//! The closure is `'static` and borrows nothing of the scope, so it is no danger if it runs on; but
//! an end that is awaited waits for it all the same: see [`crate::run::closures`]. [`Closure`] is
//! what the child and the thread of the pool share. One lock decides between them, above all
//! whether the closure is started or skipped.
//!
//! # Progress
//!
//! | progress | means | left when |
//! |---|---|---|
//! | [`Queued`](Progress::Queued) | it is in here | a thread starts it; its child is dropped: it is skipped, and dropped with that |
//! | [`Running`](Progress::Running) | a thread is in it | it returns or panics; its child is dropped |
//! | [`Lingering`](Progress::Lingering) | likewise, and its value is not wanted | it returns or panics |
//! | [`Done`](Progress::Done) | its value is in here, unless it panicked | its child takes the value or is dropped |
//! | [`Over`](Progress::Over) | nothing is left of it | – |
//!
//! # Invariants
//!
//! 1. Nothing of the user's is dropped under the lock: closures and values are moved out first.
//! 2. What the pool holds is a shell: when its child is gone there is neither closure nor value in
//!    it, so it does not matter when the pool comes to it.
//! 3. A panic of the closure is kept by the scope that waits for it before the progress says that
//!    it is over, and that scope is stopped for it afterwards. So an end that was awaited knows of
//!    all panics.
#![forbid(unsafe_code)]

use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::inspect::spans::ChildSpan;
use crate::inspect::{ClosureRecord, Name};
use crate::panic::{Payload, catch, discard, wake};
use crate::run::closures::Closures;
use crate::run::current::enter;
use crate::run::shared::Shared;
use crate::sync::Mutex;
use crate::task::metadata::Spawned;

/// What a child and a thread of the pool share.
pub(crate) struct Closure<F, T> {
    state: Mutex<State<F, T>>,
    shared: Arc<Shared>,
    record: ClosureRecord,
    span: ChildSpan,
}

struct State<F, T> {
    progress: Progress<F, T>,
    /// The waker of the child, once that was polled.
    waker: Option<Waker>,
}

/// How far a closure is; see the table in the module documentation.
enum Progress<F, T> {
    /// In a box, so that what the pool holds of a large one that was skipped is small.
    Queued(Box<F>),
    Running,
    Lingering,
    Done(Option<T>),
    Over,
}

impl<F, T> Closure<F, T>
where
    F: FnOnce() -> T,
{
    /// Runs the closure, unless it was skipped. For a thread that may block.
    pub(crate) fn run(&self) {
        let Some(closure) = self.start() else {
            return;
        };
        // A scope that the closure opens is inside this one.
        let inside = |_| catch(closure);
        let outcome = {
            let _in_closure = self.record.begin();
            let _in_span = self.span.enter();
            enter(&self.shared, None, false, inside)
        };
        match outcome {
            Ok(value) => self.end(Some(value)),
            Err(payload) => {
                let owner = self.keep(payload);
                self.end(None);
                owner.fail_for_panic();
            }
        }
    }

    /// Hands a panic to the scope that waits for the closure, which this gives, and wakes no task
    /// yet.
    fn keep(&self, payload: Payload) -> Arc<Shared> {
        let (owner, late) = Closures::with_owner(&self.shared, |owner| {
            (Arc::clone(owner), owner.keep_panic(payload))
        });
        if let Some(late) = late {
            discard(late); // now, while the scope waits
        }
        owner
    }

    fn start(&self) -> Option<Box<F>> {
        let mut state = self.state.lock();
        match mem::replace(&mut state.progress, Progress::Running) {
            Progress::Queued(closure) => Some(closure),
            skipped => {
                state.progress = skipped;
                None
            }
        }
    }

    fn end(&self, value: Option<T>) {
        let mut state = self.state.lock();
        if let Progress::Lingering = state.progress {
            state.progress = Progress::Over;
            drop(state);
            match catch(|| drop(value)) {
                Ok(()) => {
                    self.record.leave();
                    Closures::leave(&self.shared);
                }
                Err(payload) => {
                    let owner = self.keep(payload);
                    self.record.leave();
                    Closures::leave(&self.shared);
                    owner.fail_for_panic();
                }
            }
        } else {
            state.progress = Progress::Done(value);
            let waker = state.waker.take();
            drop(state);
            wake(waker);
        }
    }
}

/// The child that waits for a closure. Dropping it skips the closure, or lets it linger.
pub(crate) struct BlockingChild<F, T>(Arc<Closure<F, T>>);

impl<F, T> BlockingChild<F, T> {
    pub(crate) fn new(closure: Box<F>, shared: &Arc<Shared>, name: Name, spawned: Spawned) -> Self {
        let span = ChildSpan::new(&name, spawned);
        let closure = Self(Arc::new(Closure {
            state: Mutex::new(State {
                progress: Progress::Queued(closure),
                waker: None,
            }),
            shared: Arc::clone(shared),
            record: ClosureRecord::new(shared, name, spawned, &span),
            span,
        }));
        closure.0.record.enter();
        closure
    }

    /// Returns the closure, for a thread that will run it.
    pub(crate) fn closure(&self) -> Arc<Closure<F, T>> {
        Arc::clone(&self.0)
    }
}

impl<F, T> Future for BlockingChild<F, T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let waker = cx.waker().clone();
        let mut state = self.0.state.lock();
        match &mut state.progress {
            Progress::Done(value) => {
                if let Some(value) = value.take() {
                    return Poll::Ready(value);
                }
                // It panicked; the scope ends.
            }
            _ => {
                let stale = state.waker.replace(waker);
                drop(state);
                drop(stale);
            }
        }
        Poll::Pending
    }
}

impl<F, T> Drop for BlockingChild<F, T> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        let next = match state.progress {
            Progress::Running => {
                self.0.shared.closures.enter();
                Progress::Lingering
            }
            _ => Progress::Over,
        };
        let is_over = matches!(next, Progress::Over);
        let last = mem::replace(&mut state.progress, next);
        let waker = state.waker.take();
        drop(state);
        drop(waker);
        // Nothing is left of it but the closure that was skipped, or the value that was not taken.
        if is_over {
            self.0.record.leave();
        }
        drop(last);
    }
}
