//! Waiting for a cancellation: who is woken, also by wakers that act, and what waits leave behind.
//! The ids are those of `tests/README.md`.

use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::Waker;

use crate::foreign::{Hooks, waker, waker_unlike_its_clones};
use crate::life::{Counter, Wakes, poll_once, poll_with, run, settle, watched};
use futures_lite::future::yield_now;
use taskpen::{Scope, StopToken, scope};

/// K8: everybody who waits is woken, once each, wherever they wait; who gave up is not.
#[test]
fn ten_thousand_waiters() {
    let count = Counter::default();
    run(scope(async |s| {
        for _ in 0..5_000 {
            let (s_of_child, count) = (s.clone(), count.clone());
            s.spawn(async move {
                s_of_child.stop_token().await;
                count.add();
            });
        }
        let token = s.stop_token();
        let mut outside: Vec<_> = (0..5_000)
            .map(|_| (Box::pin(token.clone()), Wakes::waker()))
            .collect();
        for (waits, (_, waker)) in &mut outside {
            assert!(poll_with(waits.as_mut(), waker).is_pending());
        }
        let gave_up: Vec<_> = outside.drain(..1_000).map(|(_, wakes)| wakes).collect();
        yield_now().await;
        token.request_stop("enough");
        for (waits, (wakes, waker)) in &mut outside {
            assert_eq!(wakes.count(), 1);
            assert!(poll_with(waits.as_mut(), waker).is_ready());
        }
        assert!(gave_up.iter().all(|(wakes, _)| wakes.count() == 0));
    }));
    assert_eq!(count.get(), 5_000);
}

/// K8: a wait that is polled with another waker wakes that one, and the first no more; with the
/// same one it keeps it.
#[test]
fn waker_that_changes() {
    run(scope(async |s| {
        let mut waits = pin!(s.stop_token());
        let (first, second) = (Wakes::waker(), Wakes::waker());
        for (_, waker) in [&first, &first, &second, &second] {
            assert!(poll_with(waits.as_mut(), waker).is_pending());
        }
        assert_eq!(Arc::strong_count(&first.0), 2, "nobody keeps it");
        s.request_stop("enough");
        assert_eq!((first.0.count(), second.0.count()), (0, 1));
    }));
}

/// Panics when it is woken, and when it is dropped if `on_drop` is set.
struct Panics {
    on_drop: bool,
}

impl Hooks for Panics {
    fn on_wake(&self) {
        panic!("this waker panics on purpose");
    }

    fn on_drop(&self) {
        if self.on_drop && !std::thread::panicking() {
            panic!("the drop of this waker panics on purpose");
        }
    }
}

/// K9: a waker that panics keeps nobody from being woken, raises nothing from `cancel`, and leaves
/// the waits usable.
#[test]
fn panicking_wakers() {
    for on_drop in [false, true] {
        run(scope(async |s| {
            let panics = waker(&Arc::new(Panics { on_drop }));
            let (wakes, good) = Wakes::waker();
            let mut waits: Vec<_> = (0..9).map(|_| Box::pin(s.stop_token())).collect();
            for (index, waits) in waits.iter_mut().enumerate() {
                let waker = if index % 3 == 1 { &panics } else { &good };
                assert!(poll_with(waits.as_mut(), waker).is_pending());
            }
            s.request_stop("enough");
            assert_eq!(wakes.count(), 6);
            for mut waits in waits {
                assert!(poll_once(waits.as_mut()).is_ready());
            }
            let _ = catch_unwind(AssertUnwindSafe(|| drop(panics)));
        }));
    }
}

/// K9: nor does one whose drop panics, when the wait is given up or polled with another waker.
#[test]
fn panicking_drops() {
    run(scope(async |s| {
        let panics = waker(&Arc::new(Panics { on_drop: true }));
        let mut waits = Box::pin(s.stop_token());
        assert!(poll_with(waits.as_mut(), &panics).is_pending());
        drop(waits);
        let mut waits = Box::pin(s.stop_token());
        assert!(poll_with(waits.as_mut(), &panics).is_pending());
        let (wakes, good) = Wakes::waker();
        assert!(poll_with(waits.as_mut(), &good).is_pending());
        s.request_stop("enough");
        assert_eq!(wakes.count(), 1);
        let _ = catch_unwind(AssertUnwindSafe(|| drop(panics)));
    }));
}

/// Counts how often it is cloned.
#[derive(Default)]
struct Clones(Counter);

impl Hooks for Clones {
    fn on_clone(&self) {
        self.0.add();
    }
}

