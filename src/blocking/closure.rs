//! A closure on the blocking pool, and the child that waits for it.
//!
//! The closure is `'static` and borrows nothing of the scope, so it is no danger if it runs on; but
//! the scope is to be waited for it all the same. [`Closure`] is what the child and the thread of
//! the pool share. One lock decides between them, above all whether the closure is started or
//! skipped.
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
//! 3. A panic of the closure is kept by the scope before the progress says that it is over, and the
//!    scope is stopped for it afterwards. So a scope that was waited for knows of all panics; and
//!    who is woken by the stop, on this very thread, can drop the scope, for nothing is to be
//!    waited for.
#![forbid(unsafe_code)]

use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::panic::{Payload, catch, discard, wake};
use crate::run::current::enter;
use crate::run::shared::Shared;
use crate::sync::Mutex;

/// What a child and a thread of the pool share.
pub(crate) struct Closure<F, T> {
    state: Mutex<State<F, T>>,
    shared: Arc<Shared>,
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
        match enter(&self.shared, &None, false, inside) {
            Ok(value) => self.end(Some(value)),
            Err(payload) => {
                self.keep(payload);
                self.end(None);
                self.shared.fail_for_panic();
            }
        }
    }

    /// Hands a panic to the scope, and wakes no task yet.
    fn keep(&self, payload: Payload) {
        if let Some(late) = self.shared.keep_panic(payload) {
            discard(late); // now, while the scope waits
        }
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
                Ok(()) => self.shared.closures.leave(),
                Err(payload) => {
                    self.keep(payload);
                    self.shared.closures.leave();
                    self.shared.fail_for_panic();
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
pub(crate) struct BlockingChild<F, T, D> {
    closure: Arc<Closure<F, T>>,
    /// Hands the closure to the pool; for the first poll.
    dispatch: Option<D>,
}

impl<F, T, D> BlockingChild<F, T, D> {
    pub(crate) fn new(closure: F, shared: &Arc<Shared>, dispatch: D) -> Self {
        Self {
            closure: Arc::new(Closure {
                state: Mutex::new(State {
                    progress: Progress::Queued(Box::new(closure)),
                    waker: None,
                }),
                shared: Arc::clone(shared),
            }),
            dispatch: Some(dispatch),
        }
    }
}

// No field is pinned.
impl<F, T, D> Unpin for BlockingChild<F, T, D> {}

impl<F, T, D> Future for BlockingChild<F, T, D>
where
    D: FnOnce(Arc<Closure<F, T>>),
{
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let waker = cx.waker().clone();
        let mut state = self.closure.state.lock();
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
                if let Some(dispatch) = self.dispatch.take() {
                    dispatch(Arc::clone(&self.closure));
                }
            }
        }
        Poll::Pending
    }
}

impl<F, T, D> Drop for BlockingChild<F, T, D> {
    fn drop(&mut self) {
        let mut state = self.closure.state.lock();
        let next = match state.progress {
            Progress::Running => {
                self.closure.shared.closures.enter();
                Progress::Lingering
            }
            _ => Progress::Over,
        };
        let last = mem::replace(&mut state.progress, next);
        let waker = state.waker.take();
        drop(state);
        drop(waker);
        // The closure that was skipped, or the value that was not taken.
        drop(last);
    }
}
