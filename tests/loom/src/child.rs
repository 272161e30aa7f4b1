//! The model's child: takes the place of `src/task/child.rs` and of async-task behind it.
//!
//! async-task is not under test, so its state machine is cut down to what decides here: of all who
//! wake a child, the one that sets SCHEDULED makes the runnable and pushes it, some instructions
//! later. The steps of polls and of the destructor are those of `Child`, in the same order.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool as AtomicFlag, AtomicUsize as Count};
use std::task::{Wake, Waker};

use loom::thread::ThreadId;

use crate::help::serving::{count_out, keep, keep_new};
use crate::help::ticket::call_for_push;
use crate::life::end_orphan;
use crate::queue::children::Key;
use crate::queue::list::{Link, Linked};
use crate::queue::{Kind, Queue};
use crate::run::shared::Shared;
use crate::support::Lent;
use crate::sync::{AtomicBool, AtomicUsize, Ordering};

/// The child waits for a waker.
const SUSPENDED: usize = 0;
/// A runnable of this child exists, or is about to be pushed.
const SCHEDULED: usize = 1;
/// The child is being polled. Whoever sets SCHEDULED now leaves the push to the poller.
const RUNNING: usize = 2;
/// The future is not polled again: it is gone, or will be dropped by whoever has the runnable.
const CLOSED: usize = 4;

/// A thread; like the counts, none of loom's business.
type Thread = std::sync::Mutex<Option<ThreadId>>;

/// A child with its allocation. Its future is pending until the child is told to finish.
pub(crate) struct Task {
    shared: Arc<Shared>,
    kind: Kind,
    /// The child's key in the registry; none of loom's business, as it is written by who polls.
    key: std::sync::Mutex<Option<Key>>,
    /// While it is in a queue.
    link: Link,
    state: AtomicUsize,
    refused: AtomicBool,
    /// Makes the future end the scope when it is polled, as by an `Err`.
    fails: AtomicBool,
    /// What the future waits for.
    may_finish: AtomicBool,
    /// Whether it counts as slow. Set before the child is added.
    slow: AtomicBool,
    /// In how many polls it still wakes itself.
    yields: AtomicUsize,
    /// What the last poll does, the one that finishes. Set before the child is added.
    last: std::sync::Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// What the future borrows.
    lent: Lent,
    // What happened, for assertions. These are no atomics of the model: loom does not see them,
    // so they are exact at every moment and order nothing.
    polls: Count,
    polled_by: Thread,
    has_moved: AtomicFlag,
    drops: Count,
    pushes: Count,
}

impl Task {
    /// A child that `scope` will have; it starts with [`add`](Self::add).
    pub(crate) fn new(shared: &Arc<Shared>, kind: Kind) -> Arc<Self> {
        Arc::new(Self {
            shared: Arc::clone(shared),
            kind,
            key: std::sync::Mutex::default(),
            link: Link::default(),
            state: AtomicUsize::new(SCHEDULED),
            refused: AtomicBool::new(false),
            fails: AtomicBool::new(false),
            may_finish: AtomicBool::new(false),
            slow: AtomicBool::new(false),
            yields: AtomicUsize::new(0),
            last: std::sync::Mutex::default(),
            lent: Lent::new(),
            polls: Count::new(0),
            polled_by: Thread::default(),
            has_moved: AtomicFlag::new(false),
            drops: Count::new(0),
            pushes: Count::new(0),
        })
    }

