//! Sets that somebody waits for, here or elsewhere: S12, S13.
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]

use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use crate::life::{Counter, Gate, Wakes, let_run, poll_with, run, settle};
use futures::channel::oneshot;
use futures_lite::StreamExt;
use futures_lite::future::{block_on, poll_once as poll_here, yield_now};
use taskpen::{JoinSet, Scope, scope};

/// S12, R4: whoever waits is woken once, however many children finish.
#[test]
fn wakes_of_who_waits() {
    let gates: [Gate; 3] = Default::default();
    let (wakes, waker) = Wakes::waker();
    let polls = Counter::default();
    let mut scoped = pin!(
        scope(async |s: Scope<'_>| {
            let mut set = s.join_set();
            for gate in &gates {
                set.spawn(gate.wait());
            }
            let mut next = pin!(set.next());
            poll_fn(|cx| {
                polls.add();
                next.as_mut().poll(cx)
            })
            .await;
        })
        .serial()
    );
    while poll_with(scoped.as_mut(), &waker).is_pending() && wakes.take() > 0 {}
    assert_eq!(polls.get(), 1);
    gates[..2].iter().for_each(Gate::open);
    assert_eq!(wakes.take(), 1);
    assert!(poll_with(scoped.as_mut(), &waker).is_ready());
    assert_eq!(polls.get(), 2);
}

/// S12: an interrupted `next` loses nothing.
#[test]
fn interrupted_next() {
    let gate = Gate::default();
    run(scope(async |s: Scope<'_>| {
        let mut set = s.join_set();
        let wait = gate.wait();
        set.spawn(async {
            wait.await;
            7
        });
        assert_eq!(poll_here(set.next()).await, None);
        gate.open();
        let_run().await;
        assert_eq!(poll_here(set.next()).await, Some(Some(7)));
        assert_eq!(poll_here(set.next()).await, Some(None));
    })
    .serial());
}

/// S12: a set that is gone keeps no waker of whoever waited, though its children are still there.
#[test]
fn waker_of_a_dropped_set() {
    let (wakes, waker) = Wakes::waker();
    let wait = Gate::default();
    let mut scoped = pin!(scope(async |s: Scope<'_>| {
        let mut set = s.join_set();
        set.spawn(wait.wait());
        let held = Arc::strong_count(&wakes);
        let mut cx = Context::from_waker(&waker);
        assert!(pin!(set.next()).poll(&mut cx).is_pending());
        assert_eq!(Arc::strong_count(&wakes), held + 1);
        drop(set);
        assert_eq!(Arc::strong_count(&wakes), held);
        assert_eq!(s.len(), 1);
    }));
    assert!(settle(scoped.as_mut()).is_ready());
}

/// S12: when a value comes the child's future is gone, also if that does not drop what is in it
/// before it gives the value.
#[test]
fn value_of_a_child_that_is_gone() {
    struct Look(Arc<AtomicBool>, Counter);
    impl Wake for Look {
        fn wake(self: Arc<Self>) {
            self.0.store(self.1.get() == 1, SeqCst);
        }
    }
    let drops = Counter::default();
    let is_gone = Arc::new(AtomicBool::new(false));
    let waker = Waker::from(Arc::new(Look(Arc::clone(&is_gone), drops.clone())));
    run(scope(async |s: Scope<'_>| {
        let mut set = s.join_set();
        let guard = drops.guard();
        set.spawn(poll_fn(move |_| {
            let _inside = &guard;
            Poll::Ready(7)
        }));
        assert!(poll_with(pin!(set.next()), &waker).is_pending());
        let_run().await;
        assert!(is_gone.load(SeqCst));
        assert_eq!(set.next().await, Some(7));
    })
    .serial());
}

/// S12: a set may be awaited by one task and then by another: the last one is woken.
#[test]
fn set_that_moves_between_tasks() {
    let gate = Gate::default();
    let sum = run(scope(async |s: Scope<'_>| {
        let mut set = s.join_set();
        let wait = gate.wait();
        set.spawn(async {
            wait.await;
            7
        });
        assert_eq!(poll_here(set.next()).await, None);
        let reader = s.spawn(async move {
            assert_eq!(poll_here(set.next()).await, None);
            gate.open();
            set.next().await.unwrap() + 1
        });
        reader.await
    }));
    assert_eq!(sum, 8);
}

/// S13: a set that was moved into a child works there: what it spawns are siblings. It goes with
/// that child.
each_form!(set_in_a_child, |scope, ok| {
    let drops = Counter::default();
    let outcome = run(scope(async |s| {
        let mut set = s.join_set();
        let guard = drops.guard();
        let reader = s.spawn(async move {
            set.spawn(async { ok(1) });
            let first = set.next().await;
            set.spawn(async move {
                let _guard = guard;
                ok(pending::<u32>().await)
            });
            yield_now().await;
            ok(first)
        });
        let first = reader.await;
        let_run().await;
        assert_eq!((drops.get(), s.len()), (1, 0));
        ok(first)
    })
    .serial());
    assert_eq!(outcome, ok(Some(1)));
});

/// S13: a set may be used on another thread than its scope.
#[test]
fn set_on_another_thread() {
    let text = &String::from("one two three");
    let (send, receive) = mpsc::channel::<JoinSet<'_, &str>>();
    let (done, is_done) = oneshot::channel();
    thread::scope(|threads| {
        let other = threads.spawn(move || {
            let mut set = receive.recv().unwrap();
            let words = block_on(async {
                let first = set.next().await;
                set.spawn(async { &text[8..] });
                [first, set.next().await, set.next().await]
            });
            done.send(()).unwrap();
            words
        });
        block_on(scope(async |s: Scope<'_>| {
            let mut set = s.join_set();
            set.spawn(async {
                yield_now().await;
                &text[..3]
            });
            send.send(set).unwrap();
            is_done.await.unwrap();
        }));
        let words = other.join().unwrap();
        assert_eq!(words, [Some("one"), Some("three"), None]);
    });
}

/// S13: values may borrow what the children may borrow, and be moved out of the scope.
#[test]
fn borrowed_values() {
    let text = String::from("one two three");
    let mut words: Vec<&str> = run(scope(async |s| {
        let mut set = s.join_set();
        for n in 0..3 {
            let text = &text;
            set.spawn(async move { text.split(' ').nth(n).unwrap() });
        }
        set.collect().await
    }));
    words.sort_unstable();
    assert_eq!(words, ["one", "three", "two"]);
}
