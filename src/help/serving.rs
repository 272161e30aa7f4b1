//! What a thread does with children that it wakes, spawns or drops: those of a scope that it has at
//! home it keeps [there](crate::queue::home), those of a [pen](crate::pen) that it runs in its
//! [local queue](crate::queue::local).
#![forbid(unsafe_code)]

use std::ptr;
use std::sync::Arc;
use std::task::Waker;

use crate::help::ticket::in_a_push;
use crate::help::worker::call_one;
use crate::panic::wake;
use crate::pen::life::address;
use crate::queue::Kind;
use crate::queue::children::Key;
use crate::queue::local::LocalQueue;
use crate::run::current;
use crate::run::shared::{Runnable, Shared};

/// A pen, and the local queue that a thread has of it.
pub(crate) struct Served {
    pub(crate) shared: Arc<Shared>,
    pub(crate) local: Arc<LocalQueue<Runnable>>,
    /// How many threads there may be.
    most: usize,
}

impl Served {
    /// Registers a local queue; not if the pen has ended.
    pub(super) fn begin(shared: &Arc<Shared>, most: usize) -> Option<Self> {
        let local = shared.queue.begin_local()?;
        let shared = Arc::clone(shared);
        Some(Self {
            shared,
            local,
            most,
        })
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

/// Returns true if another thread is wanted for what is kept here, and may be had. We look again:
/// soon, unless it is a scope inside a child that we run.
fn is_wanted(served: &Served) -> bool {
    let Served {
        shared,
        local,
        most,
    } = served;
    let (window, tickets) = (&shared.queue.window, &shared.tickets);
    let is_held_up = || !current::is_in(shared) && local.is_late();
    (window.is_eager() || shared.has_failed() || is_held_up())
        && tickets.out() < *most
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
