//! What a handle of a scope tells of its children, and the ways to spawn one: counts, background
//! children, `spawn_with`, clones (L2, L6, R6).
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]

use std::cell::Cell;
use std::convert::Infallible;
use std::future::pending;
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;

use crate::life::{Counter, Gate, OnDrop, run, settle};
use futures::StreamExt;
use futures_lite::future::yield_now;
use taskpen::{Scope, TryLocalScope, TryScope, local_scope, scope, try_local_scope, try_scope};

/// `len` counts the children that are alive, of both kinds, from `spawn` until the future is gone.
each_form!(len_of_a_scope, |scope, ok| {
    let gates: [Gate; 3] = Default::default();
    let shown = Mutex::new(None);
    let mut scoped = pin!(scope(async |s| {
        assert_eq!((s.len(), s.is_empty(), s.is_ended()), (0, true, false));
        for (index, gate) in gates.iter().enumerate() {
            let gate = gate.wait();
            s.spawn(async move {
                gate.await;
                ok(())
            });
            s.spawn_background(async move { ok(pending::<()>().await) });
            assert_eq!((s.len(), s.is_empty()), (2 * index + 2, false));
        }
        *shown.lock().unwrap() = Some(s);
        ok(())
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    let s = shown.lock().unwrap().take().unwrap();
    for (index, gate) in gates.iter().enumerate() {
        assert_eq!((s.len(), s.is_ended()), (6 - index, false));
        gate.open();
        assert_eq!(settle(scoped.as_mut()).is_ready(), index == 2);
    }
    assert_eq!((s.len(), s.is_empty(), s.is_ended()), (0, true, true));
});

/// A child is alive until its future *has been* dropped: its own destructor still counts it,
/// whether it finished, was cancelled or ended with its scope.
each_form!(len_in_a_destructor, |scope, ok| {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut scoped = Box::pin(scope(async |s| {
        let looking = || {
            let (s, seen) = (s.clone(), Arc::clone(&seen));
            OnDrop::new(move || seen.lock().unwrap().push(s.len()))
        };
        let look = looking();
        s.spawn(async move { ok(drop(look)) }).await;
        yield_now().await;
        let look = looking();
        let cancelled = s.spawn(async move {
            let _look = look;
            ok(pending::<()>().await)
        });
        yield_now().await;
        assert_eq!(cancelled.cancel().await, None);
        assert_eq!(s.len(), 0);
        for _ in 0..3 {
            let look = looking();
            s.spawn(async move {
                let _look = look;
                ok(pending::<()>().await)
            });
        }
        ok(())
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    assert_eq!(*seen.lock().unwrap(), [1, 1]);
    drop(scoped);
    assert_eq!(*seen.lock().unwrap(), [1, 1, 3, 2, 1]);
});

/// Handles on other threads see the same counts, and can be dropped there: the children belong to
/// the scope, not to its handles.
#[test]
fn handles_on_other_threads() {
    let (gate, drops) = (Gate::default(), Counter::default());
    let mut scoped = pin!(scope(async |s| {
        for _ in 0..5 {
            let (guard, gate) = (drops.guard(), gate.wait());
            s.spawn(async move {
                let _guard = guard;
                gate.await;
            });
            yield_now().await;
        }
        thread::scope(|threads| {
            let elsewhere = threads.spawn(move || (s.len(), s.clone().len(), s.is_ended()));
            assert_eq!(elsewhere.join().unwrap(), (5, 5, false));
        });
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    assert_eq!(drops.get(), 0);
}

/// Dropping every handle of a scope, in the body and in the children, ends nothing.
each_form!(scope_without_handles, |scope, ok| {
    let (gate, finished) = (Gate::default(), Counter::default());
    let mut scoped = pin!(scope(async |s| {
        let (gate, finished) = (gate.wait(), finished.clone());
        s.spawn_with(async move |s| {
            drop(s);
            gate.await;
            finished.add();
            ok(())
        });
        drop(s.clone());
        drop(s);
        ok(())
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    gate.open();
    assert!(settle(scoped.as_mut()).is_ready());
    assert_eq!(finished.get(), 1);
});

/// A background child that finishes in time gives its value like any other, and leaves the count.
each_form!(value_of_a_background_child, |scope, ok| {
    let outcome = run(scope(async |s| {
        let child = s.spawn_background(async {
            yield_now().await;
            ok(7)
        });
        assert_eq!(s.len(), 1);
        let value = child.await;
        assert_eq!(s.len(), 0);
        ok(value)
    }));
    assert_eq!(outcome, ok(7));
});

/// L2: a scope with background children alone ends with its body, which may be at once: they are
/// then dropped unpolled.
each_form!(background_children_alone, |scope, ok| {
    let (polls, drops) = (Counter::default(), Counter::default());
    let outcome = run(scope(async |s| {
        for _ in 0..10 {
            let (polls, guard) = (polls.clone(), drops.guard());
            s.spawn_background(async move {
                let _guard = guard;
                polls.add();
                ok(pending::<()>().await)
            });
        }
        ok(3)
    }));
    assert_eq!(outcome, ok(3));
    assert_eq!((polls.get(), drops.get()), (0, 10));
});

/// L2: the body awaits an ordinary child of which a background child is the motor.
each_form!(background_child_that_drives_another, |scope, ok| {
    let outcome = run(scope(async |s| {
        let (sender, receiver) = futures::channel::mpsc::unbounded();
        s.spawn_background(async move {
            for number in 0.. {
                // Nobody listens any more once the sum is there.
                drop(sender.unbounded_send(number));
                yield_now().await;
            }
            ok(())
        });
        let sum = s.spawn(async move {
            let first_ten = receiver.take(10);
            ok(first_ten.fold(0, async |sum, number| sum + number).await)
        });
        ok(sum.await)
    }));
    assert_eq!(outcome, ok(45));
});

/// R6: `spawn_with` nests; every level borrows what outlives the scope and spawns in the one scope
/// that there is.
each_form!(nested_spawn_with, |scope, ok| {
    let (visited, counted) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (visited, counted) = (&visited, &counted);
    let outcome = run(scope(async |s| {
        let outer = s.spawn_with(async move |s| {
            visited.fetch_add(1, SeqCst);
            let middle = s.spawn_with(async move |s| {
                visited.fetch_add(10, SeqCst);
                s.spawn_with(async move |s| {
                    visited.fetch_add(100, SeqCst);
                    assert!(!s.is_ended());
                    while !counted.load(SeqCst) {
                        yield_now().await; // another thread may run it
                    }
                    ok(())
                });
                let alive = s.len(); // itself, its parent and its child
                counted.store(true, SeqCst);
                ok(alive)
            });
            ok(middle.await)
        });
        ok(outer.await)
    }));
    assert_eq!(outcome, ok(3));
    assert_eq!(visited.load(SeqCst), 111);
});

fn warm<'env>(s: &Scope<'env>, polled: &'env Counter) {
    for _ in 0..3 {
        s.spawn(async {
            yield_now().await;
            polled.add();
        });
    }
}

/// A function that takes a plain handle serves both kinds of scope, which waits for the children.
#[test]
fn helper_that_spawns() {
    let polled = Counter::default();
    run(scope(async |s| warm(&s, &polled)));
    let outcome = run(try_scope(async |s: TryScope<'_, Infallible>| {
        warm(&s, &polled);
        Ok(s.len())
    }));
    assert_eq!(outcome, Ok(3));
    assert_eq!(polled.get(), 6);
}

/// Children of a local scope share what must not leave the thread; wakers may.
#[test]
fn children_that_are_not_send() {
    let seen = Rc::new(Cell::new(0));
    let gate = Gate::default();
    let mut scoped = pin!(local_scope(async |s| {
        let (inner, wait) = (Rc::clone(&seen), gate.wait());
        let value = s.spawn_with(async move |s| {
            let deeper = Rc::clone(&inner);
            s.spawn(async move { deeper.set(deeper.get() + 1) }).await;
            wait.await;
            inner
        });
        Rc::ptr_eq(&value.await, &seen)
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    thread::scope(|threads| threads.spawn(|| gate.open()).join().unwrap());
    assert_eq!(settle(scoped.as_mut()), Poll::Ready(true));
    let outcome = run(try_local_scope(async |s: TryLocalScope<'_, Rc<str>>| {
        let seen = Rc::clone(&seen);
        Ok(s.spawn(async move { Ok(seen.replace(10)) }).await)
    }));
    assert_eq!((outcome, seen.get()), (Ok(1), 10));
}

/// What a scope shows of itself: the counts; also while it is being polled.
#[test]
fn debug_output() {
    let shown = run(scope(async |s| {
        s.spawn(yield_now());
        format!("{s:?}")
    }));
    assert_eq!(shown, "Scope { len: 1, is_ended: false, .. }");
    let shown = run(try_scope(async |s: TryScope<'_, ()>| Ok(format!("{s:?}"))));
    assert_eq!(shown.unwrap(), "TryScope { len: 0, is_ended: false, .. }");
    let unpolled = scope(async |_| ());
    assert_eq!(
        format!("{unpolled:?}"),
        "Scoped { len: 0, is_ended: false, .. }"
    );
}
