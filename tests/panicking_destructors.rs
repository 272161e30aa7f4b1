//! Destructors that panic: nothing aborts, nobody is left undropped, and a `Drop` raises nothing.
//!
//! An abort would end the whole test process, so each of these tests also proves that there is
//! none.

#[path = "support/failing.rs"]
mod failing;

use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Mutex;

use failing::{Bang, Bomb, Guard, Mine, ReadyWith, Tally, bang, lay_mine, poll_once, raised};
use futures_lite::future::{block_on, yield_now};
use taskpen::{JoinHandle, Scope, TryScope, local_scope, scope, try_scope};

/// F4: the destructor of a child that has finished.
#[test]
fn destructor_of_a_finished_child() {
    let drops = Tally::new();
    let name = raised(|| {
        block_on(scope(async |s| {
            s.spawn(drops.suspended());
            s.spawn(ReadyWith::new((), drops.bomb("finished")));
            pending::<()>().await;
        }))
    });
    assert_eq!(name, "finished");
    assert_eq!(drops.get(), 2);
}

/// F4: the same at the very end of a scope, when the body is already done.
#[test]
fn destructor_of_the_last_child() {
    let drops = Tally::new();
    let name = raised(|| {
        block_on(scope(async |s| {
            s.spawn(ReadyWith::new((), drops.bomb("last")));
            drops.guard()
        }))
    });
    assert_eq!(name, "last");
    assert_eq!(drops.get(), 2, "the child and the body's value");
}

/// F4: the destructor of a child that its handle cancels; the others are dropped, and no poll
/// starts any more.
#[test]
fn destructor_of_a_cancelled_child() {
    let drops = Tally::new();
    let after = Tally::new();
    let name = raised(|| {
        block_on(scope(async |s| {
            s.spawn(drops.suspended());
            let child = s.spawn(drops.suspended_bomb("cancelled"));
            yield_now().await;
            child.cancel().await;
            after.add();
        }))
    });
    assert_eq!(name, "cancelled");
    assert_eq!((drops.get(), after.get()), (2, 0));
}

/// F4: the destructors of background children at a normal end, in `poll`.
#[test]
fn destructors_at_a_normal_end() {
    let drops = Tally::new();
    let name = raised(|| {
        block_on(scope(async |s| {
            s.spawn_background(drops.suspended_bomb("end"));
            for _ in 0..3 {
                s.spawn_background(drops.suspended());
                s.spawn_background(drops.suspended_bomb("more"));
            }
            yield_now().await;
            drops.guard()
        }))
    });
    assert_eq!(name, "end", "the first of them");
    assert_eq!(drops.get(), 8);
}

/// F4: the destructor of a child that was never polled.
#[test]
fn destructor_of_a_child_that_never_ran() {
    let drops = Tally::new();
    let mut sc = pin!(scope(async |s| {
        for _ in 0..3 {
            s.spawn(drops.suspended_bomb("behind"));
        }
        bang("body");
    }));
    assert_eq!(raised(|| poll_once(sc.as_mut())), "body");
    assert_eq!(drops.get(), 3);
}

/// A scope with everything in it that can panic when it is dropped, polled `polls` times.
fn full_of_bombs<'a>(drops: &'a Tally, polls: usize) -> Pin<Box<impl Future + 'a>> {
    let mut sc = Box::pin(scope(async move |s: Scope<'a>| {
        let _inside = drops.bomb("body");
        s.spawn(drops.suspended());
        s.spawn(drops.suspended_bomb("suspended"));
        s.spawn_background(drops.suspended_bomb("background"));
        let unread = drops.bomb("unread");
        let _unread = s.spawn(async { unread });
        s.spawn(scope(async move |inner: Scope<'a>| {
            let _inside = drops.bomb("inner body");
            inner.spawn(drops.suspended_bomb("inner child"));
            pending::<()>().await;
        }));
        yield_now().await;
        s.spawn(drops.suspended_bomb("ready"));
        pending::<()>().await;
    }));
    for _ in 0..polls {
        assert!(poll_once(sc.as_mut()).is_pending());
    }
    sc
}

