//! Children of sets that fail, values that fail when nobody reads them, and wakers that misbehave:
//! S9, S10.
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::thread;

use crate::failing::{Bomb, Guard, ReadyWith, Tally, bang, raised};
use crate::foreign::{Hooks, waker};
use crate::life::{Gate, let_run, poll_once, poll_with, run, watched};
use futures_lite::StreamExt;
use futures_lite::future::{block_on, pending, yield_now};
use taskpen::{JoinSet, Scope, TryLocalScope, TryScope, scope, try_local_scope, try_scope};

/// S9: the first `Err` of a child of a set ends the scope: nobody reads on.
#[test]
fn first_error() {
    let (drops, read) = (Tally::new(), Tally::new());
    let outcome = run(try_scope(async |s: TryScope<'_, &str>| {
        let mut set = s.join_set();
        let suspended = drops.suspended();
        set.spawn(async {
            suspended.await;
            Ok(0)
        });
        set.spawn(async { Ok(1) });
        set.spawn(async {
            yield_now().await;
            Err("lost")
        });
        while let Some(number) = set.next().await {
            assert_eq!(number, 1);
            read.add();
        }
        Ok(())
    })
    .serial());
    assert_eq!(outcome, Err("lost"));
    assert_eq!((drops.get(), read.get()), (1, 1));
}

/// S9: the same for children that are not `Send`, while the body waits for room.
#[test]
fn first_error_of_a_local_set() {
    let outcome = run(try_local_scope(async |s: TryLocalScope<'_, String>| {
        let mut set = s.join_set();
        let message = std::rc::Rc::new("lost");
        set.spawn(async move {
            yield_now().await;
            Err::<(), _>(message.to_string())
        });
        set.wait_below(1).await;
        unreachable!("there is no room before the scope ends");
    }));
    assert_eq!(outcome, Err::<(), _>("lost".to_string()));
}

/// S9: through the plain handle inside, a `Result` is a value like any other.
#[test]
fn isolated_results() {
    let outcome = run(try_scope(async |s: TryScope<'_, &str>| {
        let plain: &Scope<'_> = &s;
        let mut set = plain.join_set();
        set.spawn(async { Err::<(), _>("kept") });
        Ok(set.next().await)
    }));
    assert_eq!(outcome, Ok(Some(Err("kept"))));
}

/// S9, F1: a child's panic is the scope's.
#[test]
fn panic_of_a_child() {
    let drops = Tally::new();
    let name = raised(|| {
        run(scope(async |s: Scope<'_>| {
            let mut set = s.join_set();
            set.spawn(drops.suspended());
            set.spawn(async { bang("child") });
            while set.next().await.is_some() {}
            unreachable!("the scope has ended");
        }))
    });
    assert_eq!(name, "child");
    assert_eq!(drops.get(), 1);
}

/// S10, F4: the value of a child whose destructor panics is left all the same; the scope raises the
/// panic.
#[test]
fn future_that_panics_when_it_is_dropped() {
    let (drops, values) = (Tally::new(), Tally::new());
    let name = raised(|| {
        run(scope(async |s: Scope<'_>| {
            let mut set = s.join_set();
            set.spawn(ReadyWith::new(values.guard(), drops.bomb("future")));
            s.spawn(drops.suspended());
            pending::<()>().await;
        }))
    });
    assert_eq!(name, "future");
    assert_eq!((drops.get(), values.get()), (2, 1));
}

/// S10, F4: so is one that is cancelled; and the set hears of it.
#[test]
fn cancelled_future_that_panics_when_it_is_dropped() {
    let drops = Tally::new();
    let mut set = None;
    let name = raised(|| {
        run(scope(async |s: Scope<'_>| {
            let mut own = s.join_set();
            own.spawn(drops.suspended_bomb("cancelled"));
            let_run().await;
            own.cancel_all();
            set = Some(own);
            pending::<()>().await;
        })
        .serial())
    });
    assert_eq!(name, "cancelled");
    let mut set: JoinSet<'_, ()> = set.unwrap();
    assert_eq!((drops.get(), set.len()), (1, 1));
    assert_eq!(block_on(set.next()), None);
}

/// S10, F4: values that panic when the set drops them, unread. All are dropped, the body sees
/// nothing of it, and the scope raises the first.
#[test]
fn unread_values_that_panic() {
    let (drops, seen) = (Tally::new(), Tally::new());
    let name = raised(|| {
        run(scope(async |s: Scope<'_>| {
            let mut set = s.join_set();
            for name in ["first", "second", "third"] {
                let bomb = drops.bomb(name);
                set.spawn(async { bomb });
            }
            let read = set.next().await;
            drop(set);
            seen.add();
            std::mem::forget(read);
            pending::<()>().await;
        })
        .serial())
    });
    assert_eq!(name, "second");
    assert_eq!((drops.get(), seen.get()), (2, 1));
}

/// S10, F3, F4: the same while the body unwinds: the panic that unwinds was first, nothing aborts.
#[test]
fn unread_values_that_panic_during_a_panic() {
    let drops = Tally::new();
    let name = raised(|| {
        run(scope(async |s: Scope<'_>| {
            let mut set = s.join_set();
            for name in ["first", "second"] {
                let bomb = drops.bomb(name);
                set.spawn(async { bomb });
            }
            let_run().await;
            let _unread = set;
            bang("body");
        })
        .serial())
    });
    assert_eq!(name, "body");
    assert_eq!(drops.get(), 2);
}

