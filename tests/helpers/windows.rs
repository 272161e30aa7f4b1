//! Helpers: children on several threads.

use std::cell::Cell;
use std::collections::HashSet;
use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::thread::{ThreadId, current};

use futures_lite::future::{block_on, poll_fn, yield_now};
use taskpen::scope;

use crate::lenders::Pool;
use crate::meeting::{Meeting, meet, work};

/// R9: CPU-bound children run on all workers at the same time, and they borrow.
#[test]
fn all_workers() {
    for helpers in [1, 3, 15] {
        let meeting = Meeting::of(helpers + 1);
        let pool = Pool::new(helpers);
        block_on(scope(async |s| meet(&s, &meeting)).on(pool));
        assert_eq!(meeting.arrived.load(SeqCst), helpers + 1);
    }
}

/// R9: children of nested scopes use the workers, also when the outer scope has one child only, and
/// without being told which runtime.
#[test]
fn all_workers_of_nested_scopes() {
    let meeting = Meeting::of(4);
    block_on(
        scope(async |s| {
            s.spawn(async {
                scope(async |s| {
                    s.spawn(async { scope(async |s| meet(&s, &meeting)).await });
                })
                .await;
            });
        })
        .on(Pool::new(3)),
    );
    assert_eq!(meeting.arrived.load(SeqCst), 4);
}

/// R9: a nested scope that runs on a helper gets helpers from the same runtime.
#[test]
fn all_workers_of_a_scope_on_a_helper() {
    let outer = Meeting::of(2);
    let inner = [Meeting::of(2), Meeting::of(2)];
    block_on(
        scope(async |s| {
            s.spawn(async { work() });
            for meeting in &inner {
                let outer = &outer;
                s.spawn(async move {
                    outer.attend();
                    scope(async |s| meet(&s, meeting)).await;
                });
            }
        })
        .on(Pool::new(4)),
    );
    assert!(
        inner
            .iter()
            .all(|meeting| meeting.arrived.load(SeqCst) == 2)
    );
}

/// Children that return `Pending` and are woken may continue on another thread, and their results
/// come back whatever thread that was.
#[test]
fn results_from_helpers() {
    let words: Vec<String> = (0..200).map(|n| n.to_string()).collect();
    let threads = Mutex::new(HashSet::<ThreadId>::new());
    let meeting = Meeting::of(2);
    let joined = block_on(
        scope(async |s| {
            let (threads, meeting) = (&threads, &meeting);
            s.spawn(async { work() });
            let spawn = |(n, word)| {
                let word: &String = word;
                s.spawn(async move {
                    if n < 2 {
                        meeting.attend(); // so one of them is on a helper
                    }
                    for _ in 0..3 {
                        work();
                        threads.lock().unwrap().insert(current().id());
                        yield_now().await;
                    }
                    word.as_str()
                })
            };
            let handles: Vec<_> = words.iter().enumerate().map(spawn).collect();
            let mut joined = Vec::new();
            for handle in handles {
                joined.push(handle.await);
            }
            joined
        })
        .on(Pool::new(2)),
    );
    assert_eq!(joined, words);
    assert!((2..=3).contains(&threads.lock().unwrap().len()));
}

/// Trap 6: the last child may finish on a helper, without a push that would tell anybody.
#[test]
fn last_child_on_a_helper() {
    for _ in 0..20 {
        let meeting = Meeting::of(2);
        let home = current().id();
        let done = AtomicUsize::new(0);
        let last = scope(async |s| {
            s.spawn(async { work() });
            for _ in 0..2 {
                s.spawn(async {
                    meeting.attend();
                    if current().id() != home {
                        work(); // still inside when the scope's thread has nothing left
                    }
                    done.fetch_add(1, SeqCst);
                });
            }
        });
        block_on(last.on(Pool::new(1)));
        assert_eq!(done.load(SeqCst), 2);
    }
}

/// R1: with helpers a child may start while the spawner goes on; the body runs on its own thread.
#[test]
fn body_stays_on_its_thread() {
    let local = Cell::new(0);
    let busy = scope(async |s| {
        let home = current().id();
        for _ in 0..50 {
            let handles = [(); 4].map(|()| s.spawn(async { work() }));
            for handle in handles {
                handle.await;
                local.set(local.get() + 1);
                assert_eq!(current().id(), home);
            }
        }
    });
    let pool = Pool::new(3);
    block_on(busy.on(pool.clone()));
    assert_eq!(local.get(), 200);
    assert!(pool.dispatched() > 0);
}

/// R5 with helpers: a background child that wakes itself for ever keeps neither the scope nor a
/// window open.
#[test]
fn endless_background_child() {
    let rounds = AtomicUsize::new(0);
    let endless = scope(async |s| {
        for _ in 0..4 {
            s.spawn_background(poll_fn(|cx| {
                work();
                rounds.fetch_add(1, SeqCst);
                cx.waker().wake_by_ref();
                Poll::<()>::Pending
            }));
        }
        s.spawn(async {
            for _ in 0..20 {
                yield_now().await;
            }
        });
    });
    let pool = Pool::new(2);
    block_on(endless.on(pool.clone()));
    assert!(rounds.load(SeqCst) > 0 && pool.dispatched() > 0);
}

/// One scope polled from different threads in turn.
#[test]
fn scope_that_moves_between_threads() {
    let pool = Pool::new(2);
    let mut moved = pin!(
        scope(async |s| {
            for _ in 0..40 {
                s.spawn(async {
                    for _ in 0..4 {
                        work();
                        yield_now().await;
                    }
                });
            }
            s
        })
        .on(pool.clone())
    );
    let ended = loop {
        let poll = std::thread::scope(|threads| {
            let moved = moved.as_mut();
            let poll = || moved.poll(&mut Context::from_waker(Waker::noop()));
            threads.spawn(poll).join().unwrap()
        });
        if let Poll::Ready(s) = poll {
            break s;
        }
    };
    assert!(ended.is_ended() && ended.is_empty());
    assert!(pool.dispatched() > 0);
}
