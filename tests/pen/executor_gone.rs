//! The executor of a pen goes away: P9.
#![cfg(feature = "tokio")]

use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::mpsc::{Sender, channel};
use std::task::Poll;
use std::thread;

use crate::lenders::Decline;
use crate::life::{Counter, watched};
use async_task::Runnable;
use futures_lite::future::block_on;
use taskpen::{Cause, Executor, Pen, Ticket, Worker};
use tokio::runtime::{Builder, Runtime};

fn runtimes() -> [Runtime; 2] {
    let mut threads = Builder::new_multi_thread();
    let mut current = Builder::new_current_thread();
    [
        threads.worker_threads(2).enable_all().build().unwrap(),
        current.enable_all().build().unwrap(),
    ]
}

/// A pen in a runtime that is gone, with children that are suspended and, if that is possible,
/// ready.
fn orphans() -> Vec<(Pen, Counter)> {
    runtimes()
        .into_iter()
        .map(|runtime| {
            let dropped = Counter::default();
            let pen = runtime.block_on(async {
                let pen = Pen::new();
                for _ in 0..10 {
                    let guard = dropped.guard();
                    pen.spawn(async move {
                        let _guard = guard;
                        tokio::task::yield_now().await;
                        pending::<()>().await;
                    });
                }
                tokio::task::yield_now().await;
                pen
            });
            drop(runtime);
            let guard = dropped.guard();
            pen.spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            });
            (pen, dropped)
        })
        .collect()
}

/// P9: drop drops all, `close` and `cancel` come to their end.
#[test]
fn runtime_is_shut_down() {
    watched(|| {
        for (pen, dropped) in orphans() {
            drop(pen);
            assert_eq!(dropped.get(), 11);
        }
        for (pen, dropped) in orphans() {
            block_on(pen.close());
            assert_eq!(dropped.get(), 11);
        }
        for (pen, dropped) in orphans() {
            block_on(pen.cancel());
            assert_eq!(dropped.get(), 11);
        }
    });
}

/// P9: a runtime that is shut down takes the children along, as tasks of its own. Who waits for one
/// learns that it is cancelled, and spawns are refused.
#[test]
fn ends_with_its_runtime() {
    watched(|| {
        for runtime in runtimes() {
            let dropped = Counter::default();
            let (pen, child) = runtime.block_on(async {
                let pen = Pen::new();
                let guard = dropped.guard();
                let child = pen.spawn(async move {
                    let _guard = guard;
                    pending::<()>().await;
                });
                tokio::task::yield_now().await;
                (pen, child)
            });
            drop(runtime);
            assert_eq!(dropped.get(), 1);
            assert!(pen.is_ended());
            assert_eq!(pen.stop_cause(), Some(Cause::Dropped));
            assert_eq!(block_on(child.join()), None);
            assert!(pen.spawn(async {}).is_cancelled());
        }
    });
}

/// P9: also while it is being closed, on another thread.
#[test]
fn ends_with_its_runtime_while_it_is_closed() {
    watched(|| {
        for runtime in runtimes() {
            let pen = runtime.block_on(async {
                let pen = Pen::new();
                pen.spawn(pending::<()>());
                tokio::task::yield_now().await;
                pen
            });
            let (polled, is_polled) = channel();
            let closing = thread::spawn(move || {
                let mut close = pin!(pen.close());
                block_on(poll_fn(|cx| {
                    let poll = close.as_mut().poll(cx);
                    let _ = polled.send(());
                    poll
                }));
            });
            is_polled.recv().unwrap();
            drop(runtime);
            closing.join().unwrap();
        }
    });
}

/// P9: it is gone before the first child comes. That is refused, and so are those that follow.
#[test]
fn runtime_that_was_shut_down_before() {
    watched(|| {
        for runtime in runtimes() {
            let pen = runtime.block_on(async { Pen::new() });
            drop(runtime);
            let dropped = Counter::default();
            for spawned in 1..3 {
                let guard = dropped.guard();
                let child = pen.spawn(async move {
                    let _guard = guard;
                    pending::<()>().await;
                });
                assert_eq!(dropped.get(), spawned);
                assert_eq!(block_on(child.join()), None);
                assert!(pen.is_ended());
            }
        }
    });
}

/// An executor as that of async-task's example: a channel and a thread. A task that is woken when
/// the thread is gone is dropped there and then.
struct Channel(Sender<Runnable>);

impl Executor for Channel {
    fn dispatch(&self, ticket: Ticket) {
        drop(ticket);
    }

    fn parallelism(&self) -> usize {
        1
    }

    fn spawn(&self, worker: Worker) -> Result<(), Worker> {
        let tasks = self.0.clone();
        let schedule = move |task| drop(tasks.send(task));
        let (task, handle) = async_task::spawn(worker, schedule);
        handle.detach();
        task.schedule();
        Ok(())
    }
}

/// P8: no child is dropped inside of a wake, though that is where the worker is.
#[test]
fn worker_that_is_dropped_by_a_wake() {
    watched(|| {
        let (tasks, taken) = channel::<Runnable>();
        let (waker, stored) = channel();
        let pen = Pen::on(Channel(tasks));
        let dropped = Counter::default();
        let guard = dropped.guard();
        pen.spawn(async move {
            let _guard = guard;
            poll_fn(|cx| {
                waker.send(cx.waker().clone()).unwrap();
                Poll::<()>::Pending
            })
            .await;
        });
        taken.recv().unwrap().run();
        drop(taken);
        let waker = stored.recv().unwrap();
        waker.wake();
        assert_eq!(dropped.get(), 0);
        drop(pen);
        assert_eq!(dropped.get(), 1);
    });
}

/// P9: an executor that runs nothing at all.
#[test]
fn executor_declines() {
    watched(|| {
        let pen = Pen::on(Decline::default());
        let child = pen.spawn(async {});
        block_on(pen.close());
        assert_eq!(block_on(child.join()), None);
    });
}

/// P11: a pen without children has nothing on the runtime; one whose children wait has a task that
/// sleeps, and is gone with it.
#[test]
fn tasks_of_the_runtime() {
    watched(|| {
        for runtime in runtimes() {
            let alive = || runtime.metrics().num_alive_tasks();
            let _inside = runtime.enter();
            let pen = Pen::new();
            assert_eq!(alive(), 0);
            runtime.block_on(async { pen.spawn(async {}).await });
            drop(pen);
            while alive() > 0 {
                runtime.block_on(tokio::task::yield_now());
            }
        }
    });
}
