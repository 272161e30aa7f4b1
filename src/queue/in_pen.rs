//! What the threads of a [pen](crate::pen) do with its ready queue: nobody is at home in a pen.
//!
//! Each of its threads has a [local queue](crate::queue::local), which is registered here, for as
//! long as the pen lasts. When that has ended there is one queue only, and what threads have in
//! hand is known under its lock.
#![forbid(unsafe_code)]

use std::mem;
use std::sync::Arc;
use std::task::Waker;

use slab::Slab;

use super::{Kind, Queue, State};
use crate::help::policy::LARGEST_CHUNK;
use crate::panic::wake;
use crate::queue::children::{Key, Suspended};
use crate::queue::elsewhere::Elsewhere;
use crate::queue::hands::Hold;
use crate::queue::idle::Idle;
use crate::queue::list::Linked;
use crate::queue::local::{Contents, LocalQueue};
use crate::sync::{Mutex, MutexGuard, Ordering};

/// A thread takes so many children from its local queue before it looks what others have pushed.
const OWN_TURNS: usize = 32;

/// What the queue of a pen has beside what all have: its suspended children. Behind a pointer, for
/// most queues are those of scopes.
pub(crate) type OfPen = Box<Mutex<Suspended>>;

/// What a thread does that runs children.
impl<R: Linked> Queue<R> {
    /// Registers a local queue; not if the pen has ended.
    pub(crate) fn begin_local(&self) -> Option<Arc<LocalQueue<R>>> {
        let local = Arc::new(LocalQueue::default());
        let mut state = self.state.lock();
        if self.ended.load(Ordering::Relaxed) {
            return None;
        }
        state.elsewhere().locals.push(Arc::clone(&local));
        Some(local)
    }

    /// The thread has no local queue any more. What is left there others will take.
    pub(crate) fn end_local(&self, local: &Arc<LocalQueue<R>>) {
        let mut state = self.state.lock();
        let elsewhere = state.elsewhere();
        elsewhere.locals.retain(|it| !Arc::ptr_eq(it, local));
        elsewhere
            .children
            .ready
            .append(&mut local.lock().take_all());
    }

    /// Puts the child down that was in hand, and takes the next one: from the local queue first,
    /// unless it is the turn of what others have pushed; `taken` says how many were taken since it
    /// was that first. None is taken once the pen has ended. With it comes how many more are ready,
    /// as far as the thread knows.
    ///
    /// If nothing is ready it calls `rest` in that very moment: who pushes something later sees
    /// what that has done. `address` says by what [`count_out`](Queue::count_out) will know it.
    #[inline]
    pub(crate) fn take_in_hand(
        &self,
        local: &Arc<LocalQueue<R>>,
        taken: usize,
        address: impl Fn(&R) -> usize,
        rest: impl FnOnce(&mut Idle),
    ) -> Option<(R, usize)> {
        let own = match taken % OWN_TURNS {
            0 => None,
            _ => local.lock().next(&address),
        };
        own.or_else(|| self.fetch(local, taken == 0, address, rest))
    }

    /// Brings something to the local queue.
    #[inline(never)]
    fn fetch(
        &self,
        local: &Arc<LocalQueue<R>>,
        is_first: bool,
        address: impl Fn(&R) -> usize,
        rest: impl FnOnce(&mut Idle),
    ) -> Option<(R, usize)> {
        let mut state = self.state.lock();
        if self.ended.load(Ordering::Relaxed) {
            return None;
        }
        let elsewhere = state.elsewhere();
        let threads = elsewhere.locals.len().max(1);
        let ready = &mut elsewhere.children.ready;
        let count = ready.len().div_ceil(threads).min(LARGEST_CHUNK);
        let mut own = local.lock();
        match ready.split_front(count) {
            fetched if is_first => own.bring_earlier(fetched, &address),
            fetched => own.bring(fetched),
        }
        let more = ready.len();
        let is_idle = own.is_empty();
        if threads > 1 && (is_idle || (is_first && count == 0)) {
            let stolen = self.victim(elsewhere, Some(local), is_idle);
            if let Some(stolen) = stolen.map(|mut it| it.take_half()) {
                own.bring(stolen);
            }
        }
        let next = own.next(address);
        drop(own);
        if next.is_none() {
            rest(&mut elsewhere.idle);
        }
        next.map(|(child, left)| (child, left + more))
    }

