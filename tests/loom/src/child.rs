//! The model's child: takes the place of `src/child.rs` and of async-task behind it.
//!
//! async-task is not under test, so its state machine is cut down to what decides here: of all who
//! wake a child, the one that sets SCHEDULED makes the runnable and pushes it, some instructions
//! later. The steps of polls and of the destructor are those of `Child`, in the same order.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize as Count;
use std::task::{Wake, Waker};

use loom::thread::ThreadId;

use crate::ready::Kind;
use crate::shared::Shared;
use crate::support::Lent;
use crate::suspended::Slot;
use crate::sync::{AtomicBool, AtomicUsize, Ordering};

/// The child waits for a waker.
const SUSPENDED: usize = 0;
/// A runnable of this child exists, or is about to be pushed.
const SCHEDULED: usize = 1;
/// The child is being polled. Whoever sets SCHEDULED now leaves the push to the poller.
const RUNNING: usize = 2;
/// The future is gone, or is being dropped.
const CLOSED: usize = 4;

/// A thread; like the counts, none of loom's business.
type Thread = std::sync::Mutex<Option<ThreadId>>;

/// A child with its allocation. Its future is pending until the child is told to finish.
#[derive(Debug)]
pub(crate) struct Task {
    shared: Arc<Shared>,
    kind: Kind,
    slot: Slot,
    state: AtomicUsize,
    refused: AtomicBool,
    cancel: AtomicBool,
    /// Makes the future end the scope when it is polled, as by an `Err`.
    fails: AtomicBool,
    /// What the future waits for.
    may_finish: AtomicBool,
    /// What the future borrows.
    lent: Lent,
    // What happened, for assertions. These are no atomics of the model: loom does not see them,
    // so they are exact at every moment and order nothing.
    polls: Count,
    polled_by: Thread,
    drops: Count,
    pushes: Count,
}

impl Task {
    /// A child that `scope` will have; it starts with [`add`](Self::add).
    pub(crate) fn new(shared: &Arc<Shared>, kind: Kind) -> Arc<Self> {
        Arc::new(Self {
            shared: Arc::clone(shared),
            kind,
            slot: Slot::none(),
            state: AtomicUsize::new(SCHEDULED),
            refused: AtomicBool::new(false),
            cancel: AtomicBool::new(false),
            fails: AtomicBool::new(false),
            may_finish: AtomicBool::new(false),
            lent: Lent::new(),
            polls: Count::new(0),
            polled_by: Thread::default(),
            drops: Count::new(0),
            pushes: Count::new(0),
        })
    }

    /// Ends like `child::spawn`: true if the scope took the child, which is dropped otherwise.
    pub(crate) fn add(self: &Arc<Self>) -> bool {
        let runnable = Runnable(Some(Arc::clone(self)));
        match self.shared.ready.add(runnable, self.kind) {
            Ok(()) => true,
            Err(refused) => {
                self.refused.store(true, Ordering::Release);
                drop(refused);
                false
            }
        }
    }

    /// Lets the future finish at its next poll, and wakes it for that.
    pub(crate) fn let_finish(self: &Arc<Self>) {
        self.may_finish.store(true, Ordering::Release);
        self.wake();
    }

    /// Makes the future fail at its next poll.
    pub(crate) fn let_fail(&self) {
        self.fails.store(true, Ordering::Release);
    }

    /// Like `Meta::cancel`.
    pub(crate) fn cancel(&self) {
        self.cancel.store(true, Ordering::Release);
        self.shared.suspended.wake(&self.slot);
    }

    pub(crate) fn polls(&self) -> usize {
        self.polls.load(Ordering::Relaxed)
    }

    /// Whether this thread was the last to poll it.
    pub(crate) fn was_polled_here(&self) -> bool {
        *self.polled_by.lock().unwrap() == Some(loom::thread::current().id())
    }

    /// How often its future was dropped.
    pub(crate) fn drops(&self) -> usize {
        self.drops.load(Ordering::Relaxed)
    }

    /// How often a wake-up put it on the ready queue.
    pub(crate) fn pushes(&self) -> usize {
        self.pushes.load(Ordering::Relaxed)
    }

    pub(crate) fn lent(&self) -> &Lent {
        &self.lent
    }

    /// True if a poll of the future, or of the wrapper around it, finished.
    fn poll(&self, waker: &Waker) -> bool {
        if self.is_cancel_requested() {
            return true;
        }
        self.polls.fetch_add(1, Ordering::Relaxed);
        *self.polled_by.lock().unwrap() = Some(loom::thread::current().id());
        self.lent.borrow();
        if self.may_finish.load(Ordering::Acquire) {
            return true;
        }
        if self.fails.load(Ordering::Acquire) {
            self.shared.stop();
        }
        self.shared.suspended.enter(&self.slot, waker);
        self.is_cancel_requested()
    }

    fn is_cancel_requested(&self) -> bool {
        self.cancel.load(Ordering::Acquire)
    }

    /// The destructor of `Child`.
    fn drop_future(&self) {
        self.drops.fetch_add(1, Ordering::Relaxed);
        self.lent.borrow();
        self.shared.suspended.leave(&self.slot);
        if !self.refused.load(Ordering::Acquire) {
            self.shared.ready.finish(self.kind);
        }
    }

    /// Wakes the child; true if this is the wake-up that pushed it.
    ///
    /// Like async-task, this writes the state even if SCHEDULED is set already: that is what makes
    /// the poll which is due see everything that the waking thread did before.
    pub(crate) fn wake(self: &Arc<Self>) -> bool {
        let mut state = self.state.load(Ordering::Acquire);
        while state & CLOSED == 0 {
            let scheduled = state | SCHEDULED;
            let swap =
                self.state
                    .compare_exchange(state, scheduled, Ordering::AcqRel, Ordering::Acquire);
            match swap {
                Ok(SUSPENDED) => {
                    self.schedule();
                    return true;
                }
                Ok(_) => return false,
                Err(now) => state = now,
            }
        }
        false
    }

    /// Makes the runnable and pushes it: the schedule function of `src/child.rs`.
    fn schedule(self: &Arc<Self>) {
        self.pushes.fetch_add(1, Ordering::Relaxed);
        self.shared.ready.push(Runnable(Some(Arc::clone(self))));
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        Self::wake(&self);
    }
}

/// A child that is scheduled. Dropping it drops the future, like async-task's.
#[derive(Debug)]
pub(crate) struct Runnable(Option<Arc<Task>>);

impl Runnable {
    /// Polls the child; true if it was woken meanwhile.
    pub(crate) fn run(mut self) -> bool {
        let Some(task) = self.0.take() else {
            unreachable!("a runnable has its child until it is run");
        };
        task.state.swap(RUNNING, Ordering::AcqRel);
        let waker = Waker::from(Arc::clone(&task));
        if task.poll(&waker) {
            task.drop_future();
            task.state.swap(CLOSED, Ordering::AcqRel);
            return false;
        }
        let before = task.state.fetch_and(!RUNNING, Ordering::AcqRel);
        let woken = before & SCHEDULED != 0;
        if woken {
            task.schedule();
        }
        woken
    }
}

impl Drop for Runnable {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            task.state.swap(CLOSED, Ordering::AcqRel);
            task.drop_future();
        }
    }
}
