//! A poll that [drains](crate::draining): it comes to its end whatever its children do, and until
//! then nothing waits in vain. Forced windows have no limit in time, so no poll drains.
#![cfg(not(taskpen_force_windows))]

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use futures_lite::future::{block_on, yield_now};
use taskpen::{Scope, scope};

use crate::blocked::{LIMIT, LONG, be_slow, be_slow_for, block_until, slow_until_elsewhere};
use crate::lenders::Pool;
use crate::life::{Counter, Gate, watched};

/// What children on helpers know of the polls of their scope.
#[derive(Default)]
struct Together {
    /// How many polls of children have begun on helpers.
    begun: AtomicUsize,
    /// Set when a poll of the scope has returned in which one did.
    has_returned: AtomicBool,
}

impl Together {
    /// The poll of a child begins on a helper: which one it is.
    fn begin(&self) -> usize {
        self.begun.fetch_add(1, SeqCst) + 1
    }

    /// Returns true if no other poll has to wait for this one to be over.
    fn is_over(&self, this: usize) -> bool {
        self.begun.load(SeqCst) > this || self.has_returned.load(SeqCst)
    }

    /// Polls a scope, and notes when its poll has returned.
    async fn run(&self, scoped: impl Future<Output = ()>) {
        let mut scoped = pin!(scoped);
        poll_fn(|cx| {
            if self.begun.load(SeqCst) > 0 {
                self.has_returned.store(true, SeqCst);
            }
            scoped.as_mut().poll(cx)
        })
        .await;
    }

    /// Calls `poll` in one poll after the other until a poll of the scope has returned.
    async fn poll_until_it_returns(&self, poll: impl Fn()) {
        let start = Instant::now();
        while !self.has_returned.load(SeqCst) {
            if start.elapsed() >= LIMIT {
                self.has_returned.store(true, SeqCst); // nobody waits any more
                panic!("the poll of the scope never ends");
            }
            poll();
            yield_now().await;
        }
    }
}

/// R5: it ends although no helper leaves a slow poll before another one is in the next.
#[test]
fn slow_polls_that_overlap() {
    watched(|| {
        let home = thread::current().id();
        let together = Together::default();
        let poll = || {
            be_slow_for(LONG);
            if thread::current().id() != home {
                let (this, start) = (together.begin(), Instant::now());
                // Where no other one begins, it is not for ever.
                block_until(|| together.is_over(this) || start.elapsed() >= 20 * LONG);
            }
        };
        let scoped = scope(async |s: Scope<'_>| {
            for _ in 0..6 {
                s.spawn(together.poll_until_it_returns(poll));
            }
        });
        block_on(together.run(scoped.on(Pool::new(2))));
    });
}

/// R5: so it does if these polls are too short to count, and children are always ready.
#[test]
fn short_polls_that_overlap() {
    watched(|| {
        let home = thread::current().id();
        let (together, at_home) = (Together::default(), Counter::default());
        let poll = || {
            thread::sleep(Duration::from_millis(2));
            if thread::current().id() == home {
                at_home.add();
            } else if together.begin() == 1 {
                block_until(|| at_home.get() >= 20); // the budget is spent
            }
        };
        let scoped = scope(async |s: Scope<'_>| {
            for _ in 0..12 {
                s.spawn(together.poll_until_it_returns(poll));
            }
        });
        block_on(together.run(scoped.on(Pool::new(3))));
    });
}

/// A child that was set aside, as one that was slow, is run though nothing else is ready, and the
/// thread of the scope sleeps.
#[test]
fn only_a_slow_child_is_ready() {
    watched(|| {
        let home = thread::current().id();
        let slow = Counter::default();
        block_on(
            scope(async |s: Scope<'_>| {
                s.spawn_background(async {
                    loop {
                        be_slow_for(LONG);
                        slow.add();
                        yield_now().await;
                    }
                });
                s.spawn(async {
                    slow_until_elsewhere(home).await;
                    let before = slow.get();
                    block_until(|| slow.get() >= before + 20);
                });
            })
            .on(Pool::new(1)),
        );
    });
}

/// Children that are slow and others have their turns, beside one that blocks the only helper.
#[test]
fn quick_beside_one_that_is_slow() {
    watched(|| {
        let home = thread::current().id();
        let polls = [(); 2].map(|()| Counter::default());
        let [quick, slow] = &polls;
        block_on(
            scope(async |s: Scope<'_>| {
                for (polls, lasts) in [(quick, Duration::ZERO), (slow, LONG)] {
                    s.spawn_background(async move {
                        loop {
                            be_slow_for(lasts);
                            polls.add();
                            yield_now().await;
                        }
                    });
                }
                s.spawn(async {
                    slow_until_elsewhere(home).await;
                    let before = polls.each_ref().map(Counter::get);
                    for (polls, before) in polls.iter().zip(before) {
                        block_until(|| polls.get() >= before + 50);
                    }
                });
            })
            .on(Pool::new(1)),
        );
    });
}

