//! How long one poll of a scope lasts beside slow children. Where all windows are forced open that
//! has no limit: the other tests wait in them for each other.
#![cfg(not(taskpen_force_windows))]

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use crate::blocked::be_slow_for;
use crate::lenders::Pool;
use crate::life::{Counter, poll_once, watched};
use futures_lite::future::{block_on, yield_now};
use taskpen::{Scope, scope};

/// A scope that is about to end, but for a background child on a helper, keeps the slow ones that
/// were set aside: that child can spawn an ordinary one, which needs them.
#[test]
fn set_aside_at_the_end() {
    watched(|| {
        for _ in 0..30 {
            let flags = [(); 4].map(|()| AtomicBool::new(false));
            let [is_last, is_spawned, is_answered, spawns] = flags.each_ref();
            block_on(
                scope(async |s: Scope<'_>| {
                    s.spawn_background(async move {
                        while !is_spawned.load(SeqCst) {
                            be_slow_for(Duration::from_millis(8));
                            yield_now().await;
                        }
                        is_answered.store(true, SeqCst);
                    });
                    s.spawn(async move {
                        let start = Instant::now();
                        while start.elapsed() < Duration::from_millis(60) {
                            yield_now().await;
                        }
                        is_last.store(true, SeqCst);
                    });
                    let spawner = s.clone();
                    s.spawn_background(async move {
                        while !spawns.load(SeqCst) {
                            for _ in 0..60 {
                                be_slow_for(Duration::from_millis(1));
                                if is_last.load(SeqCst) && !spawns.swap(true, SeqCst) {
                                    be_slow_for(Duration::from_millis(15));
                                    spawner.spawn(async move {
                                        while !is_answered.load(SeqCst) {
                                            yield_now().await;
                                        }
                                    });
                                    is_spawned.store(true, SeqCst);
                                }
                            }
                            yield_now().await;
                        }
                    });
                })
                .on(Pool::new(2)),
            );
        }
    });
}

/// R5: one poll of a scope comes to its end although each of its threads is in one slow poll after
/// the other.
#[test]
fn slow_on_all_threads() {
    watched(|| {
        let polls = Counter::default();
        let mut scoped = Box::pin(
            scope(async |s: Scope<'_>| {
                for n in 0..12 {
                    let polls = polls.clone();
                    s.spawn(async move {
                        loop {
                            polls.add();
                            thread::sleep(Duration::from_millis(20 + n));
                            yield_now().await;
                        }
                    });
                }
            })
            .on(Pool::new(3)),
        );
        for _ in 0..8 {
            let before = polls.get();
            assert!(poll_once(scoped.as_mut()).is_pending());
            let polls = polls.get() - before; // some for each of the four threads
            assert!(polls <= 40, "{polls}");
        }
    });
}
