//! Sets and streams whose children run on several threads: S1, S4, S10, S13, T2.

use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::failing::{Tally, raised};
use crate::lenders::Pool;
use crate::life::watched;
use crate::meeting::work;
use futures_lite::StreamExt;
use futures_lite::future::{block_on, yield_now};
use taskpen::{JoinSet, Scope, scope};

/// Keeps the thread busy until `flag` is set by another one. Children that wait like this are
/// polled at the same time, or the test fails for it hangs.
fn wait_for(flag: &AtomicBool) {
    while !flag.load(SeqCst) {
        thread::yield_now();
    }
}

/// A child that is at work until `stop`: as long as it is, its scope has reason to ask for helpers.
async fn labour(stop: &AtomicBool) {
    while !stop.load(SeqCst) {
        work();
        yield_now().await;
    }
}

/// S1, S13, T2: nothing is lost and nothing comes twice, also if a child reads.
#[test]
fn values() {
    const CHILDREN: usize = 400;
    watched(|| {
        let pool = Pool::new(3);
        let child = |number: usize| async move {
            work();
            if number % 3 == 0 {
                yield_now().await;
            }
            work();
            number
        };
        let numbers: Vec<_> = (0..CHILDREN).collect();
        let sorted = |mut values: Vec<usize>| {
            values.sort_unstable();
            values
        };
        let from_set = block_on(
            scope(async |s: Scope<'_>| {
                let mut set = s.join_set();
                (0..CHILDREN).for_each(|number| set.spawn(child(number)));
                s.spawn(async { set.collect().await }).await
            })
            .on(pool.clone()),
        );
        assert_eq!(sorted(from_set), numbers);
        let from_stream = block_on(
            scope(async |s: Scope<'_>| {
                let items = (0..CHILDREN).map(child);
                s.buffer_unordered(7, items).collect().await
            })
            .on(pool.clone()),
        );
        assert_eq!(sorted(from_stream), numbers);
        let in_order: Vec<_> = block_on(
            scope(async |s: Scope<'_>| {
                let items = (0..CHILDREN).map(child);
                s.buffered(7, items).collect().await
            })
            .on(pool.clone()),
        );
        assert_eq!(in_order, numbers);
    });
}

/// S4: a set is dropped while helpers run its children; each future and each value is dropped once.
#[test]
fn dropped_set() {
    watched(|| {
        let pool = Pool::new(3);
        let (futures, values) = (&Tally::new(), &Tally::new());
        for read in 0..30 {
            block_on(
                scope(async |s: Scope<'_>| {
                    let mut set = s.join_set();
                    for _ in 0..60 {
                        let (future, value) = (futures.guard(), values.guard());
                        set.spawn(async move {
                            let _future = future;
                            work();
                            yield_now().await;
                            work();
                            value
                        });
                    }
                    for _ in 0..read {
                        set.next().await;
                    }
                })
                .on(pool.clone()),
            );
        }
        assert_eq!((futures.get(), values.get()), (30 * 60, 30 * 60));
    });
}

/// S10: several values come when the set is gone, and all panic when they are dropped.
#[test]
fn late_values_that_panic() {
    const CHILDREN: usize = 3;
    watched(|| {
        let [stop, is_gone] = [(); 2].map(|()| AtomicBool::new(false));
        let (inside, drops) = (AtomicUsize::new(0), Tally::new());
        let name = raised(|| {
            block_on(
                scope(async |s: Scope<'_>| {
                    s.spawn(labour(&stop));
                    let slot = Arc::new(Mutex::new(None));
                    let mut set: JoinSet<'_, _> = s.join_set();
                    for _ in 0..CHILDREN {
                        let (slot, bomb) = (Arc::clone(&slot), drops.bomb("late"));
                        let (inside, is_gone) = (&inside, &is_gone);
                        set.spawn(async move {
                            if inside.fetch_add(1, SeqCst) + 1 == CHILDREN {
                                drop(slot.lock().unwrap().take());
                                is_gone.store(true, SeqCst);
                            }
                            wait_for(is_gone);
                            bomb
                        });
                    }
                    *slot.lock().unwrap() = Some(set);
                    pending::<()>().await;
                })
                .on(Pool::new(CHILDREN)),
            )
        });
        assert_eq!((name, drops.get()), ("late", CHILDREN));
    });
}
