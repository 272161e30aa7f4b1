//! The children of a set leave their values, are suspended or go, while the set reads, cancels or
//! goes.
//!
//! The set and its children are stand-ins: what is explored is what they share.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize as Count, Ordering};
use std::task::{Context, Poll, Waker};

use loom::thread;

use crate::run::shared::Shared;
use crate::sets::results::Results;
use crate::support::{Outcome, Wakes, explore, run};

/// Reads until it has heard of so many children, asleep in between; the values, and how often it
/// slept. It is woken once each time.
fn read<T>(results: &Results<T>, children: usize) -> (VecDeque<T>, usize) {
    let mut values = VecDeque::new();
    let mut left = children;
    let (sleeps, wakes) = run(|waker| {
        let mut cx = Context::from_waker(waker);
        while left > 0 {
            match results.poll(&mut values, &mut cx) {
                Poll::Ready(heard_of) => left -= heard_of,
                Poll::Pending => return false,
            }
        }
        true
    });
    assert_eq!(sleeps, wakes, "woken once each time it waits");
    (values, sleeps)
}

/// S11, S12: one child leaves a value and another one is lost, while the set begins to wait. It
/// hears of both.
#[test]
fn leave_and_read() {
    static AT_ONCE: Outcome = Outcome::new("both were there when the set looked");
    static WOKEN: Outcome = Outcome::new("the set was woken once, for both or for the last");
    static TWICE: Outcome = Outcome::new("the set was woken for each");

    explore(|| {
        let results = Results::new(&Shared::new());
        let children = [Some(7), None].map(|value| {
            let results = Arc::clone(&results);
            thread::spawn(move || results.leave(results.generation(), None, value))
        });
        let (values, sleeps) = read(&results, 2);
        assert_eq!(values, [7]);
        match sleeps {
            0 => AT_ONCE.mark(),
            1 => WOKEN.mark(),
            _ => TWICE.mark(),
        }
        for child in children {
            child.join().unwrap();
        }
    });
    AT_ONCE.assert_seen();
    WOKEN.assert_seen();
    TWICE.assert_seen();
}

/// S12: the set looks without waiting while children leave, and waits for the others then. It hears
/// of each once.
#[test]
fn leave_and_take() {
    static FOUND: Outcome = Outcome::new("a child was found without waiting");
    static WAITED: Outcome = Outcome::new("none was, so the set waited for both");

    explore(|| {
        let results = Results::new(&Shared::new());
        let children = [Some(7), None].map(|value| {
            let results = Arc::clone(&results);
            thread::spawn(move || results.leave(results.generation(), None, value))
        });
        let mut values = VecDeque::new();
        let found = results.take(&mut values);
        match found {
            0 => WAITED.mark(),
            _ => FOUND.mark(),
        }
        values.extend(read(&results, 2 - found).0);
        assert_eq!(values, [7]);
        for child in children {
            child.join().unwrap();
        }
    });
    FOUND.assert_seen();
    WAITED.assert_seen();
}

/// S5: a child becomes suspended while the set cancels. It is woken, or learns of it at once; then
/// it goes, and the set hears of it.
#[test]
fn suspend_and_cancel() {
    static AT_ONCE: Outcome = Outcome::new("the child learned of it at once");
    static WOKEN: Outcome = Outcome::new("the child was woken");

    explore(|| {
        let results = Results::<()>::new(&Shared::new());
        let generation = results.generation();
        let wakes = Arc::new(Wakes::default());
        let child = thread::spawn({
            let (results, waker) = (Arc::clone(&results), Waker::from(Arc::clone(&wakes)));
            move || results.suspend(generation, &waker)
        });
        results.cancel();
        let slot = child.join().unwrap();
        assert_eq!(wakes.count(), usize::from(slot.is_some()));
        match slot {
            None => AT_ONCE.mark(),
            Some(_) => WOKEN.mark(),
        }
        results.leave(generation, slot, None);
        assert!(read(&results, 1).0.is_empty());
    });
    AT_ONCE.assert_seen();
    WOKEN.assert_seen();
}

/// S4, S5: a suspended child goes while the set cancels it, and a child that came later gets its
/// slot. That one keeps it.
#[test]
fn leave_and_cancel() {
    static GONE: Outcome = Outcome::new("the child was gone before");
    static WOKEN: Outcome = Outcome::new("the child was woken on its way");

    explore(|| {
        let results = Results::<()>::new(&Shared::new());
        let [old_wakes, new_wakes] = [(); 2].map(|()| Arc::new(Wakes::default()));
        let waker = |wakes: &Arc<Wakes>| Waker::from(Arc::clone(wakes));
        let generation = results.generation();
        let old = results.suspend(generation, &waker(&old_wakes)).unwrap();
        let child = thread::spawn({
            let results = Arc::clone(&results);
            move || results.leave(generation, Some(old), None)
        });
        results.cancel();
        let generation = results.generation();
        let new = results.suspend(generation, &waker(&new_wakes)).unwrap();
        child.join().unwrap();
        match old_wakes.count() {
            0 => GONE.mark(),
            _ => WOKEN.mark(),
        }
        results.cancel();
        assert_eq!((old_wakes.count() <= 1, new_wakes.count()), (true, 1));
        results.leave(generation, Some(new), None);
        assert!(read(&results, 2).0.is_empty());
    });
    GONE.assert_seen();
    WOKEN.assert_seen();
}

/// A value that counts its drop, and where that was.
struct Value(Arc<Count>, thread::ThreadId, &'static Outcome);

impl Drop for Value {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
        if thread::current().id() == self.1 {
            self.2.mark();
        }
    }
}

/// S4: a child leaves its value while the set goes. The value is dropped once: by the set, or by
/// the child if the set was gone.
#[test]
fn leave_and_close() {
    static BY_SET: Outcome = Outcome::new("the set dropped the value");
    static BY_CHILD: Outcome = Outcome::new("the child dropped the value");

    explore(|| {
        let results = Results::new(&Shared::new());
        let drops = Arc::new(Count::new(0));
        let set = thread::current().id();
        let child = thread::spawn({
            let (results, drops) = (Arc::clone(&results), Arc::clone(&drops));
            move || {
                let here = thread::current().id();
                let by_child = Value(Arc::clone(&drops), here, &BY_CHILD);
                let by_set = Value(drops, set, &BY_SET);
                results.leave(results.generation(), None, Some((by_child, by_set)));
            }
        });
        results.close(VecDeque::new());
        child.join().unwrap();
        assert_eq!(drops.load(Ordering::Relaxed), 2);
    });
    BY_SET.assert_seen();
    BY_CHILD.assert_seen();
}
