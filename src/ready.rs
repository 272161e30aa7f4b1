//! The ready queue: which children can run, whether the body can, and whom to wake for it.
//!
//! # What it promises
//!
//! * A runnable that was pushed is handed out exactly once, first in, first out.
//! * No wake-up is lost: whoever makes the scope ready while it is idle wakes the task that polls
//!   the scope, exactly once.
//! * Nobody is added after the end, and nobody who was added before it is overlooked by it.
//!
//! # States
//!
//! One lock holds everything that decides. The scope is
//!
//! * **busy** while it is inside `poll`, or is about to be: no waker is stored. A push only
//!   appends, whoever is in `poll` will see it.
//! * **idle** between two polls: the waker of the task that polls the scope is stored. A push
//!   appends, takes the waker out (so the scope is busy again) and wakes it after unlocking.
//! * **ended** for ever after [`end`](Ready::end), or after [`next`](Ready::next) said
//!   [`Done`](Next::Done): [`add`](Ready::add) refuses. Pushes still append, for the end collects
//!   them.
//!
//! # Invariants
//!
//! 1. `poll` stores the waker under the lock, and only if it sees no runnable and no woken body
//!    there. So between that look and the storing nothing can be pushed: no lost wake-up.
//! 2. A child is counted as alive in the same critical section that pushes its first runnable.
//!    So the end, which marks `ended` in a critical section of its own, finds a child either
//!    refused, or counted *and* pushed.
//! 3. A child is counted out as the last act of its destructor, after its future is gone. So
//!    "no child is alive" means "every future has been dropped".
//! 4. No foreign code runs under the lock: wakers are cloned before, and woken and dropped after.
//!    `Waker::will_wake` compares two pointers and is not foreign.
//!
//! # The end
//!
//! [`drain`](Ready::drain) hands out runnables until no child is alive. A waker on another thread
//! can have marked its child as scheduled without having pushed the runnable yet: then the queue
//! is empty, the count is not met, and `drain` waits. What it waits for is that push, a few
//! instructions away on the other thread; [`push`](Ready::push) signals `late` if it sees that the
//! end is `waiting`. Both look and signal hold the lock, so the signal cannot be missed.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::mem;
use std::task::Waker;

use crate::panic::wake;
use crate::sync::{AtomicBool, AtomicUsize, Condvar, Mutex, Ordering};

/// Whether a child keeps its scope open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The scope waits for it.
    Ordinary,
    /// The scope cancels it once the body and all ordinary children are done.
    Background,
}

/// What the scope does next; see [`Ready::next`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Run what is in the batch, then poll the body if it was woken.
    Run,
    /// Nothing to do and no waker to wait with: clone the caller's, outside the lock, and ask again.
    NeedWaker,
    /// Nothing to do: return `Pending`. The waker is stored.
    Idle,
    /// The body and all ordinary children are done. The scope has ended.
    Done,
}

/// The waker of the task that polls the scope, as one poll knows it.
#[derive(Debug)]
pub(crate) struct Caller<'a> {
    current: &'a Waker,
    /// What the poll will leave behind when it goes idle: what an earlier poll left, or a clone of
    /// `current`.
    kept: Option<Waker>,
    /// Whether `kept` wakes the same task as `current`. Set without asking for a clone, which need
    /// not compare equal to what it was cloned from.
    is_current: bool,
}

impl<'a> Caller<'a> {
    pub(crate) fn new(current: &'a Waker) -> Self {
        Self {
            current,
            kept: None,
            is_current: false,
        }
    }

    /// Clones the current waker, which is foreign code; gives back what it replaces.
    pub(crate) fn keep_current(&mut self) -> Option<Waker> {
        let clone = self.current.clone();
        self.is_current = true;
        self.kept.replace(clone)
    }

    /// What was not left behind, to be dropped outside the lock.
    pub(crate) fn into_kept(self) -> Option<Waker> {
        self.kept
    }

    fn take_back(&mut self, waker: &mut Option<Waker>) {
        if let Some(waker) = waker.take() {
            self.is_current = waker.will_wake(self.current);
            self.kept = Some(waker);
        }
    }
}

/// The ready queue of one scope; generic so that the models can run it without async-task.
#[derive(Debug)]
pub(crate) struct Ready<R> {
    state: Mutex<State<R>>,
    /// Set under the lock; taken by the poll that is about to poll the body.
    body_woken: AtomicBool,
    /// Signalled by a push that finds the end waiting for it.
    late: Condvar,
    /// Ordinary children that are alive. Raised under the lock, lowered by destructors.
    ordinary: AtomicUsize,
    /// The same for background children.
    background: AtomicUsize,
    /// A copy of `State::ended` for those who only want to know.
    ended: AtomicBool,
}

#[derive(Debug)]
struct State<R> {
    queue: VecDeque<R>,
    ended: bool,
    /// Set while the end waits for a late push.
    waiting: bool,
    /// Whom to wake; stored only while the scope is idle.
    waker: Option<Waker>,
}

impl<R> State<R> {
    fn take(&mut self, batch: &mut VecDeque<R>, most: usize) -> usize {
        let count = most.min(self.queue.len());
        batch.extend(self.queue.drain(..count));
        self.queue.len()
    }
}

