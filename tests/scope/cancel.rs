//! Cancelling one child through its handle.
#![allow(clippy::async_yields_async)] // a handle that leaves its scope is what is tested

use std::future::pending;
use std::pin::pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;
use std::thread;

use crate::failing::{ReadyWith, Tally, sleeper};
use crate::life::poll_once;
use futures::channel::oneshot;
use futures_lite::future::{block_on, poll_once as poll_here, yield_now};
use taskpen::{Join, JoinHandle, Scope, TryScope, local_scope, scope, try_scope};

/// Lets the scope run what is ready.
async fn turn() {
    yield_now().await;
    yield_now().await;
}

/// H2: a child that has never run is dropped without a poll.
#[test]
fn cancel_before_the_first_poll() {
    let drops = Tally::new();
    let polls = Tally::new();
    block_on(scope(async |s| {
        let guard = drops.guard();
        let child = s.spawn(async {
            let _guard = guard;
            polls.add();
        });
        assert_eq!(child.cancel().await, None);
        assert_eq!((drops.get(), polls.get()), (1, 0));
    }));
    assert_eq!((drops.get(), polls.get()), (1, 0));
}

/// H2: a suspended child is dropped; the future of `cancel` waits for that, and the scope goes on.
#[test]
fn cancel_of_a_suspended_child() {
    let drops = Tally::new();
    block_on(
        scope(async |s| {
            let child = s.spawn(drops.suspended());
            let background = s.spawn_background(drops.suspended());
            turn().await;
            let mut cancel = child.cancel();
            assert_eq!(poll_here(&mut cancel).await, None, "not resolved yet");
            assert_eq!(drops.get(), 0, "for the child is still there");
            assert_eq!(cancel.await, None);
            assert_eq!((drops.get(), s.len()), (1, 1));
            assert_eq!(background.cancel().await, None);
            assert_eq!((drops.get(), s.len()), (2, 0));
        })
        .serial(),
    );
}

/// H2: a child that was woken, and waits for its turn, is not polled any more.
#[test]
fn cancel_of_a_ready_child() {
    let drops = Tally::new();
    let polls = Tally::new();
    let wakers = Mutex::new(Vec::new());
    block_on(scope(async |s| {
        let child = s.spawn(sleeper(&polls, &drops, &wakers));
        turn().await;
        wakers.lock().unwrap().pop().expect("it was polled").wake();
        assert_eq!(child.cancel().await, None);
    }));
    assert_eq!((drops.get(), polls.get()), (1, 1));
}

/// H2: cancelling a child that has finished gives its value, before and after the scope.
#[test]
fn cancel_of_a_finished_child() {
    let text = String::from("value");
    let late = block_on(scope(async |s| {
        let child = s.spawn(async { text.as_str() });
        turn().await;
        assert!(child.is_finished());
        assert_eq!(child.cancel().await, Some("value"));
        s.spawn(async { text.as_str() })
    }));
    assert_eq!(block_on(late.cancel()), Some("value"));
}

/// H2, L6: cancelling a child that the end of its scope has cancelled, or refused, gives nothing.
#[test]
fn cancel_after_the_end() {
    let (s, child) = block_on(scope(async |s| {
        let child = s.spawn_background(pending::<()>());
        (s, child)
    }));
    assert_eq!(block_on(child.cancel()), None);
    assert_eq!(block_on(s.spawn(async { 7 }).cancel()), None);
}

/// H2: `cancel` acts at the call, whether or not its future is ever polled.
#[test]
#[expect(clippy::let_underscore_future)] // this is what people write
fn cancel_in_passing() {
    let drops = Tally::new();
    let polls = Tally::new();
    block_on(scope(async |s| {
        let suspended = s.spawn(drops.suspended());
        turn().await;
        let never_ran = s.spawn(polls.polled());
        let _ = suspended.cancel();
        drop(never_ran.cancel());
        while !s.is_empty() {
            turn().await;
        }
        assert_eq!((drops.get(), polls.get()), (1, 0));
    }));
}

/// H2: nor does it matter if that future is given up half-way.
#[test]
fn cancel_that_is_given_up() {
    let drops = Tally::new();
    block_on(scope(async |s| {
        let child = s.spawn(drops.suspended());
        turn().await;
        let mut cancel = child.cancel();
        assert_eq!(poll_here(&mut cancel).await, None);
        drop(cancel);
    })); // returns, so the child is gone
    assert_eq!(drops.get(), 1);
}

