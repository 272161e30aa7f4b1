//! What the future of the scope does with its ready queue, and helpers in its window.
#![forbid(unsafe_code)]

use std::mem;
use std::task::Waker;
use std::time::Duration;

use slab::Slab;

use super::{AtHome, Queue};
use crate::help::epoch::Awaited;
use crate::queue::home::Away;
use crate::queue::list::{Linked, List};
use crate::queue::waker_cache::WakerCache;
use crate::sync::Ordering;

/// What the scope does next; see [`Queue::next`].
pub(crate) enum Next {
    /// Run what is in the batch, then poll the body if it was woken.
    Run,
    /// Nothing to do and no waker to wait with: clone the caller's, outside the lock, and ask
    /// again.
    NeedWaker,
    /// Nothing to do, but a helper is inside: [sleep](Queue::sleep), and ask again.
    Helped,
    /// Nothing to do: return `Pending`. The waker is stored, and the window is shut.
    Idle,
    /// The body and all ordinary children are done, but a helper is inside, with a background child
    /// that may still spawn: close the window, and ask again.
    Closing,
    /// The body and all ordinary children are done. The scope has ended, with its window shut.
    Done,
}

/// What the thread inside `poll` does.
impl<R: Linked> Queue<R> {
    /// Gives a waker that an earlier poll stored back to the cache, which can leave it here again,
    /// or drop it outside the lock.
    pub(crate) fn take_back(&self, cache: &mut WakerCache<'_>) {
        self.with_home(|home| {
            if mem::take(&mut home.idle) {
                cache.take_back(self.state.lock().waker.take());
            }
        });
    }

    /// Returns true if the scope waits to be woken.
    #[cfg(feature = "inspect")]
    pub(crate) fn is_idle(&self) -> bool {
        self.state.lock().waker.is_some()
    }

    /// Decides what a scope inside `poll` does next, at home.
    ///
    /// `batch`, which is empty, is exchanged for what is ready. What is not run of it has to be
    /// handed back, by [`hand_back_home`](Self::hand_back_home).
    pub(crate) fn next(
        &self,
        batch: &mut List<R>,
        body_done: bool,
        cache: &mut WakerCache<'_>,
    ) -> Next {
        let is_done = || body_done && self.ordinary() == 0;
        let mut run = |home: &mut AtHome<R>| {
            mem::swap(batch, &mut home.children.ready);
            !batch.is_empty() || (!body_done && self.is_body_woken())
        };
        self.with_home(|home| {
            self.collect(home);
            if !is_done() && run(home) {
                return Next::Run;
            }
            // Nothing has been seen so far that cannot change before we have the lock.
            let mut state = self.state.lock();
            self.collect_from(&mut state, home);
            let was_done = is_done();
            if !was_done {
                if run(home) {
                    return Next::Run;
                }
                if !cache.is_current() {
                    return Next::NeedWaker;
                }
            }
            if !self.window.try_shut() {
                return match was_done {
                    true => Next::Closing,
                    false => Next::Helped,
                };
            }
            // The last child can have finished on a helper that has left just now.
            if is_done() {
                home.takes_none = true;
                self.ended.store(true, Ordering::Release);
                return Next::Done;
            }
            home.leaves_arrivals = false;
            debug_assert!(state.waker.is_none(), "`take_back` has taken it");
            state.waker = cache.store();
            home.idle = true;
            Next::Idle
        })
    }

    /// Puts the rest of a batch back, first in line.
    pub(crate) fn hand_back_home(&self, batch: &mut List<R>) {
        if !batch.is_empty() {
            self.with_home(|home| home.children.ready.prepend(batch));
        }
    }

    /// Takes what is ready, at home.
    pub(crate) fn take_home(&self) -> List<R> {
        self.with_home(|home| mem::take(&mut home.children.ready))
    }

