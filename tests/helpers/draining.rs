//! A poll whose budget is spent, and that cannot return for a helper is in a slow poll: N1 holds
//! there as well. Forced windows have no limit in time, so no poll drains.
#![cfg(not(taskpen_force_windows))]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use futures_lite::future::{block_on, yield_now};
use taskpen::{Executor, Scope, Ticket, scope};

use crate::blocked::{LIMIT, LONG, be_slow, be_slow_for, block_until, slow_until_elsewhere};
use crate::lenders::Pool;
use crate::life::{Counter, Gate, watched};

/// Keeps the scope from being idle.
async fn restless() {
    loop {
        yield_now().await;
    }
}

/// Keeps a thread busy, so that another one takes the others.
async fn busy() {
    loop {
        be_slow();
        yield_now().await;
    }
}

/// A child that is slow itself is polled again and again while another one blocks, though the
/// scope's thread would rather not: there is no other.
#[test]
fn slow_beside_a_slow_poll() {
    watched(|| {
        let home = thread::current().id();
        let slow = Counter::default();
        block_on(
            scope(async |s: Scope<'_>| {
                s.spawn_background(busy());
                s.spawn_background(async {
                    loop {
                        be_slow_for(LONG);
                        slow.add();
                        yield_now().await;
                    }
                });
                s.spawn(async {
                    slow_until_elsewhere(home).await;
                    for _ in 0..5 {
                        let before = slow.get();
                        block_until(|| slow.get() >= before + 10);
                        yield_now().await;
                    }
                });
            })
            .on(Pool::new(1)),
        );
    });
}

/// A thread that opens the gate some time after it was told to.
fn opens_later(gate: &Gate) -> (Sender<()>, JoinHandle<()>) {
    let gate = gate.clone();
    let (opener, opened) = channel();
    let opening = thread::spawn(move || {
        opened.recv_timeout(LIMIT).expect("it begins");
        be_slow_for(2 * LONG);
        gate.open();
    });
    (opener, opening)
}

/// While the scope's thread is in a slow poll as well, helpers run what becomes ready.
#[test]
fn slow_on_both_threads() {
    watched(|| {
        let home = thread::current().id();
        let [begin, serve] = [(); 2].map(|()| Gate::default());
        let (has_begun, is_served) = (AtomicBool::new(false), AtomicBool::new(false));
        let (opener, opening) = opens_later(&serve);
        block_on(
            scope(async |s: Scope<'_>| {
                s.spawn_background(restless());
                let wait = serve.wait();
                s.spawn(async {
                    wait.await;
                    is_served.store(true, SeqCst);
                });
                let wait = begin.wait();
                s.spawn(async {
                    wait.await;
                    while thread::current().id() != home {
                        yield_now().await;
                    }
                    has_begun.store(true, SeqCst);
                    opener.send(()).unwrap();
                    block_until(|| is_served.load(SeqCst));
                });
                s.spawn(async {
                    slow_until_elsewhere(home).await;
                    be_slow_for(Duration::from_millis(20)); // the budget is spent
                    begin.open();
                    block_until(|| has_begun.load(SeqCst));
                    block_until(|| is_served.load(SeqCst));
                });
            })
            .on(Pool::new(2)),
        );
        opening.join().unwrap();
    });
}

/// So they do if a child turns slow whose polls were short, whenever that is: also while none is
/// let in, so that those inside leave.
#[test]
fn slow_all_of_a_sudden() {
    watched(|| {
        for after in (0..60).map(|step| step * Duration::from_micros(250)) {
            let home = thread::current().id();
            let serve = Gate::default();
            let (is_inside, is_served) = (AtomicBool::new(false), AtomicBool::new(false));
            let (opener, opening) = opens_later(&serve);
            block_on(
                scope(async |s: Scope<'_>| {
                    let wait = serve.wait();
                    s.spawn(async {
                        wait.await;
                        is_served.store(true, SeqCst);
                    });
                    s.spawn(async {
                        let mut since = None;
                        while thread::current().id() != home
                            || since.is_none_or(|it: Instant| it.elapsed() < after)
                        {
                            if is_inside.load(SeqCst) {
                                since.get_or_insert_with(Instant::now);
                            }
                            yield_now().await;
                        }
                        opener.send(()).unwrap();
                        block_until(|| is_served.load(SeqCst));
                    });
                    s.spawn(async {
                        slow_until_elsewhere(home).await;
                        is_inside.store(true, SeqCst);
                        block_until(|| is_served.load(SeqCst));
                    });
                })
                .on(Pool::new(2)),
            );
            opening.join().unwrap();
        }
    });
}

