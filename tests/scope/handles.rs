//! Handles of children: what they give, and what dropping one does. Cancelling has its own file.
#![allow(clippy::async_yields_async)] // a handle that leaves its scope is what is tested

use std::future::pending;
use std::mem;
use std::pin::pin;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use crate::failing::{ReadyWith, Tally, bang, message, raised};
use crate::life::poll_once;
use futures::channel::oneshot;
use futures_lite::future::{block_on, poll_once as poll_here, yield_now};
use taskpen::{JoinHandle, Scope, local_scope, scope, try_local_scope, try_scope};

/// H1: dropping a handle neither cancels nor waits; the scope waits for the child.
#[test]
fn dropped_handle() {
    let done = Tally::new();
    block_on(scope(async |s| {
        let child = async || {
            for _ in 0..5 {
                yield_now().await;
            }
            done.add();
        };
        drop(s.spawn(child()));
        assert_eq!(done.get(), 0, "a drop does not wait");
        assert_eq!(s.len(), 1, "nor cancel");

        let suspended = s.spawn(child());
        yield_now().await;
        yield_now().await;
        drop(suspended);
    }));
    assert_eq!(done.get(), 2);
}

/// H1: a value that nobody reads is dropped when its child finishes, or with the handle.
#[test]
fn value_without_a_reader() {
    let drops = Tally::new();
    block_on(
        scope(async |s| {
            drop(s.spawn(async { drops.guard() }));
            let handle = s.spawn(async { drops.guard() });
            while !s.is_empty() {
                yield_now().await;
            }
            assert_eq!(drops.get(), 1);
            drop(handle);
            assert_eq!(drops.get(), 2);
        })
        .serial(),
    );
    assert_eq!(drops.get(), 2);
}

/// H1: forgetting a handle leaks the value, and not the child.
#[test]
fn forgotten_handle() {
    let drops = Tally::new();
    let values = Tally::new();
    block_on(scope(async |s| {
        mem::forget(s.spawn(async { values.guard() }));
        mem::forget(s.spawn_background(drops.suspended()));
        while s.len() > 1 {
            yield_now().await;
        }
    }));
    assert_eq!((drops.get(), values.get()), (1, 0));
}

/// H4: a value that borrows from `'env` is read after its child, and after the scope.
#[test]
fn value_that_outlives_its_child() {
    let text = String::from("one two");
    let handle = block_on(scope(async |s| {
        let early = s.spawn(async { text.split(' ').next() });
        while !early.is_finished() {
            yield_now().await;
        }
        assert!(s.is_empty());
        assert_eq!(early.await, Some("one"));
        s.spawn(async { text.split(' ').nth(1) })
    }));
    assert!(handle.is_finished());
    assert_eq!(block_on(handle), Some("two"));
}

/// H4: a value in a handle that escaped is dropped with it, once.
#[test]
fn drop_of_a_handle_that_escaped() {
    let drops = Tally::new();
    let handle = block_on(scope(async |s| s.spawn(async { drops.guard() })));
    assert_eq!(drops.get(), 0);
    drop(handle);
    assert_eq!(drops.get(), 1);
}

/// H4: an await that is given up loses nothing.
#[test]
fn interrupted_await() {
    let value = block_on(scope(async |s| {
        let mut handle = s.spawn(async {
            yield_now().await;
            7
        });
        assert_eq!(poll_here(&mut handle).await, None);
        yield_now().await;
        handle.await
    }));
    assert_eq!(value, 7);
}

/// A handle gives its value once, and says so when it is asked again.
#[test]
fn second_value_of_a_handle() {
    block_on(scope(async |s| {
        let mut handle = s.spawn(async { 7 });
        assert_eq!((&mut handle).await, 7);
        assert!(handle.is_finished());
        assert!(!handle.is_cancelled());
        let message = message(|| poll_once(pin!(&mut handle)));
        assert!(
            message.contains("after it had given its value"),
            "{message}"
        );
    }));
}

/// H5: awaiting a child that its scope has cancelled panics, and says where it was spawned.
#[test]
fn await_of_a_cancelled_child() {
    let (handle, line) = block_on(scope(async |s| {
        (s.spawn_background(pending::<u32>()), line!())
    }));
    let message = message(|| block_on(handle));
    assert!(
        message.contains(&format!("{}:{line}:", file!())),
        "{message}"
    );
    assert!(message.contains("was cancelled"), "{message}");
}

/// H5: that place is the caller's, for every way to spawn and in every kind of scope.
#[test]
fn place_of_every_spawn() {
    fn check(handle: JoinHandle<'_, ()>, line: u32) {
        let place = format!("{}:{line}:", file!());
        let shown = format!("{handle:?}");
        assert!(shown.contains(&place), "{shown} does not contain {place}");
        let message = message(|| block_on(handle));
        assert!(message.contains(&place), "{message}");
    }
    type Nothing = Result<(), ()>;

    let s = block_on(scope(async |s| s));
    check(s.spawn(pending()), line!());
    check(s.spawn_background(pending()), line!());
    check(s.spawn_with(|_| pending()), line!());

    let s = block_on(local_scope(async |s| s));
    check(s.spawn(pending()), line!());
    check(s.spawn_background(pending()), line!());
    check(s.spawn_with(|_| pending()), line!());

    let s = block_on(try_scope(async |s| Ok::<_, ()>(s))).unwrap();
    check(s.spawn(pending::<Nothing>()), line!());
    check(s.spawn_background(pending::<Nothing>()), line!());
    check(s.spawn_with(|_| pending::<Nothing>()), line!());

    let s = block_on(try_local_scope(async |s| Ok::<_, ()>(s))).unwrap();
    check(s.spawn(pending::<Nothing>()), line!());
    check(s.spawn_background(pending::<Nothing>()), line!());
    check(s.spawn_with(|_| pending::<Nothing>()), line!());
}