    /// Returns whether the body was woken; from here on it is not.
    #[inline]
    pub(crate) fn take_body_woken(&self) -> bool {
        let at_home = self.home.is_here() && self.body_woken_at_home.load(Ordering::Relaxed);
        if at_home {
            self.body_woken_at_home.store(false, Ordering::Relaxed);
        }
        // Both, or one wake-up would make two polls.
        let elsewhere = self.body_woken.load(Ordering::Relaxed)
            && self.body_woken.swap(false, Ordering::Acquire);
        at_home || elsewhere
    }

    /// Returns whether the body is to be polled. For the thread at home, or away from there.
    #[inline]
    pub(crate) fn is_body_woken(&self) -> bool {
        let at_home = self.body_woken_at_home.load(Ordering::Relaxed);
        at_home || self.body_woken.load(Ordering::Relaxed)
    }

    #[inline]
    fn with_home<T>(&self, visit: impl FnOnce(&mut AtHome<R>) -> T) -> T {
        self.home
            .visit(|home| visit(home.expect("the thread that polls a scope is at home")))
    }
}

/// What threads do in a window: those of helpers, and the one inside `poll`.
impl<R: Linked> Queue<R> {
    /// Says whether what arrives under the lock is left to helpers, until the scope goes idle. For
    /// the thread at home.
    pub(crate) fn leave_arrivals(&self, to_helpers: bool) {
        self.with_home(|home| home.leaves_arrivals = to_helpers);
    }

    /// Puts everything that is ready under the lock, and leaves home until what this gives is
    /// dropped: what this thread pushes meanwhile goes to the lock as well.
    pub(crate) fn share(&self) -> Away<'_, AtHome<R>> {
        self.with_home(|home| {
            let mut state = self.state.lock();
            self.collect_from(&mut state, home);
            let shared = &mut state.elsewhere().children.ready;
            mem::swap(shared, &mut home.children.ready);
            // What helpers leave of it is brought home again.
            self.arrived.store(true, Ordering::Relaxed);
            if self.body_woken_at_home.swap(false, Ordering::Relaxed) {
                self.mark_body_woken();
            }
        });
        self.home.leave()
    }

    /// Sleeps until something is ready, the body is woken or nobody is left of those that are
    /// awaited. For the scope's thread, which has nothing to do. Never unwinds.
    pub(crate) fn sleep(&self, awaited: Awaited) {
        // An executor that was told of it before can have woken something on this very thread.
        if !self.has_work_at_home() {
            self.window
                .wait_until(|| self.need_not_sleep(awaited, true));
        }
    }

    /// Wakes all children that are suspended, if this thread is at home: what should have woken
    /// some of them may be kept back until its poll returns.
    pub(crate) fn wake_suspended(&self) {
        let mut wakers: Vec<Waker> = Vec::new();
        self.home.visit(|home| {
            if let Some(home) = home {
                let mut state = self.state.lock();
                wakers.extend(home.children.suspended.all());
                wakers.extend(state.elsewhere().children.suspended.all());
            }
        });
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Returns true if a child is ready at home, or the body is woken.
    pub(crate) fn has_work_at_home(&self) -> bool {
        self.has_ready_at_home() || self.is_body_woken()
    }

    /// Returns true if a child is ready at home.
    #[inline]
    pub(crate) fn has_ready_at_home(&self) -> bool {
        self.with_home(|home| !home.children.ready.is_empty())
    }

    /// Sleeps for a while, until no helper is inside; returns whether that was enough. `for_body`
    /// says whether a body that is woken is a reason not to.
    pub(crate) fn sleep_for(&self, limit: Duration, for_body: bool) -> bool {
        let window = &self.window;
        if self.has_ready_at_home() || (for_body && self.is_body_woken()) {
            return true;
        }
        let need_not_sleep = || self.need_not_sleep(Awaited::All, for_body);
        let is_over = window.spin(|| self.arrived.load(Ordering::Relaxed))
            || window.wait_at_most(limit, need_not_sleep);
        if !is_over {
            self.state.lock().waiting = false;
        }
        is_over
    }

    /// Returns true if there is something to do. Otherwise what there will be notifies.
    fn need_not_sleep(&self, awaited: Awaited, for_body: bool) -> bool {
        let mut state = self.state.lock();
        let is_over = state.has_ready()
            || (for_body && self.body_woken.load(Ordering::Relaxed))
            || self.window.is_without_or_asleep(awaited);
        state.waiting = !is_over;
        is_over
    }

    /// Moves up to `most` runnables into `batch`, behind what was left there when the scope seemed
    /// to be done; returns how many are left. Those that were set aside come first: they have
    /// waited.
    pub(crate) fn take(&self, batch: &mut List<R>, most: usize) -> usize {
        let mut state = self.state.lock();
        let elsewhere = state.elsewhere();
        let queue = match elsewhere.aside.is_empty() {
            true => &mut elsewhere.children.ready,
            false => &mut elsewhere.aside,
        };
        batch.append(&mut queue.split_front(most));
        queue.len()
    }

    /// Takes one runnable that was not set aside.
    pub(crate) fn take_one(&self) -> Option<R> {
        self.state.lock().elsewhere().children.ready.pop_front()
    }

    /// Sets one aside.
    pub(crate) fn set_aside(&self, child: R) {
        self.state.lock().elsewhere().aside.push_back(child);
    }

    /// Brings home what was set aside, first in line; returns whether there was anything.
    pub(crate) fn bring_back_aside(&self) -> bool {
        let mut aside = mem::take(&mut self.state.lock().elsewhere().aside);
        let is_any = !aside.is_empty();
        self.hand_back_home(&mut aside);
        is_any
    }

    /// Returns true if something is ready that was not taken.
    pub(crate) fn has_ready(&self) -> bool {
        let mut state = self.state.lock();
        state.has_ready() || !state.elsewhere().aside.is_empty()
    }

    /// Hands back runnables that were taken and have not run; they stay first in line.
    pub(crate) fn hand_back(&self, batch: &mut List<R>) {
        if !batch.is_empty() {
            let mut state = self.state.lock();
            state.elsewhere().children.ready.prepend(batch);
            self.arrived.store(true, Ordering::Relaxed);
            self.alert(state); // the thread of the scope may sleep
        }
    }
}

