//! Panics of children and of the body: who sees them, and what is left.

use std::future::{Ready, pending};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Mutex;
use std::task::Waker;

use crate::failing::{Bang, Tally, bang, raised, sleeper};
use crate::life::poll_once;
use futures_lite::FutureExt;
use futures_lite::future::{block_on, yield_now};
use taskpen::{LocalScope, Scope, TryScope, local_scope, scope, try_scope};

/// F1: the payload that the scope raises is the one that the child raised.
#[test]
fn payload_of_a_child() {
    let name = raised(|| {
        block_on(scope(async |s| {
            s.spawn(async { bang("child") });
        }))
    });
    assert_eq!(name, "child");
}

/// F1: a child may panic at any of its polls, and be a background child.
#[test]
fn payload_of_a_background_child_that_was_suspended() {
    let name = raised(|| {
        block_on(scope(async |s| {
            s.spawn_background(async {
                yield_now().await;
                bang("later");
            });
            pending::<()>().await;
        }))
    });
    assert_eq!(name, "later");
}

/// F1: each kind of scope raises the payload.
#[test]
fn payload_from_every_kind_of_scope() {
    let local = raised(|| {
        block_on(local_scope(async |s| {
            s.spawn(async { bang("local") });
        }))
    });
    assert_eq!(local, "local");

    let fallible = raised(|| {
        block_on(try_scope(async |s: TryScope<'_, Bang>| {
            s.spawn::<_, ()>(async { bang("fallible") });
            Ok(())
        }))
    });
    assert_eq!(fallible, "fallible");

    let nested = raised(|| {
        block_on(scope(async |s| {
            s.spawn(scope(async |inner| {
                inner.spawn_with(async |_| bang("nested"));
            }));
        }))
    });
    assert_eq!(nested, "nested");
}

/// F1: what runs before the panic runs once, what is ready behind it is not polled, and all of it
/// is dropped by the time the payload leaves `poll`.
#[test]
fn siblings_of_a_panic() {
    let before = Tally::new();
    let behind = Tally::new();
    let drops = Tally::new();
    let mut sc = pin!(
        scope(async |s| {
            for _ in 0..3 {
                s.spawn(drops.suspended());
                s.spawn_background(drops.suspended());
                s.spawn(before.polled());
            }
            s.spawn(async { bang("middle") });
            for _ in 0..3 {
                s.spawn(behind.polled());
                s.spawn(drops.suspended());
                s.spawn_background(drops.suspended());
            }
            let _guard = drops.guard();
            pending::<()>().await;
        })
        .serial()
    );
    assert_eq!(raised(|| poll_once(sc.as_mut())), "middle");
    assert_eq!(before.get(), 3);
    assert_eq!(behind.get(), 0);
    assert_eq!(drops.get(), 13, "twelve children and the body");
}

/// F1: siblings that were woken, and the body, are not polled again after a panic.
#[test]
fn woken_siblings_of_a_panic() {
    let polls = Tally::new();
    let drops = Tally::new();
    let wakers = Mutex::new(Vec::new());
    let mut sc = pin!(
        scope(|s: Scope<'_>| {
            for _ in 0..5 {
                s.spawn(sleeper(&polls, &drops, &wakers));
            }
            let wakers = &wakers;
            s.spawn(async {
                wakers.lock().unwrap().drain(..).for_each(Waker::wake);
                bang("waker");
            });
            sleeper(&polls, &drops, wakers)
        })
        .serial()
    );
    assert_eq!(raised(|| poll_once(sc.as_mut())), "waker");
    assert_eq!(polls.get(), 6);
    assert_eq!(drops.get(), 6);
}

/// F1: a panic after the body has finished drops the body's value and the other children.
#[test]
fn panic_after_the_body() {
    let drops = Tally::new();
    let name = raised(|| {
        block_on(scope(async |s| {
            s.spawn(drops.suspended());
            s.spawn(async {
                yield_now().await;
                bang("late");
            });
            drops.guard()
        }))
    });
    assert_eq!(name, "late");
    assert_eq!(drops.get(), 2);
}

/// F1: a handle that is awaited by the body does not change who raises, nor does a catch around
/// the handle: what ends is the scope.
#[test]
fn awaited_child_that_panics() {
    let after = Tally::new();
    let name = raised(|| {
        block_on(scope(async |s| {
            let handle = s.spawn(async { bang("awaited") });
            let _: Result<(), _> = AssertUnwindSafe(handle).catch_unwind().await;
            after.add();
        }))
    });
    assert_eq!(name, "awaited");
    assert_eq!(after.get(), 0);
}

/// F1, L6: a scope that a panic has ended takes no child any more.
#[test]
fn spawn_after_a_panic() {
    let drops = Tally::new();
    let polls = Tally::new();
    let escaped = Mutex::new(None);
    raised(|| {
        block_on(scope(async |s| {
            *escaped.lock().unwrap() = Some(s.clone());
            s.spawn(async { bang("child") });
        }))
    });
    let s = escaped.into_inner().unwrap().unwrap();
    assert!(s.is_ended());
    assert!(s.is_empty());
    let guard = drops.guard();
    let refused = s.spawn(async {
        let _guard = guard;
        polls.add();
    });
    assert!(refused.is_cancelled());
    assert_eq!((drops.get(), polls.get()), (1, 0));
    assert_eq!(s.len(), 0, "it was never a child");
}