/// S10: a value that comes when the set is gone is dropped, and its panic is the scope's. It can
/// come so late if the set goes while the child is inside its last poll: here the child itself
/// drops it.
#[test]
fn value_for_nobody() {
    let drops = Tally::new();
    let name = raised(|| {
        run(scope(async |s: Scope<'_>| {
            let slot = Arc::new(std::sync::Mutex::new(None));
            let mut set: JoinSet<'_, Bomb<'_>> = s.join_set();
            let (own, bomb) = (Arc::clone(&slot), drops.bomb("late"));
            set.spawn(async move {
                drop(own.lock().unwrap().take());
                bomb
            });
            *slot.lock().unwrap() = Some(set);
            pending::<()>().await;
        }))
    });
    assert_eq!(name, "late");
    assert_eq!(drops.get(), 1);
}

/// S10, L7: a value that nobody reads may use the scope when it is dropped, and may drop another
/// set.
#[test]
fn unread_value_that_spawns() {
    struct Spawns<'a>(
        Scope<'a>,
        &'a Tally,
        #[allow(dead_code)] JoinSet<'a, Guard<'a>>,
    );
    impl Drop for Spawns<'_> {
        fn drop(&mut self) {
            let done = self.1;
            self.0.spawn(async { done.add() });
        }
    }
    watched(|| {
        let (done, values) = (&Tally::new(), &Tally::new());
        run(scope(async |s: Scope<'_>| {
            let mut inner = s.join_set();
            inner.spawn(async { values.guard() });
            let_run().await;
            let value = Spawns(s.clone(), done, inner);
            let mut outer = s.join_set();
            outer.spawn(async { value });
            let_run().await;
            drop(outer);
            assert_eq!((done.get(), values.get()), (0, 1));
        })
        .serial());
        assert_eq!(done.get(), 1);
    });
}

/// Uses the set's scope whenever the waker of whoever waits for the set is cloned, woken or
/// dropped: on this thread, and on another one while this one waits. Deadlocks if a lock is held.
#[derive(Default)]
struct Reentrant {
    scope: OnceLock<Scope<'static>>,
    acts: Tally,
    panics: AtomicBool,
}

impl Reentrant {
    fn act(&self) {
        let Some(s) = self.scope.get() else { return };
        s.spawn(async {});
        thread::scope(|threads| {
            threads.spawn(|| s.spawn(async {}));
        });
        self.acts.add();
        if self.panics.load(SeqCst) {
            bang("waker");
        }
    }
}

impl Hooks for Reentrant {
    fn on_each(&self) {
        self.act();
    }
}

/// S10, trap 2: a waker of whoever waits is cloned, woken and dropped under no lock; and may panic
/// when it is woken or dropped.
#[test]
fn foreign_waker() {
    for panics in [false, true] {
        watched(move || {
            let hooks = Arc::new(Reentrant::default());
            let foreign = waker(&hooks);
            let gates: [Gate; 2] = Default::default();
            let panic = |panics| hooks.panics.store(panics, SeqCst);
            run(scope(async |s: Scope<'static>| {
                assert!(hooks.scope.set(s.clone()).is_ok());
                let mut set = s.join_set();
                gates.iter().for_each(|gate| set.spawn(gate.wait()));
                let_run().await;

                assert!(poll_with(pin!(set.next()), &foreign).is_pending());
                assert_eq!(hooks.acts.get(), 1, "cloned");
                panic(panics);
                gates[0].open();
                let_run().await;
                panic(false);
                // A wake that panics does not come to the dropping.
                assert_eq!(hooks.acts.get(), if panics { 2 } else { 3 }, "woken");
                assert!(poll_with(pin!(set.next()), &foreign).is_ready());

                for replace in [true, false] {
                    assert!(poll_with(pin!(set.next()), &foreign).is_pending());
                    let before = hooks.acts.get();
                    panic(panics);
                    if replace {
                        assert!(poll_once(pin!(set.next())).is_pending());
                    } else {
                        set.cancel_all();
                        drop(std::mem::replace(&mut set, s.join_set()));
                    }
                    panic(false);
                    assert_eq!(hooks.acts.get(), before + 1, "dropped");
                }
            })
            .serial());
        });
    }
}

/// S10: a value that nobody read, in a set that the body returned, where an `Err` ends the scope: a
/// panic beats the `Err`.
#[test]
fn value_in_a_returned_set() {
    let drops = Tally::new();
    let name = raised(|| {
        block_on(try_scope(async |s: TryScope<'_, &str>| {
            let mut set = s.join_set();
            let value = drops.bomb("value");
            set.spawn(async { Ok(value) });
            while !s.is_empty() {
                yield_now().await;
            }
            s.spawn(async {
                yield_now().await;
                Err::<(), _>("lost")
            });
            Ok(set)
        }))
        .is_err()
    });
    assert_eq!(name, "value");
    assert_eq!(drops.get(), 1);
}
