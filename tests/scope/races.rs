//! Threads that wake, spawn and cancel while a scope runs and ends: L3, L5, R7.
//!
//! Bounded loops: what they look for is rare, and each round gives it a chance.

use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, OnceLock};
use std::task::{Poll, Waker};
use std::thread;

use crate::life::{Counter, Gate, settle, watched};
use futures_lite::future::{block_on, yield_now};
use taskpen::{JoinHandle, Scope, scope};

/// Rounds of each test.
const ROUNDS: usize = 200;

/// Threads beside the one that owns the scope.
const THREADS: usize = 3;

/// A barrier that lets all threads go within nanoseconds.
struct SpinBarrier {
    threads: usize,
    arrived: AtomicUsize,
}

impl SpinBarrier {
    fn new(threads: usize) -> Self {
        let arrived = AtomicUsize::new(0);
        Self { threads, arrived }
    }

    fn wait(&self) {
        self.arrived.fetch_add(1, SeqCst);
        for spins in 1.. {
            if self.arrived.load(SeqCst) == self.threads {
                return;
            }
            if spins % 1000 == 0 {
                thread::yield_now();
            }
        }
    }
}

/// A scope, pending, with a guarded child at each gate.
fn suspended<'a>(gates: &'a [Gate], drops: &'a Counter) -> Pin<Box<impl Future + Send + 'a>> {
    let mut scoped = Box::pin(scope(async move |s| {
        for gate in gates {
            let (guard, gate) = (drops.guard(), gate.wait());
            s.spawn(async move {
                let _guard = guard;
                gate.await;
            });
        }
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    scoped
}

/// L3, L5: threads wake suspended children again and again while the scope is dropped, and for a
/// while after. All futures are gone when `drop` returns; none is polled again.
#[test]
fn wake_during_a_drop() {
    watched(|| {
        for _ in 0..ROUNDS {
            let (drops, over) = (Counter::default(), AtomicBool::new(false));
            let gates: [Gate; 16] = Default::default();
            let scoped = suspended(&gates, &drops);
            let wakers = gates.each_ref().map(Gate::waker);
            let start = SpinBarrier::new(THREADS + 1);
            thread::scope(|threads| {
                for _ in 0..THREADS {
                    threads.spawn(|| {
                        start.wait();
                        while !over.load(SeqCst) {
                            wakers.iter().for_each(Waker::wake_by_ref);
                        }
                        wakers.iter().for_each(Waker::wake_by_ref);
                    });
                }
                start.wait();
                drop(scoped);
                let dropped = drops.get();
                over.store(true, SeqCst);
                assert_eq!(dropped, gates.len());
            });
            assert!(gates.iter().all(|gate| gate.polls() == 1));
        }
    });
}

/// L3, L5: the same with wakers that are spent: each thread owns its share of them, so that the
/// last waker of a child goes on any thread while the scope is dropped.
#[test]
fn spent_wakers_during_a_drop() {
    watched(|| {
        for round in 0..ROUNDS {
            let drops = Counter::default();
            let gates: [Gate; THREADS * 8] = Default::default();
            let scoped = suspended(&gates, &drops);
            let start = SpinBarrier::new(THREADS + 1);
            thread::scope(|threads| {
                for share in gates.chunks(8) {
                    let wakers: Vec<Waker> = share.iter().map(Gate::take_waker).collect();
                    threads.spawn(|| {
                        start.wait();
                        for (index, waker) in wakers.into_iter().enumerate() {
                            match (index + round) % 3 {
                                0 => waker.wake(),
                                1 => waker.wake_by_ref(),
                                _ => drop(waker),
                            }
                        }
                    });
                }
                start.wait();
                drop(scoped);
                assert_eq!(drops.get(), gates.len());
            });
            assert!(gates.iter().all(|gate| gate.polls() == 1));
        }
    });
}

/// L3, L5: a thread is about to push the one child of a scope when that is dropped: the queue is
/// empty, but the child is not gone. Another thread keeps the lock busy, so that the push is often
/// late.
#[test]
fn late_push_during_a_drop() {
    watched(|| {
        for _ in 0..ROUNDS * 4 {
            let (drops, over) = (Counter::default(), AtomicBool::new(false));
            let (gate, body) = (Gate::default(), Gate::default());
            let mut scoped = Box::pin(scope(async |s| {
                let (guard, gate) = (drops.guard(), gate.wait());
                s.spawn(async move {
                    let _guard = guard;
                    gate.await;
                });
                body.wait().await;
            }));
            assert!(settle(scoped.as_mut()).is_pending());
            let start = SpinBarrier::new(3);
            thread::scope(|threads| {
                threads.spawn(|| {
                    let body = body.take_waker();
                    start.wait();
                    while !over.load(SeqCst) {
                        body.wake_by_ref();
                    }
                });
                threads.spawn(|| {
                    let child = gate.take_waker();
                    start.wait();
                    child.wake();
                });
                start.wait();
                drop(scoped);
                let dropped = drops.get();
                over.store(true, SeqCst);
                assert_eq!(dropped, 1);
            });
        }
    });
}

/// L5: threads wake background children while the body returns and the scope ends by itself.
#[test]
fn wake_during_a_normal_end() {
    watched(|| {
        for round in 0..ROUNDS {
            let (drops, over) = (Counter::default(), AtomicBool::new(false));
            let gates: [Gate; 8] = Default::default();
            let end = Gate::default();
            let mut scoped = Box::pin(scope(async |s| {
                for gate in &gates {
                    let (guard, gate) = (drops.guard(), gate.wait());
                    s.spawn_background(async move {
                        let _guard = guard;
                        gate.await;
                    });
                }
                end.wait().await;
                7
            }));
            assert!(settle(scoped.as_mut()).is_pending());
            let wakers = gates.each_ref().map(Gate::waker);
            let start = SpinBarrier::new(THREADS + 1);
            thread::scope(|threads| {
                for _ in 0..THREADS {
                    threads.spawn(|| {
                        start.wait();
                        for turn in 0.. {
                            wakers.iter().for_each(Waker::wake_by_ref);
                            if turn == round % 8 {
                                end.open();
                            }
                            if over.load(SeqCst) {
                                return;
                            }
                        }
                    });
                }
                start.wait();
                let value = block_on(scoped.as_mut());
                let dropped = drops.get();
                over.store(true, SeqCst);
                assert_eq!((value, dropped), (7, gates.len()));
            });
        }
    });
}

/// Lets a child through after it was woken for each of a number of steps.
#[derive(Default)]
struct Steps {
    done: AtomicUsize,
    gate: Gate,
}

impl Steps {
    async fn wait_for(&self, steps: usize) {
        let mut wait = pin!(self.gate.wait());
        // The gate stays shut: it is there for its waker.
        poll_fn(|cx| {
            let _ = wait.as_mut().poll(cx);
            match self.done.load(SeqCst) < steps {
                true => Poll::Pending,
                false => Poll::Ready(()),
            }
        })
        .await;
    }

    fn step(&self) {
        self.done.fetch_add(1, SeqCst);
        self.gate.knock();
    }
}

/// L5: threads wake children, which sleep again, many times. Were one wake-up lost, the last step
/// of that child would go unseen and the scope would never end.
#[test]
fn wakes_while_the_scope_runs() {
    watched(|| {
        for _ in 0..20 {
            let steps: [Steps; 8] = Default::default();
            let start = SpinBarrier::new(THREADS + 1);
            let mut scoped = Box::pin(scope(async |s| {
                for steps in &steps {
                    s.spawn(steps.wait_for(THREADS * 100));
                }
            }));
            assert!(settle(scoped.as_mut()).is_pending());
            thread::scope(|threads| {
                for _ in 0..THREADS {
                    threads.spawn(|| {
                        start.wait();
                        for _ in 0..100 {
                            steps.iter().for_each(Steps::step);
                        }
                    });
                }
                start.wait();
                block_on(scoped.as_mut());
            });
        }
    });
}

/// R7: threads spawn while the scope runs. It sees each child, and ends when all are done.
#[test]
fn spawns_while_the_scope_runs() {
    watched(|| {
        for _ in 0..ROUNDS / 4 {
            let (shown, polled) = (OnceLock::new(), AtomicUsize::new(0));
            let (end, left) = (Gate::default(), AtomicUsize::new(THREADS));
            let polled = &polled;
            let mut scoped = Box::pin(scope(async |s| {
                let _ = shown.set(s);
                end.wait().await;
            }));
            assert!(settle(scoped.as_mut()).is_pending());
            thread::scope(|threads| {
                for _ in 0..THREADS {
                    threads.spawn(|| {
                        for _ in 0..50 {
                            shown.get().unwrap().spawn(async move {
                                yield_now().await;
                                polled.fetch_add(1, SeqCst);
                            });
                        }
                        if left.fetch_sub(1, SeqCst) == 1 {
                            end.open();
                        }
                    });
                }
                block_on(scoped.as_mut());
                assert_eq!(polled.load(SeqCst), THREADS * 50);
            });
        }
    });
}

/// L3, L6: threads spawn while the scope is dropped. A child is refused, or accepted and gone when
/// `drop` returns; either way its future is dropped once.
#[test]
fn spawns_during_a_drop() {
    watched(|| {
        for _ in 0..ROUNDS {
            let (shown, drops) = (OnceLock::new(), Counter::default());
            let start = SpinBarrier::new(THREADS + 1);
            let mut scoped = Box::pin(scope(async |s| {
                let _ = shown.set(s);
                pending::<()>().await;
            }));
            assert!(settle(scoped.as_mut()).is_pending());
            thread::scope(|threads| {
                let s: &Scope<'_> = shown.get().unwrap();
                let spawners = [(); THREADS].map(|()| {
                    let (drops, start) = (&drops, &start);
                    threads.spawn(move || {
                        start.wait();
                        let handles = (0..20).map(|_| {
                            let guard = drops.guard();
                            s.spawn(async move {
                                let _guard = guard;
                                pending::<()>().await;
                            })
                        });
                        handles.collect::<Vec<_>>()
                    })
                });
                start.wait();
                drop(scoped);
                assert!(s.is_ended() && s.is_empty());
                for spawner in spawners {
                    let handles = spawner.join().unwrap();
                    assert!(handles.iter().all(JoinHandle::is_cancelled));
                }
                assert_eq!(drops.get(), THREADS * 20);
            });
        }
    });
}

/// L3, L5, L6: threads cancel children, through handles that escaped, while the scope is dropped.
#[test]
fn cancels_during_a_drop() {
    watched(|| {
        for _ in 0..ROUNDS {
            let (handles, drops) = (Mutex::new(Vec::new()), Counter::default());
            let start = SpinBarrier::new(THREADS + 1);
            let mut scoped = Box::pin(scope(async |s| {
                for _ in 0..THREADS * 8 {
                    let guard = drops.guard();
                    handles.lock().unwrap().push(s.spawn(async move {
                        let _guard = guard;
                        pending::<()>().await;
                    }));
                }
            }));
            assert!(settle(scoped.as_mut()).is_pending());
            thread::scope(|threads| {
                for _ in 0..THREADS {
                    threads.spawn(|| {
                        let share: Vec<_> = handles.lock().unwrap().drain(..8).collect();
                        start.wait();
                        for handle in share {
                            assert_eq!(block_on(handle.cancel()), None);
                        }
                    });
                }
                start.wait();
                drop(scoped);
                assert_eq!(drops.get(), THREADS * 8);
            });
        }
    });
}
