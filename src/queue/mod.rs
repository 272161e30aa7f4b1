//! The ready queue: which children can run, whether the body can, and which task to wake for it.
//!
//! # What it promises
//!
//! * A runnable that was pushed is handed out exactly once, first in, first out.
//! * No wake-up is lost: a push or a wake that makes the scope ready while it is idle wakes the
//!   task that polls the scope, exactly once.
//! * No child is added after the end, and none that was added before is overlooked by it.
//!
//! It is generic over the runnable `R`, which it neither runs nor drops.
//!
//! # States
//!
//! One lock holds everything that decides. The scope is
//!
//! * **busy** while it is inside `poll`, or is about to be: no waker is stored. A push only
//!   appends, for the poll will see it.
//! * **idle** between two polls: the waker of the task that polls the scope is stored. A push
//!   appends, takes the waker out (so the scope is busy again) and wakes it after unlocking.
//! * **ended** for ever after [`end`](Queue::end), or after [`next`](Queue::next) said
//!   [`Done`](Next::Done): [`add_elsewhere`](Queue::add_elsewhere) refuses. Pushes still append,
//!   for the end collects them.
//!
//! While the scope is busy the polling thread has its children [at home](home), and does to them
//! there what others do under the lock: only it can, so no lock is needed. Everything below holds
//! with "under the lock" read as "under the lock, or at home".
//!
//! While the [window](crate::help::window) is open, what is under the lock is there for helpers as
//! well. What is at home is not, but the polling thread can [put it there](Queue::share).
//!
//! # Invariants
//!
//! 1. `poll` stores the waker under the lock, and only if it sees no runnable and no woken body,
//!    there and at home. So between that look and the storing nothing can be pushed: no lost
//!    wake-up.
//! 2. A child is counted in by the critical section that pushes its first runnable. So the end,
//!    which marks `ended` in a critical section of its own, finds a child either refused, or
//!    counted *and* pushed. At home no child is added once `ended` is set: that is left for the
//!    thread at home to set, which then goes away, or comes back with a home that takes none.
//! 3. A child is counted out as the last act of its destructor, after its future is gone. So
//!    "no child is alive" means "every future has been dropped".
//! 4. What is at home was pushed before anything that is under the lock: a push at home collects
//!    first what has arrived there. So children run first in, first out. Not so in a window, where
//!    what arrived is left to helpers.
//! 5. No foreign code runs under the lock: wakers are cloned before, and woken and dropped after.
//!    `Waker::will_wake` compares two pointers and is not foreign.
//!
//! 6. The scope goes idle with its window shut: no thread but a waker has to do with it then.
//!
//! The scope's own part, polling and ending, is in [`owner`].
//!
//! # The end
//!
//! [`await_runnables`](Queue::await_runnables) collects runnables until no child is alive. A waker
//! on another thread can have marked its child as scheduled without having pushed the runnable yet:
//! then there is nothing to collect, the count is not met, and it waits. What it waits for is that
//! push, a few instructions away on the other thread; a push notifies it if it sees that the
//! scope's thread is `waiting`. Both look under the lock, so the push is seen or the notification
//! comes.

use std::sync::Arc;
use std::task::Waker;

pub(crate) mod children;
mod counts;
mod elsewhere;
pub(crate) mod hands;
pub(crate) mod home;
pub(crate) mod idle;
pub(crate) mod in_pen;
pub(crate) mod list;
pub(crate) mod local;
mod owner;
pub(crate) mod waker_cache;

use crate::help::window::Window;
use crate::panic::wake;
use crate::queue::children::{Children, Key};
use crate::queue::counts::Counts;
use crate::queue::elsewhere::Elsewhere;
use crate::queue::home::Home;
use crate::queue::in_pen::OfPen;
use crate::queue::list::Linked;
use crate::sync::{AtomicBool, Mutex, MutexGuard, Ordering};

pub(crate) use crate::queue::owner::Next;

/// Whether a child keeps its scope open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The scope waits for it.
    Ordinary,
    /// The scope cancels it once the body and all ordinary children are done.
    Background,
}

/// The ready queue of one scope.
pub(crate) struct Queue<R: Linked> {
    of_pen: Option<OfPen>,
    pub(crate) home: Home<AtHome<R>>,
    state: Mutex<State<R>>,
    /// Set under the lock by a push: for the thread at home, which need not lock to see that
    /// nothing has arrived. In a pen: by a push that found nothing else under the lock.
    arrived: AtomicBool,
    /// Set under the lock; taken by the poll that is about to poll the body.
    body_woken: AtomicBool,
    /// Likewise, set at home.
    body_woken_at_home: AtomicBool,
    /// Set under the lock, for ever.
    ended: AtomicBool,
    pub(crate) window: Window,
    ordinary: Counts,
    background: Counts,
}

