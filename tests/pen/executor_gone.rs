//! The executor of a pen goes away: P9.
#![cfg(feature = "tokio")]

use std::future::pending;

use crate::lenders::Decline;
use crate::life::{Counter, watched};
use futures_lite::future::block_on;
use taskpen::Pen;
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
