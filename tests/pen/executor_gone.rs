//! The executor of a pen goes away: P9.
#![cfg(feature = "tokio")]

use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::mpsc::channel;
use std::thread;

use crate::lenders::Decline;
use crate::life::{Counter, watched};
use futures_lite::future::block_on;
use taskpen::{Cause, Pen};
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
