//! What a thread has left in its local queue while it is held up, or away: others run it. P10.

use std::future::pending;
use std::mem;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::thread;

use crate::blocked::{Blocking, be_slow, block_until};
use crate::lenders::Pool;
use crate::life::{Counter, OnDrop, watched};
use futures::channel::oneshot;
use futures_lite::future::{block_on, yield_now};
use taskpen::{Executor, Pen, Ticket, Worker};

/// A child that blocks for another one, which is the only one left on its thread.
#[test]
fn the_last_one_behind_a_child_that_blocks() {
    watched(|| {
        let pen = Pen::on(Pool::new(2));
        let (s, is_over) = (pen.to_static(), Arc::new(AtomicBool::new(false)));
        let over = Arc::clone(&is_over);
        pen.spawn(async move {
            let ran = Counter::default();
            let counts = ran.clone();
            s.spawn(async move { counts.add() });
            block_until(|| ran.get() > 0);
            over.store(true, SeqCst);
        });
        block_until(|| {
            pen.spawn(async {}); // a push from outside: it is known that a thread is held up
            is_over.load(SeqCst)
        });
        block_on(pen.close());
    });
}

/// So is one that is in the queue around a scope.
#[test]
fn the_last_one_behind_a_scope_that_blocks() {
    watched(|| {
        let pen = Pen::on(Pool::new(2));
        let s = pen.to_static();
        let child = pen.spawn(async move {
            taskpen::scope(async |_| {
                be_slow();
                let ran = Counter::default();
                let counts = ran.clone();
                s.spawn(async move { counts.add() });
                block_until(|| ran.get() > 0);
            })
            .await;
        });
        block_on(child);
    });
}

/// Keeps workers, until they are polled by hand, and counts the tickets that it was given.
#[derive(Clone, Default)]
struct ByHand(Arc<Mutex<Vec<Worker>>>, Counter);

impl ByHand {
    fn take(&self) -> Worker {
        self.0.lock().unwrap().pop().expect("one was called")
    }
}

impl Executor for ByHand {
    fn dispatch(&self, _: Ticket) {
        self.1.add();
    }

    fn parallelism(&self) -> usize {
        2
    }

    fn spawn(&self, worker: Worker) -> Result<(), Worker> {
        self.0.lock().unwrap().push(worker);
        Ok(())
    }
}

fn poll(worker: &mut Worker) {
    let polled = Pin::new(worker).poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending(), "the pen is not over");
}

/// Runs children of which each is alone, and short; returns the worker that has.
fn after_short_polls(pen: &Pen, executor: &ByHand) -> Worker {
    pen.spawn(async {});
    let mut worker = executor.take();
    poll(&mut worker);
    for _ in 0..20 {
        pen.spawn(async {});
        poll(&mut worker);
    }
    worker
}

/// What a worker has left is run by one that always has something to do, if the first one is not
/// polled again for a while.
#[test]
fn the_rest_of_a_worker_that_is_away() {
    watched(|| {
        let executor = ByHand::default();
        let pen = Pen::on(executor.clone());
        let polls = Counter::default();
        for _ in 0..10 {
            let counts = polls.clone();
            pen.spawn(async move {
                loop {
                    counts.add();
                    yield_now().await;
                }
            });
        }
        let mut away = executor.take();
        poll(&mut away);
        assert!(polls.get() > 0);
        be_slow(); // it is not coming soon
        pen.spawn(async {
            loop {
                yield_now().await;
            }
        });
        let mut busy = executor.take();
        let before = polls.get();
        let polled = Mutex::new(&mut busy);
        block_until(|| {
            poll(&mut polled.lock().unwrap());
            polls.get() > before
        });
        drop(pen);
    });
}

/// A child wakes another one before it blocks. Though all polls were short before, and nothing is
/// pushed from outside meanwhile, another thread is called for that the second time.
#[test]
fn one_that_was_woken_before_a_slow_poll() {
    watched(|| {
        let executor = ByHand::default();
        let pen = Pen::on(executor.clone());
        let mut worker = after_short_polls(&pen, &executor);
        for _ in 0..2 {
            let (wake, woken) = oneshot::channel();
            pen.spawn(async move { woken.await.unwrap() });
            poll(&mut worker);
            pen.spawn(async move {
                wake.send(()).unwrap();
                be_slow();
            });
            poll(&mut worker);
        }
        assert!(executor.1.get() > 0, "no other thread was called");
        drop(pen);
    });
}