impl<R> Ready<R> {
    /// A queue whose body counts as woken, so that the first poll starts it.
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                queue: VecDeque::new(),
                ended: false,
                waiting: false,
                waker: None,
            }),
            body_woken: AtomicBool::new(true),
            late: Condvar::new(),
            ordinary: AtomicUsize::new(0),
            background: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
        }
    }

    /// Adds a child with its first runnable, or gives the runnable back if the scope has ended.
    pub(crate) fn add(&self, runnable: R, kind: Kind) -> Result<(), R> {
        let mut state = self.state.lock();
        if state.ended {
            return Err(runnable);
        }
        self.alive(kind).fetch_add(1, Ordering::Relaxed);
        state.queue.push_back(runnable);
        let waker = state.waker.take();
        drop(state);
        wake(waker);
        Ok(())
    }

    /// Appends the runnable of a child that was woken. Never unwinds, never drops a runnable.
    pub(crate) fn push(&self, runnable: R) {
        let mut state = self.state.lock();
        state.queue.push_back(runnable);
        if state.waiting {
            self.late.notify_one();
        }
        let waker = state.waker.take();
        drop(state);
        wake(waker);
    }

    /// Marks the body as woken.
    pub(crate) fn wake_body(&self) {
        let mut state = self.state.lock();
        // Release: what the waker's thread did before is visible to the poll of the body. An
        // exchange rather than a store, for loom: it does not know that a store which an exchange
        // did not read must come after it.
        self.body_woken.swap(true, Ordering::Release);
        let waker = state.waker.take();
        drop(state);
        wake(waker);
    }

    /// Whether the body was woken; from here on it is not.
    pub(crate) fn take_body_woken(&self) -> bool {
        self.body_woken.load(Ordering::Relaxed) && self.body_woken.swap(false, Ordering::Acquire)
    }

    /// Counts a child out. The very last thing that its destructor does.
    pub(crate) fn finish(&self, kind: Kind) {
        // Release: the end acquires this count, and with it everything the destructor did.
        self.alive(kind).fetch_sub(1, Ordering::Release);
    }

    /// Decides what a scope inside `poll` does next.
    ///
    /// An empty `batch` is swapped for the whole queue; a batch with a rest in it is older than
    /// the queue and goes first. A waker that an earlier poll stored goes back to the caller, who
    /// can leave it here again, or drop it outside the lock.
    pub(crate) fn next(
        &self,
        batch: &mut VecDeque<R>,
        body_done: bool,
        caller: &mut Caller<'_>,
    ) -> Next {
        let mut state = self.state.lock();
        caller.take_back(&mut state.waker);
        if body_done && self.ordinary() == 0 {
            self.mark_ended(&mut state);
            return Next::Done;
        }
        if batch.is_empty() {
            mem::swap(batch, &mut state.queue);
        }
        let body_woken = !body_done && self.body_woken.load(Ordering::Relaxed);
        if body_woken || !batch.is_empty() {
            return Next::Run;
        }
        if !caller.is_current {
            return Next::NeedWaker;
        }
        state.waker = caller.kept.take();
        Next::Idle
    }

    /// Moves up to `most` runnables into `batch`, which is empty; how many are left.
    pub(crate) fn take(&self, batch: &mut VecDeque<R>, most: usize) -> usize {
        self.state.lock().take(batch, most)
    }

    /// Hands back runnables that were taken and have not run; they stay first in line.
    pub(crate) fn put_back(&self, batch: &mut VecDeque<R>) {
        if !batch.is_empty() {
            let mut state = self.state.lock();
            batch.append(&mut state.queue);
            mem::swap(batch, &mut state.queue);
        }
    }

    /// Ends the scope: no child can be added from here on. Gives back the stored waker, to be
    /// dropped outside the lock.
    pub(crate) fn end(&self) -> Option<Waker> {
        let mut state = self.state.lock();
        self.mark_ended(&mut state);
        state.waker.take()
    }

    /// Moves what is ready into `batch`, waiting for it if it is still on its way.
    ///
    /// False once no child is alive. Only for a scope that has ended and has woken its suspended
    /// children: each child that is alive then has a runnable which is queued or about to be.
    pub(crate) fn drain(&self, batch: &mut VecDeque<R>) -> bool {
        let mut state = self.state.lock();
        loop {
            if !state.queue.is_empty() {
                batch.append(&mut state.queue);
                return true;
            }
            if self.len() == 0 {
                return false;
            }
            state.waiting = true;
            state = self.late.wait(state);
            state.waiting = false;
        }
    }

    /// Ordinary children that are alive.
    pub(crate) fn ordinary(&self) -> usize {
        self.ordinary.load(Ordering::Acquire)
    }

    /// Children that are alive.
    pub(crate) fn len(&self) -> usize {
        self.ordinary() + self.background.load(Ordering::Acquire)
    }

    /// True once no child can be added any more.
    pub(crate) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    fn mark_ended(&self, state: &mut State<R>) {
        state.ended = true;
        self.ended.store(true, Ordering::Release);
    }

    fn alive(&self, kind: Kind) -> &AtomicUsize {
        match kind {
            Kind::Ordinary => &self.ordinary,
            Kind::Background => &self.background,
        }
    }
}
