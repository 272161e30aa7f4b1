//! Cooperative cancellation: who learns of it, when, and why. The ids are those of the guide
//! `many`.
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]

use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use crate::life::{Gate, Log, Wakes, poll_once, poll_with, run, settle};
use futures_lite::future::{block_on, yield_now};
use taskpen::{Cause, StopToken, TryScope, scope, try_scope};

/// Where a test calls `cancel`, relative to this file.
const HERE: &str = file!();

/// K1: `cancel` drops nothing and ends nothing: children run on, new ones are taken, and the scope
/// waits for them.
each_form!(nothing_is_dropped, |scope, ok| {
    let log = Log::default();
    run(scope(async |s| {
        let (child, late) = (log.clone(), log.clone());
        let handle = s.clone();
        s.spawn(async move {
            handle.stop_token().await;
            yield_now().await;
            child.note("the child had time");
            ok(())
        });
        yield_now().await;
        s.request_stop("enough");
        assert!(s.stop_requested() && !s.is_ended());
        assert_eq!(s.len(), 1);
        s.spawn(async move {
            yield_now().await;
            late.note("a new child, too");
            ok(())
        });
        ok(())
    }));
    let mut events = log.events();
    events.sort_unstable();
    assert_eq!(events, ["a new child, too", "the child had time"]);
});

/// K2: who waits is woken; who waits or asks later learns of it at once; asking again tells
/// nobody again.
#[test]
fn level_triggered() {
    run(scope(async |s| {
        let token = s.stop_token();
        assert!(!s.stop_requested() && !token.stop_requested());
        assert_eq!((s.stop_cause(), token.cause()), (None, None));

        let (wakes, waker) = Wakes::waker();
        let mut early = [s.stop_token(), token.clone(), s.stop_token()];
        for early in &mut early {
            assert!(poll_with(Pin::new(early), &waker).is_pending());
        }
        token.clone().request_stop("enough");
        assert_eq!(wakes.count(), 3);
        s.request_stop("enough");
        token.request_stop("again");
        assert_eq!(wakes.count(), 3);
        for early in &mut early {
            // As often as one likes.
            assert!(poll_with(Pin::new(early), &waker).is_ready());
            assert!(poll_with(Pin::new(early), &waker).is_ready());
        }

        s.stop_token().await;
        token.clone().await;
        assert!(s.stop_requested() && token.stop_requested() && s.stop_token().stop_requested());
        assert_eq!(wakes.count(), 3);
    }));
}

/// K3: the first cause is kept, with its text and with the line that asked.
#[test]
fn cause_of_asking() {
    let causes = run(scope(async |s| {
        let token = s.stop_token();
        let line = line!() + 1;
        s.request_stop(format!("out of {}", "disk"));
        token.request_stop("late");
        s.request_stop("enough");
        assert_eq!(line, token.cause().unwrap().location().unwrap().line());
        assert_eq!(s.stop_cause(), token.cause());
        token.cause().unwrap()
    }));
    assert_eq!(causes.reason(), Some("out of disk"));
    assert_eq!(causes.location().unwrap().file(), HERE);
    let shown = causes.to_string();
    assert!(shown.starts_with("a stop was requested at "), "{shown}");
    assert!(shown.ends_with(": out of disk"), "{shown}");
}

/// K3: a handle, a token, and a token of the scope's future each name the caller's line; a scope
/// that has ended keeps its cause, whatever is asked of it.
#[test]
fn location_of_asking() {
    let token = run(scope(async |s| s.stop_token()));
    token.request_stop("late");
    assert_eq!(token.cause(), Some(Cause::Ended));

    run(scope(async |s| {
        let token = s.stop_token();
        token.request_stop("by a token");
        let line = line!() - 1;
        assert_eq!(token.cause().unwrap().location().unwrap().line(), line);
    }));
    run(try_scope(async |s: TryScope<'_, ()>| {
        s.request_stop("by a handle");
        let line = line!() - 1;
        assert_eq!(s.stop_cause().unwrap().location().unwrap().line(), line);
        Ok(())
    }))
    .unwrap();
    let scoped = scope(async |s| s.stop_cause());
    scoped.stop_token().request_stop("before it began");
    let line = line!() - 1;
    let cause = run(scoped).unwrap();
    assert_eq!(cause.location().unwrap().line(), line);
}

