//! One set of programs under every runtime, with equal results: R8, R10.

use std::cell::RefCell;
use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use crate::life::Counter;
use futures::channel::{mpsc, oneshot};
use futures::{SinkExt, StreamExt};
use futures_lite::FutureExt;
use futures_lite::future::{or, yield_now};
use taskpen::{Scope, TryScope, local_scope, scope, try_scope};

type Program = Pin<Box<dyn Future<Output = Vec<u64>> + Send>>;
type Run = fn(Program) -> Vec<u64>;

fn tokio_threads() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
}

fn tokio_thread() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

/// Every way to run a program: as the main future of an executor and as a task of one. The first
/// two are no runtimes: a scope gets no helper there.
const RUNTIMES: [(&str, Run); 12] = [
    ("futures-lite block_on", futures_lite::future::block_on),
    ("futures block_on", futures::executor::block_on),
    ("async-std block_on", async_std::task::block_on),
    ("async-std task", |program| {
        async_std::task::block_on(async_std::task::spawn(program))
    }),
    ("smol block_on", smol::block_on),
    ("smol task", |program| smol::block_on(smol::spawn(program))),
    ("smol local task", |program| {
        let executor = smol::LocalExecutor::new();
        smol::block_on(executor.run(executor.spawn(program)))
    }),
    ("tokio threads block_on", |program| {
        tokio_threads().block_on(program)
    }),
    ("tokio threads task", |program| {
        let runtime = tokio_threads();
        runtime.block_on(runtime.spawn(program)).unwrap()
    }),
    ("tokio thread block_on", |program| {
        tokio_thread().block_on(program)
    }),
    ("tokio thread task", |program| {
        let runtime = tokio_thread();
        runtime.block_on(runtime.spawn(program)).unwrap()
    }),
    ("tokio local task", |program| {
        let set = tokio::task::LocalSet::new();
        let task = set.spawn_local(program);
        tokio_thread().block_on(set.run_until(task)).unwrap()
    }),
];

/// Runs a program everywhere.
fn check<F>(program: fn() -> F, expected: &[u64])
where
    F: Future<Output = Vec<u64>> + Send + 'static,
{
    for (name, run) in RUNTIMES {
        assert_eq!(run(Box::pin(program())), expected, "under {name}");
    }
}

/// R8: children borrow, and are awaited in another order.
#[test]
fn borrowing_children() {
    async fn program() -> Vec<u64> {
        let words = ["one", "three", "seven"].map(String::from);
        scope(async |s| {
            let lengths = words.each_ref().map(|word| {
                s.spawn(async {
                    yield_now().await;
                    word.len() as u64
                })
            });
            let mut found = Vec::new();
            for length in lengths.into_iter().rev() {
                found.push(length.await);
            }
            found
        })
        .await
    }
    check(program, &[5, 5, 3]);
}

/// R8: children that spawn their own children into the same scope, or open scopes of their own.
#[test]
fn trees_of_children() {
    fn grow<'env>(s: &Scope<'env>, depth: u64, leaves: &'env AtomicU64) {
        if depth == 0 {
            leaves.fetch_add(1, SeqCst);
            return;
        }
        for _ in 0..3 {
            s.spawn_with(async move |s| {
                yield_now().await;
                grow(&s, depth - 1, leaves);
            });
        }
    }
    fn sum(depth: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
        Box::pin(async move {
            if depth == 0 {
                return 1;
            }
            scope(async |s| {
                let branches = [(); 3].map(|()| s.spawn(sum(depth - 1)));
                let mut leaves = 0;
                for branch in branches {
                    leaves += branch.await;
                }
                leaves
            })
            .await
        })
    }
    async fn program() -> Vec<u64> {
        let leaves = AtomicU64::new(0);
        scope(async |s| grow(&s, 5, &leaves)).await;
        vec![leaves.into_inner(), sum(5).await]
    }
    check(program, &[243, 243]);
}

