//! Tickets: who is asked for help, how often, and what becomes of a ticket.

use std::future::Future;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_lite::future::{block_on, pending, poll_fn, yield_now};
use taskpen::{Executor, Scope, Ticket, scope};

use crate::blocked::be_slow_for;
use crate::lenders::{Decline, Hoard, Inline, Pool};
use crate::life::{Counter, watched};
use crate::meeting::work;

/// `.serial()` and `.helpers(0)` never ask, and nested scopes inherit `.serial()`.
#[test]
fn serial_asks_nobody() {
    let declined = Decline::default();
    async fn busy(s: Scope<'_>) {
        for _ in 0..10 {
            s.spawn(async { work() });
        }
    }
    block_on(scope(busy).on(declined.clone()).serial());
    block_on(scope(busy).on(declined.clone()).helpers(0));
    assert_eq!(declined.0.load(SeqCst), 0);
    block_on(
        scope(async |_| scope(async |_| scope(busy).await).serial().await).on(declined.clone()),
    );
    assert_eq!(declined.0.load(SeqCst), 0);
    block_on(scope(async |_| scope(busy).await).on(declined.clone()));
    assert!(declined.0.load(SeqCst) > 0);
}

/// At most `workers` tickets are outstanding, however many children there are, and no more than the
/// runtime has threads to lend.
#[test]
fn bounded_tickets() {
    for (workers, most) in [(Some(2), 2), (None, 3), (Some(9), 3)] {
        let hoard = Hoard::default();
        let mut busy = scope(async |s| {
            for _ in 0..100 {
                s.spawn(async { work() });
            }
        });
        if let Some(workers) = workers {
            busy = busy.helpers(workers);
        }
        // As a program holds a runtime that it chose when it ran.
        let runtime: Arc<dyn Executor> = Arc::new(hoard.clone());
        block_on(busy.on(runtime));
        assert_eq!(hoard.empty().len(), most);
    }
}

/// Trap 8: a ticket that is run inline, dropped, kept for ever or met by a panic costs nothing but
/// speed.
#[test]
fn odd_runtimes() {
    struct Panics;
    impl Executor for Panics {
        fn dispatch(&self, _: Ticket) {
            std::panic::resume_unwind(Box::new("no threads today"));
        }
        fn parallelism(&self) -> usize {
            8
        }
    }
    fn run(runtime: impl Executor) {
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

/// L4, L5: the scope is polled once, with helpers, and forgotten. Wakers and tickets that come
/// later, from other threads, poll nothing and drop nothing, and what the children borrowed is used
/// again, and freed.
#[test]
fn late_tickets_and_wakers_of_a_forgotten_scope() {
    let (pool, hoard) = (Pool::new(2), Hoard::default());
    let wakers = Mutex::new(Vec::<Waker>::new());
    let polls = AtomicUsize::new(0);
    let mut lent: Vec<_> = (0..30).map(|_| AtomicUsize::new(0)).collect();
    let both = Both(pool, hoard.clone(), AtomicUsize::new(0));
    let mut forgotten = Box::pin(
        scope(async |s| {
            for place in &lent {
                s.spawn(poll_fn(|cx| {
                    work();
                    place.fetch_add(1, SeqCst);
                    polls.fetch_add(1, SeqCst);
                    wakers.lock().unwrap().push(cx.waker().clone());
                    Poll::<()>::Pending
                }));
            }
            pending::<()>().await;
        })
        .on(both),
    );
    let cx = &mut Context::from_waker(Waker::noop());
    while polls.load(SeqCst) < lent.len() {
        assert!(forgotten.as_mut().poll(cx).is_pending());
    }
    std::mem::forget(forgotten);
    let wakers = wakers.into_inner().unwrap();
    let tickets = hoard.empty();
    assert!(!tickets.is_empty());
    assert!(lent.iter_mut().all(|place| *place.get_mut() == 1));
    lent.iter_mut().for_each(|place| *place.get_mut() = 7);
    std::thread::scope(|threads| {
        threads.spawn(|| wakers.iter().for_each(Waker::wake_by_ref));
        threads.spawn(|| tickets.into_iter().for_each(Ticket::run));
    });
    drop(wakers);
    assert_eq!(polls.into_inner(), lent.len());
    assert!(lent.into_iter().all(|place| place.into_inner() == 7));
}

/// Lends the threads of a pool, and keeps every second ticket for later.
struct Both(Pool, Hoard, AtomicUsize);

impl Executor for Both {
    fn dispatch(&self, ticket: Ticket) {
        match self.2.fetch_add(1, SeqCst) % 2 {
            0 => self.0.dispatch(ticket),
            _ => self.1.dispatch(ticket),
        }
    }

    fn parallelism(&self) -> usize {
        4
    }
}

/// With the switch every window is opened, though nothing here is worth it: otherwise the second
/// run of all tests would show nothing.
#[cfg(taskpen_force_windows)]
#[test]
fn forced_windows() {
    let declined = Decline::default();
    let idle = scope(async |s| {
        s.spawn(async {});
        s.spawn(async {});
    });
    block_on(idle.on(declined.clone()));
    assert!(declined.0.load(SeqCst) > 0);
}

/// Counts how often it is asked to wake a scope later, and panics if it is told to.
struct Later {
    pool: Pool,
    asked: Counter,
    panics: bool,
}

impl Executor for Later {
    fn dispatch(&self, ticket: Ticket) {
        self.pool.dispatch(ticket);
    }

    fn parallelism(&self) -> usize {
        self.pool.parallelism()
    }

    fn wake_later(&self, waker: &Waker) {
        self.asked.add();
        if self.panics {
            resume_unwind(Box::new("an executor"));
        }
        waker.wake_by_ref();
    }
}

/// R5: a scope that has shared its children, and would go on, has the executor wake it; if that
/// panics it goes on all the same.
#[test]
fn woken_later() {
    watched(|| {
        for panics in [false, true] {
            let asked = Counter::default();
            let executor = Later {
                pool: Pool::new(1),
                asked: asked.clone(),
                panics,
            };
            let children = scope(async |s: Scope<'_>| {
                for _ in 0..8 {
                    s.spawn(async {
                        while asked.get() < 3 {
                            be_slow_for(Duration::from_micros(20)); // worth to be shared
                            yield_now().await;
                        }
                    });
                }
            });
            block_on(children.on(executor));
        }
    });
}
