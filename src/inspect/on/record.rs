//! What is known of one child, closure or scope: when it was polled, how often, for how long.
//!
//! It is written by who spawns, wakes or polls, and read by who takes a tree, on another thread and
//! at any moment. No two write at the same time: a child is woken only when its poll is over. Who
//! writes says so first, in the one word that everything changes. So a reader that finds the same
//! word before and after has read what was so at one moment; otherwise it tries again.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::cell::Cell;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::time::Duration;

use super::clock::{duration, now};
use crate::inspect::Name;

/// What a [`Node`](crate::inspect::Node) does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize),
    serde(rename_all = "lowercase")
)]
pub enum State {
    /// It was woken and waits for its turn, or has not begun.
    Ready = 0,
    /// It is inside of a poll.
    Running = 1,
    /// It waits to be woken.
    Suspended = 2,
}

/// The low bits of the word: what it does. Above them stands how often it was polled.
const DOING: u64 = 0b11;
/// The rest is being written.
const WRITING: u64 = 0b11;
const POLL: u64 = 0b100;

/// How often a reader tries. The thread that writes can be without a processor for long.
const TRIES: usize = 1_000;

/// What is known of one child, closure or scope.
#[derive(Debug)]
pub(crate) struct Record {
    name: Name,
    /// When it was spawned, or opened. Times are as the clock counts them.
    spawned: u64,
    /// When its last poll ended, or began if it is running.
    since: AtomicU64,
    /// How long all polls took that are over.
    busy: AtomicU64,
    word: AtomicU64,
}

/// Tells a child from all others there ever were, of its scope or others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Id {
    spawned: u64,
    /// There may be another one at that address, later.
    address: usize,
}

/// What a record says at one moment.
pub(super) struct Reading {
    pub(super) name: Option<Cow<'static, str>>,
    pub(super) state: State,
    pub(super) age: Duration,
    pub(super) idle: Duration,
    pub(super) polls: u64,
    pub(super) busy: Duration,
}

/// A poll, until it is dropped. A guard, and not a function around the poll, for what that would
/// keep on the stack: scopes are in each other as deep as it reaches.
pub(crate) struct Timed<'a> {
    record: &'a Record,
    start: u64,
}

impl Drop for Timed<'_> {
    #[inline]
    fn drop(&mut self) {
        let (record, end) = (self.record, now());
        let busy = record.busy.load(Ordering::Relaxed) + end.saturating_sub(self.start);
        record.set(POLL, State::Suspended, || {
            record.busy.store(busy, Ordering::Relaxed);
            record.since.store(end, Ordering::Relaxed);
        });
    }
}

/// A poll of a child, until it is dropped.
#[expect(dead_code, reason = "their end is what they are for")]
pub(crate) struct InPoll<'a>(Inside, Timed<'a>);

/// This thread is in a child, until this is dropped.
pub(crate) struct Inside {
    around: Option<(usize, Id)>,
}

impl Drop for Inside {
    #[inline]
    fn drop(&mut self) {
        INSIDE.with(|it| it.set(self.around));
    }
}

thread_local! {
    /// The child or closure that this thread is in, and the address of its scope.
    static INSIDE: Cell<Option<(usize, Id)>> = const { Cell::new(None) };
}

/// Returns the child of the scope at this address that this thread is in.
pub(super) fn inside(scope: usize) -> Option<Id> {
    let (it, id) = INSIDE.with(Cell::get)?;
    (it == scope).then_some(id)
}

impl Record {
    #[inline]
    pub(crate) fn new(name: Name) -> Self {
        let spawned = now();
        Self {
            name,
            spawned,
            since: AtomicU64::new(spawned),
            busy: AtomicU64::new(0),
            word: AtomicU64::new(State::Ready as u64),
        }
    }

    /// It was woken.
    #[inline]
    pub(crate) fn is_ready(&self) {
        self.set(0, State::Ready, || {});
    }

    /// Its future is dropped before it has finished, on this thread: of a child of the scope at
    /// this address.
    pub(crate) fn begin_drop(&self, scope: *const ()) -> Inside {
        let start = now();
        self.set(0, State::Running, || {
            self.since.store(start, Ordering::Relaxed);
        });
        self.enter(scope)
    }

    /// A poll of it begins, on this thread: of a child of the scope at this address.
    #[inline]
    pub(crate) fn begin_poll(&self, scope: *const ()) -> InPoll<'_> {
        InPoll(self.enter(scope), self.begin())
    }

    #[inline]
    fn enter(&self, scope: *const ()) -> Inside {
        let around = INSIDE.with(|it| it.replace(Some((scope.addr(), self.id()))));
        Inside { around }
    }

    /// A poll of it begins.
    #[inline]
    pub(super) fn begin(&self) -> Timed<'_> {
        let start = now();
        self.set(0, State::Running, || {
            self.since.store(start, Ordering::Relaxed);
        });
        Timed {
            record: self,
            start,
        }
    }

    #[inline]
    fn set(&self, more: u64, state: State, write: impl FnOnce()) {
        let polls = self.word.load(Ordering::Relaxed) & !DOING;
        self.word.store(polls | WRITING, Ordering::Relaxed);
        fence(Ordering::Release); // who sees what is written sees that it is being written
        write();
        self.word
            .store((polls + more) | state as u64, Ordering::Release);
    }

    pub(super) fn id(&self) -> Id {
        Id {
            address: std::ptr::from_ref(self).addr(),
            spawned: self.spawned,
        }
    }

    pub(super) fn read(&self) -> Reading {
        let (word, since, busy) = self.read_whole();
        let now = now();
        // The clocks of two processors can differ by some nanoseconds.
        let age = duration(now.saturating_sub(self.spawned));
        let within = |units: u64| duration(units).min(age);
        Reading {
            name: self.name.get(),
            state: match word & DOING {
                0 => State::Ready,
                2 => State::Suspended,
                _ => State::Running, // or that begins, or ends
            },
            age,
            idle: within(now.saturating_sub(since)),
            polls: word / POLL,
            busy: match word / POLL {
                0 => Duration::ZERO,
                _ => within(busy),
            },
        }
    }

    fn read_whole(&self) -> (u64, u64, u64) {
        let mut tries = 0;
        loop {
            let word = self.word.load(Ordering::Acquire);
            let since = self.since.load(Ordering::Relaxed);
            let busy = self.busy.load(Ordering::Relaxed);
            fence(Ordering::Acquire);
            let is_whole = word & DOING != WRITING && self.word.load(Ordering::Relaxed) == word;
            tries += 1;
            if is_whole || tries == TRIES {
                return (word, since, busy);
            }
            spin_loop();
        }
    }
}