/// Works in polls that are not slow, but long enough that help pays, until `is_so`.
async fn work_until(is_so: impl Fn() -> bool) {
    while !is_so() {
        be_slow_for(Duration::from_micros(50));
        yield_now().await;
    }
}

/// More polls than a poll of the scope makes that does not drain.
const MANY: usize = 4_400;

/// Keeps the scope's thread running until its poll drains. To be called when a helper is inside and
/// stays there.
async fn until_it_drains(home: ThreadId) {
    let mut polls = 0;
    while polls < MANY {
        polls += usize::from(thread::current().id() == home);
        yield_now().await;
    }
}

/// What the body has spawned before it blocked is run meanwhile, also if no poll was slow before.
#[test]
fn body_that_spawns_and_blocks() {
    watched(|| {
        for _ in 0..20 {
            let home = thread::current().id();
            let begin = Gate::default();
            let flags = [(); 2].map(|()| AtomicBool::new(false));
            let [is_inside, is_served] = flags.each_ref();
            block_on(
                scope(async |s: Scope<'_>| {
                    for _ in 0..3 {
                        s.spawn(work_until(|| is_inside.load(SeqCst)));
                    }
                    s.spawn(async {
                        work_until(|| thread::current().id() != home).await;
                        is_inside.store(true, SeqCst);
                        block_until(|| is_served.load(SeqCst));
                    });
                    let wait = begin.wait();
                    s.spawn_background(async {
                        work_until(|| is_inside.load(SeqCst)).await;
                        until_it_drains(home).await;
                        begin.open();
                        loop {
                            yield_now().await;
                        }
                    });
                    wait.await;
                    be_slow(); // the push finds out that it is
                    s.spawn(async { is_served.store(true, SeqCst) });
                    block_until(|| is_served.load(SeqCst));
                })
                .on(Pool::new(2)),
            );
        }
    });
}

/// A poll that has drained for a while expects slow polls: a child that was never slow blocks for
/// another one right after it has spawned that, and it is run.
#[test]
fn slow_for_the_first_time() {
    watched(|| {
        for _ in 0..10 {
            let home = thread::current().id();
            let is_at_home = move || thread::current().id() == home;
            let begin = Gate::default();
            let flags = [(); 2].map(|()| AtomicBool::new(false));
            let [is_inside, is_served] = flags.each_ref();
            block_on(
                scope(async |s: Scope<'_>| {
                    for _ in 0..3 {
                        s.spawn(work_until(|| is_inside.load(SeqCst)));
                    }
                    s.spawn(async {
                        work_until(|| !is_at_home()).await;
                        is_inside.store(true, SeqCst);
                        block_until(|| is_served.load(SeqCst));
                    });
                    let wait = begin.wait();
                    s.spawn_with(async |s| {
                        wait.await;
                        while !is_at_home() {
                            yield_now().await;
                        }
                        s.spawn(async { is_served.store(true, SeqCst) });
                        block_until(|| is_served.load(SeqCst));
                    });
                    s.spawn_background(async {
                        work_until(|| is_inside.load(SeqCst)).await;
                        until_it_drains(home).await;
                        let start = Instant::now();
                        while start.elapsed() < Duration::from_millis(20) {
                            yield_now().await;
                        }
                        begin.open();
                        loop {
                            yield_now().await;
                        }
                    });
                })
                .on(Pool::new(2)),
            );
        }
    });
}

/// R5: the body is polled again and again meanwhile, after each pass through the children; and they
/// are, also if they were set aside, beside a body that is always woken.
#[test]
fn body_while_it_lasts() {
    watched(|| {
        polled_in_turns(Duration::from_millis(2), 300);
        polled_in_turns(LONG, 30);
    });
}

fn polled_in_turns(slow: Duration, times: usize) {
    let home = thread::current().id();
    let (polls, most) = (Counter::default(), AtomicUsize::new(0));
    let is_over = AtomicBool::new(false);
    block_on(
        scope(async |s: Scope<'_>| {
            for _ in 0..2 {
                s.spawn_background(async {
                    loop {
                        be_slow_for(slow);
                        polls.add();
                        yield_now().await;
                    }
                });
            }
            s.spawn(async {
                slow_until_elsewhere(home).await;
                let before = polls.get();
                block_until(|| polls.get() >= before + times);
                is_over.store(true, SeqCst);
            });
            let mut before = 0;
            while !is_over.load(SeqCst) {
                most.fetch_max(polls.get() - before, SeqCst);
                before = polls.get();
                yield_now().await;
            }
        })
        .on(Pool::new(1)),
    );
    let most = most.into_inner();
    assert!(most < 100, "{most} polls of children, and none of the body");
}