/// K8: polling again with the same waker costs no clone.
#[test]
fn waker_that_stays() {
    run(scope(async |s| {
        let clones = Arc::new(Clones::default());
        let same = waker(&clones);
        let mut waits = pin!(s.stop_token());
        for _ in 0..3 {
            assert!(poll_with(waits.as_mut(), &same).is_pending());
        }
        assert_eq!(clones.0.get(), 1);
    }));
}

/// Uses the token, in every way, whenever the waker is cloned, woken or dropped. Deadlocks if a
/// lock is held.
#[derive(Default)]
struct Reentrant {
    token: OnceLock<StopToken>,
    calls: Counter,
    may_cancel: bool,
}

impl Reentrant {
    fn act(&self) {
        self.calls.add();
        let Some(token) = self.token.get() else {
            return;
        };
        let _ = (token.stop_requested(), token.cause(), format!("{token:?}"));
        let mut waits = pin!(token.clone());
        let _ = poll_with(waits.as_mut(), Waker::noop());
        if self.may_cancel {
            token.request_stop("enough");
        }
    }
}

impl Hooks for Reentrant {
    fn on_each(&self) {
        self.act();
    }
}

/// K9: wakers may use the token when they are cloned, woken and dropped, and even cancel.
#[test]
fn reentrant_wakers() {
    watched(|| {
        for may_cancel in [false, true] {
            run(scope(async |s| {
                let hooks = Arc::new(Reentrant {
                    may_cancel,
                    ..Reentrant::default()
                });
                hooks.token.set(s.stop_token()).unwrap();
                let waker = waker_unlike_its_clones(&hooks);
                let mut waits = pin!(s.stop_token());
                // Cloned; then dropped, because no two clones are equal.
                let _ = poll_with(waits.as_mut(), &waker);
                let _ = poll_with(waits.as_mut(), &waker);
                assert_eq!(poll_once(waits.as_mut()).is_ready(), may_cancel);
                let mut woken = pin!(s.stop_token());
                assert_eq!(poll_with(woken.as_mut(), &waker).is_ready(), may_cancel);
                s.request_stop("enough");
                assert!(hooks.calls.get() >= 2);
            }));
        }
    });
}

/// The future of a scope that nothing is borrowed by.
type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An executor that polls in `wake`, deep in the calls of whoever wakes.
#[derive(Default)]
struct Inline(Mutex<Option<Boxed>>);

impl Hooks for Inline {
    fn on_wake(&self) {
        let Some(mut future) = self.0.lock().unwrap().take() else {
            return;
        };
        // Polled with a waker that does nothing: it is the last poll.
        assert!(poll_once(future.as_mut()).is_ready());
    }
}

/// K9: an executor that polls the waiting task within `wake` does so within `cancel`, and it
/// returns.
#[test]
fn inline_executor() {
    watched(|| {
        let shown: Arc<OnceLock<Scope<'static>>> = Arc::default();
        let inline = Arc::new(Inline::default());
        let to_show = Arc::clone(&shown);
        let mut future: Boxed = Box::pin(scope(async move |s| {
            assert!(to_show.set(s.clone()).is_ok());
            s.stop_token().await;
            // Not first in line any more, but the lock is taken again.
            s.stop_token().await;
        }));
        assert!(poll_with(future.as_mut(), &waker(&inline)).is_pending());
        *inline.0.lock().unwrap() = Some(future);
        shown.get().unwrap().request_stop("enough");
        assert!(inline.0.lock().unwrap().is_none());
        assert!(shown.get().unwrap().is_ended());
    });
}

/// K10: waits that are given up, and nested scopes that come and go, leave nothing with a scope
/// that lives long; what they held is freed.
#[test]
fn nothing_is_left() {
    run(scope(async |s| {
        let (counter, first) = Wakes::waker();
        let token = s.stop_token();
        for _ in 0..10 {
            let mut waits = Box::pin(token.clone());
            assert!(poll_with(waits.as_mut(), &first).is_pending());
        }
        assert_eq!(Arc::strong_count(&counter), 2, "no wait keeps a waker");

        // A nested scope that was asked for its token, in each of the ways it can go.
        for round in 0..3 {
            let mut nested = Box::pin(scope(async |s| {
                let mut waits = pin!(s.stop_token());
                assert!(poll_with(waits.as_mut(), &first).is_pending());
                match round {
                    0 => yield_now().await,
                    1 => s.request_stop("enough"),
                    _ => pending().await,
                }
            }));
            let ended = settle(nested.as_mut()).is_ready();
            assert_eq!(ended, round < 2);
            drop(nested);
            assert_eq!(Arc::strong_count(&counter), 2);
        }
        // The first was done with waiting before its end. None is told any more.
        let before = counter.take();
        s.request_stop("enough");
        assert_eq!((before, counter.count()), (2, 0));
    }));
}
