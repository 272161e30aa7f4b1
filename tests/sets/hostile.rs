//! Sets and streams that are dropped, forgotten or used from where one would not expect it: S4,
//! S10, S12, T6.

use std::future::pending;
use std::mem;
use std::sync::{Arc, Mutex};

use crate::failing::{Tally, raised};
use crate::life::{Gate, Wakes, let_run, poll_with, run, watched};
use futures_lite::StreamExt;
use futures_lite::future::{poll_once as poll_here, yield_now};
use taskpen::{JoinSet, Scope, scope};

/// S12: a `join_next` that was forgotten while it waited takes nothing along. The set wakes what it
/// was last polled with, and gives the value to the next one.
#[test]
fn forgotten_join_next() {
    let gate = Gate::default();
    let (wakes, waker) = Wakes::waker();
    run(scope(async |s: Scope<'_>| {
        let mut set = s.join_set();
        let wait = gate.wait();
        set.spawn(async {
            wait.await;
            7
        });
        let mut next = Box::pin(set.join_next());
        assert!(poll_with(next.as_mut(), &waker).is_pending());
        mem::forget(next);
        gate.open();
        let_run().await;
        assert_eq!(wakes.take(), 1);
        assert_eq!((set.len(), set.join_next().await), (1, Some(7)));
    })
    .serial());
}

/// S4, T6: a stream that was forgotten leaks its values, and its children run to their end.
#[test]
fn forgotten_streams() {
    for in_order in [true, false] {
        let (done, values) = (&Tally::new(), &Tally::new());
        run(scope(async |s: Scope<'_>| {
            let items = (0..).map(|_| async {
                yield_now().await;
                done.add();
                values.guard()
            });
            let mut stream = match in_order {
                true => s.buffered(3, items),
                false => s.buffer_unordered(3, items),
            };
            assert!(poll_here(stream.next()).await.is_none());
            mem::forget(stream);
        }));
        assert_eq!(done.get(), 3);
        // A handle that was forgotten keeps its value, as does a set.
        assert_eq!(values.get(), 0);
    }
}

/// S10: a value whose destructor uses the very set that it came from, which is being dropped by
/// another value of that set.
#[test]
fn values_that_own_sets() {
    struct Owner<'a>(
        #[allow(dead_code)] Option<JoinSet<'a, Owner<'a>>>,
        &'a Tally,
    );
    impl Drop for Owner<'_> {
        fn drop(&mut self) {
            self.1.add();
        }
    }
    watched(|| {
        let drops = &Tally::new();
        run(scope(async |s: Scope<'_>| {
            let mut outer = s.join_set();
            for _ in 0..100 {
                let mut inner = s.join_set();
                inner.spawn(async { Owner(None, drops) });
                inner.spawn(async { Owner(None, drops) });
                let inner = mem::replace(&mut outer, inner);
                outer.spawn(async { Owner(Some(inner), drops) });
            }
            while !s.is_empty() {
                yield_now().await; // they have to finish, to leave their values
            }
            drop(outer);
        }));
        assert_eq!(drops.get(), 300);
    });
}

/// S4: children that drop their own set, one of them while the others are suspended in it.
#[test]
fn child_that_drops_what_it_is_in() {
    watched(|| {
        let drops = &Tally::new();
        run(scope(async |s: Scope<'_>| {
            let slot = Arc::new(Mutex::new(None));
            let mut set: JoinSet<'_, ()> = s.join_set();
            for _ in 0..3 {
                let (slot, guard) = (Arc::clone(&slot), drops.guard());
                set.spawn(async move {
                    let _guard = guard;
                    yield_now().await;
                    drop(slot.lock().unwrap().take());
                    pending().await
                });
            }
            *slot.lock().unwrap() = Some(set);
            while !s.is_empty() {
                yield_now().await;
            }
        }));
        assert_eq!(drops.get(), 3);
    });
}

/// S5: a child that finishes in the poll in which its set is cancelled still leaves its value.
#[test]
fn child_that_finishes_while_it_is_cancelled() {
    run(scope(async |s: Scope<'_>| {
        let slot = Arc::new(Mutex::new(None));
        let mut set: JoinSet<'_, u8> = s.join_set();
        let own = Arc::clone(&slot);
        set.spawn(async move {
            own.lock().unwrap().as_mut().map(JoinSet::cancel_all);
            7
        });
        *slot.lock().unwrap() = Some(set);
        let_run().await;
        let mut set = slot.lock().unwrap().take().unwrap();
        assert_eq!(set.try_join_next(), Some(7));
        assert!(set.is_empty());
    })
    .serial());
}

/// S10: an iterator that a set is extended by uses the scope, and panics in the end; what was
/// spawned is in the set. Then values panic that are dropped with it.
#[test]
fn iterator_and_values_that_panic() {
    let (drops, seen) = (&Tally::new(), &Tally::new());
    let name = raised(|| {
        run(scope(async |s: Scope<'_>| {
            let mut set = s.join_set();
            let name = raised(|| {
                set.extend((0..).map(|number| {
                    s.spawn(async { seen.add() });
                    if number == 3 {
                        crate::failing::bang("iterator");
                    }
                    async { drops.bomb("value") }
                }));
            });
            assert_eq!((name, set.len()), ("iterator", 3));
            let_run().await;
            drop(set);
            pending::<()>().await;
        })
        .serial())
    });
    assert_eq!((name, drops.get(), seen.get()), ("value", 3, 4));
}

/// S4: sets that are dropped while their scope ends, by a child of each other.
#[test]
fn sets_that_own_each_other() {
    watched(|| {
        let drops = &Tally::new();
        let mut scoped = Box::pin(scope(async |s: Scope<'_>| {
            let mut one: JoinSet<'_, ()> = s.join_set();
            let mut two: JoinSet<'_, ()> = s.join_set();
            let guards = (drops.guard(), drops.guard());
            let slots = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(None)));
            let (a, b) = (Arc::clone(&slots.0), Arc::clone(&slots.1));
            one.spawn(async move {
                let _inside = (a, guards.0);
                pending().await
            });
            two.spawn(async move {
                let _inside = (b, guards.1);
                pending().await
            });
            let_run().await;
            *slots.0.lock().unwrap() = Some(two);
            *slots.1.lock().unwrap() = Some(one);
            drop(slots);
            pending::<()>().await;
        }));
        assert!(crate::life::settle(scoped.as_mut()).is_pending());
        drop(scoped);
        assert_eq!(drops.get(), 2);
    });
}
