//! What a thread does with children that it wakes, spawns or drops: those of a scope that it has at
//! home it keeps [there](crate::queue::home), those of a [pen](crate::pen) that it runs in its
//! [local queue](crate::queue::local).
#![forbid(unsafe_code)]

use std::ptr;
use std::sync::Arc;
use std::task::Waker;

use crate::help::calling::call_one;
use crate::help::ticket::in_a_push;
use crate::help::tickets::UNTIMED;
use crate::panic::wake;
use crate::pen::life::address;
use crate::queue::Kind;
use crate::queue::children::Key;
use crate::queue::local::LocalQueue;
use crate::run::current;
use crate::run::shared::{Runnable, Shared};
use crate::sync::{AtomicU32, Ordering};

/// A pen, and the local queue that a thread has of it.
pub(crate) struct Served {
    pub(crate) shared: Arc<Shared>,
    pub(crate) local: Arc<LocalQueue<Runnable>>,
    /// How many threads there may be.
    most: usize,
    /// How often the child that is run has pushed something; or [`LATE`].
    pushes: AtomicU32,
}

/// The thread was found to be late since it has taken the child.
const LATE: u32 = u32::MAX;

impl Served {
    /// Registers a local queue; not if the pen has ended.
    pub(super) fn begin(shared: &Arc<Shared>, most: usize) -> Option<Self> {
        let local = shared.queue.begin_local()?;
        let shared = Arc::clone(shared);
        Some(Self {
            shared,
            local,
            most,
            pushes: AtomicU32::new(0),
        })
    }

    /// The thread runs the next child.
    #[inline]
    pub(super) fn takes_next(&self) {
        self.pushes.store(0, Ordering::Relaxed);
    }

    /// Something is pushed: returns true if this thread is likely to be held up. It reads the clock
    /// for some of them only, and never for the first: most children push no more, but themselves.
    /// Not so if that is done by a scope inside of the child, which lasts.
    fn is_held_up(&self) -> bool {
        if !current::is_in(&self.shared) {
            return self.local.is_late();
        }
        let pushes = match self.pushes.load(Ordering::Relaxed) {
            LATE => return true,
            pushes => pushes + 1,
        };
        let is_time = pushes > 1 && (pushes.is_power_of_two() || pushes % UNTIMED == 0);
        let is_late = is_time && self.local.is_late();
        let pushes = if is_late { LATE } else { pushes };
        self.pushes.store(pushes, Ordering::Relaxed);
        is_late
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.shared.queue.end_local(&self.local);
    }
}

/// Calls `act` with the local queue of this thread, if it runs children of this pen: also in a
/// scope inside of one. It calls no foreign code.
#[inline]
fn with_local<T>(shared: &Shared, act: impl FnOnce(Option<&Served>) -> T) -> T {
    current::served(|served| act(served.filter(|it| ptr::eq(&raw const *it.shared, shared))))
}

/// Keeps a child that was woken, if this thread has the children of its scope at home, or runs
/// those of its pen.
#[inline]
pub(crate) fn keep(shared: &Shared, runnable: Runnable) -> Result<(), Runnable> {
    match shared.queue.is_pen() {
        false => shared.queue.push_at_home(runnable),
        true => keep_in_pen(shared, runnable),
    }
}

#[inline(never)]
fn keep_in_pen(shared: &Shared, runnable: Runnable) -> Result<(), Runnable> {
    let address = address(&runnable);
    keep_by(shared, runnable, |served, runnable| {
        served.local.push(runnable, address)
    })
}

/// Keeps a new child, likewise.
#[inline]
pub(crate) fn keep_new(shared: &Shared, runnable: Runnable, kind: Kind) -> Result<(), Runnable> {
    match shared.queue.is_pen() {
        false => shared.queue.add_at_home(runnable, kind),
        true => keep_new_in_pen(shared, runnable, kind),
    }
}

#[inline(never)]
fn keep_new_in_pen(shared: &Shared, runnable: Runnable, kind: Kind) -> Result<(), Runnable> {
    keep_by(shared, runnable, |served, runnable| {
        shared.queue.add_to_local(&served.local, runnable, kind)
    })
}

/// Calls another thread, if one is wanted for what is kept here.
fn keep_by(
    shared: &Shared,
    runnable: Runnable,
    keep: impl FnOnce(&Served, Runnable) -> Result<(), Runnable>,
) -> Result<(), Runnable> {
    let caller = with_local(shared, |served| match served {
        Some(served) => {
            keep(served, runnable)?;
            Ok(is_wanted(served).then(|| Arc::clone(&served.shared)))
        }
        None => Err(runnable),
    })?;
    if let Some(shared) = caller {
        in_a_push(|| call_one(&shared, true));
    }
    Ok(())
}

/// Returns true if another thread is wanted for what is kept here, and may be had. We look again
/// soon, unless the child that we run is slow.
fn is_wanted(served: &Served) -> bool {
    let Shared { queue, tickets, .. } = &*served.shared;
    (queue.window.is_eager() || served.shared.has_failed() || served.is_held_up())
        && tickets.out() < served.most
        && !tickets.are_expected()
}

/// Counts a child out. The very last thing that its destructor does, but for dropping the waker
/// that this returns. A pen knows it by the address of its metadata.
#[inline]
pub(crate) fn count_out(
    shared: &Shared,
    kind: Kind,
    key: Option<Key>,
    address: usize,
) -> Option<Waker> {
    match shared.queue.is_pen() {
        false => shared.queue.count_out(kind, key),
        true => count_out_in_pen(shared, kind, key, address),
    }
}

#[inline(never)]
fn count_out_in_pen(
    shared: &Shared,
    kind: Kind,
    key: Option<Key>,
    address: usize,
) -> Option<Waker> {
    let [waker, closer] = with_local(shared, |served| {
        let local = served.map(|it| &*it.local);
        shared.queue.count_out_in_pen(local, kind, key, address)
    });
    wake(closer);
    waker
}