    /// Finds the queue of another thread with something to take: one that is late, unless ours is
    /// idle.
    fn victim<'a>(
        &self,
        elsewhere: &'a Elsewhere<R>,
        own: Option<&Arc<LocalQueue<R>>>,
        is_idle: bool,
    ) -> Option<MutexGuard<'a, Contents<R>>> {
        let is_slow_likely = self.window.is_eager();
        let is_own = |it: &Arc<_>| own.is_some_and(|own| Arc::ptr_eq(it, own));
        elsewhere.locals.iter().find_map(|it| {
            if is_own(it) || !(is_idle || it.is_late()) {
                return None;
            }
            let contents = it.lock();
            let is_held_up = || is_slow_likely || it.is_late();
            contents.has_for_others(is_held_up).then_some(contents)
        })
    }

    /// Returns true if something was pushed, since this was asked last, when threads had taken all
    /// that was there.
    pub(crate) fn take_first_push(&self) -> bool {
        let is_first = self.arrived.load(Ordering::Relaxed);
        if is_first {
            self.arrived.store(false, Ordering::Relaxed);
        }
        is_first
    }

    /// Takes a worker that is idle, which is called so.
    pub(crate) fn call_idle(&self, count: impl FnOnce()) -> Option<Waker> {
        let mut state = self.state.lock();
        let waker = state.elsewhere().idle.call()?;
        count();
        Some(waker)
    }

    /// Takes this one, unless it was called.
    pub(crate) fn leave_idle(&self, number: u64, count: impl FnOnce()) -> Option<Waker> {
        let mut state = self.state.lock();
        let waker = state.elsewhere().idle.leave(number)?;
        count();
        Some(waker)
    }

    /// Returns true if a thread that has nothing would find something: in the queue of another one
    /// as well.
    pub(crate) fn has_ready_in_pen(&self) -> bool {
        let mut state = self.state.lock();
        state.has_ready() || self.victim(state.elsewhere(), None, true).is_some()
    }

    /// Returns how many children are ready, wherever they are.
    pub(crate) fn count_ready(&self) -> usize {
        let mut state = self.state.lock();
        let Elsewhere {
            children, locals, ..
        } = state.elsewhere();
        let kept: usize = locals.iter().map(|it| it.lock().len()).sum();
        children.ready.len() + kept
    }

    /// Puts down what was in hand.
    pub(crate) fn put_down(&self, local: &LocalQueue<R>) {
        if let Some(hold) = local.put_down() {
            let mut state = self.state.lock();
            let closer = self.put_down_under(state.elsewhere(), hold);
            self.tell_the_end(state);
            wake(closer);
        }
    }

    /// Adds a child with its first runnable to the local queue; not if that is shut.
    pub(crate) fn add_to_local(
        &self,
        local: &LocalQueue<R>,
        runnable: R,
        kind: Kind,
    ) -> Result<(), R> {
        local.add(runnable, || self.counts(kind).spawned_elsewhere())
    }

    /// [`count_out`](Queue::count_out) of a pen, on a thread with this local queue: the child is
    /// the one that it has in hand.
    pub(crate) fn count_out_in_pen(
        &self,
        local: Option<&LocalQueue<R>>,
        kind: Kind,
        key: Option<Key>,
        address: usize,
    ) -> [Option<Waker>; 2] {
        let finish = || self.counts(kind).finished_elsewhere();
        let is_counted = || local.is_some_and(|local| local.finish(address, finish));
        let waker = key.and_then(|key| self.suspended_in_pen().leave(key));
        if is_counted() {
            let is_last = self.ordinary() == 0;
            return [waker, is_last.then(|| self.take_closer()).flatten()];
        }
        let mut state = self.state.lock();
        let elsewhere = state.elsewhere();
        elsewhere.hands.is_gone(address);
        finish();
        let closer = match self.ordinary() {
            0 => elsewhere.closer.take(),
            _ => None,
        };
        self.tell_the_end(state);
        [waker, closer]
    }
}

/// What ends a pen.
impl<R: Linked> Queue<R> {
    /// Ends the pen.
    pub(crate) fn end_pen(&self) {
        let mut state = self.state.lock();
        self.end_if(state.elsewhere(), || true);
    }

