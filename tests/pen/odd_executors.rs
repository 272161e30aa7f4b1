//! Executors that take some of what they are given, or run it when they like.

use std::mem;
use std::sync::{Arc, Mutex};
#[cfg(feature = "async-std")]
use std::time::Duration;

#[cfg(feature = "async-std")]
use crate::blocked::be_slow_for;
use crate::life::{Counter, poll_once, watched};
#[cfg(feature = "async-std")]
use futures_lite::future::{block_on, yield_now};
#[cfg(feature = "async-std")]
use taskpen::Worker;
use taskpen::{Executor, Pen, Ticket};

/// Takes workers, and no tickets.
#[cfg(feature = "async-std")]
struct TasksOnly;

#[cfg(feature = "async-std")]
impl Executor for TasksOnly {
    fn dispatch(&self, _: Ticket) {}

    fn parallelism(&self) -> usize {
        4
    }

    fn spawn(&self, worker: Worker) -> Result<(), Worker> {
        ::async_std::task::spawn(worker);
        Ok(())
    }
}

/// P2: an executor that declines some tickets is not one that is gone.
#[cfg(feature = "async-std")]
#[test]
fn that_declines_tickets() {
    watched(|| {
        for _ in 0..50 {
            let (pen, ran) = (Pen::on(TasksOnly), Counter::default());
            for _ in 0..50 {
                let ran = ran.clone();
                pen.spawn(async move {
                    be_slow_for(Duration::from_micros(20)); // so that it pays to share them
                    yield_now().await;
                    ran.add();
                });
            }
            block_on(pen.close());
            assert_eq!(ran.get(), 50);
        }
    });
}

/// Keeps tickets.
#[derive(Clone, Default)]
struct Keeps(Arc<Mutex<Vec<Ticket>>>);

impl Keeps {
    fn take(&self) -> Vec<Ticket> {
        mem::take(&mut self.0.lock().unwrap())
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

/// P9: one that takes tickets, and drops them later, is not there either.
#[test]
fn that_drops_tickets_later() {
    watched(|| {
        let (executor, dropped) = (Keeps::default(), Counter::default());
        let pen = Pen::on(executor.clone());
        for _ in 0..3 {
            let guard = dropped.guard();
            pen.spawn(async move { drop(guard) });
        }
        let mut close = Box::pin(pen.close());
        let mut polls = 1;
        while poll_once(close.as_mut()).is_pending() {
            drop(executor.take());
            polls += 1;
        }
        assert_eq!(dropped.get(), 3);
        assert!(polls <= 4, "it asked {polls} times");
    });
}

/// Runs tickets when it is told to, on the thread that tells it, and declines the first.
#[derive(Clone, Default)]
struct Alone(Arc<Mutex<(bool, Vec<Ticket>)>>);

impl Executor for Alone {
    fn dispatch(&self, ticket: Ticket) {
        let mut alone = self.0.lock().unwrap();
        if mem::replace(&mut alone.0, true) {
            alone.1.push(ticket);
        }
    }

    fn parallelism(&self) -> usize {
        1
    }
}

/// P2: a poll of `close` returns, though it does not know yet.
#[test]
fn that_runs_on_the_same_thread() {
    watched(|| {
        let (executor, ran) = (Alone::default(), Counter::default());
        let pen = Pen::on(executor.clone());
        let counts = ran.clone();
        pen.spawn(async move { counts.add() });
        let mut close = Box::pin(pen.close());
        while poll_once(close.as_mut()).is_pending() {
            let tickets = mem::take(&mut executor.0.lock().unwrap().1);
            tickets.into_iter().for_each(Ticket::run);
        }
        assert_eq!(ran.get(), 1);
    });
}
