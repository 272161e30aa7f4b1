//! The budget: how much one poll of a scope may do before it lets other tasks have the thread.
//!
//! The task that polls the scope shares its thread with others, so a poll that goes on for as long
//! as something is ready would starve them: children can wake each other, or themselves, for ever.
//! The budget is spent
//!
//! * after [`POLLS`] polls of children and the body, and [`POLLS_IN_A_WINDOW`] more once work is
//!   shared with helpers, or
//! * after some time: [`LONGEST`]; less if a child woke itself, for it wants others to have the
//!   thread; more while work is shared, since to begin and to end that costs something, or
//! * after [`RESTLESS_PASSES`] passes through the ready queue in which a child woke itself: it
//!   yielded, or is a scope whose own budget is spent.
//!
//! A scope that is polled by another one, further down on the stack of this thread, has one
//! restless pass only. Otherwise the passes of scopes in scopes would multiply: the innermost child
//! of five would be polled 8⁵ times before another task had the thread.
//!
//! # When the clock is read
//!
//! To read it takes about as long as a short poll. So a poll of the scope in which hardly anything
//! happens does not read it; others read it at their beginning and when, at the pace seen so far,
//! the time may be up. What one poll of the scope found is what the next begins with, and what
//! scopes beside it begin with: [`Pace`].
#![forbid(unsafe_code)]

use std::mem;
use std::sync::OnceLock;
use std::time::Duration;

use crate::help::policy::SLOW;
use crate::sync::Instant;

/// Polls of children and of the body, in one poll of the scope.
const POLLS: usize = 256;

/// Polls beyond those, once work is shared.
const POLLS_IN_A_WINDOW: usize = 4096;

/// Passes in which a child woke itself, for the outermost scope on a stack.
const RESTLESS_PASSES: usize = 8;

/// How long a poll of the scope lasts.
const LONGEST: Duration = Duration::from_micros(200);
/// ... if a child woke itself.
const RESTLESS: Duration = Duration::from_micros(50);
/// How many times that while work is shared: to begin and to end that costs some tens of
/// microseconds, in which a thread is idle.
const SHARED: [u32; 2] = if cfg!(taskpen_force_windows) {
    [1_000_000; 2] // the tests wait in windows for each other, on a machine that may be busy
} else {
    [25, 10]
};

/// While work is shared the scope's thread makes so many polls at least: at the end of it others
/// are idle until the longest poll is over.
const SHARED_POLLS: u64 = 2;

/// Polls between two looks at the clock, at most: all children can turn slow at one moment.
const UNTIMED: u64 = 64;

/// Polls that are shorter need not be watched closely.
const EASY: u64 = nanos(Duration::from_micros(5));

/// How often a poll of the scope looks at the clock, from what earlier ones found.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Pace {
    /// Nothing is known yet.
    #[default]
    Unknown,
    /// The time was up: polls may be slow.
    Careful,
    /// Polls were short.
    Easy,
}

impl Pace {
    /// Polls before the clock is read for the first time.
    const fn untimed(self) -> u32 {
        match self {
            Self::Careful => 0,
            Self::Unknown | Self::Easy => 4,
        }
    }

    /// Polls from there to the first look.
    const fn first(self) -> u32 {
        match self {
            Self::Unknown => 2,
            Self::Careful => 1,
            Self::Easy => 8,
        }
    }

    /// How many times as many polls as before may be made until the next look.
    const fn growth(self) -> u32 {
        match self {
            Self::Careful => 1,
            Self::Unknown => 3,
            Self::Easy => 7,
        }
    }
}

/// What a look at the clock found.
pub(crate) struct Look {
    pub(crate) now: Instant,
    /// So many polls have been timed,
    pub(crate) polls: usize,
    /// and have taken so long.
    pub(crate) elapsed: Duration,
    /// Set if a poll since the last look was slow.
    pub(crate) is_slow: bool,
    /// Set if the time is up.
    pub(crate) is_over: bool,
}