/// F2: a panic of the body drops all children, and only then leaves `poll`.
#[test]
fn panic_of_the_body() {
    let drops = Tally::new();
    let polls = Tally::new();
    let name = raised(|| {
        block_on(
            scope(async |s| {
                s.spawn(drops.suspended());
                s.spawn_background(drops.suspended());
                yield_now().await;
                s.spawn(polls.polled());
                bang("body");
            })
            .serial(),
        )
    });
    assert_eq!(name, "body");
    assert_eq!(drops.get(), 2);
    assert_eq!(polls.get(), 0, "the last child is behind the panic");
}

/// F2: the closure itself may panic, before there is a body.
#[test]
fn panic_of_the_closure() {
    let drops = Tally::new();
    let polls = Tally::new();
    let mut sc = pin!(scope(|s: Scope<'_>| -> Ready<()> {
        let guard = drops.guard();
        let polls = &polls;
        s.spawn(async move {
            let _guard = guard;
            polls.add();
        });
        bang("closure")
    }));
    assert_eq!(raised(|| poll_once(sc.as_mut())), "closure");
    assert_eq!((drops.get(), polls.get()), (1, 0));

    let name = raised(|| {
        block_on(local_scope(|_: LocalScope<'_>| -> Ready<()> {
            bang("local")
        }))
    });
    assert_eq!(name, "local");
}

/// F2: the panic of a body with `async` in it, at its first poll.
#[test]
fn panic_of_the_body_at_its_first_poll() {
    let drops = Tally::new();
    let name = raised(|| {
        block_on(try_scope(async |s: TryScope<'_, ()>| -> Result<(), ()> {
            let guard = drops.guard();
            s.spawn_background(async {
                let _guard = guard;
                Ok(())
            });
            let _guard = drops.guard();
            bang("first poll")
        }))
    });
    assert_eq!(name, "first poll");
    assert_eq!(drops.get(), 2);
}

/// F3: of several panics the first is raised, wherever the later ones come from.
#[test]
fn first_of_many_panics() {
    let drops = Tally::new();
    let name = raised(|| {
        block_on(
            scope(async |s| {
                let _inside = drops.bomb("body destructor");
                s.spawn(drops.suspended_bomb("child destructor"));
                let bomb = drops.bomb("output");
                let _unread = s.spawn(async { bomb });
                s.spawn(async { bang("first") });
                s.spawn(async { bang("never polled") });
                pending::<()>().await;
            })
            .serial(),
        )
    });
    assert_eq!(name, "first");
    assert_eq!(drops.get(), 3);
}

/// F3: the panic of the body comes before those of the destructors that it causes.
#[test]
fn panic_of_the_body_before_destructors() {
    let drops = Tally::new();
    let name = raised(|| {
        block_on(scope(async |s| {
            s.spawn(drops.suspended_bomb("child destructor"));
            yield_now().await;
            bang("body");
        }))
    });
    assert_eq!(name, "body");
    assert_eq!(drops.get(), 1);
}

/// F3: a later payload is dropped, and may panic while it is.
#[test]
fn later_payload_that_panics() {
    let drops = Tally::new();
    let name = raised(|| {
        block_on(scope(async |s| {
            for _ in 0..2 {
                s.spawn(drops.suspended_miner());
                s.spawn(drops.suspended());
            }
            s.spawn(async { bang("first") });
        }))
    });
    assert_eq!(name, "first");
    assert_eq!(drops.get(), 4);
}

/// F9: a body that returns early, with `return` or with `?`, still waits for its children.
#[test]
fn early_return_of_the_body() {
    async fn fails(done: &Tally, number: &str) -> Result<u32, std::num::ParseIntError> {
        scope(async |s| {
            s.spawn(async {
                for _ in 0..10 {
                    yield_now().await;
                }
                done.add();
            });
            let number = number.parse()?;
            yield_now().await;
            Ok(number)
        })
        .await
    }

    let done = Tally::new();
    assert!(block_on(fails(&done, "x")).is_err());
    assert_eq!(done.get(), 1);
    assert_eq!(block_on(fails(&done, "7")), Ok(7));
    assert_eq!(done.get(), 2);
}

/// F9: the `Err` of a child in a plain scope is a value like any other.
#[test]
fn error_of_a_child_in_a_plain_scope() {
    let done = Tally::new();
    let outcome = block_on(scope(async |s| {
        let failed = s.spawn(async { Err::<(), _>("isolated") });
        s.spawn(async {
            yield_now().await;
            done.add();
        });
        failed.await
    }));
    assert_eq!(outcome, Err("isolated"));
    assert_eq!(done.get(), 1);
}
