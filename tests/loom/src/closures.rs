//! A closure on the blocking pool meets the child that waits for it, and the end of its scope.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize as Count, Ordering};
use std::task::{Context, Poll, Waker};

use loom::thread::{self, JoinHandle};

use crate::blocking::closure::{BlockingChild, Closure};
use crate::inspect::Name;
use crate::queue::Kind;
use crate::run::current::enter;
use crate::run::shared::Shared;
use crate::support::{Lent, Outcome, Scope, WAITING, Wakes, explore_within, run};
use crate::sync::take_waits;
use crate::task::metadata::Spawned;

/// What the closure of a model touches, how often it was called, and the thread of the pool.
struct Work {
    lent: Lent,
    calls: Count,
    thread: std::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Work {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            lent: Lent::new(),
            calls: Count::new(0),
            thread: Default::default(),
        })
    }

    /// What can be said when the scope is over: the closure has returned or never runs, whether or
    /// not the thread of the pool is still there.
    fn assert_over(&self) {
        self.lent.reclaim();
        let calls = self.calls();
        let thread = self.thread.lock().unwrap().take();
        thread.expect("it was dispatched").join().unwrap();
        assert_eq!(self.calls(), calls);
    }

    /// Waits for the thread of the pool.
    fn join(&self) {
        let thread = self.thread.lock().unwrap().take();
        thread.expect("it was dispatched").join().unwrap();
        self.lent.reclaim();
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// The closure as a child of the scope of `shared`, on a thread of its own.
    fn spawn(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
    ) -> impl Future<Output = usize> + Unpin + use<> {
        let work = Arc::clone(self);
        let closure = move || {
            work.lent.borrow();
            work.calls.fetch_add(1, Ordering::Relaxed) + 1
        };
        let child = BlockingChild::new(
            Box::new(closure),
            shared,
            Name::default(),
            Spawned::here(Kind::Ordinary),
        );
        let closure = child.closure();
        *self.thread.lock().unwrap() = Some(thread::spawn(move || closure.run()));
        child
    }
}

fn poll<T>(child: &mut (impl Future<Output = T> + Unpin), waker: &Waker) -> Poll<T> {
    Pin::new(child).poll(&mut Context::from_waker(waker))
}

/// Polls the child for the first time; the closure may have returned by then.
fn start(child: &mut (impl Future<Output = usize> + Unpin)) {
    if let Poll::Ready(value) = poll(child, Waker::noop()) {
        assert_eq!(value, 1);
    }
}

/// B1: the child is woken when the closure has returned, and has its value.
#[test]
fn value() {
    static AT_ONCE: Outcome = Outcome::new("the closure had returned at the first poll");
    static WOKEN: Outcome = Outcome::new("the child waited and was woken");

    explore_within(WAITING, || {
        let (shared, work) = (Shared::new(), Work::new());
        let mut child = work.spawn(&shared);
        let (sleeps, wakes) = run(|waker| match poll(&mut child, waker) {
            Poll::Ready(value) => value == 1,
            Poll::Pending => false,
        });
        work.assert_over();
        assert_eq!(sleeps, wakes);
        match sleeps {
            0 => AT_ONCE.mark(),
            _ => WOKEN.mark(),
        }
    });
    AT_ONCE.assert_seen();
    WOKEN.assert_seen();
}

/// What became of a closure whose child was dropped.
struct Fates {
    skipped: Outcome,
    waited_for: Outcome,
    early: Outcome,
}

impl Fates {
    const fn new() -> Self {
        Self {
            skipped: Outcome::new("the closure was skipped"),
            waited_for: Outcome::new("the scope waited for the closure"),
            early: Outcome::new("the closure had returned before the end"),
        }
    }

    fn mark(&self, work: &Work, waits: usize) {
        match (work.calls(), waits) {
            (0, 0) => self.skipped.mark(),
            (0, _) => panic!("the scope waited for a closure that did not run"),
            (_, 0) => self.early.mark(),
            _ => self.waited_for.mark(),
        }
    }

    fn assert_seen(&self) {
        self.skipped.assert_seen();
        self.waited_for.assert_seen();
        self.early.assert_seen();
    }
}

