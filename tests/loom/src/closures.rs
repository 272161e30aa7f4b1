//! A closure on the blocking pool meets the child that waits for it, and the end of its scope.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize as Count, Ordering};
use std::task::{Context, Poll, Waker};

use loom::thread::{self, JoinHandle};

use crate::blocking::closure::{BlockingChild, Closure};
use crate::run::shared::Shared;
use crate::support::{Lent, Outcome, Scope, WAITING, explore_within, run};
use crate::sync::take_waits;

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
        let work = Arc::clone(self);
        let dispatch = move |closure: Arc<Closure<_, _>>| {
            let thread = thread::spawn(move || closure.run());
            *work.thread.lock().unwrap() = Some(thread);
        };
        BlockingChild::new(closure, shared, dispatch)
    }
}

fn poll<T>(child: &mut (impl Future<Output = T> + Unpin), waker: &Waker) -> Poll<T> {
    Pin::new(child).poll(&mut Context::from_waker(waker))
}

/// B1: the child is woken when the closure has returned, and has its value.
#[test]
fn value() {
    static AT_ONCE: Outcome = Outcome::new("the closure had returned at the second poll");
    static WOKEN: Outcome = Outcome::new("the child waited and was woken");

    explore_within(WAITING, || {
        let (shared, work) = (Shared::new(), Work::new());
        let mut child = work.spawn(&shared);
        assert!(poll(&mut child, Waker::noop()).is_pending());
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

/// B4, B5: the scope is dropped while the pool begins with the closure: when `drop` returns, the
/// closure has returned, or never runs.
#[test]
fn start_and_drop() {
    static FATES: Fates = Fates::new();

    explore_within(WAITING, || {
        take_waits();
        let (scope, work) = (Scope::new(), Work::new());
        let mut child = work.spawn(&scope.shared());
        assert!(poll(&mut child, Waker::noop()).is_pending());
        drop(child);
        drop(scope);
        FATES.mark(&work, take_waits());
        work.assert_over();
    });
    FATES.assert_seen();
}

/// B3, B5: the scope fails at that moment: its poll is pending, and woken when the closure has
/// returned.
#[test]
fn start_and_failure() {
    static FATES: Fates = Fates::new();

    explore_within(WAITING, || {
        let (mut scope, work) = (Scope::new(), Work::new());
        let shared = scope.shared();
        let mut child = work.spawn(&shared);
        assert!(poll(&mut child, Waker::noop()).is_pending());
        drop(child);
        shared.failed();
        let sleeps = scope.run();
        FATES.mark(&work, sleeps);
        assert_eq!(shared.len(), 0);
        work.assert_over();
    });
    FATES.assert_seen();
}

/// B3, B4: a scope that was polled while it waits is dropped.
#[test]
fn failure_and_drop() {
    static FATES: Fates = Fates::new();

    explore_within(WAITING, || {
        take_waits();
        let (mut scope, work) = (Scope::new(), Work::new());
        let shared = scope.shared();
        let mut child = work.spawn(&shared);
        assert!(poll(&mut child, Waker::noop()).is_pending());
        drop(child);
        shared.failed();
        scope.poll(Waker::noop());
        drop(scope);
        FATES.mark(&work, take_waits());
        work.assert_over();
    });
    FATES.assert_seen();
}

/// B5: what the pool holds of a closure that was skipped is small, however large that was.
#[test]
fn size_of_a_skipped_closure() {
    assert_eq!(
        size_of::<Closure<[u8; 4096], ()>>(),
        size_of::<Closure<(), ()>>()
    );
}
