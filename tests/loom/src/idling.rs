//! A scope goes idle while another thread makes it ready.

use std::sync::Arc;

use loom::thread;

use crate::child::Task;
use crate::queue::list::List;
use crate::queue::waker_cache::WakerCache;
use crate::queue::{Kind, Next};
use crate::run::current::enter;
use crate::run::shared::Shared;
use crate::support::{Lent, Outcome, Scope, assert_over, explore, explore_within, run};

/// L5: a child is woken.
#[test]
fn wake_of_a_child() {
    static IDLE: Outcome = Outcome::new("the scope was idle and was woken");
    static BUSY: Outcome = Outcome::new("the wake-up came before the scope was idle");

    explore(|| {
        let mut scope = Scope::with_finished_body();
        let child = scope.spawn(Kind::Ordinary);
        let foreign = thread::spawn({
            let child = Arc::clone(&child);
            move || child.let_finish()
        });
        match scope.run() {
            0 => BUSY.mark(),
            _ => IDLE.mark(),
        }
        foreign.join().unwrap();
        assert_over(&scope.shared(), &[&child]);
    });
    IDLE.assert_seen();
    BUSY.assert_seen();
}

/// L5, R4: the body is woken.
#[test]
fn wake_of_the_body() {
    static IDLE: Outcome = Outcome::new("the scope was idle and was woken");
    static BUSY: Outcome = Outcome::new("the wake-up came before the scope was idle");

    explore(|| {
        let mut scope = Scope::new();
        let foreign = thread::spawn(scope.body_switch());
        match scope.run() {
            0 => BUSY.mark(),
            _ => IDLE.mark(),
        }
        foreign.join().unwrap();
        assert_over(&scope.shared(), &[]);
    });
    IDLE.assert_seen();
    BUSY.assert_seen();
}

/// L5: the body and a child are woken, each by a thread of its own. Whoever comes first wakes an
/// idle scope, the other one does not.
#[test]
fn wakes_of_the_body_and_a_child() {
    static NEVER: Outcome = Outcome::new("both came before the scope was idle");
    static ONCE: Outcome = Outcome::new("the scope was idle once");
    static TWICE: Outcome = Outcome::new("the scope was idle twice");

    explore_within(3, || {
        let mut scope = Scope::new();
        let child = scope.spawn(Kind::Ordinary);
        let wakes_body = thread::spawn(scope.body_switch());
        let wakes_child = thread::spawn({
            let child = Arc::clone(&child);
            move || child.let_finish()
        });
        match scope.run() {
            0 => NEVER.mark(),
            1 => ONCE.mark(),
            _ => TWICE.mark(),
        }
        wakes_body.join().unwrap();
        wakes_child.join().unwrap();
        assert_over(&scope.shared(), &[&child]);
    });
    NEVER.assert_seen();
    ONCE.assert_seen();
    TWICE.assert_seen();
}

/// R7: a child is spawned.
#[test]
fn spawn() {
    static IDLE: Outcome = Outcome::new("the scope was idle and was woken");
    static BUSY: Outcome = Outcome::new("the child came before the scope was idle");

    explore(|| {
        let mut scope = Scope::new();
        let child = Task::new(&scope.shared(), Kind::Ordinary);
        let foreign = thread::spawn({
            let child = Arc::clone(&child);
            move || assert!(child.add(), "the scope has not ended")
        });
        match scope.run_until(|| child.polls() == 1) {
            0 => BUSY.mark(),
            _ => IDLE.mark(),
        }
        foreign.join().unwrap();
        let shared = scope.shared();
        drop(scope);
        assert_over(&shared, &[&child]);
    });
    IDLE.assert_seen();
    BUSY.assert_seen();
}

/// F1, F5: the scope has failed, as by the `Err` of a child, while neither its body nor a child
/// would ever wake it.
#[test]
fn failure() {
    static IDLE: Outcome = Outcome::new("the scope was idle and was woken");
    static BUSY: Outcome = Outcome::new("the failure came before the scope was idle");

    explore(|| {
        let mut scope = Scope::new();
        let child = scope.spawn(Kind::Ordinary);
        let foreign = thread::spawn({
            let shared = scope.shared();
            move || shared.failed()
        });
        match scope.run() {
            0 => BUSY.mark(),
            _ => IDLE.mark(),
        }
        foreign.join().unwrap();
        assert_over(&scope.shared(), &[&child]);
    });
    IDLE.assert_seen();
    BUSY.assert_seen();
}

/// H2: a handle cancels a child at its first poll: the runnable that there is drops it, or else the
/// handle pushes one.
#[test]
fn cancel() {
    static UNPOLLED: Outcome = Outcome::new("the child was not polled");
    static SEEN: Outcome =
        Outcome::new("the child was being polled, or was woken again before the scope was idle");
    static WOKEN: Outcome = Outcome::new("the child was suspended and was woken");

    explore(|| {
        let mut scope = Scope::with_finished_body();
        let child = scope.spawn(Kind::Ordinary);
        let foreign = thread::spawn({
            let child = Arc::clone(&child);
            move || child.cancel()
        });
        let idle = scope.run();
        foreign.join().unwrap();
        assert!(child.polls() <= 1, "a cancelled child is not polled again");
        match (child.polls(), idle) {
            (0, _) => UNPOLLED.mark(),
            (_, 0) => SEEN.mark(),
            _ => WOKEN.mark(),
        }
        assert_over(&scope.shared(), &[&child]);
    });
    UNPOLLED.assert_seen();
    SEEN.assert_seen();
    WOKEN.assert_seen();
}

/// L1: the last child is dropped by another thread. Whoever sees the count sees all that the
/// destructor did, with or without the wake-up that follows.
#[test]
fn count_of_a_child_that_finishes_elsewhere() {
    static IDLE: Outcome = Outcome::new("the scope was idle and was woken");
    static BUSY: Outcome = Outcome::new("the count was seen before the scope was idle");

    explore(|| {
        let shared = Shared::new();
        let lent = Arc::new(Lent::new());
        assert!(Task::new(&shared, Kind::Ordinary).add());
        let foreign = thread::spawn({
            let (shared, lent) = (Arc::clone(&shared), Arc::clone(&lent));
            move || {
                lent.borrow();
                shared.queue.count_out(Kind::Ordinary, None);
                shared.queue.wake_body();
            }
        });
        let (idle, _) = run(|current| {
            let mut cache = WakerCache::new(current);
            let mut batch = List::default();
            let mut poll = |cache: &mut WakerCache<'_>| loop {
                match shared.queue.next(&mut batch, true, cache) {
                    // The child is with the other thread, as it were.
                    Next::Run => std::mem::forget(std::mem::take(&mut batch)),
                    Next::NeedWaker => drop(cache.keep_current()),
                    Next::Helped | Next::Closing => unreachable!("there are no helpers"),
                    Next::Idle => return false,
                    Next::Done => return true,
                }
            };
            enter(&shared, None, true, |_| {
                shared.queue.home.enter(|| {
                    shared.queue.take_back(&mut cache);
                    poll(&mut cache)
                })
            })
        });
        lent.reclaim();
        match idle {
            0 => BUSY.mark(),
            _ => IDLE.mark(),
        }
        foreign.join().unwrap();
    });
    IDLE.assert_seen();
    BUSY.assert_seen();
}