/// What the end of the scope does.
impl<R: Linked> Queue<R> {
    /// Ends the scope: no child can be added from here on. Gives back the stored waker, to be
    /// dropped outside the lock.
    pub(crate) fn end(&self) -> Option<Waker> {
        let mut state = self.state.lock();
        self.ended.store(true, Ordering::Release);
        state.waker.take()
    }

    /// Calls `act` at home, with all children, for the last time.
    pub(crate) fn at_home_for_the_end<T>(&self, act: impl FnOnce() -> T) -> T {
        self.home.enter(|| {
            self.with_home(|home| {
                let mut state = self.state.lock();
                self.collect_from(&mut state, home);
                if let Some(elsewhere) = &mut state.elsewhere {
                    home.children.ready.append(&mut elsewhere.aside); // of a poll that unwound
                }
                home.takes_none = true;
            });
            act()
        })
    }

    /// Takes the wakers of all suspended children, at home: of those that were there and of the
    /// others.
    pub(crate) fn take_suspended(&self) -> [Slab<Waker>; 2] {
        let at_home = self.with_home(|home| home.children.suspended.take());
        let mut state = self.state.lock();
        let elsewhere = state.elsewhere.as_mut();
        let elsewhere = elsewhere.map(|it| it.children.suspended.take());
        [at_home, elsewhere.unwrap_or_default()]
    }

    /// Brings home what is ready, waiting for it if it is still on its way.
    ///
    /// Returns false once no child is alive. Only for a scope that has ended and has woken its
    /// suspended children: each child that is alive then has a runnable which is queued or about to
    /// be.
    pub(crate) fn await_runnables(&self) -> bool {
        let mut found = false;
        self.window.wait_until(|| {
            let mut state = self.state.lock();
            found = self.with_home(|home| {
                self.collect_from(&mut state, home);
                !home.children.ready.is_empty()
            });
            let is_over = found || self.len() == 0;
            state.waiting = !is_over;
            is_over
        });
        found
    }
}
