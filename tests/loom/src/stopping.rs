//! A cause meets the tasks that wait for it, those that begin to, and scopes inside the one it is
//! entered in.

use std::sync::Arc;
use std::task::Waker;

use loom::thread;

use crate::run::shared::Shared;
use crate::stop::cause::Cause;
use crate::stop::state::{Outcome, Stop};
use crate::support::{Lent, Outcome as Seen, Scope, Wakes, explore, explore_within};

fn requested(reason: &'static str) -> Cause {
    Cause::Requested {
        reason: reason.into(),
        location: std::panic::Location::caller(),
    }
}

/// Polls a wait once, which must not be lost: it is over, or it is woken when there is a cause.
struct Wait {
    wakes: Arc<Wakes>,
    waker: Waker,
    key: Option<usize>,
    is_over: bool,
}

impl Wait {
    fn poll(scope: &Shared) -> Self {
        let wakes = Arc::new(Wakes::default());
        let mut wait = Self {
            waker: Waker::from(Arc::clone(&wakes)),
            wakes,
            key: None,
            is_over: false,
        };
        wait.is_over = scope.stop.poll(&mut wait.key, &wait.waker).is_ready();
        wait
    }

    fn assert_told(mut self, scope: &Shared) {
        assert_eq!(self.wakes.count(), usize::from(!self.is_over));
        assert!(scope.stop.poll(&mut self.key, &self.waker).is_ready());
    }
}

/// K2, K8: a task begins to wait while a stop is requested: the wait is over at once, or woken,
/// once. Two requests agree on the cause.
#[test]
fn wait_and_request() {
    static AT_ONCE: Seen = Seen::new("the wait was over at once");
    static WOKEN: Seen = Seen::new("the wait was woken");
    static OTHER: Seen = Seen::new("the other thread was first");

    explore_within(3, || {
        let shared = Shared::new();
        let other = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                shared.stop.request(requested("there"));
                assert!(shared.stop.is_requested());
                shared.stop.cause()
            }
        });
        let wait = Wait::poll(&shared);
        match wait.is_over {
            true => AT_ONCE.mark(),
            false => WOKEN.mark(),
        }
        shared.stop.request(requested("here"));
        let cause = shared.stop.cause();
        if cause.as_ref().unwrap().reason() == Some("there") {
            OTHER.mark();
        }
        assert_eq!(other.join().unwrap(), cause);
        wait.assert_told(&shared);
    });
    AT_ONCE.assert_seen();
    WOKEN.assert_seen();
    OTHER.assert_seen();
}

/// K4, K5: the scope is dropped while a task begins to wait: the wait is over at once, or woken.
#[test]
fn wait_and_end() {
    static EARLY: Seen = Seen::new("the wait began before the end");
    static LATE: Seen = Seen::new("the wait began after the end");

    explore_within(3, || {
        let scope = Scope::new();
        let shared = scope.shared();
        let other = thread::spawn({
            let shared = Arc::clone(&shared);
            move || Wait::poll(&shared)
        });
        drop(scope);
        assert_eq!(shared.stop.cause(), Some(Cause::Dropped));
        let wait = other.join().unwrap();
        match wait.is_over {
            true => LATE.mark(),
            false => EARLY.mark(),
        }
        wait.assert_told(&shared);
    });
    EARLY.assert_seen();
    LATE.assert_seen();
}

/// K3, K4: a child fails on another thread while the scope is dropped, and a stop is requested on a
/// third: the cause is that of the first, and stays.
#[test]
fn failure_and_drop() {
    static FAILED: Seen = Seen::new("the failure was first");
    static DROPPED: Seen = Seen::new("the drop was first");
    static REQUESTED: Seen = Seen::new("the request was first");

    explore_within(3, || {
        let scope = Scope::new();
        let shared = scope.shared();
        let failing = thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.failed()
        });
        let requesting = thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.stop.request(requested("there"))
        });
        let wait = Wait::poll(&shared);
        drop(scope);
        let cause = shared.stop.cause();
        match cause.as_ref().unwrap() {
            Cause::Failed => FAILED.mark(),
            Cause::Dropped => DROPPED.mark(),
            _ => REQUESTED.mark(),
        }
        failing.join().unwrap();
        requesting.join().unwrap();
        assert_eq!(shared.stop.cause(), cause);
        wait.assert_told(&shared);
    });
    FAILED.assert_seen();
    DROPPED.assert_seen();
    REQUESTED.assert_seen();
}

/// F5: a thread that sees the failure, or its cause, sees what led to it.
#[test]
fn failure_publishes() {
    static SEEN: Seen = Seen::new("the failure was seen");
    static NOT_YET: Seen = Seen::new("the failure was not seen yet");

    for by_cause in [false, true] {
        explore(move || {
            let shared = Shared::new();
            let lent = Arc::new(Lent::new());
            let looking = thread::spawn({
                let (shared, lent) = (Arc::clone(&shared), Arc::clone(&lent));
                move || {
                    let is_seen = match by_cause {
                        true => shared.stop.is_requested(),
                        false => shared.has_failed(),
                    };
                    match is_seen {
                        true => {
                            lent.reclaim();
                            SEEN.mark();
                        }
                        false => NOT_YET.mark(),
                    }
                }
            });
            lent.borrow();
            shared.stop.end(Outcome::Failed);
            looking.join().unwrap();
        });
    }
    SEEN.assert_seen();
    NOT_YET.assert_seen();
}

