//! Closures that need the runtime which drops their scope, under every runtime: B4, B6, U2.

use std::future::{Future, pending};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use crate::blocked::{Blocked, LIMIT};
use crate::life::watched;
use futures::channel::oneshot;
use futures_lite::future::{or, yield_now};
use taskpen::scope;
use tokio::runtime::{Builder, Runtime};

/// tokio's runtimes: with one thread that is the caller's, and with 1, 2 and 8 of their own.
fn runtimes() -> impl Iterator<Item = Runtime> {
    let threads = [1, 2, 8].map(|workers| {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(workers).enable_all().build()
    });
    let mut builder = Builder::new_current_thread();
    let current = builder.enable_all().build();
    [current].into_iter().chain(threads).map(Result::unwrap)
}

/// A task of the runtime answers when it is asked; the closure of a scope asks it, and is told to
/// only once that scope was dropped, or cut off.
struct Question {
    ask: oneshot::Sender<()>,
    answered: oneshot::Receiver<()>,
}

impl Question {
    fn new() -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (ask, asked) = oneshot::channel();
        let (answer, answered) = oneshot::channel();
        let task = async move {
            asked.await.unwrap();
            answer.send(()).unwrap();
        };
        (Self { ask, answered }, task)
    }

    /// Blocks the thread until it is answered.
    fn ask(self, block_on: impl FnOnce(oneshot::Receiver<()>)) {
        self.ask.send(()).unwrap();
        block_on(self.answered);
    }
}

/// Whether the scope is dropped, or cut off by `until`.
const ENDS: [bool; 2] = [false, true];

/// Ends a scope whose closure is running, from inside the task that polls it. The closure then does
/// `last`.
async fn end<T: Send + 'static>(is_awaited: bool, last: impl FnOnce() -> T + Send + 'static) {
    let (mut blocked, closure) = Blocked::new(last);
    let work = scope(async move |s| {
        s.spawn_blocking(closure);
        pending::<()>().await;
    });
    let token = work.stop_token();
    let (start, mut started) = oneshot::channel();
    let releaser = thread::spawn(move || {
        blocked.wait_for_start();
        start.send(()).unwrap();
        futures_lite::future::block_on(token); // it was dropped, or is being cut off
        blocked.let_go();
        blocked.wait_for_end();
    });
    let is_running = async {
        while started.try_recv().unwrap().is_none() {
            yield_now().await;
        }
    };
    match is_awaited {
        false => or(work, is_running).await,
        true => assert_eq!(work.until(is_running).await, None),
    }
    drop(releaser); // it ends by itself
}

fn reports() -> (Sender<()>, Receiver<()>) {
    channel()
}

/// B4, U2: under tokio, whatever the number of threads: as the main future and as a task.
#[test]
fn tokio_answers() {
    watched(|| {
        for is_awaited in ENDS {
            for is_task in [false, true] {
                for runtime in runtimes() {
                    let (question, answer) = Question::new();
                    let (report, reported) = reports();
                    let handle = runtime.handle().clone();
                    let main = async move {
                        tokio::spawn(answer);
                        let last = move || {
                            question.ask(|it| handle.block_on(it).unwrap());
                            report.send(()).unwrap();
                        };
                        end(is_awaited, last).await;
                        while reported.try_recv().is_err() {
                            tokio::task::yield_now().await;
                        }
                    };
                    match is_task {
                        false => runtime.block_on(main),
                        true => runtime.block_on(runtime.spawn(main)).unwrap(),
                    }
                }
            }
        }
    });
}

/// B4, U2: likewise on async-std, on smol with one thread, and where nothing but `block_on` runs.
#[test]
fn others_answer() {
    watched(|| {
        for is_awaited in ENDS {
            let (question, answer) = Question::new();
            let last = move || question.ask(|it| async_std::task::block_on(it).unwrap());
            async_std::task::block_on(async_std::task::spawn(async move {
                async_std::task::spawn(answer);
                end(is_awaited, last).await;
            }));

            let (question, answer) = Question::new();
            let executor = Arc::new(smol::Executor::new());
            let on = Arc::clone(&executor);
            let (report, mut reported) = oneshot::channel();
            // One thread runs everything that is spawned here.
            smol::block_on(executor.run(async move {
                let answer = on.spawn(answer);
                let last = move || {
                    question.ask(|it| futures_lite::future::block_on(it).unwrap());
                    report.send(()).unwrap();
                };
                end(is_awaited, last).await;
                answer.await;
                while reported.try_recv().unwrap().is_none() {
                    yield_now().await;
                }
            }));

            let (report, reported) = reports();
            let last = move || report.send(()).unwrap();
            futures_lite::future::block_on(end(is_awaited, last));
            reported.recv_timeout(LIMIT).expect("the closure ends");
        }
    });
}

/// B6: a runtime that is shut down, or dropped, while a closure of a scope in it runs: it is gone
/// before the closure is. That one blocks until the test lets it go, so a shutdown that waits for
/// it hangs.
#[test]
fn shutdown() {
    type End = fn(Runtime);
    watched(|| {
        let ends: [End; 3] = [
            |runtime| runtime.shutdown_timeout(Duration::from_millis(50)),
            Runtime::shutdown_background,
            drop,
        ];
        for end in ends {
            for runtime in runtimes() {
                let (mut blocked, closure) = Blocked::new(|| ());
                let (start, started) = channel();
                runtime.spawn(async move {
                    scope(async move |s| {
                        s.spawn_blocking(closure);
                        start.send(()).unwrap();
                        s.spawn(pending::<()>()).await;
                    })
                    .await;
                });
                runtime.block_on(async {
                    while started.try_recv().is_err() {
                        tokio::task::yield_now().await;
                    }
                });
                blocked.wait_for_start();
                end(runtime);
                assert!(!blocked.has_ended());
                blocked.let_go();
                blocked.wait_for_end();
            }
        }
    });
}

/// B4: a child whose nested scope has a closure running is cancelled: its siblings go on meanwhile,
/// and the scope around it returns after the closure.
#[test]
fn cancel_of_a_child() {
    watched(|| {
        for runtime in runtimes() {
            let (mut blocked, closure) = Blocked::new(|| ());
            let ran = runtime.block_on(async {
                scope(async |s| {
                    let (start, started) = oneshot::channel();
                    let child = s.spawn(scope(async move |s| {
                        let closure = || {
                            start.send(()).unwrap();
                            closure()
                        };
                        s.spawn_blocking(closure).await;
                    }));
                    started.await.unwrap();
                    blocked.wait_for_start();
                    assert_eq!(child.cancel().await, None);
                    s.spawn(async { blocked.let_go() }).await;
                    7
                })
                .await
            });
            assert_eq!(ran, 7);
            assert!(blocked.has_ended());
        }
    });
}
