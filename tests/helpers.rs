//! Helpers: children on several threads, and what a window promises.

use std::cell::Cell;
use std::collections::HashSet;
use std::future::Future;
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::thread::{ThreadId, current};
use std::time::{Duration, Instant};

use futures_lite::future::{block_on, pending, poll_fn, yield_now};
use taskpen::{Runtime, Scope, Ticket, scope, try_scope};

#[path = "support/lenders.rs"]
mod lenders;
use lenders::{Decline, Hoard, Inline, Pool};

/// Keeps the thread busy for long enough that help pays.
fn work() {
    let start = Instant::now();
    while start.elapsed() < Duration::from_micros(300) {
        spin_loop();
    }
}

/// A place where threads wait for each other, busily: it is passed once `size` are in it.
struct Meeting {
    arrived: AtomicUsize,
    size: usize,
}

impl Meeting {
    fn of(size: usize) -> Self {
        Self {
            arrived: AtomicUsize::new(0),
            size,
        }
    }

    /// Waits for the others; panics rather than hang if they do not come at all.
    fn attend(&self) {
        self.arrived.fetch_add(1, SeqCst);
        let start = Instant::now();
        while self.arrived.load(SeqCst) < self.size {
            assert!(start.elapsed() < Duration::from_secs(60), "nobody came");
            std::thread::yield_now();
        }
    }
}

/// Spawns a child that shows that help pays, then `size` children that can only finish together.
fn meet<'env>(s: &Scope<'env>, meeting: &'env Meeting) {
    s.spawn(async { work() });
    for _ in 0..meeting.size {
        s.spawn(async { meeting.attend() });
    }
}

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
    let joined = block_on(
        scope(async |s| {
            let handles: Vec<_> = words
                .iter()
                .map(|word| {
                    let threads = &threads;
                    s.spawn(async move {
                        for _ in 0..3 {
                            work();
                            threads.lock().unwrap().insert(current().id());
                            yield_now().await;
                        }
                        word.as_str()
                    })
                })
                .collect();
            let mut joined = Vec::new();
            for handle in handles {
                joined.push(handle.await);
            }
            joined
        })
        .on(Pool::new(2)),
    );
    assert_eq!(joined, words);
    assert!(threads.lock().unwrap().len() <= 3);
}

/// `.serial()` and `.workers(0)` never ask, and nested scopes inherit `.serial()`.
#[test]
fn serial_asks_nobody() {
    let declined = Decline::default();
    async fn busy(s: Scope<'_>) {
        for _ in 0..10 {
            s.spawn(async { work() });
        }
    }
    block_on(scope(busy).on(declined.clone()).serial());
    block_on(scope(busy).on(declined.clone()).workers(0));
    assert_eq!(declined.0.load(SeqCst), 0);
    block_on(
        scope(async |_| scope(async |_| scope(busy).await).serial().await).on(declined.clone()),
    );
    assert_eq!(declined.0.load(SeqCst), 0);
    block_on(scope(async |_| scope(busy).await).on(declined.clone()));
    assert!(declined.0.load(SeqCst) > 0);
}

/// At most `workers` tickets are outstanding, however many children there are.
#[test]
fn bounded_tickets() {
    let pool = Pool::new(4);
    let busy = scope(async |s| {
        for _ in 0..100 {
            s.spawn(async { work() });
        }
    });
    block_on(busy.on(pool.clone()).workers(2));
    assert!(pool.dispatched() > 0);
    // The pool counts a ticket as done a little after the scope does.
    assert!(pool.most_outstanding() <= 2 + 4);
    let hoard = Hoard::default();
    let busy = scope(async |s| {
        for _ in 0..100 {
            s.spawn(async { work() });
        }
    });
    block_on(busy.on(hoard.clone()).workers(3));
    assert_eq!(hoard.empty().len(), 3);
}

/// Trap 8: a ticket that is run inline, dropped, kept for ever or met by a panic costs nothing but
/// speed.
#[test]
fn odd_runtimes() {
    struct Panics;
    impl Runtime for Panics {
        fn dispatch(&self, _: Ticket) {
            std::panic::resume_unwind(Box::new("no threads today"));
        }
        fn parallelism(&self) -> usize {
            8
        }
    }
    fn run(runtime: impl Runtime) {
        let done = AtomicUsize::new(0);
        let busy = scope(async |s| {
            for _ in 0..20 {
                s.spawn(async {
                    work();
                    yield_now().await;
                    done.fetch_add(1, SeqCst);
                });
            }
        });
        block_on(busy.on(runtime));
        assert_eq!(done.load(SeqCst), 20);
    }
    let (inline, declined, hoard) = (Inline::default(), Decline::default(), Hoard::default());
    run(inline.clone());
    run(declined.clone());
    run(hoard.clone());
    run(Panics);
    assert!(!hoard.empty().is_empty());
    assert!(inline.0.load(SeqCst) > 0);
    assert!(declined.0.load(SeqCst) > 0);
}

