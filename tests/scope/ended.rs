//! Handles of a scope that has ended, and destructors that use one: L6 and L7.
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;

use crate::life::{Counter, OnDrop, poll_once, run, settle};
use futures_lite::future::yield_now;
use taskpen::{Join, JoinHandle, Scope, TryScope, scope, try_scope};

/// What a refused child did.
#[derive(Default)]
struct Refusals {
    polls: Counter,
    drops: Counter,
    seen: Counter,
}

impl Refusals {
    /// A future that must not be polled.
    fn future<T>(&self, value: T) -> impl Future<Output = T> + use<T> {
        let (polls, guard) = (self.polls.clone(), self.drops.guard());
        async move {
            let _guard = guard;
            polls.add();
            value
        }
    }

    /// Looks at the handle that `spawn` gave right after it returned.
    fn check<T: std::fmt::Debug + PartialEq>(&self, handle: JoinHandle<'_, T>) {
        self.seen.add();
        assert_eq!((self.polls.get(), self.drops.get()), (0, self.seen.get()));
        assert!(handle.is_cancelled());
        assert!(handle.is_finished());
        let mut cancel: Join<'_, T> = handle.cancel();
        assert_eq!(poll_once(Pin::new(&mut cancel)), Poll::Ready(None));
    }

    /// Spawns in each way through the plain handle of an ended scope.
    fn of(s: &Scope<'_>) {
        let refusals = Self::default();
        assert!(s.is_ended() && s.is_empty());
        refusals.check(s.spawn(refusals.future(1)));
        refusals.check(s.spawn_background(refusals.future("two")));
        let guard = refusals.drops.guard();
        refusals.check(s.spawn_with(async move |_| drop(guard)));
        assert!(s.is_ended() && s.is_empty());
    }
}

/// True if the scope refused the child. For destructors, in which an assertion would be lost.
fn is_refused<T>(handle: JoinHandle<'_, T>) -> bool {
    let is_cancelled = handle.is_cancelled();
    is_cancelled && matches!(poll_once(pin!(handle.cancel())), Poll::Ready(None))
}

/// L6: a handle that escaped from a scope that returned.
each_form!(spawn_after_a_normal_end, |scope, ok| {
    let mut escaped = None;
    let outcome = run(scope(async |s| {
        assert!(!s.is_ended());
        escaped = Some(s);
        ok(())
    }));
    assert_eq!(outcome, ok(()));
    let s = escaped.unwrap();
    assert!(s.is_ended() && s.is_empty());
    let refusals = Refusals::default();
    refusals.check(s.spawn(refusals.future(ok(1))));
    refusals.check(s.spawn_background(refusals.future(ok("two"))));
    let guard = refusals.drops.guard();
    refusals.check(s.spawn_with(async move |_| {
        drop(guard);
        ok(())
    }));
    assert!(s.is_ended() && s.is_empty());
});

/// L6: a handle that escaped from a scope that was dropped in the middle.
each_form!(spawn_after_a_drop, |scope, ok| {
    let mut escaped = None;
    let drops = Counter::default();
    let mut scoped = Box::pin(scope(async |s| {
        let guard = drops.guard();
        s.spawn(async move {
            let _guard = guard;
            pending::<()>().await;
            ok(())
        });
        escaped = Some(s);
        pending::<()>().await;
        ok(())
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    drop(scoped);
    let s = escaped.unwrap();
    assert!(s.is_ended() && s.is_empty());
    let refusals = Refusals::default();
    refusals.check(s.spawn(refusals.future(ok(1))));
    assert_eq!(drops.get(), 1);
});

/// L6: a handle that escaped from a scope that a panic ended.
#[test]
fn spawn_after_a_panic() {
    let mut escaped = None;
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        run(scope(async |s| {
            escaped = Some(s.clone());
            s.spawn(async { panic!("the child") }).await
        }))
    }));
    assert!(outcome.is_err());
    Refusals::of(&escaped.unwrap());
}