/// A place for a handle that the child itself can look into.
type Slot<'env> = Arc<Mutex<Option<JoinHandle<'env, ()>>>>;

/// What a handle says: (finished, cancelled).
fn stage<T>(handle: &JoinHandle<'_, T>) -> (bool, bool) {
    (handle.is_finished(), handle.is_cancelled())
}

fn stage_in(slot: &Slot<'_>) -> (bool, bool) {
    stage(
        slot.lock()
            .unwrap()
            .as_ref()
            .expect("the body has put it there"),
    )
}

/// H2: what a handle says in every stage of a child that ends well.
#[test]
fn stages_of_a_child() {
    let slot = Slot::default();
    let own = Arc::clone(&slot);
    let finished = block_on(scope(async |s| {
        let running = s.spawn(async move {
            assert_eq!(stage_in(&own), (false, false), "while it is polled");
            yield_now().await;
            assert_eq!(stage_in(&own), (false, false), "while it is polled again");
        });
        assert_eq!(stage(&running), (false, false), "before its first poll");
        *slot.lock().unwrap() = Some(running);
        while !s.is_empty() {
            assert_eq!(stage_in(&slot), (false, false), "until it is gone");
            yield_now().await;
        }
        assert_eq!(stage_in(&slot), (true, false), "after it");
        s.spawn(async {})
    }));
    assert_eq!(stage(&finished), (true, false), "after the scope");
}

/// H2, H5, L6: the same for children that end without a value.
#[test]
fn stages_of_cancelled_children() {
    let ended = block_on(scope(async |s| {
        let ended = s.spawn_background(pending::<()>());
        yield_now().await;
        yield_now().await;
        assert_eq!(stage(&ended), (false, false), "while it is suspended");
        ended
    }));
    assert_eq!(stage(&ended), (true, true), "after the end");

    let slot = Slot::default();
    raised(|| {
        block_on(scope(async |s| {
            *slot.lock().unwrap() = Some(s.spawn(async { bang("child") }));
        }))
    });
    assert_eq!(stage_in(&slot), (true, true), "after a panic");

    let s = block_on(scope(async |s| s));
    assert_eq!(stage(&s.spawn(async {})), (true, true), "refused");
}

/// H2, L1: a child is neither finished nor cancelled while its destructor runs, and it counts.
#[test]
fn stage_within_the_destructor() {
    struct Look<'a> {
        slot: Slot<'a>,
        s: Scope<'a>,
        looks: &'a Tally,
    }
    impl Drop for Look<'_> {
        fn drop(&mut self) {
            if stage_in(&self.slot) == (false, false) && !self.s.is_empty() {
                self.looks.add();
            }
        }
    }

    let looks = Tally::new();
    let slots = [(); 3].map(|()| Slot::default());
    block_on(
        scope(async |s| {
            let [finishes, waits, never_runs] = [0, 1, 2].map(|i| Look {
                slot: Arc::clone(&slots[i]),
                s: s.clone(),
                looks: &looks,
            });
            let child = s.spawn(ReadyWith::new((), finishes));
            *slots[0].lock().unwrap() = Some(child);
            let child = s.spawn_background(async {
                let _look = waits;
                pending().await
            });
            *slots[1].lock().unwrap() = Some(child);
            yield_now().await;
            yield_now().await;
            let child = s.spawn_background(async { drop(never_runs) });
            *slots[2].lock().unwrap() = Some(child);
        })
        .serial(),
    );
    assert_eq!(looks.get(), 3);
}

/// H4: a handle may be awaited on another thread; the end of the child wakes that.
#[test]
fn await_on_another_thread() {
    let text = String::from("far away");
    let (send, receive) = mpsc::channel::<JoinHandle<'_, &str>>();
    let (release, released) = oneshot::channel::<()>();
    thread::scope(|threads| {
        let other = threads.spawn(move || {
            let mut handle = receive.recv().unwrap();
            block_on(async {
                assert_eq!(poll_here(&mut handle).await, None);
                release.send(()).unwrap();
                handle.await
            })
        });
        block_on(scope(async |s| {
            let child = s.spawn(async {
                released.await.unwrap();
                text.as_str()
            });
            send.send(child).unwrap();
        }));
        assert_eq!(other.join().unwrap(), "far away");
    });
}

/// H4: a handle that was polled by one task is awaited by another; the last one is woken.
#[test]
fn handle_that_moves_between_tasks() {
    let value = block_on(scope(async |s| {
        let (release, released) = oneshot::channel::<()>();
        let mut handle = s.spawn(async {
            released.await.unwrap();
            7
        });
        assert_eq!(poll_here(&mut handle).await, None);
        let second = s.spawn(async move {
            assert_eq!(poll_here(&mut handle).await, None);
            release.send(()).unwrap();
            handle.await + 1
        });
        second.await
    }));
    assert_eq!(value, 8);
}