/// U5: the token of a future that was not polled yet is that of its scope, of each kind, nested or
/// not: it waits, it asks, and it says how the scope ended.
each_form!(token_before_the_start, |scope, ok| {
    let scoped = scope(async |s| {
        s.stop_token().await;
        ok(())
    });
    let token = scoped.stop_token();
    let (wakes, waker) = Wakes::waker();
    let mut waits = pin!(token.clone());
    assert!(poll_with(waits.as_mut(), &waker).is_pending());
    let mut scoped = Box::pin(scoped);
    run(taskpen::scope(async |outer| {
        assert!(settle(scoped.as_mut()).is_pending());
        assert_eq!((wakes.count(), token.cause()), (0, None));
        outer.request_stop("around it");
        assert_eq!((wakes.count(), token.stop_requested()), (1, true));
    }));
    assert!(settle(scoped.as_mut()).is_ready());
    assert_eq!(token.cause().unwrap().reason(), Some("around it"));

    let unpolled = scope(async |_| ok(()));
    let token = unpolled.stop_token();
    drop(unpolled);
    assert_eq!(token.cause(), Some(Cause::Dropped));
});

/// Notes what a token says when this is dropped.
struct Witness<'a> {
    token: StopToken,
    causes: &'a Mutex<Vec<Option<Cause>>>,
}

impl Drop for Witness<'_> {
    fn drop(&mut self) {
        self.causes.lock().unwrap().push(self.token.cause());
    }
}

/// Runs a future to its end, whether that is a panic or not.
fn run_anyhow(future: impl Future) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(run(future))));
}

/// K4: a normal end is the cause for those who are dropped by it, and stays it.
#[test]
fn cause_of_the_end() {
    let causes = Mutex::new(Vec::new());
    let token = run(scope(async |s| {
        let token = s.stop_token();
        let witness = Witness {
            token: token.clone(),
            causes: &causes,
        };
        s.spawn_background(async move {
            pending::<()>().await;
            drop(witness);
        });
        s.spawn(yield_now());
        token
    }));
    assert_eq!(token.cause(), Some(Cause::Ended));
    assert_eq!(causes.into_inner().unwrap(), [Some(Cause::Ended)]);
}

/// K4: an `Err`, of a child or of the body, is told before anything is dropped.
#[test]
fn cause_of_an_error() {
    for body_fails in [false, true] {
        let causes = Mutex::new(Vec::new());
        let result: Result<(), _> = run(try_scope(async |s: TryScope<'_, &str>| {
            let witness = || Witness {
                token: s.stop_token(),
                causes: &causes,
            };
            let (_body, child) = (witness(), witness());
            s.spawn(async move {
                pending::<()>().await;
                drop(child);
                Ok(())
            });
            yield_now().await;
            if body_fails {
                return Err("body");
            }
            s.spawn(async { Err::<(), _>("child") });
            pending().await
        }));
        assert!(result.is_err());
        let causes = causes.into_inner().unwrap();
        // A local of a body that returns is dropped before anybody knows what it returns.
        let body = (!body_fails).then_some(Cause::Failed);
        assert_eq!(causes, [body, Some(Cause::Failed)]);
    }
}

/// K4: so is a panic, of a child, of the body, or of a destructor in a scope that goes on.
#[test]
fn cause_of_a_panic() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            resume_unwind(Box::new("bomb"));
        }
    }

    for who in ["child", "body", "value"] {
        let causes = Mutex::new(Vec::new());
        let token = Mutex::new(None);
        run_anyhow(scope(async |s| {
            *token.lock().unwrap() = Some(s.stop_token());
            let witness = Witness {
                token: s.stop_token(),
                causes: &causes,
            };
            s.spawn(async move {
                pending::<()>().await;
                drop(witness);
            });
            yield_now().await;
            match who {
                "child" => drop(s.spawn(async { resume_unwind(Box::new("child")) })),
                "body" => resume_unwind(Box::new("body")),
                _ => drop(s.spawn(async { Bomb })),
            }
            pending::<()>().await;
        }));
        assert_eq!(
            causes.into_inner().unwrap(),
            [Some(Cause::Panicked)],
            "{who}"
        );
        let token = token.into_inner().unwrap().unwrap();
        assert_eq!(token.cause(), Some(Cause::Panicked), "{who}");
    }
}