/// H2: the value of a finished child goes with a `Join` that is never polled.
#[test]
fn value_in_a_dropped_cancel() {
    let drops = Tally::new();
    block_on(scope(async |s| {
        let child = s.spawn(async { drops.guard() });
        turn().await;
        assert_eq!(drops.get(), 0);
        drop(child.cancel());
        assert_eq!(drops.get(), 1);
    }));
}

/// A place through which a child gets its own handle.
type Slot<'env, T> = Arc<Mutex<Option<JoinHandle<'env, T>>>>;

fn take<'env, T>(slot: &Slot<'env, T>) -> JoinHandle<'env, T> {
    let handle = slot.lock().unwrap().take();
    handle.expect("the body has put it there")
}

/// H2: a child that cancels itself runs to its next `await`, at its first poll or later.
#[test]
fn cancel_of_oneself() {
    for turns_before in [0, 1] {
        let [before, after, drops] = [(); 3].map(|()| Tally::new());
        let (before, after) = (&before, &after);
        let slot = Slot::default();
        let own = Arc::clone(&slot);
        block_on(scope(async |s| {
            let guard = drops.guard();
            *slot.lock().unwrap() = Some(s.spawn(async move {
                let _guard = guard;
                for _ in 0..turns_before {
                    turn().await;
                }
                drop(take(&own).cancel());
                before.add();
                yield_now().await;
                after.add();
            }));
        }));
        assert_eq!((before.get(), after.get(), drops.get()), (1, 0, 1));
    }
}

/// H2: a child that waits for its own end never sees it, and does not keep the scope open.
#[test]
fn await_of_ones_own_cancel() {
    let after = Tally::new();
    let seen = &after;
    let slot = Slot::default();
    let own = Arc::clone(&slot);
    block_on(scope(async |s| {
        *slot.lock().unwrap() = Some(s.spawn(async move {
            take(&own).cancel().await;
            seen.add();
        }));
    }));
    assert_eq!(after.get(), 0);
}

/// H2: a child that finishes in the very poll in which it was cancelled was cancelled: its value is
/// dropped.
#[test]
fn cancel_in_the_last_poll() {
    let slot = Slot::default();
    let own = Arc::clone(&slot);
    let cancel = Arc::new(Mutex::new(None));
    let hand_over = Arc::clone(&cancel);
    block_on(scope(async |s| {
        *slot.lock().unwrap() = Some(s.spawn(async move {
            *hand_over.lock().unwrap() = Some(take(&own).cancel());
            7
        }));
    }));
    let cancel = cancel.lock().unwrap().take().expect("the child ran");
    assert_eq!(block_on(cancel), None);
}

/// H2: `cancel` resolves only after the destructor, also for somebody on another thread: the
/// destructor waits until that thread has polled the future of `cancel` and found it pending.
#[test]
fn cancel_while_the_destructor_runs() {
    struct Ask(mpsc::Sender<()>, Mutex<mpsc::Receiver<Option<Option<()>>>>);
    impl Drop for Ask {
        fn drop(&mut self) {
            self.0.send(()).unwrap();
            let seen = self.1.lock().unwrap().recv().unwrap();
            assert_eq!(seen, None, "resolved before the destructor returned");
        }
    }

    for cancelled_by_the_end in [false, true] {
        let (ask, asked) = mpsc::channel();
        let (answer, answers) = mpsc::channel();
        let (hand_over, handed_over) = mpsc::channel::<Join<'_, ()>>();
        thread::scope(|threads| {
            let other = threads.spawn(move || {
                let mut cancel = pin!(handed_over.recv().unwrap());
                asked.recv().unwrap();
                answer.send(block_on(poll_here(cancel.as_mut()))).unwrap();
                block_on(cancel)
            });
            block_on(scope(async |s| {
                let inside = Ask(ask, Mutex::new(answers));
                let child = s.spawn_background(async {
                    let _inside = inside;
                    pending().await
                });
                turn().await;
                hand_over.send(child.cancel()).unwrap();
                if !cancelled_by_the_end {
                    turn().await;
                    turn().await;
                }
            }));
            assert_eq!(other.join().unwrap(), None);
        });
    }
}