    /// Ends the pen if it is done: if no ordinary child is alive. Otherwise stores the waker of
    /// whoever closes it. Gives back the waker that is not needed any more.
    pub(crate) fn end_or_wait(&self, waker: Waker) -> (bool, Option<Waker>) {
        let mut state = self.state.lock();
        let elsewhere = state.elsewhere();
        let is_done = || self.ordinary() == 0;
        let is_done = is_done() && self.end_if(elsewhere, is_done);
        (is_done, elsewhere.wait(is_done, waker))
    }

    /// Ends the pen if `is_so` with all its threads kept from spawning; returns whether it is.
    fn end_if(&self, elsewhere: &mut Elsewhere<R>, is_so: impl FnOnce() -> bool) -> bool {
        let locals = mem::take(&mut elsewhere.locals);
        let mut locked: Vec<_> = locals.iter().map(|local| local.lock()).collect();
        let is_so = is_so();
        if is_so {
            self.ended.store(true, Ordering::Release);
            for contents in &mut locked {
                contents.shut(&mut elsewhere.children.ready, &mut elsewhere.hands);
            }
        }
        drop(locked);
        if !is_so {
            elsewhere.locals = locals;
        }
        is_so
    }

    /// Returns whether no child is alive, nor its value being dropped by a thread that had it in
    /// hand. Otherwise stores the waker, and gives back the one before.
    pub(crate) fn is_empty_or_wait(&self, waker: Waker) -> (bool, Option<Waker>) {
        let mut state = self.state.lock();
        let elsewhere = state.elsewhere();
        let is_empty = self.len() == 0 && elsewhere.hands.have_finished();
        (is_empty, elsewhere.wait(is_empty, waker))
    }

    /// Takes the waker of whoever closes the pen.
    pub(crate) fn take_closer(&self) -> Option<Waker> {
        let mut state = self.state.lock();
        state.elsewhere.as_mut()?.closer.take()
    }

    /// Takes the wakers of all suspended children. After the end of the pen none is added.
    pub(crate) fn take_suspended_in_pen(&self) -> Slab<Waker> {
        self.suspended_in_pen().take()
    }

    fn suspended_in_pen(&self) -> MutexGuard<'_, Suspended> {
        let suspended = self.of_pen.as_ref().expect("this is a pen");
        suspended.lock()
    }

    /// Puts a child down that was in hand `before`, and takes one to drop it: the pen has ended.
    pub(crate) fn take_to_drop(
        &self,
        before: Option<Hold>,
        address: impl FnOnce(&R) -> usize,
    ) -> Option<(R, Hold)> {
        let mut state = self.state.lock();
        let elsewhere = state.elsewhere();
        let closer = before.and_then(|before| self.put_down_under(elsewhere, before));
        let child = elsewhere.children.ready.pop_front();
        let taken = child.map(|child| {
            let hold = elsewhere.hands.take(address(&child));
            (child, hold)
        });
        self.tell_the_end(state);
        wake(closer);
        taken
    }

    /// Gives the waker of whoever closes the pen, if it waits for nothing else that is in hand.
    fn put_down_under(&self, elsewhere: &mut Elsewhere<R>, hold: Hold) -> Option<Waker> {
        elsewhere.hands.put_down(hold);
        let has_finished = elsewhere.hands.have_finished() && self.len() == 0;
        has_finished.then(|| elsewhere.closer.take()).flatten()
    }

    /// The number of children has changed that are on their way: threads that end the pen look
    /// again.
    pub(super) fn tell_the_end(&self, state: MutexGuard<'_, State<R>>) {
        let has_ended = self.ended.load(Ordering::Relaxed);
        drop(state);
        if has_ended {
            self.window.notify_all();
        }
    }

    /// Waits until something is ready, or every child that is alive is in hand; returns whether
    /// something is ready. For a pen that has ended, and whose suspended children were woken.
    pub(crate) fn await_those_on_their_way(&self) -> bool {
        let mut found = false;
        self.window.wait_until(|| {
            let mut state = self.state.lock();
            found = state.has_ready();
            found || self.len() == state.elsewhere().hands.len()
        });
        found
    }
}
