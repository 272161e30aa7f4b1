//! The order drawn from a seed. The ids are those of `tests/README.md`.
#![cfg(feature = "shuffle")]

use std::cell::Cell;
use std::collections::HashSet;
use std::pin::pin;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures_lite::future::{block_on, poll_once, ready, yield_now};
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

/// U1, L8, X2: a scope inside that is done returns in that very poll, as it does otherwise.
#[test]
fn scopes_inside_that_are_done() {
    for seed in 0..20 {
        let work = scope(async |s: Scope<'_>| {
            let child = s.spawn(async {
                let value = scope(async |_: Scope<'_>| 7).until(ready(())).await;
                assert_eq!(value, Some(7));
                let mut empty = pin!(scope(async |_: Scope<'_>| {}));
                assert!(poll_once(empty.as_mut()).await.is_some());
            });
            child.await;
        });
        block_on(work.shuffled(seed));
    }
}

/// X1: no clock has a say. Each poll of the scope makes one step, however long that takes.
#[test]
fn one_step_at_a_time() {
    let cut_off = |seed| {
        let steps = Cell::new(0);
        let step = || {
            steps.set(steps.get() + 1);
            let start = Instant::now();
            while start.elapsed() < Duration::from_micros(30) {}
        };
        let work = local_scope(async |s| {
            s.spawn(async {
                loop {
                    step();
                    yield_now().await;
                }
            });
            loop {
                step();
                yield_now().await;
            }
        });
        let mut work = pin!(work.shuffled(seed));
        for polls in 1..100 {
            assert!(block_on(poll_once(work.as_mut())).is_none());
            assert_eq!(steps.get(), polls);
        }
    };
    (0..5).for_each(cut_off);
}
