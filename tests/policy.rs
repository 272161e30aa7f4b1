//! When a scope asks for helpers (R9): the policy, which is a pure function of what was measured,
//! on its own. The file under test is compiled here once more.

use std::time::Duration;

use policy::{Policy, plan};

#[allow(
    dead_code,
    reason = "what a window does with a plan is not tested here"
)]
#[path = "../src/help/policy.rs"]
mod policy;

const fn micros(n: u64) -> Duration {
    Duration::from_micros(n)
}

/// Work that is worth less than the help it needs is done alone.
#[test]
fn little_work() {
    assert_eq!(plan(1, Duration::ZERO, 1_000_000), None);
    assert_eq!(plan(1, micros(100), 0), None);
    assert_eq!(plan(1, micros(10), 1), None);
    assert_eq!(plan(32, micros(32 * 2), 10), None);
    // Tiny polls, however many: sharing them costs more than running them.
    assert_eq!(plan(32, micros(3), 1_000_000), None);
}

/// Few long children want as many helpers as there is work for, and one runnable at a time.
#[test]
fn long_children() {
    for (elapsed, ready) in [(micros(100), 9), (micros(50), 1), (Duration::MAX, 3)] {
        let plan = plan(1, elapsed, ready).unwrap();
        assert_eq!((plan.helpers, plan.chunk()), (ready, 1));
        assert_eq!(plan.limit(1).unwrap().helpers, 1);
        assert_eq!(plan.limit(0), None);
    }
}

/// Short children are taken several at a time, but never so many that a thread is left without.
#[test]
fn short_children() {
    let many = plan(32, micros(64), 10_000).unwrap();
    assert_eq!(many.limit(3).unwrap().chunk(), 5);
    for ready in 1..2_000 {
        for most in [1, 3, 15] {
            if let Some(plan) = plan(1, micros(1), ready).and_then(|plan| plan.limit(most)) {
                assert!((1..=ready.min(most)).contains(&plan.helpers));
                assert!((1..=policy::LARGEST_CHUNK).contains(&plan.chunk()));
                assert!(plan.chunk() == 1 || plan.chunk() * (plan.helpers + 1) <= ready);
            }
        }
    }
}

/// The clock is read after 1, 4, 16, 64 polls and then every 64; in later long runs every 64
/// from the start, until one gave a reason to ask for help. A short run is measured from its
/// first poll.
#[test]
fn readings() {
    fn readings(policy: &Policy) -> [usize; 6] {
        let mut polls = 0;
        [(); 6].map(|()| {
            polls += policy.stretch(polls, 1_000 - polls);
            polls
        })
    }
    let mut policy = Policy::new();
    let cautious = [1, 4, 16, 64, 128, 192];
    assert_eq!(readings(&policy), cautious);
    policy.found_short(10);
    assert_eq!(readings(&policy), cautious);
    policy.found_short(100);
    assert_eq!(readings(&policy), [64, 128, 192, 256, 320, 384]);
    assert_eq!(policy.stretch(0, policy::SHORT_RUN - 1), 1);
    policy.found_long();
    assert_eq!(readings(&policy), cautious);
}

/// Short runs that proved to be short are measured more and more rarely, long ones always.
#[test]
fn backoff() {
    let mut policy = Policy::new();
    assert!(!policy.starts(1));
    let mut measured = 0;
    for _ in 0..1_000 {
        if policy.starts(2) {
            measured += 1;
            policy.found_short(2);
        }
    }
    assert!((30..=40).contains(&measured), "{measured}");
    assert!(policy.starts(policy::SHORT_RUN));
    policy.found_long();
    assert!(policy.starts(2));
    policy.found_no_helper();
    let skipped = (0..100)
        .take_while(|_| !policy.starts(policy::SHORT_RUN))
        .count();
    assert_eq!(skipped, policy::MOST_SKIPPED as usize);
}