/// R8: children that wait for each other, through channels with room for one value.
#[test]
fn pipelines() {
    async fn program() -> Vec<u64> {
        let (mut source, mut doubled) = mpsc::channel(0);
        let (mut results, collected) = mpsc::channel(0);
        scope(async |s| {
            s.spawn(async move {
                for number in 0..100 {
                    source.send(number).await.unwrap();
                }
            });
            s.spawn(async move {
                while let Some(number) = doubled.next().await {
                    results.send(2 * number).await.unwrap();
                }
            });
            s.spawn(collected.skip(95).collect()).await
        })
        .await
    }
    check(program, &[190, 192, 194, 196, 198]);
}

/// R8: failure, cancellation and background children end the same everywhere.
#[test]
fn endings() {
    async fn program() -> Vec<u64> {
        let drops = Counter::default();
        let guarded = || {
            let guard = drops.guard();
            async move {
                let _guard = guard;
                pending::<()>().await;
            }
        };
        let mut found = Vec::new();
        let failed = try_scope(async |s: TryScope<'_, u64>| {
            (*s).spawn(guarded());
            s.spawn(async {
                yield_now().await;
                Err::<(), _>(7)
            })
            .await;
            Ok(())
        });
        found.extend([failed.await.unwrap_err(), drops.get() as u64]);
        scope(async |s| {
            s.spawn_background(guarded());
            let cancelled = s.spawn(guarded());
            yield_now().await;
            found.push(u64::from(cancelled.cancel().await.is_none()));
        })
        .await;
        found.push(drops.get() as u64);
        let dropped = scope(async |s| {
            s.spawn(guarded());
            s.spawn(guarded()).await;
        });
        let stop = async {
            yield_now().await;
            yield_now().await;
        };
        or(dropped, stop).await;
        found.push(drops.get() as u64);
        let panicked = scope(async |s| {
            s.spawn(guarded());
            s.spawn(async { std::panic::panic_any(11_u64) }).await
        });
        let payload = AssertUnwindSafe(panicked).catch_unwind().await.unwrap_err();
        found.extend([*payload.downcast_ref().unwrap(), drops.get() as u64]);
        found
    }
    check(program, &[7, 1, 1, 3, 5, 11, 6]);
}

/// R8: threads that know nothing of the runtime wake children.
#[test]
fn wakes_from_threads() {
    async fn program() -> Vec<u64> {
        scope(async |s| {
            let children = [1, 2, 3].map(|number| {
                let (sender, receiver) = oneshot::channel();
                thread::spawn(move || sender.send(number).unwrap());
                s.spawn(receiver)
            });
            let mut found = Vec::new();
            for child in children {
                found.push(child.await.unwrap());
            }
            found
        })
        .await
    }
    check(program, &[1, 2, 3]);
}

/// R8: more children than one poll of the scope runs.
#[test]
fn crowds() {
    async fn program() -> Vec<u64> {
        let sum = AtomicU64::new(0);
        let sum = &sum;
        scope(async |s| {
            for number in 0..3000 {
                s.spawn(async move {
                    yield_now().await;
                    sum.fetch_add(number, SeqCst);
                });
            }
        })
        .await;
        vec![sum.load(SeqCst)]
    }
    check(program, &[4_498_500]);
}

/// R8: local scopes, on whatever runs futures that stay on a thread.
#[test]
fn local_scopes() {
    async fn program() -> Vec<u64> {
        let found = Rc::new(RefCell::new(Vec::new()));
        local_scope(async |s| {
            for number in 0..3 {
                let found = Rc::clone(&found);
                s.spawn(async move {
                    yield_now().await;
                    found.borrow_mut().push(number);
                });
            }
        })
        .await;
        found.take()
    }
    let expected = [0, 1, 2];
    assert_eq!(futures_lite::future::block_on(program()), expected);
    assert_eq!(async_std::task::block_on(program()), expected);
    let executor = smol::LocalExecutor::new();
    let task = executor.spawn(program());
    assert_eq!(smol::block_on(executor.run(task)), expected);
    assert_eq!(tokio_threads().block_on(program()), expected);
    let set = tokio::task::LocalSet::new();
    let task = set.spawn_local(program());
    assert_eq!(
        tokio_thread().block_on(set.run_until(task)).unwrap(),
        expected
    );
}