/// What only the thread at home has to do with.
pub(crate) struct AtHome<R: Linked> {
    children: Children<R>,
    /// Set while a waker is stored under the lock, or was until a push used it.
    idle: bool,
    /// Set once the scope has ended.
    takes_none: bool,
    /// Set in a window.
    leaves_arrivals: bool,
}

/// What is under the lock.
struct State<R: Linked> {
    /// Made when it is needed: many a scope is never touched by another thread.
    elsewhere: Option<Box<Elsewhere<R>>>,
    /// Set while the scope's thread sleeps: until a push, or until it is alone.
    waiting: bool,
    /// Wakes the task that polls the scope; stored only while the scope is idle.
    waker: Option<Waker>,
}

impl<R: Linked> State<R> {
    fn elsewhere(&mut self) -> &mut Elsewhere<R> {
        self.elsewhere.get_or_insert_default()
    }

    fn has_ready(&self) -> bool {
        let elsewhere = self.elsewhere.as_ref();
        elsewhere.is_some_and(|it| !it.children.ready.is_empty())
    }
}

/// What happens on any thread.
impl<R: Linked> Queue<R> {
    /// Makes a queue whose body counts as woken, so that the first poll starts it.
    #[inline(always)]
    pub(crate) fn new(of_pen: Option<OfPen>) -> Self {
        Self {
            of_pen,
            home: Home::new(AtHome {
                children: Children::default(),
                idle: false,
                takes_none: false,
                leaves_arrivals: false,
            }),
            state: Mutex::new(State {
                elsewhere: None,
                waiting: false,
                waker: None,
            }),
            arrived: AtomicBool::new(false),
            body_woken: AtomicBool::new(true),
            body_woken_at_home: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            window: Window::default(),
            ordinary: Counts::default(),
            background: Counts::default(),
        }
    }

    /// Returns true if it belongs to a pen.
    #[inline]
    pub(crate) fn is_pen(&self) -> bool {
        self.of_pen.is_some()
    }

    /// Adds a child with its first runnable, if this thread has the children at home.
    #[inline]
    pub(crate) fn add_at_home(&self, runnable: R, kind: Kind) -> Result<(), R> {
        self.home.visit(|home| match home {
            Some(home) if !home.takes_none => {
                self.counts(kind).spawned_at_home();
                self.push_to(home, runnable);
                Ok(())
            }
            _ => Err(runnable),
        })
    }

    /// Adds a child with its first runnable, or gives the runnable back if the scope has ended.
    /// Returns whether a helper should be called, as [`push_elsewhere`](Self::push_elsewhere).
    pub(crate) fn add_elsewhere(&self, runnable: R, kind: Kind) -> Result<bool, R> {
        let state = self.state.lock();
        if self.ended.load(Ordering::Relaxed) {
            return Err(runnable);
        }
        self.counts(kind).spawned_elsewhere();
        Ok(self.arrive(state, runnable))
    }

    /// Appends the runnable of a child that was woken, if this thread has the children at home.
    #[inline]
    pub(crate) fn push_at_home(&self, runnable: R) -> Result<(), R> {
        self.home.visit(|home| match home {
            Some(home) => {
                self.push_to(home, runnable);
                Ok(())
            }
            None => Err(runnable),
        })
    }

    /// Appends the runnable of a child that was woken. Never unwinds, never drops a runnable.
    ///
    /// It wants a counted reference to what owns the queue: as soon as the runnable can be seen,
    /// another thread may run it and end the scope, while we still hold the lock. It gives the
    /// reference back if a helper should be called, because the scope is in a slow poll.
    pub(crate) fn push_elsewhere<S: AsRef<Self>>(owner: Arc<S>, runnable: R) -> Option<Arc<S>> {
        let queue = (*owner).as_ref();
        let wants_help = queue.arrive(queue.state.lock(), runnable);
        wants_help.then_some(owner)
    }

    fn arrive(&self, mut state: MutexGuard<'_, State<R>>, runnable: R) -> bool {
        let ready = &mut state.elsewhere().children.ready;
        let is_first = ready.is_empty();
        ready.push_back(runnable);
        if is_first || !self.is_pen() {
            self.arrived.store(true, Ordering::Relaxed);
        }
        if self.is_pen() {
            self.tell_the_end(state);
            return true; // whether one is wanted is known to the pen
        }
        let wants_help = !state.waiting && self.window.wants_help();
        self.alert(state);
        wants_help
    }

    /// Wakes the scope, or the thread of it that sleeps.
    fn alert(&self, mut state: MutexGuard<'_, State<R>>) {
        if state.waiting {
            self.window.notify();
        }
        let waker = state.waker.take();
        drop(state);
        wake(waker);
    }

