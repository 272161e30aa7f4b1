//! When a scope asks for helpers (R9): the policy, which is a pure function of what was measured,
//! on its own. The file under test is compiled here once more.

use std::time::Duration;

use policy::plan;

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

/// Slow polls are expected for some seconds after one was met, and not before.
#[test]
fn slow_polls() {
    use policy::is_slow_poll_expected as is_expected;
    assert!(!is_expected(None));
    assert!(is_expected(Some(Duration::ZERO)) && is_expected(Some(Duration::from_secs(5))));
    assert!(!is_expected(Some(Duration::from_secs(60))) && !is_expected(Some(Duration::MAX)));
}
