//! What is known of one child, closure or scope: when it was polled, how often, for how long.
//!
//! It is written by who spawns, wakes or polls, and read by who takes a tree, on another thread and
//! at any moment. No two write at the same time: a child is woken only when its poll is over. Who
//! writes says so first, in the one word that everything changes. So a reader that finds the same
//! word before and after has read what was so at one moment; otherwise it tries again.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::time::Duration;

use super::clock::{duration, now};

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

/// The low bits of the word: what it does. Above them stands how often it was polled, up to some
/// hundred thousand millions.
const DOING: u64 = 0b11;
/// The rest is being written.
const WRITING: u64 = 0b11;
const POLL: u64 = 0b100;
const POLLS: u64 = below(40) & !DOING;

/// The low bits of `since`, which is for three years: in 64 units of the clock.
const SINCE: u64 = below(48);
const PER_SINCE: u32 = 6;

/// The low bits of `busy`, which is for nine months at least, and stays there: in 4 units.
const BUSY: u64 = below(50);
const PER_BUSY: u32 = 2;

/// When it was spawned stands in the bits that the three have left: for three years.
const SPAWNED: u64 = below(24 + 16 + 14);

/// No two clocks differ by so many units: some milliseconds, at least.
const LEAP: u64 = 1 << 20;

const fn below(bits: u32) -> u64 {
    (1 << bits) - 1
}

/// How often a reader tries. The thread that writes can be without a processor for long.
const TRIES: usize = 1_000;

/// What is known of one child, closure or scope. There is one for each child, so there are no more
/// than three words. Times are as the clock counts them, `since` and `busy` in coarser units.
#[derive(Debug)]
pub(crate) struct Record {
    /// 2 bits: what it does; 38 bits: its polls; 24 bits: when it was spawned, or opened.
    word: AtomicU64,
    /// 48 bits: when its last poll ended, or began if it is running; 16 bits: when it was spawned.
    since: AtomicU64,
    /// 50 bits: how long all polls took that are over; 14 bits: when it was spawned.
    busy: AtomicU64,
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
        let took = (end >> PER_BUSY).saturating_sub(self.start >> PER_BUSY);
        record.set(true, State::Suspended, || {
            record.add_busy(took);
            record.set_since(end);
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
    pub(crate) fn new() -> Self {
        let now = now();
        let spawned = now & SPAWNED;
        let since = (now >> PER_SINCE) & SINCE;
        Self {
            word: AtomicU64::new(spawned << 40 | State::Ready as u64),
            since: AtomicU64::new((spawned >> 24) << 48 | since),
            busy: AtomicU64::new((spawned >> 40) << 50),
        }
    }

    /// It was woken.
    #[inline]
    pub(crate) fn is_ready(&self) {
        self.set(false, State::Ready, || {});
    }

    /// Its future is dropped before it has finished, on this thread: of a child of the scope at
    /// this address.
    pub(crate) fn begin_drop(&self, scope: *const ()) -> Inside {
        let start = now();
        self.set(false, State::Running, || self.set_since(start));
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
        self.set(false, State::Running, || self.set_since(start));
        Timed {
            record: self,
            start,
        }
    }

    #[inline]
    fn set(&self, is_polled: bool, state: State, write: impl FnOnce()) {
        let word = self.word.load(Ordering::Relaxed) & !DOING;
        self.word.store(word | WRITING, Ordering::Relaxed);
        fence(Ordering::Release); // who sees what is written sees that it is being written
        write();
        let more = if is_polled && word & POLLS < POLLS {
            POLL
        } else {
            0
        };
        self.word
            .store((word + more) | state as u64, Ordering::Release);
    }

    #[inline]
    fn set_since(&self, now: u64) {
        let rest = self.since.load(Ordering::Relaxed) & !SINCE;
        let since = (now >> PER_SINCE) & SINCE;
        self.since.store(rest | since, Ordering::Relaxed);
    }

    #[inline]
    fn add_busy(&self, took: u64) {
        let before = self.busy.load(Ordering::Relaxed);
        let busy = (before & BUSY).saturating_add(took).min(BUSY);
        self.busy.store(before & !BUSY | busy, Ordering::Relaxed);
    }

    pub(super) fn id(&self) -> Id {
        let words = [&self.word, &self.since, &self.busy];
        Id {
            address: std::ptr::from_ref(self).addr(),
            spawned: spawned(words.map(|it| it.load(Ordering::Relaxed))),
        }
    }

    pub(super) fn read(&self) -> Reading {
        let words = self.read_whole();
        let [word, since, busy] = words;
        let now = now();
        let age = duration(between(spawned(words), now, SPAWNED));
        let polls = (word & POLLS) / POLL;
        let busy = match polls {
            0 => Duration::ZERO,
            _ => duration((busy & BUSY) << PER_BUSY).min(age),
        };
        let idle = between(since & SINCE, now >> PER_SINCE, SINCE) << PER_SINCE;
        Reading {
            state: match word & DOING {
                0 => State::Ready,
                2 => State::Suspended,
                _ => State::Running, // or that begins, or ends
            },
            age,
            idle: duration(idle).min(age - busy), // the unit of that is a coarse one
            polls,
            busy,
        }
    }

    fn read_whole(&self) -> [u64; 3] {
        let mut tries = 0;
        loop {
            let word = self.word.load(Ordering::Acquire);
            let since = self.since.load(Ordering::Relaxed);
            let busy = self.busy.load(Ordering::Relaxed);
            fence(Ordering::Acquire);
            let is_whole = word & DOING != WRITING && self.word.load(Ordering::Relaxed) == word;
            tries += 1;
            if is_whole || tries == TRIES {
                return [word, since, busy];
            }
            spin_loop();
        }
    }
}

/// When it was spawned: bits that no one writes.
fn spawned([word, since, busy]: [u64; 3]) -> u64 {
    word >> 40 | (since >> 48) << 24 | (busy >> 50) << 40
}

/// The time from then to now, of which the bits in `mask` are known. The clocks of two processors
/// can differ by some nanoseconds: none, if it is less than none by no more than that.
fn between(then: u64, now: u64, mask: u64) -> u64 {
    match now.wrapping_sub(then) & mask {
        time if time > mask - LEAP => 0,
        time => time,
    }
}
