//! The cancellation of a scope meets those who wait for it, those who ask too late, and scopes
//! inside it.

use std::sync::Arc;
use std::task::Waker;

use loom::thread;

use crate::cancel::cancellation::Outcome;
use crate::cancel::cause::Cause;
use crate::cancel::signal::Signal;
use crate::shared::Shared;
use crate::support::{Outcome as Seen, Scope, Wakes, explore_within};

fn asked(reason: &'static str) -> Cause {
    Cause::Requested {
        reason: Some(reason.into()),
        location: std::panic::Location::caller(),
    }
}

/// Polls a wait once, which must not be lost: it is over, or it is woken when `signal` is told.
struct Wait {
    wakes: Arc<Wakes>,
    waker: Waker,
    key: Option<usize>,
    is_over: bool,
}

impl Wait {
    fn poll(signal: &Signal) -> Self {
        let wakes = Arc::new(Wakes::default());
        let mut wait = Self {
            waker: Waker::from(Arc::clone(&wakes)),
            wakes,
            key: None,
            is_over: false,
        };
        wait.is_over = signal.poll(&mut wait.key, &wait.waker).is_ready();
        wait
    }

    fn assert_told(mut self, signal: &Signal) {
        assert_eq!(self.wakes.count(), usize::from(!self.is_over));
        assert!(signal.poll(&mut self.key, &self.waker).is_ready());
    }
}

/// K2, K8: somebody begins to wait while somebody else cancels: the wait is over at once, or woken,
/// once. Two who cancel agree on the cause.
#[test]
fn wait_and_cancel() {
    static AT_ONCE: Seen = Seen::new("the wait was over at once");
    static WOKEN: Seen = Seen::new("the wait was woken");
    static OTHER: Seen = Seen::new("the other thread was first");

    explore_within(3, || {
        let shared = Shared::new();
        let other = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                shared.cancellation.signal().fire(asked("there"));
                assert!(shared.cancellation.is_cancelled());
                shared.cancellation.signal().cause().cloned()
            }
        });
        let signal = shared.cancellation.signal();
        let wait = Wait::poll(signal);
        match wait.is_over {
            true => AT_ONCE.mark(),
            false => WOKEN.mark(),
        }
        signal.fire(asked("here"));
        let cause = signal.cause().cloned();
        if cause.as_ref().unwrap().reason() == Some("there") {
            OTHER.mark();
        }
        assert_eq!(other.join().unwrap(), cause);
        wait.assert_told(signal);
    });
    AT_ONCE.assert_seen();
    WOKEN.assert_seen();
    OTHER.assert_seen();
}

/// K4, K5: the scope is dropped while somebody asks for a token for the first time: when both are
/// done the token is cancelled, and who waited is woken.
#[test]
fn token_and_end() {
    static EARLY: Seen = Seen::new("the wait began before the end");
    static LATE: Seen = Seen::new("the token was asked for after the end");

    explore_within(3, || {
        let scope = Scope::new();
        let shared = scope.shared();
        let other = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                let signal = shared.cancellation.signal();
                let wait = Wait::poll(signal);
                match wait.is_over {
                    true => LATE.mark(),
                    false => EARLY.mark(),
                }
                wait
            }
        });
        drop(scope);
        assert!(shared.cancellation.is_cancelled(), "whoever is still at it");
        let signal = shared.cancellation.signal();
        assert_eq!(signal.cause(), Some(&Cause::Dropped));
        other.join().unwrap().assert_told(signal);
    });
    EARLY.assert_seen();
    LATE.assert_seen();
}

/// K4: a child fails on another thread while the scope is dropped: the token is cancelled when
/// `drop` returns, for a cause that stays.
#[test]
fn failure_and_drop() {
    static FAILED: Seen = Seen::new("the failure was first");
    static DROPPED: Seen = Seen::new("the drop was first");

    explore_within(3, || {
        let scope = Scope::new();
        let shared = scope.shared();
        let other = thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.failed()
        });
        let signal = Arc::clone(shared.cancellation.signal());
        let wait = Wait::poll(&signal);
        drop(scope);
        let cause = signal.cause().cloned();
        match cause.as_ref().unwrap() {
            Cause::Failed => FAILED.mark(),
            _ => DROPPED.mark(),
        }
        other.join().unwrap();
        assert_eq!(signal.cause(), cause.as_ref());
        wait.assert_told(&signal);
    });
    FAILED.assert_seen();
    DROPPED.assert_seen();
}

/// K6: somebody waits in a nested scope for the first time while the outer one is cancelled, and
/// while the nested one ends: the wait is over or woken, once, and nobody sees the cause change.
#[test]
fn nested_wait_and_cancel() {
    static AT_ONCE: Seen = Seen::new("the wait was over at once");
    static WOKEN: Seen = Seen::new("the wait was woken");
    static OUTER: Seen = Seen::new("the outer scope was first");
    static INNER: Seen = Seen::new("the nested scope was first");

    explore_within(2, || {
        let outer = Shared::new();
        let inner = Shared::new();
        inner.cancellation.set_parent(Some(Arc::clone(&outer)));
        let canceller = thread::spawn({
            let outer = Arc::clone(&outer);
            move || outer.cancellation.signal().fire(asked("outer"))
        });
        let end = thread::spawn({
            let inner = Arc::clone(&inner);
            move || inner.cancellation.settle(Outcome::Ended)
        });
        let signal = inner.cancellation.signal();
        let wait = Wait::poll(signal);
        match wait.is_over {
            true => AT_ONCE.mark(),
            false => WOKEN.mark(),
        }
        let early = signal.cause().cloned();
        canceller.join().unwrap();
        end.join().unwrap();
        let cause = signal.cause().cloned();
        match cause.as_ref().unwrap() {
            Cause::Ended => INNER.mark(),
            cause => {
                assert_eq!(cause.reason(), Some("outer"));
                OUTER.mark();
            }
        }
        assert!(early.is_none() || early == cause);
        wait.assert_told(signal);
    });
    AT_ONCE.assert_seen();
    WOKEN.assert_seen();
    OUTER.assert_seen();
    INNER.assert_seen();
}

/// K6: a nested scope lets go of its parent when it learns of a cause. Whoever has seen the outer
/// one cancelled sees that of the nested one in that moment, too; with a token of it and without.
#[test]
fn nested_lets_go() {
    static BEFORE: Seen = Seen::new("the outer scope was not cancelled yet");
    static AFTER: Seen = Seen::new("the outer scope was cancelled");

    for has_token in [true, false] {
        explore_within(4, move || {
            let outer = Shared::new();
            let inner = Shared::new();
            inner.cancellation.set_parent(Some(Arc::clone(&outer)));
            outer.cancellation.signal();
            if has_token {
                inner.cancellation.signal();
            }
            let canceller = thread::spawn({
                let (outer, inner) = (Arc::clone(&outer), Arc::clone(&inner));
                move || {
                    outer.cancellation.signal().fire(asked("outer"));
                    inner.cancellation.settle(Outcome::Ended);
                }
            });
            let early = inner.cancellation.is_cancelled(); // what it found it may keep
            let signal = outer.cancellation.signal();
            let wait = Wait::poll(signal);
            match wait.is_over {
                true => {
                    AFTER.mark();
                    assert!(inner.cancellation.is_cancelled());
                }
                false => BEFORE.mark(),
            }
            assert!(!early || inner.cancellation.is_cancelled());
            canceller.join().unwrap();
            wait.assert_told(signal);
            assert!(inner.cancellation.is_cancelled());
        });
    }
    BEFORE.assert_seen();
    AFTER.assert_seen();
}
