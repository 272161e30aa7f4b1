//! Closures that the blocking pool has not started: they are skipped, and nobody waits for them.
//! The ids are those of `tests/README.md`.
//!
//! The pool of this process has one thread, which each test occupies.
#![cfg(feature = "blocking")]

#[path = "support/blocked.rs"]
mod blocked;
#[path = "support/life.rs"]
mod life;

use std::future::{Future, pending};
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use ::blocking::{Task, set_max_blocking_threads, unblock};
use blocked::Blocked;
use futures_lite::future::block_on;
use life::{Counter, Gate, OnDrop, settle, watched};
use taskpen::{TryScope, scope, try_scope};

/// The one thread of the pool, which is busy with something else.
struct Occupied {
    blocked: Blocked,
    task: Task<()>,
    _turn: MutexGuard<'static, ()>,
}

impl Occupied {
    fn new() -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        set_max_blocking_threads(NonZeroUsize::MIN);
        let (blocked, closure) = Blocked::new(|| ());
        let task = unblock(closure);
        blocked.wait_for_start();
        Self {
            blocked,
            task,
            _turn: turn,
        }
    }

    /// Frees the thread, and waits until it has come to everything that is in its queue now.
    fn free(mut self) {
        let last = unblock(|| ());
        self.blocked.let_go();
        block_on(self.task);
        block_on(last);
    }
}

/// Notes calls, and where it was dropped.
#[derive(Default)]
struct Closure {
    calls: Counter,
    dropped_here: Counter,
}

impl Closure {
    fn make(&self) -> impl FnOnce() + Send + 'static {
        let (calls, dropped) = (self.calls.clone(), self.dropped_here.clone());
        let here = thread::current().id();
        let guard = OnDrop::new(move || {
            if thread::current().id() == here {
                dropped.add();
            }
        });
        move || {
            let _guard = guard;
            calls.add();
        }
    }
}

/// B2: a scope that is dropped does not wait for what is in the queue. That is dropped with it, on
/// this thread, and never runs.
#[test]
fn drop_of_a_scope() {
    watched(|| {
        let occupied = Occupied::new();
        let closure = Closure::default();
        let mut scoped = Box::pin(scope(async |s| {
            for _ in 0..3 {
                s.spawn_blocking(closure.make());
            }
            pending::<()>().await;
        }));
        assert!(settle(scoped.as_mut()).is_pending());
        drop(scoped);
        assert_eq!(closure.dropped_here.get(), 3);
        occupied.free();
        assert_eq!(closure.calls.get(), 0);
    });
}

/// B2: at a normal end background closures in the queue are skipped.
#[test]
fn end_of_a_scope() {
    watched(|| {
        let occupied = Occupied::new();
        let closure = Closure::default();
        let finish = Gate::default();
        let mut scoped = Box::pin(scope(async |s| {
            s.spawn_blocking_background(closure.make());
            finish.wait().await;
        }));
        assert!(settle(scoped.as_mut()).is_pending());
        finish.open();
        assert!(settle(scoped.as_mut()).is_ready());
        assert_eq!(closure.dropped_here.get(), 1);
        occupied.free();
        assert_eq!(closure.calls.get(), 0);
    });
}

/// B2: nor does one that fails.
#[test]
fn failure_of_a_scope() {
    watched(|| {
        let occupied = Occupied::new();
        let closure = Closure::default();
        let fail = Gate::default();
        let mut scoped = Box::pin(try_scope(async |s: TryScope<'_, ()>| {
            let queued = closure.make();
            s.spawn_blocking(move || {
                queued();
                Ok(())
            });
            fail.wait().await;
            Err::<(), _>(())
        }));
        assert!(settle(scoped.as_mut()).is_pending());
        fail.open();
        assert_eq!(block_on(scoped), Err(()));
        assert_eq!(closure.dropped_here.get(), 1);
        occupied.free();
        assert_eq!(closure.calls.get(), 0);
    });
}

/// B2, B9: to cancel the handle of a closure that is in the queue skips it.
#[test]
fn cancel_of_a_handle() {
    watched(|| {
        let occupied = Occupied::new();
        let closure = Closure::default();
        let (cancel, is_over) = (Gate::default(), Counter::default());
        let mut scoped: Pin<Box<dyn Future<Output = ()>>> = Box::pin(scope(async |s| {
            let child = s.spawn_blocking(closure.make());
            cancel.wait().await;
            assert_eq!(child.cancel().await, None);
            assert!(s.is_empty());
            is_over.add();
        }));
        assert!(settle(scoped.as_mut()).is_pending());
        cancel.open();
        assert!(settle(scoped.as_mut()).is_ready());
        assert_eq!((is_over.get(), closure.dropped_here.get()), (1, 1));
        drop(scoped);
        occupied.free();
        assert_eq!(closure.calls.get(), 0);
    });
}

/// B1: what is in the queue of a scope that goes on is started when a thread is free, each once.
#[test]
fn turn_in_the_queue() {
    watched(|| {
        let occupied = Occupied::new();
        let closure = Closure::default();
        let mut scoped = Box::pin(scope(async |s| {
            for _ in 0..3 {
                s.spawn_blocking(closure.make());
            }
        }));
        assert!(settle(scoped.as_mut()).is_pending());
        assert_eq!(closure.calls.get(), 0);
        occupied.free();
        block_on(scoped);
        assert_eq!((closure.calls.get(), closure.dropped_here.get()), (3, 0));
    });
}

/// V1: in the tree it is ready for as long as it is in the queue, and gone when it is skipped,
/// though the pool has not come to it.
#[cfg(feature = "inspect")]
#[test]
fn in_the_tree() {
    use taskpen::inspect::State;

    watched(|| {
        let occupied = Occupied::new();
        block_on(scope(async |s| {
            let queued = s.spawn_blocking(|| ());
            let node = s.tree();
            let states: Vec<_> = node.children.iter().map(|it| it.state).collect();
            assert_eq!(states, [State::Ready]);
            assert_eq!(queued.cancel().await, None);
            assert!(s.tree().children.is_empty());
        }));
        occupied.free();
    });
}
