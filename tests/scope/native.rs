//! What belongs to one runtime, used in children of a scope that runs under it: timers, tasks,
//! budgets, and the ways of a runtime to cancel (R5, R8, L3).

use std::future::pending;
use std::time::Duration;

use crate::life::Counter;
use futures::channel::oneshot::{Receiver, Sender, channel};
use futures_lite::future::{or, yield_now};
use taskpen::scope;
use tokio::runtime::{Builder, Runtime};

/// Long enough to be suspended, short enough not to be noticed.
const SHORT: Duration = Duration::from_millis(2);

/// Both kinds of tokio runtime.
fn tokio_runtimes() -> [Runtime; 2] {
    let threads = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let thread = Builder::new_current_thread().enable_all().build();
    [threads.unwrap(), thread.unwrap()]
}

/// R8: tokio's timers, tasks and handle in children, also of an inner scope, and with more children
/// than one poll of the scope runs.
#[test]
fn tokio_in_children() {
    async fn program() -> (usize, bool, u32) {
        scope(async |s| {
            let sleeping = (0..300).map(|_| s.spawn(tokio::time::sleep(SHORT)));
            let sleeping: Vec<_> = sleeping.collect();
            let late = s.spawn(tokio::time::timeout(SHORT, pending::<()>()));
            let task = s.spawn(async {
                scope(async |s| {
                    s.spawn(async {
                        tokio::time::sleep(SHORT).await;
                        tokio::spawn(async { 7 }).await.unwrap()
                    })
                    .await
                })
                .await
            });
            let mut slept = 0;
            for child in sleeping {
                child.await;
                slept += 1;
            }
            (slept, late.await.is_err(), task.await)
        })
        .await
    }
    for runtime in tokio_runtimes() {
        assert_eq!(runtime.block_on(program()), (300, true, 7));
        let task = runtime.spawn(program());
        assert_eq!(runtime.block_on(task).unwrap(), (300, true, 7));
    }
}

/// R5, R8: children that use up the budget which tokio gives the task: each needs a budget that
/// only a new poll of the task brings. They finish, and another task of the thread gets its turns.
#[test]
fn tokio_budget() {
    for runtime in tokio_runtimes() {
        let (done, expected) = (Counter::default(), 3 * 10_000 + 500);
        let counted = done.clone();
        let task = runtime.spawn(async move {
            let semaphore = tokio::sync::Semaphore::new(1000);
            scope(async |s| {
                for _ in 0..3 {
                    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
                    (0..10_000).for_each(|number| sender.send(number).unwrap());
                    let counted = &counted;
                    s.spawn(async move {
                        drop(sender);
                        while receiver.recv().await.is_some() {
                            counted.add();
                        }
                    });
                }
                for _ in 0..500 {
                    s.spawn(async {
                        let _permit = semaphore.acquire().await.unwrap();
                        counted.add();
                    });
                }
            })
            .await;
        });
        let other = runtime.spawn(async {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
        });
        runtime.block_on(async {
            other.await.unwrap();
            task.await.unwrap();
        });
        assert_eq!(done.get(), expected);
    }
}

/// R8: async-std's timers and tasks in children.
#[test]
fn async_std_in_children() {
    use async_std::{future, task};

    async fn program() -> (bool, u32) {
        scope(async |s| {
            let slept = s.spawn(task::sleep(SHORT));
            let late = s.spawn(future::timeout(SHORT, pending::<()>()));
            let spawned = s.spawn(async { task::spawn(async { 7 }).await });
            slept.await;
            (late.await.is_err(), spawned.await)
        })
        .await
    }
    assert_eq!(task::block_on(program()), (true, 7));
    assert_eq!(task::block_on(task::spawn(program())), (true, 7));
}

/// R8: smol's timers and tasks in children.
#[test]
fn smol_in_children() {
    async fn program() -> u32 {
        scope(async |s| {
            let slept = s.spawn(smol::Timer::after(SHORT));
            let spawned = s.spawn(async { smol::spawn(async { 7 }).await });
            slept.await;
            spawned.await
        })
        .await
    }
    assert_eq!(smol::block_on(program()), 7);
    assert_eq!(smol::block_on(smol::spawn(program())), 7);
}

/// A scope that never rests, with children that show when they are gone. It says when they run.
async fn restless(drops: Counter, started: Sender<()>) {
    scope(async |s| {
        let guard = drops.guard();
        s.spawn(async move {
            let _guard = guard;
            pending::<()>().await;
        });
        let guard = drops.guard();
        s.spawn(async move {
            let _guard = guard;
            started.send(()).unwrap();
            loop {
                yield_now().await;
            }
        });
        pending::<()>().await;
    })
    .await;
}

/// Waits until the other task runs, and then for a hundred turns more.
async fn hundred_turns(running: Receiver<()>) {
    running.await.unwrap();
    for _ in 0..100 {
        yield_now().await;
    }
}

/// R5, L3: on an executor with one thread a task beside a scope that never rests gets its turns.
/// Then that task cancels the scope's, and the children are gone.
#[test]
fn restless_scope_on_tokio() {
    for runtime in tokio_runtimes() {
        let (drops, (started, running)) = (Counter::default(), channel());
        let task = runtime.spawn(restless(drops.clone(), started));
        let other = runtime.spawn(async move {
            hundred_turns(running).await;
            task.abort();
            task.await.unwrap_err().is_cancelled()
        });
        assert!(runtime.block_on(other).unwrap());
        assert_eq!(drops.get(), 2);
    }
}

/// R5, L3: the same on smol.
#[test]
fn restless_scope_on_smol() {
    let (executor, drops) = (smol::LocalExecutor::new(), Counter::default());
    let (started, running) = channel();
    let task = executor.spawn(restless(drops.clone(), started));
    let other = executor.spawn(async {
        hundred_turns(running).await;
        task.cancel().await
    });
    assert_eq!(smol::block_on(executor.run(other)), None);
    assert_eq!(drops.get(), 2);
}

/// R5, L3: the same on async-std, once beside the other future in one task, once in a task of its
/// own.
#[test]
fn restless_scope_on_async_std() {
    use async_std::task;

    let drops = Counter::default();
    task::block_on(async {
        let (started, running) = channel();
        or(restless(drops.clone(), started), hundred_turns(running)).await;
        assert_eq!(drops.get(), 2);
        let (started, running) = channel();
        let task = task::spawn(restless(drops.clone(), started));
        task::spawn(hundred_turns(running)).await;
        assert_eq!(task.cancel().await, None);
    });
    assert_eq!(drops.get(), 4);
}