/// L4, trap 8: tickets that come late touch nothing: after the scope has ended, and after it was
/// polled once and forgotten.
#[test]
fn late_tickets() {
    let hoard = Hoard::default();
    let polls = AtomicUsize::new(0);
    let drops = AtomicUsize::new(0);
    struct CountDrop<'a>(&'a AtomicUsize);
    impl Drop for CountDrop<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    let busy = scope(async |s| {
        for _ in 0..20 {
            let guard = CountDrop(&drops);
            let polls = &polls;
            s.spawn(async move {
                let _guard = guard;
                work();
                polls.fetch_add(1, SeqCst);
                pending::<()>().await;
            });
        }
    });
    let mut dropped = Box::pin(busy.on(hoard.clone()));
    let cx = &mut Context::from_waker(Waker::noop());
    while polls.load(SeqCst) < 20 {
        assert!(dropped.as_mut().poll(cx).is_pending());
    }
    drop(dropped);
    assert_eq!((polls.load(SeqCst), drops.load(SeqCst)), (20, 20));
    let tickets = hoard.empty();
    assert!(!tickets.is_empty());
    std::thread::spawn(move || tickets.into_iter().for_each(Ticket::run))
        .join()
        .unwrap();
    assert_eq!((polls.load(SeqCst), drops.load(SeqCst)), (20, 20));
}

/// F8: when a child panics, siblings that run on helpers finish their poll, and none is being
/// polled when the payload leaves `poll`.
#[test]
fn panic_while_siblings_are_polled() {
    let inside = AtomicUsize::new(0);
    let meeting = Meeting::of(3);
    let failing = scope(async |s| {
        s.spawn(async { work() });
        for n in 0..3 {
            let (inside, meeting) = (&inside, &meeting);
            s.spawn(async move {
                inside.fetch_add(1, SeqCst);
                meeting.attend();
                if n == 0 {
                    inside.fetch_sub(1, SeqCst);
                    std::panic::resume_unwind(Box::new(7_u8));
                }
                work();
                inside.fetch_sub(1, SeqCst);
                pending::<()>().await;
            });
        }
    });
    let payload =
        catch_unwind(AssertUnwindSafe(|| block_on(failing.on(Pool::new(2))))).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&7_u8));
    assert_eq!(inside.load(SeqCst), 0);
}

/// F2, F8: a body that panics while helpers are inside.
#[test]
fn body_panic_while_children_are_polled() {
    let inside = AtomicUsize::new(0);
    let came = AtomicBool::new(false);
    let failing = scope(async |s| {
        let joined = s.spawn(async { work() });
        for _ in 0..2 {
            s.spawn(async {
                inside.fetch_add(1, SeqCst);
                came.store(true, SeqCst);
                work();
                inside.fetch_sub(1, SeqCst);
            });
        }
        joined.await;
        while !came.load(SeqCst) {
            yield_now().await;
        }
        std::panic::resume_unwind(Box::new("body"));
    });
    let payload =
        catch_unwind(AssertUnwindSafe(|| block_on(failing.on(Pool::new(2))))).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"body"));
    assert_eq!(inside.load(SeqCst), 0);
}

/// F5 with helpers: an `Err` on a helper ends the scope at once.
#[test]
fn error_on_a_helper() {
    let meeting = Meeting::of(3);
    let failing = try_scope(async |s: taskpen::TryScope<'_, u8>| {
        s.spawn(async {
            work();
            Ok(())
        });
        for n in 0..3 {
            let meeting = &meeting;
            s.spawn::<_, ()>(async move {
                meeting.attend();
                if n == 2 {
                    return Err(n);
                }
                pending().await
            });
        }
        pending::<Result<(), u8>>().await
    });
    assert_eq!(block_on(failing.on(Pool::new(2))), Err(2));
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

/// H2: a child that a helper is polling is cancelled after that poll.
#[test]
fn cancel_while_a_helper_polls() {
    let meeting = Meeting::of(2);
    let finished = AtomicBool::new(false);
    let cancelled = scope(async |s| {
        s.spawn(async { work() });
        let busy = s.spawn(async {
            meeting.attend();
            work();
            finished.store(true, SeqCst);
            pending::<()>().await;
        });
        let (tell, told) = futures::channel::oneshot::channel();
        s.spawn(async {
            meeting.attend();
            let _ = tell.send(());
        });
        told.await.unwrap();
        let value = busy.cancel().await;
        (value, finished.load(SeqCst))
    });
    assert_eq!(block_on(cancelled.on(Pool::new(2))), (None, true));
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
    block_on(busy.on(Pool::new(3)));
    assert_eq!(local.get(), 200);
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
    block_on(endless.on(Pool::new(2)));
    assert!(rounds.load(SeqCst) > 0);
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
        .on(pool)
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
}
