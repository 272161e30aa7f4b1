//! What the future of the scope does with its ready queue, and helpers in its window.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::mem;
use std::task::Waker;

use super::{Next, Ready};
use crate::child::Runnable;
use crate::home::{AtHome, Contents};
use crate::ready::caller::Caller;
use crate::sync::Ordering;

/// What the thread inside `poll` does.
impl Ready {
    /// Comes home. A waker that an earlier poll stored goes back to the caller, who can leave it
    /// here again, or drop it outside the lock.
    pub(crate) fn enter(&self, caller: &mut Caller<'_>) -> AtHome<'_> {
        let at_home = self.home.enter();
        self.at_home(|home| {
            if mem::take(&mut home.idle) {
                caller.take_back(self.state.lock().waker.take());
            }
        });
        at_home
    }

    /// Decides what a scope inside `poll` does next, at home.
    ///
    /// `batch`, which is empty, is exchanged for what is ready. What is not run of it has to be
    /// handed back, by [`hand_back_home`](Self::hand_back_home).
    pub(crate) fn next(
        &self,
        batch: &mut VecDeque<Runnable>,
        body_done: bool,
        caller: &mut Caller<'_>,
    ) -> Next {
        debug_assert!(batch.is_empty());
        let is_done = || body_done && self.ordinary() == 0;
        let mut run = |home: &mut Contents| {
            mem::swap(batch, &mut home.children.ready);
            let is_body_woken = home.body_woken || self.body_woken.load(Ordering::Relaxed);
            !batch.is_empty() || (is_body_woken && !body_done)
        };
        self.at_home(|home| {
            self.collect(home);
            if !is_done() && run(home) {
                return Next::Run;
            }
            // Nothing has been seen so far that cannot change before we have the lock.
            let mut state = self.state.lock();
            self.collect_from(&mut state, home);
            if is_done() {
                home.takes_nobody = true;
                self.ended.store(true, Ordering::Release);
                return Next::Done;
            }
            if run(home) {
                return Next::Run;
            }
            debug_assert!(state.waker.is_none(), "`enter` has taken it");
            state.waker = caller.store();
            if state.waker.is_none() {
                return Next::NeedWaker;
            }
            home.idle = true;
            home.children.shrink();
            Next::Idle
        })
    }

    /// Puts the rest of a batch back, first in line.
    pub(crate) fn hand_back_home(&self, batch: &mut VecDeque<Runnable>) {
        if !batch.is_empty() {
            self.at_home(|home| home.children.prepend(batch));
        }
    }

    /// Exchanges an empty batch for what is ready, at home.
    pub(crate) fn take_home(&self, batch: &mut VecDeque<Runnable>) {
        self.at_home(|home| mem::swap(batch, &mut home.children.ready));
    }

    /// Whether the body was woken; from here on it is not.
    #[inline]
    pub(crate) fn take_body_woken(&self) -> bool {
        let at_home = self
            .home
            .visit(|home| home.is_some_and(|home| mem::take(&mut home.body_woken)));
        // Both, or one wake-up would make two polls.
        let elsewhere = self.body_woken.load(Ordering::Relaxed)
            && self.body_woken.swap(false, Ordering::Acquire);
        at_home || elsewhere
    }

    #[inline]
    fn at_home<T>(&self, visit: impl FnOnce(&mut Contents) -> T) -> T {
        self.home.visit(|home| match home {
            Some(home) => visit(home),
            None => unreachable!("the thread that polls a scope is at home"),
        })
    }
}

/// What threads do in a window: those of helpers, and the one inside `poll`.
impl Ready {
    /// Leaves home, with all children, for the lock.
    pub(crate) fn leave_for_a_window(&self, at_home: AtHome<'_>) {
        self.at_home(|home| {
            let mut state = self.state.lock();
            self.collect_from(&mut state, home);
            state.children = mem::take(&mut home.children);
            if mem::take(&mut home.body_woken) {
                self.mark_body_woken();
            }
        });
        drop(at_home);
    }

    /// Comes home with all children: after a window, and for the end.
    pub(crate) fn enter_with_all(&self) -> AtHome<'_> {
        let at_home = self.home.enter();
        self.at_home(|home| {
            let mut state = self.state.lock();
            self.collect_from(&mut state, home);
            home.children.take_registry(&mut state.children);
        });
        at_home
    }

    /// Moves up to `most` runnables into `batch`, which is empty; how many are left.
    pub(crate) fn take(&self, batch: &mut VecDeque<Runnable>, most: usize) -> usize {
        let queue = &mut self.state.lock().children.ready;
        let count = most.min(queue.len());
        batch.extend(queue.drain(..count));
        queue.len()
    }

    /// Hands back runnables that were taken and have not run; they stay first in line.
    pub(crate) fn hand_back(&self, batch: &mut VecDeque<Runnable>) {
        if !batch.is_empty() {
            self.state.lock().children.prepend(batch);
        }
    }
}

/// What the end of the scope does.
impl Ready {
    /// Ends the scope: no child can be added from here on. Gives back the stored waker, to be
    /// dropped outside the lock.
    pub(crate) fn end(&self) -> Option<Waker> {
        let mut state = self.state.lock();
        self.ended.store(true, Ordering::Release);
        state.waker.take()
    }

    /// Comes home for the last time, with all children.
    pub(crate) fn enter_for_the_end(&self) -> AtHome<'_> {
        let at_home = self.enter_with_all();
        self.at_home(|home| home.takes_nobody = true);
        at_home
    }

    /// Takes the wakers of all suspended children, at home.
    pub(crate) fn take_suspended(&self) -> impl Iterator<Item = Waker> + use<> {
        let suspended = self.at_home(|home| home.children.take_suspended());
        suspended.into_iter().map(|(_, waker)| waker)
    }

    /// Brings home what is ready, waiting for it if it is still on its way.
    ///
    /// False once no child is alive. Only for a scope that has ended and has woken its suspended
    /// children: each child that is alive then has a runnable which is queued or about to be.
    pub(crate) fn await_runnables(&self) -> bool {
        let mut state = self.state.lock();
        loop {
            let found = self.at_home(|home| {
                self.collect_from(&mut state, home);
                !home.children.ready.is_empty()
            });
            if found || self.len() == 0 {
                return found;
            }
            state.waiting = true;
            state = self.late.wait(state);
            state.waiting = false;
        }
    }
}