    /// Marks the body as woken.
    pub(crate) fn wake_body(&self) {
        if self.home.is_here() {
            self.body_woken_at_home.store(true, Ordering::Relaxed);
        } else {
            let state = self.state.lock();
            self.mark_body_woken();
            self.alert(state);
        }
    }

    /// Enters a child that returned `Pending` for the first time; unless it is one of a pen that
    /// has ended, which nobody would wake.
    #[inline]
    pub(crate) fn suspend(&self, waker: &Waker) -> Option<Key> {
        let waker = waker.clone();
        self.home.visit(|home| match home {
            Some(home) => Some(home.children.suspended.enter(waker, true)),
            None => self.suspend_elsewhere(waker),
        })
    }

    /// Returns true if a child that is suspended once more has to wake itself: its pen has ended
    /// while a thread had it in hand.
    ///
    /// That thread may have taken it before the end, and polled it after the end had woken it: then
    /// the wake-up is spent. But it has seen the end, which came before the wake-up.
    #[inline]
    pub(crate) fn is_left_in_hand(&self) -> bool {
        self.is_pen() && self.is_ended()
    }

    #[inline(never)]
    fn suspend_elsewhere(&self, waker: Waker) -> Option<Key> {
        if let Some(suspended) = &self.of_pen {
            let mut suspended = suspended.lock();
            // Its end takes what is there when it has said so.
            let has_ended = self.ended.load(Ordering::Relaxed);
            return (!has_ended).then(|| suspended.enter(waker, false));
        }
        let mut state = self.state.lock();
        Some(state.elsewhere().children.suspended.enter(waker, false))
    }

    /// Counts a child out, after taking it from the registry of suspended children if it has a key.
    /// The very last thing that its destructor does, but for dropping the waker that this returns.
    ///
    /// Not of a pen: see [`count_out_in_pen`](Queue::count_out_in_pen).
    #[inline]
    pub(crate) fn count_out(&self, kind: Kind, key: Option<Key>) -> Option<Waker> {
        if !self.home.is_here() {
            return self.count_out_elsewhere(kind, key);
        }
        let waker = key.and_then(|key| {
            self.home.visit(|home| match home {
                Some(home) if key.is_at_home() => home.children.suspended.leave(key),
                _ => self.leave_elsewhere(key),
            })
        });
        self.counts(kind).finished_at_home();
        waker
    }

    #[inline(never)]
    fn count_out_elsewhere(&self, kind: Kind, key: Option<Key>) -> Option<Waker> {
        let waker = key.and_then(|key| self.leave_elsewhere(key));
        self.counts(kind).finished_elsewhere();
        waker
    }

    #[inline(never)]
    fn leave_elsewhere(&self, key: Key) -> Option<Waker> {
        let mut state = self.state.lock();
        let elsewhere = state.elsewhere();
        if !key.is_at_home() {
            return elsewhere.children.suspended.leave(key);
        }
        elsewhere.gone.push(key);
        self.arrived.store(true, Ordering::Relaxed);
        None
    }

    /// Returns how many ordinary children are alive.
    pub(crate) fn ordinary(&self) -> usize {
        self.ordinary.alive()
    }

    /// Returns how many background children are alive.
    pub(crate) fn background(&self) -> usize {
        self.background.alive()
    }

    /// Returns how many children are alive.
    pub(crate) fn len(&self) -> usize {
        Counts::alive_of([&self.ordinary, &self.background])
    }

    /// Returns true once no child can be added any more.
    pub(crate) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    #[inline]
    fn counts(&self, kind: Kind) -> &Counts {
        match kind {
            Kind::Ordinary => &self.ordinary,
            Kind::Background => &self.background,
        }
    }

    fn mark_body_woken(&self) {
        // Release: what the waker's thread did before is visible to the poll of the body. An
        // exchange rather than a store, for loom: it does not know that a store which an exchange
        // did not read must come after it.
        self.body_woken.swap(true, Ordering::Release);
    }

    #[inline]
    fn push_to(&self, home: &mut AtHome<R>, runnable: R) {
        // In this order: hardly ever has something arrived.
        if self.arrived.load(Ordering::Relaxed) && !home.leaves_arrivals {
            self.collect(home);
        }
        home.children.ready.push_back(runnable);
    }

    /// Brings home what was pushed under the lock.
    #[inline]
    fn collect(&self, home: &mut AtHome<R>) {
        if self.arrived.load(Ordering::Relaxed) {
            self.collect_from(&mut self.state.lock(), home);
        }
    }

    #[inline]
    fn collect_from(&self, state: &mut State<R>, home: &mut AtHome<R>) {
        if let Some(elsewhere) = &mut state.elsewhere {
            elsewhere.bring_home(home);
        }
        self.arrived.store(false, Ordering::Relaxed);
    }
}