/// So they do if a helper comes back just after the others have begun to block: it would not be let
/// in any more at that moment, and nobody else comes.
#[test]
fn slow_on_all_other_threads() {
    watched(|| {
        for _ in 0..5 {
            let home = thread::current().id();
            let is_home = move || thread::current().id() == home;
            let stage = AtomicUsize::new(0);
            let reach = |next| stage.store(next, SeqCst);
            let is_at = |least| stage.load(SeqCst) >= least;
            block_on(
                scope(async |s: Scope<'_>| {
                    s.spawn(async {
                        while !is_at(4) {
                            yield_now().await;
                        }
                        reach(5);
                    });
                    s.spawn(async {
                        slow_until_elsewhere(home).await;
                        be_slow_for(10 * LONG); // it drains, and is open for an epoch
                        reach(1);
                        block_until(|| is_at(3));
                        reach(4);
                    });
                    for (there, here) in [(false, 1), (true, 2)] {
                        s.spawn(async move {
                            while !is_at(here) || is_home() != there {
                                yield_now().await;
                            }
                            reach(here + 1);
                            block_until(|| is_at(5));
                        });
                    }
                })
                .on(Pool::new(2)),
            );
        }
    });
}

/// So they do while its body blocks.
#[test]
fn slow_body() {
    watched(|| {
        let home = thread::current().id();
        let [begin, serve] = [(); 2].map(|()| Gate::default());
        let (has_begun, is_served) = (AtomicBool::new(false), AtomicBool::new(false));
        let (opener, opening) = opens_later(&serve);
        block_on(
            scope(async |s: Scope<'_>| {
                s.spawn_background(restless());
                let wait = serve.wait();
                s.spawn(async {
                    wait.await;
                    is_served.store(true, SeqCst);
                });
                let wait = begin.wait();
                s.spawn(async {
                    slow_until_elsewhere(home).await;
                    be_slow_for(Duration::from_millis(20)); // the budget is spent
                    begin.open();
                    block_until(|| has_begun.load(SeqCst));
                    block_until(|| is_served.load(SeqCst));
                });
                wait.await;
                has_begun.store(true, SeqCst);
                opener.send(()).unwrap();
                block_until(|| is_served.load(SeqCst));
            })
            .on(Pool::new(2)),
        );
        opening.join().unwrap();
    });
}

/// Children of a scope inside a slow child are not taken for slow.
#[test]
fn quick_in_a_slow_child() {
    watched(|| {
        let quick = Counter::default();
        let slow = || async {
            for _ in 0..6 {
                be_slow_for(LONG);
                yield_now().await;
            }
        };
        block_on(
            scope(async |s: Scope<'_>| {
                s.spawn(slow());
                s.spawn(async {
                    slow().await;
                    scope(async |s: Scope<'_>| {
                        s.spawn_background(async {
                            loop {
                                quick.add();
                                yield_now().await;
                            }
                        });
                        s.spawn(async {
                            for round in 0..6 {
                                be_slow_for(Duration::from_millis(20));
                                if round > 0 {
                                    let before = quick.get();
                                    block_until(|| quick.get() >= before + 1_000);
                                }
                                yield_now().await;
                            }
                        });
                    })
                    .await;
                });
            })
            .on(Pool::new(3)),
        );
    });
}

/// Opens the gate on the thread of the scope, when a slow poll is over for which that has waited.
struct WakesAfter {
    pool: Pool,
    gate: Gate,
    is_over: Arc<AtomicBool>,
    /// One wait can be inside another one.
    depth: Arc<AtomicUsize>,
}

impl Executor for WakesAfter {
    fn dispatch(&self, ticket: Ticket) {
        self.pool.dispatch(ticket);
    }

    fn parallelism(&self) -> usize {
        self.pool.parallelism()
    }

    fn block_in_place(&self, act: &mut dyn FnMut()) {
        self.depth.fetch_add(1, SeqCst);
        act();
        if self.depth.fetch_sub(1, SeqCst) == 1 && self.is_over.load(SeqCst) {
            self.gate.open();
        }
    }
}

/// What the executor wakes then, on the very thread of the scope, is polled.
#[test]
fn woken_by_the_executor_after_a_wait() {
    watched(|| {
        for _ in 0..5 {
            let home = thread::current().id();
            let gate = Gate::default();
            let (wait, last) = (gate.wait(), gate.clone());
            let is_taken = AtomicBool::new(false);
            let is_over = Arc::new(AtomicBool::new(false));
            let over = Arc::clone(&is_over);
            let depth = Arc::new(AtomicUsize::new(0));
            let waits = Arc::clone(&depth);
            let executor = WakesAfter {
                pool: Pool::new(1),
                gate,
                is_over,
                depth,
            };
            block_on(
                scope(async |s: Scope<'_>| {
                    s.spawn(async {
                        while !is_taken.load(SeqCst) {
                            be_slow();
                            yield_now().await;
                        }
                    });
                    s.spawn(async {
                        for _ in 0..100 {
                            if thread::current().id() != home {
                                break;
                            }
                            be_slow_for(LONG);
                            yield_now().await;
                        }
                        is_taken.store(true, SeqCst);
                        if thread::current().id() == home {
                            last.open(); // nobody waits
                        } else {
                            block_until(|| waits.load(SeqCst) > 0);
                            over.store(true, SeqCst);
                        }
                    });
                    s.spawn(wait);
                })
                .on(executor),
            );
        }
    });
}