/// B2, B5: the scope is dropped while the pool begins with the closure, and nothing is around it:
/// the drop does not wait, and the closure never runs or runs to its end.
#[test]
fn start_and_drop() {
    static SKIPPED: Outcome = Outcome::new("the closure was skipped");
    static ALONE: Outcome = Outcome::new("the closure ran on alone");

    explore_within(WAITING, || {
        take_waits();
        let (scope, work) = (Scope::new(), Work::new());
        let shared = scope.shared();
        let mut child = work.spawn(&shared);
        start(&mut child);
        drop(child);
        drop(scope);
        assert_eq!(take_waits(), 0);
        match shared.len() {
            0 if work.calls() == 0 => SKIPPED.mark(),
            _ => ALONE.mark(),
        }
        work.join();
        assert_eq!(shared.len(), 0);
    });
    SKIPPED.assert_seen();
    ALONE.assert_seen();
}

/// A scope inside `outer`, which has been polled once.
fn inside(outer: &Arc<Shared>) -> Scope {
    let mut inner = Scope::new();
    let is_over = enter(outer, None, true, |_| inner.poll(Waker::noop()));
    assert!(!is_over);
    inner
}

/// B4: the scope is dropped inside another one, which returns when the closure has returned.
#[test]
fn taken_over() {
    static FATES: Fates = Fates::new();

    explore_within(WAITING, || {
        let (mut outer, work) = (Scope::with_finished_body(), Work::new());
        let inner = inside(&outer.shared());
        let mut child = work.spawn(&inner.shared());
        start(&mut child);
        drop(child);
        drop(inner);
        // The closure can return between the two looks of a poll, and wakes the task all the same.
        let (sleeps, wakes) = run(|waker| outer.poll(waker));
        assert!((sleeps..=sleeps + 1).contains(&wakes));
        FATES.mark(&work, sleeps);
        work.assert_over();
    });
    FATES.assert_seen();
}

/// B4: it is dropped on another thread, at the moment when the one around it returns: that has
/// taken the closure over and waits, or was over before.
#[test]
fn taken_over_or_too_late() {
    static WAITED: Outcome = Outcome::new("the outer scope had taken the closure over");
    static TOO_LATE: Outcome = Outcome::new("the outer scope was over before");

    explore_within(2, || {
        let (mut outer, work) = (Scope::with_finished_body(), Work::new());
        let (shared, inner) = (outer.shared(), inside(&outer.shared()));
        let inner_shared = inner.shared();
        let mut child = work.spawn(&inner_shared);
        start(&mut child);
        let dropping = thread::spawn(move || {
            drop(child);
            drop(inner);
        });
        if run(|waker| outer.poll(waker)).0 > 0 {
            WAITED.mark();
        }
        assert_eq!(shared.closures.len(), 0);
        dropping.join().unwrap();
        assert_eq!(shared.closures.len(), 0, "nothing was taken over too late");
        if inner_shared.closures.len() > 0 {
            TOO_LATE.mark();
        }
        work.join();
    });
    WAITED.assert_seen();
    TOO_LATE.assert_seen();
}

/// B2, B3: the scope fails at that moment: its poll is pending, and woken when the closure has
/// returned.
#[test]
fn start_and_failure() {
    static FATES: Fates = Fates::new();

    explore_within(WAITING, || {
        let (mut scope, work) = (Scope::new(), Work::new());
        let shared = scope.shared();
        let mut child = work.spawn(&shared);
        start(&mut child);
        drop(child);
        shared.failed();
        let sleeps = scope.run();
        FATES.mark(&work, sleeps);
        assert_eq!(shared.len(), 0);
        work.assert_over();
    });
    FATES.assert_seen();
}

/// B4: a scope that was polled while it waits is dropped: its task is not woken afterwards.
#[test]
fn failure_and_drop() {
    static ALONE: Outcome = Outcome::new("the closure ran on alone");

    explore_within(WAITING, || {
        let (mut scope, work, wakes) = (Scope::new(), Work::new(), Arc::new(Wakes::default()));
        let shared = scope.shared();
        let mut child = work.spawn(&shared);
        start(&mut child);
        drop(child);
        shared.failed();
        let is_over = scope.poll(&Waker::from(Arc::clone(&wakes)));
        let before = wakes.count();
        drop(scope);
        if !is_over && before == 0 && shared.closures.len() > 0 {
            ALONE.mark();
        }
        let dropped = wakes.count();
        work.join();
        assert_eq!((wakes.count(), Arc::strong_count(&wakes)), (dropped, 1));
    });
    ALONE.assert_seen();
}

/// B2: what the pool holds of a closure that was skipped is small, however large that was.
#[test]
fn size_of_a_skipped_closure() {
    assert_eq!(
        size_of::<Closure<[u8; 4096], ()>>(),
        size_of::<Closure<(), ()>>()
    );
}