/// What a poll has left of its budget.
pub(crate) struct Budget {
    /// Those that are left.
    pub(crate) polls: usize,
    restless_passes: usize,
    /// Set if a child woke itself in this pass.
    is_restless: bool,
    /// Set if one did in an earlier pass.
    was_restless: bool,
    /// How many times the usual a poll may last, and if a child woke itself: more once work is
    /// shared.
    times: [u32; 2],
    /// Polls that were made.
    made: u32,
    /// How many are made until the clock is read again.
    look_at: u32,
    pace: Pace,
    is_nested: bool,
    /// Set once the time was up; see [`look_now`](Self::look_now).
    was_up: bool,
    /// Once it was read.
    clock: Option<Clock>,
}

/// What the clock showed.
struct Clock {
    /// When it was read first.
    start: Instant,
    /// How many polls had been made then.
    made: u32,
    last: Reading,
}

impl Clock {
    fn new(start: Instant, made: u32) -> Self {
        let last = Reading { elapsed: 0, made };
        Self { start, made, last }
    }
}

/// What the clock showed last.
struct Reading {
    /// Since the first time, in nanoseconds: durations are slow to calculate with.
    elapsed: u64,
    /// How many polls had been made then.
    made: u32,
}

impl Budget {
    /// The budget of one poll of a scope, which may be nested: polled by another one.
    pub(crate) fn new(is_nested: bool, pace: Pace) -> Self {
        let mut budget = Self {
            polls: POLLS,
            restless_passes: if is_nested { 1 } else { RESTLESS_PASSES },
            is_restless: false,
            was_restless: false,
            times: [1; 2],
            made: 0,
            look_at: pace.untimed(),
            is_nested,
            pace,
            was_up: matches!(pace, Pace::Careful),
            clock: None,
        };
        if let Pace::Careful = pace {
            budget.start_clock();
        }
        budget
    }

    /// Reads the clock from now on, if it was not read before, and looks at it soon: there are
    /// helpers, with whom long polls should be shared. Returns when it was read first.
    pub(crate) fn start_clock_for_helpers(&mut self) -> Instant {
        let start = self.start_clock();
        if let Pace::Unknown = self.pace {
            self.look_at = self.made + 1;
        }
        start
    }

    fn start_clock(&mut self) -> Instant {
        match &self.clock {
            Some(clock) => clock.start,
            None => self.set_clock(Instant::now(), self.first_look()),
        }
    }

    /// After how many polls from there the first look is. In a nested scope that is later, unless
    /// its children want others to have the thread: there may be many such scopes, the one around
    /// looks as well, and what one of them finds is known to the others.
    fn first_look(&self) -> u32 {
        match self.pace {
            Pace::Unknown if self.is_nested && !self.is_restless => Pace::Easy.first(),
            pace => pace.first(),
        }
    }

    /// Times polls from `start` on, which is now, and looks after so many of them.
    fn set_clock(&mut self, start: Instant, look_after: u32) -> Instant {
        self.clock = Some(Clock::new(start, self.made));
        self.look_at = self.made + look_after;
        start
    }

    /// Returns how many polls may be made until [`look`](Self::look) is to be called.
    #[inline]
    pub(crate) fn stretch(&self) -> usize {
        let until_look = self.look_at.saturating_sub(self.made).max(1);
        self.polls.min(until_look as usize)
    }

    /// Looks at the clock after the next poll, which may be slow.
    pub(crate) fn look_soon(&mut self) {
        self.look_at = self.made + 1;
    }

    /// So many polls were made. `is_restless` says that a child woke itself in one of them.
    #[inline]
    pub(crate) fn spend(&mut self, polls: usize, is_restless: bool) {
        self.polls = self.polls.saturating_sub(polls);
        self.made += polls as u32;
        self.is_restless |= is_restless;
    }

    /// Returns true if it is time to look at the clock.
    #[inline]
    pub(crate) fn is_due(&self) -> bool {
        self.made >= self.look_at
    }

    /// Looks at the clock if it is time for that.
    #[inline]
    pub(crate) fn look(&mut self) -> Option<Look> {
        match self.is_due() {
            true => self.look_now(),
            false => None,
        }
    }