/// L6: a handle that escaped from a scope that an `Err` ended; and its plain handle.
#[test]
fn spawn_after_an_error() {
    let mut escaped = None;
    let outcome = run(try_scope(async |s: TryScope<'_, &str>| {
        escaped = Some(s.clone());
        s.spawn(async { Err::<(), _>("failed") }).await;
        Ok(())
    }));
    assert_eq!(outcome, Err("failed"));
    let s = escaped.unwrap();
    let refusals = Refusals::default();
    refusals.check(s.spawn(refusals.future(Ok(1))));
    // An `Err` that nobody ran is nobody's error.
    refusals.check(s.spawn_background(refusals.future(Err::<(), _>("late"))));
    Refusals::of(&s);
}

/// L6: escaped handles, of the scope and of a child, used by other threads.
#[test]
fn handles_on_other_threads_after_the_end() {
    let word = String::from("borrowed");
    let (s, value) = run(scope(async |s| {
        let value = s.spawn(async { word.as_str() });
        s.spawn(yield_now()).await;
        (s, value)
    }));
    thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| (0..50).for_each(|_| Refusals::of(&s.clone())));
        }
    });
    thread::scope(|threads| {
        let reader = threads.spawn(move || run(value));
        assert_eq!(reader.join().unwrap(), "borrowed");
    });
}

/// L6: destructors that run while the scope is dropped spawn: the body's, a suspended child's, and
/// one of a child that never ran.
each_form!(spawn_from_destructors_during_a_drop, |scope, ok| {
    let refusals = Refusals::default();
    let refused = Arc::new(Mutex::new(Vec::new()));
    let mut scoped = Box::pin(
        scope(async |s| {
            let on_drop = |place: &'static str| {
                let (s, refused) = (s.clone(), Arc::clone(&refused));
                let future = refusals.future(ok(()));
                OnDrop::new(move || {
                    let (ended, handle) = (s.is_ended(), s.spawn(future));
                    let outcome = (place, ended, is_refused(handle));
                    refused.lock().unwrap().push(outcome);
                })
            };
            let _body = on_drop("body");
            let suspended = on_drop("suspended");
            s.spawn(async move {
                let _suspended = suspended;
                pending::<()>().await;
                ok(())
            });
            yield_now().await;
            for _ in 0..1000 {
                s.spawn(async { ok(pending::<()>().await) });
            }
            let waiting = on_drop("waiting");
            s.spawn(async move {
                drop(waiting);
                ok(())
            });
            ok(pending::<()>().await)
        })
        .serial(),
    );
    assert!(poll_once(scoped.as_mut()).is_pending());
    drop(scoped);
    let mut refused = Arc::into_inner(refused).unwrap().into_inner().unwrap();
    refused.sort_unstable();
    let all = ["body", "suspended", "waiting"].map(|place| (place, true, true));
    assert_eq!(refused, all);
    assert_eq!((refusals.polls.get(), refusals.drops.get()), (0, 3));
});

/// L6: at a normal end the destructor of a background child spawns. The scope returns its value.
each_form!(spawn_from_destructors_during_a_normal_end, |scope, ok| {
    let refusals = Refusals::default();
    let refused = Counter::default();
    let outcome = run(scope(async |s| {
        for _ in 0..10 {
            let (inner, future) = (s.clone(), refusals.future(ok(())));
            let refused = refused.clone();
            let spawning = OnDrop::new(move || {
                if is_refused(inner.spawn_background(future)) && inner.is_ended() {
                    refused.add();
                }
            });
            s.spawn_background(async move {
                let _spawning = spawning;
                ok(pending::<()>().await)
            });
        }
        yield_now().await;
        ok(7)
    }));
    assert_eq!(outcome, ok(7));
    assert_eq!(refused.get(), 10);
    assert_eq!((refusals.polls.get(), refusals.drops.get()), (0, 10));
});

/// L2, L6: the destructor of the last ordinary child runs before the end: its spawn is accepted.
each_form!(spawn_from_the_destructor_of_the_last_child, |scope, ok| {
    let finished = Counter::default();
    let outcome = run(scope(async |s| {
        let (inner, finished) = (s.clone(), finished.clone());
        let spawning = OnDrop::new(move || {
            inner.spawn(async move {
                yield_now().await;
                finished.add();
                ok(())
            });
        });
        s.spawn(async move {
            let _spawning = spawning;
            yield_now().await;
            ok(())
        });
        ok(())
    }));
    assert_eq!(outcome, ok(()));
    assert_eq!(finished.get(), 1);
});
