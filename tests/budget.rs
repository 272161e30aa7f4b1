//! How much one poll of a scope may do (R5), and how often it reads the clock for that (N3): the
//! budget alone, beside a clock that only moves when a test says so. The files under test are
//! compiled here once more.

use std::cell::Cell;
use std::time::Duration;

use run::budget::{Budget, Pace};

#[allow(dead_code, reason = "what is not about the budget is not tested here")]
#[path = "../src/help"]
mod help {
    #[path = "policy.rs"]
    pub(crate) mod policy;
}

#[allow(dead_code, reason = "what happens in windows is tested with real ones")]
#[path = "../src/run"]
mod run {
    #[path = "budget.rs"]
    pub(crate) mod budget;
}

/// The clock.
mod sync {
    use std::ops::Add;
    use std::time::Duration;

    use super::{NOW, READINGS};

    #[derive(Clone, Copy)]
    pub(crate) struct Instant(Duration);

    impl Instant {
        pub(crate) fn now() -> Self {
            READINGS.set(READINGS.get() + 1);
            Self(NOW.get())
        }

        pub(crate) fn elapsed(&self) -> Duration {
            Self::now().0 - self.0
        }
    }

    impl Add<Duration> for Instant {
        type Output = Self;

        fn add(self, duration: Duration) -> Self {
            Self(self.0 + duration)
        }
    }
}

thread_local! {
    static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    static READINGS: Cell<usize> = const { Cell::new(0) };
}

/// What one poll of a scope did.
#[derive(Debug)]
struct Poll {
    polls: usize,
    readings: usize,
    pace: Pace,
}

/// One poll of a scope with so many children, each of which takes so long and, if they are
/// restless, wakes itself.
fn poll(count: usize, each: Duration, restless: bool, pace: Pace, helpers: bool) -> Poll {
    let mut budget = Budget::new(false, pace);
    READINGS.set(0); // what it costs to read it has been measured by now, or is of no account
    if helpers {
        budget.start_clock_for_helpers();
    }
    let mut polls = 0;
    'poll: loop {
        let mut left = count;
        while left > 0 {
            let ran = budget.stretch().min(left);
            NOW.set(NOW.get() + each * ran as u32);
            polls += ran;
            left -= ran;
            budget.spend(ran, restless);
            if budget.look().is_some_and(|look| look.is_over) || budget.polls == 0 {
                break 'poll;
            }
        }
        budget.end_pass();
        if helpers {
            budget.look_after_pass();
        }
        if !restless || budget.polls == 0 {
            break;
        }
    }
    Poll {
        polls,
        readings: READINGS.get(),
        pace: budget.pace(),
    }
}

const fn micros(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

/// R5: a poll is bounded in time, however long a poll of a child is: after a few of them the first
/// time, and after one as soon as they are known to be long.
#[test]
fn bounded_in_time() {
    for each in [50, 200, 1_000, 5_000, 1_000_000].map(micros) {
        for restless in [false, true] {
            let first = poll(300, each, restless, Pace::Unknown, false);
            assert!(first.polls <= 16, "{each:?}: {first:?}");
            let mut pace = first.pace;
            for _ in 0..5 {
                let next = poll(300, each, restless, pace, false);
                let limit = if restless { micros(50) } else { micros(200) };
                assert!(each * next.polls as u32 <= limit + each, "{next:?}");
                pace = next.pace;
            }
        }
    }
}

/// R5: also if polls were short and all turn long at one moment.
#[test]
fn all_turn_slow() {
    for quick in [0, 1, 10, 100, 200] {
        let mut budget = Budget::new(false, Pace::Easy);
        let (mut polls, mut slow) = (0, 0);
        while budget.polls > 0 {
            let each = match polls < quick {
                true => Duration::from_nanos(100),
                false => micros(10_000),
            };
            polls += 1;
            slow += usize::from(polls > quick);
            NOW.set(NOW.get() + each);
            budget.spend(1, false);
            if budget.look().is_some_and(|look| look.is_over) {
                break;
            }
        }
        assert!(slow <= 66, "{slow} after {quick}");
    }
}

/// N3: where polls are short a poll of the scope reads the clock a few times, however many children
/// there are; and for helpers twice more at most, or three times in the first poll. Where hardly
/// anything happens it reads none.
#[test]
fn few_readings() {
    for each in [20, 200].map(Duration::from_nanos) {
        for count in [1, 2, 3, 4, 10, 100, 250] {
            let (mut pace, mut helped_pace) = (Pace::Unknown, Pace::Unknown);
            for for_helpers in [3, 2, 2] {
                let alone = poll(count, each, false, pace, false);
                let helped = poll(count, each, false, helped_pace, true);
                assert_eq!(helped.polls, count);
                let most = alone.readings + for_helpers;
                assert!(helped.readings <= most, "{alone:?} {helped:?}");
                assert!(alone.readings <= 6, "{alone:?}");
                assert!(count > 3 || alone.readings == 0, "{alone:?}");
                (pace, helped_pace) = (alone.pace, helped.pace);
            }
        }
    }
}

/// Short polls are bounded by their number, and not by the time that some other process took.
#[test]
fn one_hiccup() {
    let mut budget = Budget::new(false, Pace::Unknown);
    let mut polls = 0;
    while budget.polls > 0 {
        let ran = budget.stretch();
        polls += ran;
        NOW.set(NOW.get() + if polls < 7 { micros(10_000) } else { micros(0) });
        budget.spend(ran, false);
        assert!(budget.look().is_none_or(|look| !look.is_over));
    }
    assert_eq!(polls, 256);
}
