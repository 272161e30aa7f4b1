//! Slow polls, and what they must not do beside holding others up: keep a poll of the scope from
//! its end, starve what was shared, or call for help in vain.

use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use crate::blocked::{Blocking, LIMIT, be_slow};
use crate::lenders::Pool;
use crate::life::{Counter, watched};
use futures_lite::future::{block_on, yield_now};
use taskpen::{Scope, TryScope, scope, try_scope};

/// N1: a child that is the only one spawns others, and blocks: once that is known they are run
/// meanwhile. (Not each time on a machine that is busy: then no thread may be to spare.)
#[test]
fn spawned_by_the_only_child() {
    watched(|| {
        block_on(
            scope(async |s: Scope<'_>| {
                s.spawn_with(async |s| {
                    for _ in 0..10 {
                        let (ran, has_run) = channel();
                        s.spawn(async move {
                            let _ = ran.send(()); // nobody may listen any more
                        });
                        if has_run.recv_timeout(Duration::from_millis(200)).is_ok() {
                            return;
                        }
                        yield_now().await;
                        yield_now().await; // it is the only one again
                    }
                    panic!("they are held up");
                })
                .await;
            })
            .on(Pool::new(1)),
        );
    });
}

/// N1: so it is if the body spawns one at a time, and blocks.
#[test]
fn spawned_by_the_body() {
    let moment = Duration::from_millis(200);
    watched(move || {
        let was_run = block_on(
            scope(async |s: Scope<'_>| {
                for _ in 0..20 {
                    let (run, ran) = channel();
                    s.spawn(async move {
                        let _ = run.send(());
                    });
                    if ran.recv_timeout(moment).is_ok() {
                        return true;
                    }
                    yield_now().await;
                }
                false
            })
            .on(Pool::new(1)),
        );
        assert!(was_run, "held up");
    });
}

/// A body that yields starves no child, also of those that were shared.
#[test]
fn body_that_yields() {
    watched(|| {
        let done = Counter::default();
        block_on(
            scope(async |s: Scope<'_>| {
                for _ in 0..100 {
                    s.spawn(async {
                        be_slow();
                        done.add();
                    });
                }
                while done.get() < 100 {
                    yield_now().await;
                }
            })
            .on(Pool::new(1)),
        );
    });
}

/// Counts the tickets of a pool while one thread, most likely the scope's own, is blocked in a
/// child.
fn tickets_while_blocked(
    hook: impl Fn(&mut dyn FnMut()) + Send + Sync + 'static,
    fails: bool,
) -> usize {
    let pool = Pool::new(1);
    let (blocking, has_begun, let_go) = Blocking::new();
    let dispatched = pool.clone();
    let release = thread::spawn(move || {
        has_begun.recv_timeout(LIMIT).expect("it begins");
        let before = dispatched.dispatched();
        for _ in 0..2_000 {
            thread::yield_now();
            thread::sleep(Duration::from_micros(1)); // time for tickets that nobody should want
        }
        let_go.send(()).unwrap();
        dispatched.dispatched() - before
    });
    let blocking = Mutex::new(Some(blocking));
    let run = try_scope(async |s: TryScope<'_, ()>| {
        s.spawn(async {
            be_slow(); // from now on everything is shared
            Ok(())
        });
        for _ in 0..3 {
            s.spawn(async { Ok(()) });
        }
        s.spawn(async { Ok(()) }).await;
        for _ in 0..20 {
            s.spawn(async {
                let first = blocking.lock().unwrap().take();
                match first {
                    Some(blocking) => blocking.block(),
                    None if fails => return Err(()),
                    None => {}
                }
                Ok(())
            });
        }
        Ok(())
    });
    let _ = block_on(run.on(pool).around(hook));
    release.join().unwrap()
}

/// A scope that has failed, or whose hook lets no helper in, asks for no help over and over while
/// its thread is in a slow poll.
#[test]
fn tickets_that_cannot_help() {
    watched(|| {
        let tickets = tickets_while_blocked(|stay| stay(), true);
        assert!(tickets < 50, "{tickets}");
        let tickets = tickets_while_blocked(|_| (), false);
        assert!(tickets < 50, "{tickets}");
    });
}