/// F4, L3: dropping a scope raises nothing, and drops everybody.
#[test]
fn destructors_when_the_scope_is_dropped() {
    let drops = Tally::new();
    drop(full_of_bombs(&drops, 1));
    assert_eq!(drops.get(), 8);
}

/// F4, L3: the same while the thread is unwinding already.
#[test]
fn destructors_while_the_thread_unwinds() {
    let drops = Tally::new();
    let name = raised(|| {
        let _sc = full_of_bombs(&drops, 1);
        bang("outside");
    });
    assert_eq!(name, "outside");
    assert_eq!(drops.get(), 8);
}

/// F4, F2: the same while the body itself unwinds, through handles that hold values.
#[test]
fn handles_dropped_by_a_body_that_unwinds() {
    let drops = Tally::new();
    let name = raised(|| {
        block_on(scope(async |s| {
            let bombs = [drops.bomb("one"), drops.bomb("two")];
            let _unread = bombs.map(|bomb| s.spawn(async { bomb }));
            yield_now().await;
            bang("body");
        }))
    });
    assert_eq!(name, "body");
    assert_eq!(drops.get(), 2);
}

/// F4, L8: a closure that was never called, with something in it that panics.
#[test]
fn destructor_of_a_closure_that_never_ran() {
    let drops = Tally::new();
    let bomb = drops.bomb("closure");
    drop(scope(move |_| {
        let _bomb = bomb;
        pending::<()>()
    }));
    let bomb = drops.bomb("closure");
    drop(try_scope(move |_: TryScope<'_, ()>| {
        let _bomb = bomb;
        pending::<Result<(), ()>>()
    }));
    assert_eq!(drops.get(), 2);
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

/// F4: the destructor of a body that has finished; the value that it gave is dropped.
#[test]
fn destructor_of_a_finished_body() {
    let drops = Tally::new();
    let mut sc = pin!(scope(|s: Scope<'_>| {
        s.spawn(drops.suspended());
        ReadyWith::new(drops.guard(), drops.bomb("body"))
    }));
    assert_eq!(raised(|| poll_once(sc.as_mut())), "body");
    assert_eq!(drops.get(), 3);
}

/// F4: the destructor of a body that has not finished, when a child's `Err` ends the scope.
#[test]
fn destructor_of_a_suspended_body() {
    let drops = Tally::new();
    let name = raised(|| {
        block_on(try_scope(async |s: TryScope<'_, Bang>| {
            let _inside = drops.bomb("body");
            s.spawn(async { Err::<(), _>(Bang("error")) });
            pending::<Result<(), Bang>>().await
        }))
    });
    assert_eq!(name, "body");
    assert_eq!(drops.get(), 1);
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

/// F4, L6: the destructor of a future that an ended scope refuses.
#[test]
fn destructor_of_a_refused_future() {
    let drops = Tally::new();
    let escaped = Mutex::new(None);
    block_on(scope(async |s| *escaped.lock().unwrap() = Some(s)));
    let s = escaped.into_inner().unwrap().unwrap();
    let refused = s.spawn(drops.suspended_bomb("refused"));
    assert!(refused.is_cancelled());
    assert_eq!(drops.get(), 1);
}

/// F4: destructors in a local scope.
#[test]
fn destructors_in_a_local_scope() {
    let drops = Tally::new();
    let name = raised(|| {
        block_on(local_scope(async |s| {
            let bomb = Rc::new(drops.bomb("local"));
            s.spawn_background(async move {
                let _bomb = bomb;
                pending::<()>().await;
            });
            yield_now().await;
        }))
    });
    assert_eq!(name, "local");
    assert_eq!(drops.get(), 1);
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
