//! The workers of a [pen](crate::pen), and which of them are idle.
#![forbid(unsafe_code)]

use std::sync::Weak;
use std::task::Waker;

use crate::help::policy::is_slow_poll_expected;
use crate::help::ticket::Tickets;
use crate::help::window::Window;
use crate::panic::wake;
use crate::run::shared::Shared;
use crate::sync::{AtomicU32, Instant, Mutex, Ordering, SharedInstant};

/// What a pen knows of its workers.
#[derive(Default)]
pub(crate) struct Workers {
    /// The pen itself.
    pub(crate) pen: Weak<Shared>,
    idle: Mutex<Idle>,
    /// How often one began to run children, as far as that can be counted.
    stays: AtomicU32,
    /// When a slow poll was met, if EAGER is set in the window.
    met_slow: SharedInstant,
}

/// The workers that are idle.
#[derive(Default)]
struct Idle {
    /// Their wakers, and what each is known by: a number for each time that one becomes idle.
    /// Nobody else has the number of one that was called, which learns of that by its being gone.
    wakers: Vec<(u64, Waker)>,
    last: u64,
}

impl Workers {
    /// Takes the waker of one that is idle, which counts as called.
    pub(super) fn call_idle(&self, tickets: &Tickets) -> Option<Waker> {
        let mut idle = self.idle.lock();
        let (_, waker) = idle.wakers.pop()?;
        tickets.called();
        Some(waker)
    }

    /// Enters one among the idle; gives what it is known by.
    pub(super) fn enter_idle(&self, waker: Waker) -> u64 {
        let mut idle = self.idle.lock();
        idle.last += 1;
        let number = idle.last;
        idle.wakers.push((number, waker));
        number
    }

    /// Takes its waker out again, which counts as called; unless it was called.
    pub(super) fn leave_idle(&self, number: u64, tickets: &Tickets) -> Option<Waker> {
        let mut idle = self.idle.lock();
        let place = idle.wakers.iter().position(|(it, _)| *it == number)?;
        tickets.called();
        Some(idle.wakers.swap_remove(place).1)
    }

    /// One begins to run children.
    pub(super) fn begin_stay(&self) {
        self.stays.fetch_add(1, Ordering::Relaxed);
    }

    /// Has all come to see that the pen is over.
    pub(crate) fn dismiss(&self, tickets: &Tickets) {
        while let Some(idle) = self.call_idle(tickets) {
            wake(Some(idle));
        }
    }

    pub(crate) fn stays(&self) -> u32 {
        self.stays.load(Ordering::Relaxed)
    }

    /// After a slow poll every push calls a thread, for a while.
    pub(super) fn heed_slow(&self, is_slow: bool, window: &Window) {
        if is_slow {
            self.met_slow.set(Instant::now());
            window.set_eager(true);
        } else if window.is_eager() && !is_slow_poll_expected(Some(self.met_slow.elapsed())) {
            window.set_eager(false);
        }
    }
}