/// K4: a scope that is dropped says so, before it drops anything.
each_form!(cause_of_a_drop, |scope, ok| {
    let causes = Arc::new(Mutex::new(Vec::new()));
    let shown = Mutex::new(None);
    let mut scoped = Box::pin(scope(async |s| {
        let token = s.stop_token();
        *shown.lock().unwrap() = Some(token.clone());
        let causes = Arc::clone(&causes);
        s.spawn(async move {
            let witness = Witness {
                token,
                causes: &causes,
            };
            pending::<()>().await;
            drop(witness);
            ok(())
        });
        pending::<()>().await;
        ok(())
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    let token = shown.lock().unwrap().take().unwrap();
    let (wakes, waker) = Wakes::waker();
    let mut waits = pin!(token.clone());
    assert!(poll_with(waits.as_mut(), &waker).is_pending());
    assert_eq!(token.cause(), None);
    drop(scoped);
    assert_eq!(token.cause(), Some(Cause::Dropped));
    assert_eq!(*causes.lock().unwrap(), [Some(Cause::Dropped)]);
    assert_eq!(wakes.count(), 1);
    assert!(poll_once(waits).is_ready());
});

/// K4: the first cause is kept when the scope ends in another way, or fails, after it was asked
/// to stop.
#[test]
fn first_cause() {
    let shown = Mutex::new(None);
    let body = async |s: TryScope<'_, ()>| {
        s.request_stop("first");
        *shown.lock().unwrap() = Some(s.stop_token());
        Err::<(), _>(())
    };
    run(try_scope(body)).unwrap_err();
    let token = shown.into_inner().unwrap().unwrap();
    assert_eq!(token.cause().unwrap().reason(), Some("first"));

    let token = run(scope(async |s| {
        s.request_stop("first");
        s.stop_token()
    }));
    assert_eq!(token.cause().unwrap().reason(), Some("first"));
}

/// K5: a token that is taken after the scope is over is cancelled, and says how the scope ended.
#[test]
fn late_tokens() {
    let s = run(scope(async |s| s));
    assert!(s.stop_requested());
    block_on(s.stop_token());
    assert_eq!(s.stop_token().cause(), Some(Cause::Ended));
    s.request_stop("enough");
    assert_eq!(s.stop_token().cause(), Some(Cause::Ended));

    let shown = Arc::new(Mutex::new(None));
    let to_show = Arc::clone(&shown);
    let mut scoped = Box::pin(scope(async move |s| {
        *to_show.lock().unwrap() = Some(s);
        pending::<()>().await;
    }));
    assert!(poll_once(scoped.as_mut()).is_pending());
    let s = shown.lock().unwrap().take().unwrap();
    assert!(!s.stop_requested());
    drop(scoped);
    assert!(s.stop_requested());
    assert_eq!(s.stop_token().cause(), Some(Cause::Dropped));

    let shown = Arc::new(Mutex::new(None));
    let to_show = Arc::clone(&shown);
    run_anyhow(scope(async move |s| {
        *to_show.lock().unwrap() = Some(s);
        resume_unwind(Box::new("body"));
    }));
    let s = shown.lock().unwrap().take().unwrap();
    assert_eq!(s.stop_token().cause(), Some(Cause::Panicked));
    block_on(s.stop_token());
}

/// K5: a forgotten scope tells nothing, for nothing happens to it; its token still works.
#[test]
fn token_of_a_forgotten_scope() {
    let shown = Arc::new(Mutex::new(None));
    let to_show = Arc::clone(&shown);
    let gate = Gate::default();
    let child = gate.clone();
    let mut scoped = Box::pin(scope(async move |s| {
        s.spawn(child.wait());
        *to_show.lock().unwrap() = Some(s.stop_token());
        s.stop_token().await;
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    std::mem::forget(scoped);
    let token = shown.lock().unwrap().take().unwrap();
    let (wakes, waker) = Wakes::waker();
    let mut waits = pin!(token.clone());
    assert!(poll_with(waits.as_mut(), &waker).is_pending());
    assert_eq!((token.stop_requested(), token.cause()), (false, None));
    token.request_stop("by hand");
    assert_eq!(wakes.count(), 1);
    assert_eq!(poll_once(waits), Poll::Ready(()));
    assert_eq!(token.cause().unwrap().reason(), Some("by hand"));
    assert_eq!(gate.polls(), 1, "nothing of it runs");
}
