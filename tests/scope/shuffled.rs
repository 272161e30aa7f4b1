//! The order drawn from a seed. The ids are those of `tests/README.md`.
#![cfg(feature = "shuffle")]

use std::collections::HashSet;
use std::sync::Mutex;

use futures_lite::future::{block_on, yield_now};
use taskpen::{Scope, TryScope, local_scope, scope, try_scope};

/// What a scope does that notes each of its steps.
fn steps(seed: u64, run: impl AsyncFn(&dyn Fn(&'static str), u64)) -> Vec<&'static str> {
    let steps = Mutex::new(Vec::new());
    block_on(run(&|step| steps.lock().unwrap().push(step), seed));
    steps.into_inner().unwrap()
}

/// X1: all orders of children and body occur, each one again with the same seed.
#[test]
fn all_orders() {
    let run = async |note: &dyn Fn(&'static str), seed| {
        local_scope(async |s| {
            for name in ["a", "b", "c"] {
                s.spawn(async move { note(name) });
            }
            yield_now().await;
            note("body");
        })
        .shuffled(seed)
        .await;
    };
    let orders: HashSet<_> = (0..1_000).map(|seed| steps(seed, run)).collect();
    assert_eq!(orders.len(), 24);
    for seed in 0..100 {
        assert_eq!(steps(seed, run), steps(seed, run));
    }
}

/// X1: what was woken just now can come before what has waited.
#[test]
fn woken_before_others() {
    let run = async |note: &dyn Fn(&'static str), seed| {
        local_scope(async |s| {
            s.spawn(async {
                yield_now().await;
                yield_now().await;
                note("three polls");
            });
            s.spawn(async { note("one") });
        })
        .shuffled(seed)
        .await;
    };
    let orders: HashSet<_> = (0..100).map(|seed| steps(seed, run)).collect();
    assert_eq!(orders.len(), 2);
}

/// X2: scopes inside take part, whatever they were told, and their children are mixed with those of
/// others.
#[test]
fn scopes_inside() {
    let run = async |note: &dyn Fn(&'static str), seed| {
        local_scope(async |s| {
            for [first, second] in [["a1", "a2"], ["b1", "b2"]] {
                s.spawn(async move {
                    local_scope(async |s| {
                        for name in [first, second] {
                            s.spawn(async move { note(name) });
                        }
                    })
                    .await;
                });
            }
        })
        .shuffled(seed)
        .await;
    };
    let orders: HashSet<_> = (0..2_000).map(|seed| steps(seed, run)).collect();
    assert_eq!(orders.len(), 24, "{orders:?}");
    for seed in 0..100 {
        assert_eq!(steps(seed, run), steps(seed, run));
    }
}

/// X2: all on one thread, also if a scope was given an executor, after or inside.
#[cfg(feature = "async-std")]
#[test]
fn on_one_thread() {
    use std::thread;

    use taskpen::AsyncStd;

    let home = thread::current().id();
    let assert_home = || assert_eq!(thread::current().id(), home);
    for seed in 0..20 {
        let work = scope(async |s: Scope<'_>| {
            for _ in 0..20 {
                s.spawn(async {
                    let inner = scope(async |s: Scope<'_>| {
                        for _ in 0..20 {
                            s.spawn(async {
                                for _ in 0..3 {
                                    assert_home();
                                    yield_now().await;
                                }
                            });
                        }
                    });
                    inner.on(AsyncStd).await;
                });
            }
        });
        block_on(work.shuffled(seed).on(AsyncStd));
    }
}

/// X1: a scope ends as any other: with an error, and with background children.
#[test]
fn ends() {
    for seed in 0..50 {
        let failed = block_on(
            try_scope(async |s: TryScope<'_, u32>| {
                s.spawn_background(std::future::pending::<Result<(), u32>>());
                s.spawn(async {
                    yield_now().await;
                    Err::<(), _>(7)
                });
                std::future::pending::<Result<(), u32>>().await
            })
            .shuffled(seed),
        );
        assert_eq!(failed, Err(7));
        let sum = block_on(
            scope(async |s: Scope<'_>| {
                s.spawn_background(std::future::pending::<()>());
                let mut sum = 0;
                let mut set = s.join_set();
                set.extend((0..50).map(|i| async move { i }));
                while let Some(value) = set.join_next().await {
                    sum += value;
                }
                sum
            })
            .shuffled(seed),
        );
        assert_eq!(sum, 1_225);
    }
}