    /// Ends like `child::spawn`: true if the scope took the child, which is dropped otherwise.
    pub(crate) fn add(self: &Arc<Self>) -> bool {
        let (queue, kind) = (&self.shared.queue, self.kind);
        let added = keep_new(&self.shared, Runnable::new(self), kind).map(|()| false);
        match added.or_else(|runnable| queue.add_elsewhere(runnable, kind)) {
            Ok(wants_help) => {
                if wants_help {
                    call_for_push(&self.shared);
                    if self.shared.tickets.is_orphan() {
                        end_orphan(&self.shared);
                    }
                }
                true
            }
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

    /// Makes it wake itself in its next polls, and not finish before.
    pub(crate) fn let_yield(&self, times: usize) {
        self.yields.store(times, Ordering::Release);
    }

    /// Makes it one whose polls are slow.
    pub(crate) fn be_slow(&self) {
        self.slow.store(true, Ordering::Release);
    }

    /// Returns whether it is one.
    pub(crate) fn is_slow(&self) -> bool {
        self.slow.load(Ordering::Acquire)
    }

    pub(crate) fn is_doubtful(&self) -> bool {
        self.is_slow()
    }

    /// Has the poll in which it finishes do this before.
    pub(crate) fn at_last(&self, act: impl FnOnce() + Send + 'static) {
        *self.last.lock().unwrap() = Some(Box::new(act));
    }

    /// Makes the future fail at its next poll.
    pub(crate) fn let_fail(&self) {
        self.fails.store(true, Ordering::Release);
    }

    /// Like `Task::cancel` of async-task: closes the child, and pushes it unless somebody has it.
    pub(crate) fn cancel(self: &Arc<Self>) {
        let mut state = self.state.load(Ordering::Acquire);
        while state & CLOSED == 0 {
            let is_idle = state & (SCHEDULED | RUNNING) == 0;
            let new = state | CLOSED | if is_idle { SCHEDULED } else { 0 };
            let swap = self
                .state
                .compare_exchange(state, new, Ordering::AcqRel, Ordering::Acquire);
            match swap {
                Ok(_) if is_idle => return self.schedule(),
                Ok(_) => return,
                Err(now) => state = now,
            }
        }
    }

    pub(crate) fn polls(&self) -> usize {
        self.polls.load(Ordering::Relaxed)
    }

    /// Whether this thread was the last to poll it.
    pub(crate) fn was_polled_here(&self) -> bool {
        *self.polled_by.lock().unwrap() == Some(loom::thread::current().id())
    }

    /// Whether different threads polled it.
    pub(crate) fn has_moved(&self) -> bool {
        self.has_moved.load(Ordering::Relaxed)
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

    /// True if the poll finished.
    fn poll(&self, waker: &Waker) -> bool {
        self.polls.fetch_add(1, Ordering::Relaxed);
        let here = loom::thread::current().id();
        let before = self.polled_by.lock().unwrap().replace(here);
        if before.is_some_and(|before| before != here) {
            self.has_moved.store(true, Ordering::Relaxed);
        }
        self.lent.borrow();
        let yields = self.yields.load(Ordering::Acquire);
        if yields == 0 && self.may_finish.load(Ordering::Acquire) {
            let last = self.last.lock().unwrap().take();
            if let Some(last) = last {
                last();
            }
            return true;
        }
        if yields > 0 {
            self.yields.store(yields - 1, Ordering::Release);
            waker.wake_by_ref();
        }
        if self.fails.load(Ordering::Acquire) {
            self.shared.failed();
        }
        let is_new = self.key.lock().unwrap().is_none();
        let is_left = if is_new {
            let key = self.shared.queue.suspend(waker);
            *self.key.lock().unwrap() = key;
            key.is_none()
        } else {
            self.shared.queue.is_left_in_hand()
        };
        if is_left {
            waker.wake_by_ref();
        }
        false
    }

    /// The destructor of `Child`.
    fn drop_future(&self) {
        self.drops.fetch_add(1, Ordering::Relaxed);
        self.lent.borrow();
        if !self.refused.load(Ordering::Acquire) {
            let key = *self.key.lock().unwrap();
            let address = std::ptr::from_ref(self).addr();
            drop(count_out(&self.shared, self.kind, key, address));
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

    /// Makes the runnable and pushes it: the schedule function of `src/task/child.rs`.
    fn schedule(self: &Arc<Self>) {
        self.pushes.fetch_add(1, Ordering::Relaxed);
        if let Err(runnable) = keep(&self.shared, Runnable::new(self)) {
            if let Some(shared) = Queue::push_elsewhere(Arc::clone(&self.shared), runnable) {
                call_for_push(&shared);
            }
        }
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        Self::wake(&self);
    }
}

/// A child that is scheduled. Dropping it drops the future, like async-task's.
pub(crate) struct Runnable<M>(Option<Arc<Task>>, PhantomData<fn(M)>);

// SAFETY: it is the counted reference that it is made of, and a link that nobody else is given.
unsafe impl<M> Linked for Runnable<M> {
    fn into_raw(mut self) -> *mut () {
        let task = self.0.take().expect("it has not been run");
        Arc::into_raw(task).cast_mut().cast()
    }

    unsafe fn from_raw(raw: *mut ()) -> Self {
        // SAFETY: as promised, this comes from `into_raw`.
        Self(Some(unsafe { Arc::from_raw(raw.cast()) }), PhantomData)
    }

    fn link(&self) -> &Link {
        &self.metadata().link
    }
}

impl<M> Runnable<M> {
    fn new(task: &Arc<Task>) -> Self {
        Self(Some(Arc::clone(task)), PhantomData)
    }

    /// What is at the address by which a pen knows the child.
    pub(crate) fn metadata(&self) -> &Task {
        self.0.as_ref().expect("it has not been run")
    }

    /// Polls the child; true if it was woken meanwhile.
    pub(crate) fn run(mut self) -> bool {
        let Some(task) = self.0.take() else {
            unreachable!("a runnable has its child until it is run");
        };
        let mut state = task.state.load(Ordering::Acquire);
        loop {
            if state & CLOSED != 0 {
                task.drop_future();
                return false;
            }
            let swap =
                task.state
                    .compare_exchange(state, RUNNING, Ordering::AcqRel, Ordering::Acquire);
            match swap {
                Ok(_) => break,
                Err(now) => state = now,
            }
        }
        let waker = Waker::from(Arc::clone(&task));
        if task.poll(&waker) {
            task.drop_future();
            task.state.swap(CLOSED, Ordering::AcqRel);
            return false;
        }
        let before = task.state.fetch_and(!RUNNING, Ordering::AcqRel);
        if before & CLOSED != 0 {
            task.drop_future(); // whoever closed it has left that to us
            return false;
        }
        let woken = before & SCHEDULED != 0;
        if woken {
            task.schedule();
        }
        woken
    }
}

impl<M> Drop for Runnable<M> {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            task.state.swap(CLOSED, Ordering::AcqRel);
            task.drop_future();
        }
    }
}
