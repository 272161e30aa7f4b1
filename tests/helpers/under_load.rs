//! Crowds of children with helpers: panics, drops, and tickets that do not go on for ever.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Poll, Waker};
use std::thread;

use futures_lite::future::{block_on, pending, poll_fn, yield_now};
use taskpen::scope;

use crate::lenders::{Decline, Inline, Pool};
use crate::life::{Counter, Gate, poll_once, watched};
use crate::meeting::{work, work_a_little};

/// Helpers in the tests under load: fewer and more than this machine has use for.
const HELPERS: [usize; 2] = [4, 16];

/// Enough children for several windows.
const CROWD: usize = 100;

/// L1, F1, F4 under load: one child of a crowd panics while helpers run others. The scope raises
/// it, and every future is gone.
#[test]
fn panics_under_load() {
    watched(|| {
        for helpers in HELPERS {
            let pool = Pool::new(helpers);
            for round in 0..50 {
                let (drops, unlucky) = (Counter::default(), round * 7 % CROWD);
                let failing = scope(async |s| {
                    for index in 0..CROWD {
                        let guard = drops.guard();
                        s.spawn(async move {
                            let _guard = guard;
                            work_a_little();
                            yield_now().await;
                            work_a_little();
                            if index == unlucky {
                                std::panic::resume_unwind(Box::new(index));
                            }
                            pending::<()>().await;
                        });
                    }
                });
                let failing = failing.on(pool.clone());
                let raised = catch_unwind(AssertUnwindSafe(|| block_on(failing)));
                assert_eq!(raised.unwrap_err().downcast_ref(), Some(&unlucky));
                assert_eq!(drops.get(), CROWD);
            }
            assert!(pool.dispatched() > 0);
        }
    });
}

/// L3, L5 under load: a scope is dropped after some polls, between which and during which threads
/// wake its children. Every future is gone when `drop` returns, and nobody is polled after it.
#[test]
fn drops_under_load() {
    watched(|| {
        for helpers in HELPERS {
            let pool = Pool::new(helpers);
            for round in 0..50 {
                let (drops, over) = (Counter::default(), AtomicBool::new(false));
                let polls = Counter::default();
                let gates: Vec<Gate> = (0..CROWD).map(|_| Gate::default()).collect();
                let mut scoped = Box::pin(
                    scope(async |s| {
                        for gate in &gates {
                            let (guard, polls, gate) = (drops.guard(), &polls, gate.clone());
                            s.spawn(async move {
                                let _guard = guard;
                                loop {
                                    polls.add();
                                    work_a_little();
                                    next_wake_at(&gate).await;
                                }
                            });
                        }
                    })
                    .on(pool.clone()),
                );
                assert!(poll_once(scoped.as_mut()).is_pending());
                let wakers: Vec<Waker> = gates
                    .iter()
                    .filter(|gate| gate.polls() > 0)
                    .map(Gate::waker)
                    .collect();
                thread::scope(|threads| {
                    threads.spawn(|| {
                        while !over.load(SeqCst) {
                            wakers.iter().for_each(Waker::wake_by_ref);
                        }
                    });
                    for _ in 0..round % 5 {
                        assert!(poll_once(scoped.as_mut()).is_pending());
                    }
                    drop(scoped);
                    let at_the_drop = (drops.get(), polls.get());
                    over.store(true, SeqCst);
                    assert_eq!(at_the_drop, (CROWD, polls.get()));
                });
            }
            assert!(pool.dispatched() > 0);
        }
    });
}

/// Waits at a gate that stays shut, until the next wake.
async fn next_wake_at(gate: &Gate) {
    let mut first = true;
    let mut wait = pin!(gate.wait());
    poll_fn(|cx| {
        let _ = wait.as_mut().poll(cx);
        match mem::replace(&mut first, false) {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    })
    .await;
}

/// F1, trap 8: a ticket stops between two polls when the scope was stopped. It runs on the thread
/// of the scope here, so that nothing else happens at the same time.
#[test]
fn nobody_after_a_panic_on_a_ticket() {
    for unlucky in [20, 50, 80] {
        let (polls, drops) = (Counter::default(), Counter::default());
        let inline = Inline::default();
        let failing = scope(async |s| {
            for _ in 0..CROWD {
                let (guard, polls) = (drops.guard(), &polls);
                s.spawn(async move {
                    let _guard = guard;
                    polls.add();
                    work_a_little();
                    if polls.get() == unlucky {
                        std::panic::resume_unwind(Box::new(unlucky));
                    }
                });
            }
        });
        let failing = failing.on(inline.clone());
        let raised = catch_unwind(AssertUnwindSafe(|| block_on(failing)));
        assert_eq!(raised.unwrap_err().downcast_ref(), Some(&unlucky));
        assert!(inline.0.load(SeqCst) > 0);
        assert_eq!((polls.get(), drops.get()), (unlucky, CROWD));
    }
}

/// Trap 8: a ticket that was dropped unrun is no longer outstanding.
#[test]
fn declined_tickets() {
    let declined = Decline::default();
    let busy = scope(async |s| {
        for _ in 0..100 {
            s.spawn(async { work() });
        }
    });
    block_on(busy.on(declined.clone()).helpers(2));
    assert!(declined.0.load(SeqCst) > 2);
}

/// Trap 8: a ticket is used up after some polls or some time, though there would always be more to
/// do: the thread is the runtime's. Here it is the thread of the scope, which would never go on.
#[test]
fn endless_work_on_a_ticket() {
    watched(|| {
        let inline = Inline::default();
        let endless = scope(async |s| {
            for _ in 0..4 {
                s.spawn_background(poll_fn(|cx| {
                    work();
                    cx.waker().wake_by_ref();
                    Poll::<()>::Pending
                }));
            }
            for _ in 0..20 {
                yield_now().await;
            }
        });
        block_on(endless.on(inline.clone()));
        assert!(inline.0.load(SeqCst) > 0);
    });
}

/// Trap 8: a helper that has taken several children hands back those that it has not run when the
/// window closes. None is lost.
#[test]
fn children_that_are_handed_back() {
    const CHILDREN: usize = 200;
    watched(|| {
        let pool = Pool::new(2);
        for _ in 0..500 {
            let done = Counter::default();
            let crowd = scope(async |s| {
                for _ in 0..CHILDREN {
                    s.spawn(async {
                        work_a_little();
                        done.add();
                    });
                }
            });
            block_on(crowd.on(pool.clone()));
            assert_eq!(done.get(), CHILDREN);
        }
        assert!(pool.dispatched() > 0);
    });
}