/// K6: a scope begins inside one that is asked to stop at that moment: it has the cause when both
/// are done, and a task that waits in it, from before it began, is woken once.
#[test]
fn begin_and_request() {
    static BEFORE: Seen = Seen::new("the outer scope had a cause already");
    static AFTER: Seen = Seen::new("the nested scope was linked, and told");

    explore_within(4, || {
        let outer = Shared::new();
        let inner = Shared::new();
        let wait = Wait::poll(&inner);
        let requesting = thread::spawn({
            let outer = Arc::clone(&outer);
            move || outer.stop.request(requested("outer"))
        });
        let key = Stop::begin_inside(&inner, &outer.stop);
        match inner.stop.is_requested() {
            true => BEFORE.mark(),
            false => AFTER.mark(),
        }
        requesting.join().unwrap();
        let cause = inner.stop.cause().expect("it was told");
        assert!(matches!(&cause, Cause::Parent(root) if root.reason() == Some("outer")));
        wait.assert_told(&inner);
        // No link is left that would keep it.
        key.into_iter().for_each(|key| outer.stop.leave(key));
        assert_eq!(Arc::strong_count(&inner), 1);
    });
    BEFORE.assert_seen();
    AFTER.assert_seen();
}

/// K3, K6: the outer scope is asked to stop while the nested one ends, and a task begins to wait in
/// that: the wait is over or woken, once, and the cause does not change.
#[test]
fn nested_wait_and_request() {
    static AT_ONCE: Seen = Seen::new("the wait was over at once");
    static WOKEN: Seen = Seen::new("the wait was woken");
    static OUTER: Seen = Seen::new("the outer scope was first");
    static INNER: Seen = Seen::new("the nested scope was first");

    explore_within(2, || {
        let outer = Shared::new();
        let inner = Shared::new();
        let key = Stop::begin_inside(&inner, &outer.stop).unwrap();
        let requesting = thread::spawn({
            let outer = Arc::clone(&outer);
            move || outer.stop.request(requested("outer"))
        });
        let ending = thread::spawn({
            let (outer, inner) = (Arc::clone(&outer), Arc::clone(&inner));
            move || {
                inner.stop.end(Outcome::Ended);
                outer.stop.leave(key);
            }
        });
        let wait = Wait::poll(&inner);
        match wait.is_over {
            true => AT_ONCE.mark(),
            false => WOKEN.mark(),
        }
        let early = inner.stop.cause();
        requesting.join().unwrap();
        ending.join().unwrap();
        let cause = inner.stop.cause();
        match cause.as_ref().unwrap() {
            Cause::Ended => INNER.mark(),
            cause => {
                assert_eq!(cause.reason(), Some("outer"));
                OUTER.mark();
            }
        }
        assert!(early.is_none() || early == cause);
        wait.assert_told(&inner);
        assert_eq!(Arc::strong_count(&inner), 1);
    });
    AT_ONCE.assert_seen();
    WOKEN.assert_seen();
    OUTER.assert_seen();
    INNER.assert_seen();
}

/// K6: a request goes through three scopes while the one in the middle ends: the innermost, which
/// has left it, has the cause of one or the other.
#[test]
fn three_levels() {
    static OUTER: Seen = Seen::new("the innermost scope stops with the outermost");
    static MIDDLE: Seen = Seen::new("the innermost scope stops with the middle one");

    explore_within(2, || {
        let [outer, middle, inner] = [(); 3].map(|()| Shared::new());
        let key = Stop::begin_inside(&middle, &outer.stop).unwrap();
        Stop::begin_inside(&inner, &middle.stop).unwrap();
        let wait = Wait::poll(&inner);
        let requesting = thread::spawn({
            let outer = Arc::clone(&outer);
            move || outer.stop.request(requested("outer"))
        });
        middle.stop.end(Outcome::Ended);
        outer.stop.leave(key);
        requesting.join().unwrap();
        let cause = inner.stop.cause().expect("both ways lead to it");
        match cause.root() {
            Cause::Ended => MIDDLE.mark(),
            cause => {
                assert_eq!(cause.reason(), Some("outer"));
                OUTER.mark();
            }
        }
        wait.assert_told(&inner);
        for scope in [outer, middle, inner] {
            assert_eq!(Arc::strong_count(&scope), 1);
        }
    });
    OUTER.assert_seen();
    MIDDLE.assert_seen();
}

/// K10: a wait is given up while it is told: the waker goes, and is woken once at most.
#[test]
fn give_up_and_request() {
    static TOLD: Seen = Seen::new("the wait was told");
    static GONE: Seen = Seen::new("the wait was gone");

    explore(|| {
        let shared = Shared::new();
        let wait = Wait::poll(&shared);
        let requesting = thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.stop.request(requested("there"))
        });
        shared.stop.leave(wait.key.unwrap());
        requesting.join().unwrap();
        match wait.wakes.count() {
            0 => GONE.mark(),
            count => {
                assert_eq!(count, 1);
                TOLD.mark();
            }
        }
    });
    TOLD.assert_seen();
    GONE.assert_seen();
}