/// H2: another thread may cancel a child, and wait until it is gone.
#[test]
fn cancel_on_another_thread() {
    let drops = Tally::new();
    let (send, receive) = mpsc::channel::<JoinHandle<'_, ()>>();
    let (done, is_done) = oneshot::channel();
    thread::scope(|threads| {
        let drops = &drops;
        threads.spawn(move || {
            let child = receive.recv().unwrap();
            assert_eq!(block_on(child.cancel()), None);
            done.send(drops.get()).unwrap();
        });
        block_on(scope(async |s| {
            let child = s.spawn(drops.suspended());
            turn().await;
            send.send(child).unwrap();
            assert_eq!(is_done.await, Ok(1));
        }));
    });
}

/// H2: while the scope is not polled the child stays; its next poll, or its drop, resolves
/// `cancel`.
#[test]
fn cancel_between_two_polls() {
    for dropped in [true, false] {
        let drops = Tally::new();
        let handle = Mutex::new(None);
        let mut sc = Box::pin(scope(async |s| {
            *handle.lock().unwrap() = Some(s.spawn(drops.suspended()));
            pending::<()>().await;
        }));
        assert!(poll_once(sc.as_mut()).is_pending());
        let mut cancel = pin!(handle.lock().unwrap().take().unwrap().cancel());
        assert!(poll_once(cancel.as_mut()).is_pending());
        assert_eq!(drops.get(), 0);
        if dropped {
            drop(sc);
        } else {
            assert!(poll_once(sc.as_mut()).is_pending());
        }
        assert_eq!(drops.get(), 1);
        assert_eq!(poll_once(cancel.as_mut()), Poll::Ready(None));
    }
}

/// H2: a call to `cancel` wakes the scope, or the child would stay until something else does.
#[test]
fn cancel_wakes_the_scope() {
    let drops = Tally::new();
    let (send, receive) = mpsc::channel::<JoinHandle<'_, ()>>();
    let (suspended, is_suspended) = oneshot::channel::<()>();
    thread::scope(|threads| {
        threads.spawn(move || {
            let child = receive.recv().unwrap();
            block_on(is_suspended).unwrap();
            drop(child.cancel());
        });
        // Nothing but the cancelled child can end this scope.
        block_on(scope(async |s| {
            send.send(s.spawn(drops.suspended())).unwrap();
            turn().await;
            suspended.send(()).unwrap();
        }));
    });
    assert_eq!(drops.get(), 1);
}

/// H3: cancelling a child touches no sibling, and is no failure of its scope.
#[test]
fn siblings_of_a_cancelled_child() {
    let done = Tally::new();
    let outcome = block_on(try_scope(async |s: TryScope<'_, ()>| {
        let siblings: Vec<_> = (0..3)
            .map(|i| {
                s.spawn(async move {
                    turn().await;
                    Ok(i)
                })
            })
            .collect();
        let child = s.spawn(pending::<Result<(), ()>>());
        s.spawn(async {
            assert_eq!(child.cancel().await, None);
            done.add();
            Ok(())
        });
        let mut sum = 0;
        for sibling in siblings {
            sum += sibling.await;
        }
        Ok(sum)
    }));
    assert_eq!(outcome, Ok(3));
    assert_eq!(done.get(), 1);
}

/// H2, L3: a cancelled child takes the scopes in it along.
#[test]
fn cancel_of_a_tree() {
    let drops = Tally::new();
    block_on(scope(async |s| {
        let tree = s.spawn(scope(async |inner| {
            for _ in 0..3 {
                inner.spawn_with(async |inner: Scope<'_>| {
                    inner.spawn(drops.suspended());
                    drops.suspended().await;
                });
            }
            drops.suspended().await;
        }));
        turn().await;
        assert_eq!(tree.cancel().await, None);
        assert_eq!(drops.get(), 7);
    }));
}

/// H2: a future that is dropped for a cancelled child has not been polled after its value: what
/// it keeps goes, its value was never made.
#[test]
fn cancel_of_a_ready_made_future() {
    let drops = Tally::new();
    block_on(local_scope(async |s| {
        let child = s.spawn(ReadyWith::new(drops.guard(), drops.guard()));
        assert!(child.cancel().await.is_none());
        assert_eq!(drops.get(), 2);
    }));
}