    #[inline(never)]
    fn look_now(&mut self) -> Option<Look> {
        let (made, limit) = (self.made, self.limit());
        let Some(clock) = &mut self.clock else {
            self.start_clock();
            return None;
        };
        let duration = clock.start.elapsed();
        let now = clock.start + duration;
        let (elapsed, polls) = (nanos(duration), made - clock.made);
        let before = mem::replace(&mut clock.last, Reading { elapsed, made });
        let timed = u64::from(polls.max(1));
        let limit = match self.times {
            [1, 1] => limit,
            _ => limit.max(SHARED_POLLS * elapsed / timed),
        };
        // At the mean pace of those that were made, so many fit into the time that is left.
        let left = limit.saturating_sub(elapsed) * timed / elapsed.max(1);
        let most = (timed * u64::from(self.pace.growth())).min(UNTIMED);
        self.look_at = made + left.clamp(1, most) as u32;
        let is_up = elapsed >= limit;
        // Once it may have been another thread that had the processor, or code that was not in the
        // cache. If it is so again the time is up.
        let is_over = is_up && mem::replace(&mut self.was_up, true);
        if is_over {
            self.pace = Pace::Careful;
        } else if is_up {
            self.set_clock(now, 1);
        } else {
            self.pace = match elapsed < EASY * u64::from(polls) {
                true => Pace::Easy,
                false => Pace::Unknown,
            };
        }
        Some(Look {
            now,
            polls: polls as usize,
            elapsed: duration,
            is_slow: is_slow(elapsed.saturating_sub(before.elapsed), made - before.made),
            is_over,
        })
    }

    /// Looks at the clock, if it was read before and there were polls since.
    pub(crate) fn look_after_pass(&mut self) -> Option<Look> {
        let made = self.clock.as_ref().map(|clock| clock.last.made);
        match made.is_some_and(|made| self.made > made) {
            true => self.look_now(),
            false => None,
        }
    }

    /// How long this poll of the scope may last, in nanoseconds.
    fn limit(&self) -> u64 {
        let [times, restless_times] = self.times.map(u64::from);
        let longest = match self.is_restless || self.was_restless {
            true => restless_times * const { nanos(RESTLESS) },
            false => times * const { nanos(LONGEST) },
        };
        longest.max(clock_cost() * LOOKS)
    }

    /// A pass through the ready queue has ended.
    pub(crate) fn end_pass(&mut self) {
        if mem::take(&mut self.is_restless) {
            self.was_restless = true;
            self.restless_passes = self.restless_passes.saturating_sub(1);
            if self.restless_passes == 0 {
                self.polls = 0;
            }
        }
    }

    /// Work is shared from now on: more polls, and more time.
    pub(crate) fn share(&mut self) {
        self.start_clock();
        if self.times == [1; 2] {
            self.times = SHARED;
            self.polls += POLLS_IN_A_WINDOW;
        }
    }

    /// The scope cannot return yet, and goes on.
    pub(crate) fn renew(&mut self) {
        *self = Self::new(self.is_nested, self.pace);
        self.start_clock();
    }

    /// Returns what the next poll of the scope begins with.
    pub(crate) fn pace(&self) -> Pace {
        self.pace
    }
}

/// Returns true if one of so many polls, which took so long together, was slow.
fn is_slow(elapsed: u64, polls: u32) -> bool {
    let slow = const { nanos(SLOW) };
    elapsed >= slow && elapsed / 10 >= slow / 100 * u64::from(polls)
}

/// A poll of a scope lasts as long as so many looks at the clock, at least. Where all is slow, as
/// under an emulator or a profiler, it would be over with hardly anything done.
const LOOKS: u64 = 400;

/// Nanoseconds, of which 64 bits hold 500 years.
const fn nanos(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}

/// How long a look at the clock takes here, in nanoseconds.
fn clock_cost() -> u64 {
    static COST: OnceLock<u64> = OnceLock::new();
    *COST.get_or_init(|| {
        let looks = (0..16).map(|_| Instant::now().elapsed());
        looks.min().map_or(0, nanos)
    })
}
