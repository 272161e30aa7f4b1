//! Destructors that panic: nothing aborts, nobody is left undropped, and a `Drop` raises nothing.
//!
//! An abort would end the whole test process, so each of these tests also proves that there is
//! none.

use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Mutex;

use crate::failing::{Bang, ReadyWith, Tally, bang, raised};
use crate::life::poll_once;
use futures_lite::future::{block_on, yield_now};
use taskpen::{Scope, TryScope, local_scope, scope, try_scope};

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
        block_on(
            scope(async |s| {
                s.spawn(drops.suspended());
                let child = s.spawn(drops.suspended_bomb("cancelled"));
                yield_now().await;
                child.cancel().await;
                after.add();
            })
            .serial(),
        )
    });
    assert_eq!(name, "cancelled");
    assert_eq!((drops.get(), after.get()), (2, 0));
}

/// F4: the destructors of background children at a normal end, in `poll`.
#[test]
fn destructors_at_a_normal_end() {
    let drops = Tally::new();
    let name = raised(|| {
        block_on(
            scope(async |s| {
                s.spawn_background(drops.suspended_bomb("end"));
                for _ in 0..3 {
                    s.spawn_background(drops.suspended());
                    s.spawn_background(drops.suspended_bomb("more"));
                }
                yield_now().await;
                drops.guard()
            })
            .serial(),
        )
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

/// A scope with everything in it that can panic when it is dropped, half-way.
fn full_of_bombs<'a>(drops: &'a Tally) -> Pin<Box<impl Future + 'a>> {
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
        s.spawn(drops.suspended_bomb("later"));
        pending::<()>().await;
    }));
    assert!(poll_once(sc.as_mut()).is_pending());
    sc
}

/// F4, L3: dropping a scope raises nothing, and drops everybody.
#[test]
fn destructors_when_the_scope_is_dropped() {
    let drops = Tally::new();
    drop(full_of_bombs(&drops));
    assert_eq!(drops.get(), 8);
}

/// F4, L3: the same while the thread is unwinding already.
#[test]
fn destructors_while_the_thread_unwinds() {
    let drops = Tally::new();
    let name = raised(|| {
        let _sc = full_of_bombs(&drops);
        bang("outside");
    });
    assert_eq!(name, "outside");
    assert_eq!(drops.get(), 8);
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
