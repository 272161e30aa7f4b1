//! Values, errors and payloads that panic when they are dropped, because nobody takes them.
//!
//! An abort would end the whole test process, so each of these tests also proves that there is
//! none.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use crate::failing::{Bomb, Guard, Mine, Tally, bang, lay_mine, raised};
use crate::life::poll_once;
use futures_lite::future::{block_on, yield_now};
use taskpen::{JoinHandle, TryScope, scope, try_scope};

/// F3, F4: values in handles that a body drops while it unwinds: the panic that unwinds was first.
#[test]
fn values_dropped_by_a_body_that_unwinds() {
    let drops = Tally::new();
    let name = raised(|| {
        block_on(
            scope(async |s| {
                let values = [drops.bomb("one"), drops.bomb("two")];
                let _unread = values.map(|value| s.spawn(async { value }));
                while !s.is_empty() {
                    yield_now().await;
                }
                bang("body");
            })
            .serial(),
        )
    });
    assert_eq!(name, "body");
    assert_eq!(drops.get(), 2);
}

/// F3, F4: the same with a child that unwinds.
#[test]
fn value_dropped_by_a_child_that_unwinds() {
    let drops = Tally::new();
    let name = raised(|| {
        block_on(scope(async |s| {
            let value = drops.bomb("value");
            let unread = s.spawn(async { value });
            s.spawn(async {
                while !unread.is_finished() {
                    yield_now().await;
                }
                let _unread = unread;
                bang("child");
            });
        }))
    });
    assert_eq!(name, "child");
    assert_eq!(drops.get(), 1);
}

/// F4, H2: values that were cancelled too late, and that nobody takes: the panic is the scope's,
/// and one that unwinds already was first.
#[test]
fn value_in_a_dropped_cancel() {
    for unwinds in [false, true] {
        let drops = Tally::new();
        let name = raised(|| {
            block_on(scope(async |s| {
                let value = drops.bomb("value");
                let finished = s.spawn(async { value });
                while !finished.is_finished() {
                    yield_now().await;
                }
                let _untaken = finished.cancel();
                if unwinds {
                    bang("body");
                }
            }))
        });
        assert_eq!(name, if unwinds { "body" } else { "value" });
        assert_eq!(drops.get(), 1);
    }
}

/// F4: a value that nobody takes, because its handle was dropped before there was one.
#[test]
fn value_without_a_handle() {
    let drops = Tally::new();
    let name = raised(|| {
        block_on(scope(async |s| {
            s.spawn(drops.suspended());
            let bomb = drops.bomb("no handle");
            drop(s.spawn(async { bomb }));
            pending::<()>().await;
        }))
    });
    assert_eq!(name, "no handle");
    assert_eq!(drops.get(), 2);
}

/// F4: a value that nobody takes, because its handle is dropped when there is one. The body, whose
/// code drops it, sees nothing of the panic.
#[test]
fn value_in_a_dropped_handle() {
    let drops = Tally::new();
    let seen = Tally::new();
    let name = raised(|| {
        block_on(scope(async |s| {
            let bomb = drops.bomb("in the handle");
            let handle = s.spawn(async { bomb });
            while !handle.is_finished() {
                yield_now().await;
            }
            drop(handle);
            seen.add();
            pending::<()>().await;
        }))
    });
    assert_eq!(name, "in the handle");
    assert_eq!((drops.get(), seen.get()), (1, 1));
}

/// F4: the same after the scope: there is nobody to raise it any more.
#[test]
fn value_in_a_handle_that_escaped() {
    let drops = Tally::new();
    let escaped: Mutex<Option<JoinHandle<'_, Bomb<'_>>>> = Mutex::new(None);
    block_on(scope(async |s| {
        let bomb = drops.bomb("escaped");
        *escaped.lock().unwrap() = Some(s.spawn(async { bomb }));
    }));
    assert_eq!(drops.get(), 0);
    drop(escaped.into_inner().unwrap());
    assert_eq!(drops.get(), 1);
}

/// F1, F4: a payload that panics when it is dropped is re-raised like any other.
#[test]
fn payload_that_panics() {
    let drops = Tally::new();
    let name = raised(|| {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            block_on(scope(async |s| {
                s.spawn(drops.suspended());
                s.spawn(async { lay_mine() });
            }))
        }));
        let payload = outcome.expect_err("the child panics");
        drop(payload.downcast::<Mine>().expect("the original"));
    });
    assert_eq!(name, "mine");
    assert_eq!(drops.get(), 1);
}