/// The same if it did not wait for the first slow poll to be over, for it was run by another thread
/// that something else has called.
#[test]
fn one_that_another_thread_has_run_meanwhile() {
    watched(|| {
        let executor = ByHand::default();
        let pen = Pen::on(executor.clone());
        let mut worker = after_short_polls(&pen, &executor);
        let (other, ran) = (Arc::new(Mutex::new(None)), Counter::default());
        for is_first in [true, false] {
            let ((wake, woken), counts) = (oneshot::channel(), ran.clone());
            pen.spawn(async move {
                woken.await.unwrap();
                counts.add();
            });
            poll(&mut worker);
            let (s, executor) = (pen.to_static(), executor.clone());
            let (other, ran) = (Arc::clone(&other), ran.clone());
            pen.spawn(async move {
                wake.send(()).unwrap();
                be_slow();
                if is_first {
                    let push_and_run = move || {
                        s.spawn(async {});
                        let mut called = executor.take();
                        poll(&mut called);
                        *other.lock().unwrap() = Some(called);
                        assert_eq!(ran.get(), 1, "it was left to a slow child");
                    };
                    thread::spawn(push_and_run).join().unwrap();
                }
            });
            poll(&mut worker);
        }
        assert!(executor.1.get() > 0, "no other thread was called");
        drop(pen);
    });
}

/// Another thread pushes some while a child blocks, and one more after a while. A thread is called
/// for that, though it is known of none yet that it is slow. (After more than some ten it may take
/// one more.)
#[test]
fn one_that_is_pushed_after_a_burst() {
    watched(|| {
        for burst in 0..15 {
            let executor = ByHand::default();
            let pen = Pen::on(executor.clone());
            let s = pen.to_static();
            pen.spawn(async move {
                let push = move || {
                    (0..burst).for_each(|_| drop(s.spawn(async {})));
                    be_slow();
                    s.spawn(async {});
                };
                thread::spawn(push).join().unwrap();
            });
            let mut worker = executor.take();
            poll(&mut worker);
            let called = executor.0.lock().unwrap().len();
            assert_eq!(called, 1, "after {burst}");
            drop(pen);
        }
    });
}

/// A child that wakes itself has its turn, however many others are pushed that take their time.
#[test]
fn one_that_yields_beside_slow_ones_from_outside() {
    watched(|| {
        let executor = ByHand::default();
        let pen = Pen::on(executor.clone());
        let steps = Counter::default();
        let counts = steps.clone();
        pen.spawn(async move {
            loop {
                counts.add();
                yield_now().await;
            }
        });
        let mut worker = executor.take();
        poll(&mut worker);
        for _ in 0..10 {
            let before = steps.get();
            for _ in 0..10 {
                pen.spawn(async { be_slow() });
                poll(&mut worker);
            }
            assert!(steps.get() > before, "it waits for others for ever");
        }
        drop(pen);
    });
}

/// Keeps tickets, until they are run by hand.
#[derive(Clone, Default)]
struct Keeps(Arc<Mutex<Vec<Ticket>>>);

impl Keeps {
    fn take(&self) -> Vec<Ticket> {
        mem::take(&mut self.0.lock().unwrap())
    }

    fn run(&self) {
        self.take().into_iter().for_each(Ticket::run);
    }
}

impl Executor for Keeps {
    fn dispatch(&self, ticket: Ticket) {
        self.0.lock().unwrap().push(ticket);
    }

    fn parallelism(&self) -> usize {
        2
    }
}

/// P6: a panic cancels a child that is ready, though the only thread that runs children is held up,
/// and the panic was on none that does.
#[test]
fn a_panic_elsewhere() {
    watched(|| {
        let (executor, dropped) = (Keeps::default(), Counter::default());
        let pen = Pen::on(executor.clone());
        let value = pen.spawn(async { OnDrop::new(|| panic!("value")) });
        let (resume, resumed) = oneshot::channel();
        let (blocking, began, let_go) = Blocking::new();
        pen.spawn(async move {
            resumed.await.unwrap();
            blocking.block();
            pending::<()>().await;
        });
        executor.run(); // the value is there, and the child suspended
        resume.send(()).unwrap();
        // One thread takes one ticket. If it was long in coming there are two.
        let ticket = executor.take().swap_remove(0);
        let thread = thread::spawn(move || ticket.run());
        began.recv().unwrap();
        let guard = dropped.guard();
        pen.spawn(async move { drop(guard) });
        drop(executor.take()); // if one was called, it does not come
        drop(value);
        executor.run();
        assert_eq!(dropped.get(), 1, "it was left alone");
        let_go.send(()).unwrap();
        thread.join().unwrap();
        drop(pen);
    });
}