/// F4: such a payload can be a late one, in `poll` and in `Drop`: it is dropped, and its panic
/// stays inside.
#[test]
fn late_payload_that_panics() {
    let drops = Tally::new();
    let mut sc = Box::pin(scope(async |s| {
        let _inside = drops.miner();
        s.spawn(drops.suspended_miner());
        s.spawn(drops.suspended_miner());
        pending::<()>().await;
    }));
    assert!(poll_once(sc.as_mut()).is_pending());
    drop(sc);
    assert_eq!(drops.get(), 3);
}

/// F3, F4: the value of a body that nobody will see, because a child panics after it.
#[test]
fn value_of_a_body_that_a_panic_discards() {
    let drops = Tally::new();
    let name = raised(|| {
        block_on(scope(async |s| {
            s.spawn(async { bang("child") });
            drops.bomb("value")
        }))
    });
    assert_eq!(name, "child");
    assert_eq!(drops.get(), 1);
}

/// F4: the same when the scope is dropped.
#[test]
fn value_of_a_body_that_a_drop_discards() {
    let drops = Tally::new();
    let mut sc = Box::pin(scope(async |s| {
        s.spawn(drops.suspended());
        drops.bomb("value")
    }));
    assert!(poll_once(sc.as_mut()).is_pending());
    drop(sc);
    assert_eq!(drops.get(), 2);
}

/// F3, F4: a child's error that panics when it is dropped, in a scope that a destructor's panic
/// ends.
#[test]
fn error_of_a_child_that_a_panic_discards() {
    let drops = Tally::new();
    let name = raised(|| {
        block_on(try_scope(async |s: TryScope<'_, Bomb<'_>>| {
            s.spawn(async { Err::<(), _>(drops.bomb("error")) });
            let _inside = drops.bomb("body");
            pending::<Result<(), Bomb<'_>>>().await
        }))
    });
    assert_eq!(name, "body");
    assert_eq!(drops.get(), 2);
}

/// F3, F4: the same with the body's error.
#[test]
fn error_of_the_body_that_a_panic_discards() {
    let drops = Tally::new();
    let name = raised(|| {
        block_on(try_scope(async |s: TryScope<'_, Bomb<'_>>| {
            let child = drops.suspended_bomb("child");
            s.spawn(async {
                child.await;
                Ok(())
            });
            Err::<(), _>(drops.bomb("error"))
        }))
    });
    assert_eq!(name, "child");
    assert_eq!(drops.get(), 2);
}

/// F3, F4: a child's `Err` after the body's `Ok`, whose value panics when it is dropped: the panic
/// beats the error, and both are dropped.
#[test]
fn value_of_a_body_that_an_error_discards() {
    let drops = Tally::new();
    let name = raised(|| {
        block_on(try_scope(async |s: TryScope<'_, Guard<'_>>| {
            s.spawn(async { Err::<(), _>(drops.guard()) });
            Ok(drops.bomb("value"))
        }))
    });
    assert_eq!(name, "value");
    assert_eq!(drops.get(), 2);
}

/// F3, F4: the same with an error that panics as well.
#[test]
fn value_and_error_that_panic() {
    let drops = Tally::new();
    let name = raised(|| {
        block_on(try_scope(async |s: TryScope<'_, Bomb<'_>>| {
            s.spawn(async { Err::<(), _>(drops.bomb("error")) });
            Ok(drops.bomb("value"))
        }))
    });
    assert_eq!(name, "value");
    assert_eq!(drops.get(), 2);
}

/// F3: a value in a handle that the body returned, where an `Err` ends the scope: nobody gets the
/// handle, and a panic beats the `Err`.
#[test]
fn value_in_a_returned_handle() {
    let drops = Tally::new();
    let name = raised(|| {
        block_on(try_scope(async |s: TryScope<'_, &str>| {
            let value = drops.bomb("value");
            let handle = s.spawn(async { Ok(value) });
            while !handle.is_finished() {
                yield_now().await;
            }
            s.spawn(async {
                yield_now().await;
                Err::<(), _>("lost")
            });
            Ok(handle)
        }))
        .is_err()
    });
    assert_eq!(name, "value");
    assert_eq!(drops.get(), 1);
}
