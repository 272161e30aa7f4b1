//! The waker of the task that polls a scope re-enters it, acts at once, or panics: L5a, traps 2, 3
//! and 10.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::task::Waker;
use std::thread;

use crate::foreign::{Hooks, waker};
use crate::life::{Counter, Gate, poll_with, settle, watched};
use futures_lite::future::yield_now;
use taskpen::{Scope, scope};

/// Uses the scope whenever the waker is cloned, woken or dropped: on this thread, and on another
/// one while this one waits. Deadlocks if a lock is held.
#[derive(Default)]
struct Reentrant {
    scope: OnceLock<Scope<'static>>,
    spawned: Counter,
    polled: Counter,
    refused: Counter,
}

impl Reentrant {
    fn spawn(&self) {
        let Some(s) = self.scope.get() else { return };
        self.spawned.add();
        let polled = self.polled.clone();
        let child = s.spawn(async move { polled.add() });
        if child.is_cancelled() {
            self.refused.add();
        }
    }

    fn spawn_twice(&self) {
        self.spawn();
        thread::scope(|threads| threads.spawn(|| self.spawn()).join().unwrap());
    }
}

impl Hooks for Reentrant {
    fn on_wake(&self) {
        self.spawn_twice();
    }

    fn on_drop(&self) {
        self.spawn_twice();
    }
}

/// A pending scope that `hooks` can use.
fn open_to(hooks: &Arc<Reentrant>, gate: &Gate) -> impl Future<Output = ()> + Send + use<> {
    let (hooks, gate) = (Arc::clone(hooks), gate.clone());
    scope(async move |s| {
        assert!(hooks.scope.set(s.clone()).is_ok());
        s.spawn(gate.wait());
    })
}

/// L5a: the waker is dropped because the task polls with another one. What its destructor spawns
/// is run, and nothing deadlocks.
#[test]
fn drop_that_spawns() {
    watched(|| {
        let (hooks, gate) = (Arc::new(Reentrant::default()), Gate::default());
        let mut scoped = Box::pin(open_to(&hooks, &gate));
        let original = waker(&hooks);
        assert!(poll_with(scoped.as_mut(), &original).is_pending());
        assert_eq!(hooks.spawned.get(), 0);
        assert!(settle(scoped.as_mut()).is_pending());
        assert_eq!((hooks.spawned.get(), hooks.polled.get()), (2, 2));
        gate.open();
        assert!(settle(scoped.as_mut()).is_ready());
        assert_eq!(hooks.refused.get(), 0);
    });
}

/// L5a, L6: the waker is dropped because the scope is. What its destructor spawns is refused.
#[test]
fn drop_that_spawns_at_the_end() {
    watched(|| {
        let (hooks, gate) = (Arc::new(Reentrant::default()), Gate::default());
        let mut scoped = Box::pin(open_to(&hooks, &gate));
        let original = waker(&hooks);
        assert!(poll_with(scoped.as_mut(), &original).is_pending());
        assert_eq!(hooks.spawned.get(), 0);
        drop(scoped);
        assert_eq!((hooks.spawned.get(), hooks.refused.get()), (2, 2));
        assert_eq!(hooks.polled.get(), 0);
    });
}

/// L5a, R7: waking spawns. What is spawned is run, by the poll that the wake asked for.
#[test]
fn wake_that_spawns() {
    watched(|| {
        let (hooks, gate) = (Arc::new(Reentrant::default()), Gate::default());
        let mut scoped = Box::pin(open_to(&hooks, &gate));
        let original = waker(&hooks);
        assert!(poll_with(scoped.as_mut(), &original).is_pending());
        gate.knock();
        assert!(hooks.spawned.get() >= 2);
        assert!(settle(scoped.as_mut()).is_pending());
        assert_eq!(hooks.polled.get(), hooks.spawned.get());
    });
}

/// The future of a scope that nothing is borrowed by.
type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An executor that acts in `wake`: on the thread, and deep in the calls, of whoever wakes.
struct Inline {
    future: Mutex<Option<Boxed>>,
    /// Whether to poll the future or to drop it.
    polls: bool,
    woken: AtomicBool,
    over: AtomicBool,
    itself: Weak<Self>,
}

impl Inline {
    /// Polls the scope once and leaves the rest to its wakers.
    fn start(polls: bool, mut future: Boxed) -> Arc<Self> {
        let inline = Arc::new_cyclic(|itself| Self {
            future: Mutex::default(),
            polls,
            woken: AtomicBool::new(false),
            over: AtomicBool::new(false),
            itself: Weak::clone(itself),
        });
        assert!(poll_with(future.as_mut(), &inline.waker()).is_pending());
        *inline.future.lock().unwrap() = Some(future);
        inline
    }

    fn waker(&self) -> Waker {
        waker(&self.itself.upgrade().expect("a waker is woken"))
    }

    fn is_over(&self) -> bool {
        self.over.load(SeqCst)
    }
}

impl Hooks for Inline {
    fn on_wake(&self) {
        self.woken.store(true, SeqCst);
        while self.woken.load(SeqCst) {
            // It is gone if the wake comes from within the poll or the drop below.
            let future = self.future.lock().unwrap().take();
            let Some(mut future) = future else { return };
            self.woken.store(false, SeqCst);
            if self.polls && poll_with(future.as_mut(), &self.waker()).is_pending() {
                *self.future.lock().unwrap() = Some(future);
            } else {
                drop(future);
                self.over.store(true, SeqCst);
            }
        }
    }
}

/// A scope with three children at gates; it shows its handle, so that others can spawn.
fn gated(gates: &[Gate; 3], drops: &Counter, shown: &Arc<OnceLock<Scope<'static>>>) -> Boxed {
    let (gates, drops, shown) = (gates.clone(), drops.clone(), Arc::clone(shown));
    Box::pin(scope(async move |s| {
        assert!(shown.set(s.clone()).is_ok());
        for gate in gates {
            let guard = drops.guard();
            s.spawn(async move {
                let _guard = guard;
                gate.wait().await;
                yield_now().await;
            });
        }
    }))
}

/// L5, L5a: whoever wakes a child runs the scope, inside `wake`, and the last one ends it there.
#[test]
fn wake_that_polls_the_scope() {
    watched(|| {
        let (gates, drops, shown) = Default::default();
        let inline = Inline::start(true, gated(&gates, &drops, &shown));
        gates[0].open();
        assert_eq!((drops.get(), inline.is_over()), (1, false));
        thread::scope(|threads| threads.spawn(|| gates[1].open()).join().unwrap());
        assert_eq!((drops.get(), inline.is_over()), (2, false));
        let polled = Counter::default();
        let spawned = polled.clone();
        drop(shown.get().unwrap().spawn(async move { spawned.add() }));
        assert_eq!(polled.get(), 1);
        gates[2].open();
        assert_eq!((drops.get(), inline.is_over()), (3, true));
    });
}

/// L5, L5a: whoever wakes a child drops the scope, inside `wake`, and that child with it.
#[test]
fn wake_that_drops_the_scope() {
    watched(|| {
        let (gates, drops, shown) = Default::default();
        let inline = Inline::start(false, gated(&gates, &drops, &shown));
        gates[1].open();
        assert_eq!((drops.get(), inline.is_over()), (3, true));
        for gate in &gates {
            gate.open();
            assert_eq!(gate.polls(), 1);
        }
    });
}

/// L5a, L6: the scope is dropped inside `wake`, inside `spawn`: the child was accepted, and is
/// gone when `spawn` returns.
#[test]
fn wake_that_drops_the_scope_in_spawn() {
    watched(|| {
        let (gates, drops, shown) = Default::default();
        let inline = Inline::start(false, gated(&gates, &drops, &shown));
        let s = shown.get().unwrap();
        let (polls, guard) = (Counter::default(), drops.guard());
        let polled = polls.clone();
        let child = s.spawn(async move {
            let _guard = guard;
            polled.add();
        });
        assert_eq!((polls.get(), drops.get()), (0, 4));
        assert!(child.is_cancelled() && s.is_ended() && inline.is_over());
    });
}

/// Panics whenever it is told to.
#[derive(Default)]
struct Panicking {
    on_clone: AtomicBool,
    on_wake: AtomicBool,
    on_drop: AtomicBool,
    panics: Counter,
}

impl Panicking {
    fn may_panic(&self, flag: &AtomicBool, message: &'static str) {
        if flag.load(SeqCst) {
            self.panics.add();
            panic!("{message}");
        }
    }
}

impl Hooks for Panicking {
    fn on_clone(&self) {
        self.may_panic(&self.on_clone, "clone");
    }

    fn on_wake(&self) {
        self.may_panic(&self.on_wake, "wake");
    }

    fn on_drop(&self) {
        self.may_panic(&self.on_drop, "drop");
    }
}

/// L5a, trap 3: the caller's waker panics when it is woken. That does not unwind into whoever
/// woke the child, or spawned one, and neither child is lost.
#[test]
fn panic_on_wake() {
    let (gates, drops, shown): ([Gate; 3], _, _) = Default::default();
    let mut scoped = gated(&gates, &drops, &shown);
    let hooks = Arc::new(Panicking::default());
    let waker = waker(&hooks);
    assert!(poll_with(scoped.as_mut(), &waker).is_pending());
    hooks.on_wake.store(true, SeqCst);
    thread::scope(|threads| threads.spawn(|| gates[0].open()).join()).unwrap();
    assert_eq!(hooks.panics.get(), 1);
    assert!(poll_with(scoped.as_mut(), &waker).is_pending());
    assert_eq!(drops.get(), 1);
    let (polled, s) = (Counter::default(), shown.get().unwrap());
    let spawned = polled.clone();
    drop(s.spawn(async move { spawned.add() }));
    assert_eq!(hooks.panics.get(), 2);
    assert!(poll_with(scoped.as_mut(), &waker).is_pending());
    assert_eq!(polled.get(), 1);
    gates[1].open();
    gates[2].open();
    assert!(poll_with(scoped.as_mut(), &waker).is_ready());
    assert_eq!(drops.get(), 3);
}

/// L5a: the caller's waker panics when the scope wakes it because its turn is over.
#[test]
fn panic_on_wake_by_the_scope_itself() {
    let polled = Counter::default();
    let mut scoped = Box::pin(
        scope(async |s| {
            for _ in 0..10_000 {
                s.spawn(async { polled.add() });
            }
        })
        .serial(),
    );
    let hooks = Arc::new(Panicking::default());
    hooks.on_wake.store(true, SeqCst);
    let waker = waker(&hooks);
    let mut polls = 0;
    while poll_with(scoped.as_mut(), &waker).is_pending() {
        polls += 1;
        assert_eq!(hooks.panics.get(), polls);
    }
    assert!(polls > 0);
    assert_eq!(polled.get(), 10_000);
}

/// L5a: the caller's waker panics when it is dropped, because another one took its place: the
/// scope goes on.
#[test]
fn panic_on_drop() {
    let (gates, drops, shown): ([Gate; 3], _, _) = Default::default();
    let mut scoped = gated(&gates, &drops, &shown);
    let hooks = Arc::new(Panicking::default());
    {
        let waker = waker(&hooks);
        assert!(poll_with(scoped.as_mut(), &waker).is_pending());
    }
    hooks.on_drop.store(true, SeqCst);
    assert!(settle(scoped.as_mut()).is_pending());
    assert_eq!(hooks.panics.get(), 1);
    for gate in &gates {
        gate.open();
    }
    assert!(settle(scoped.as_mut()).is_ready());
    assert_eq!((hooks.panics.get(), drops.get()), (1, 3));
}

/// L3, L5a, trap 10: the caller's waker panics when it is dropped with the scope. Nothing unwinds
/// from `drop`, and all children are gone.
#[test]
fn panic_on_drop_at_the_end() {
    let (gates, drops, shown): ([Gate; 3], _, _) = Default::default();
    let mut scoped = gated(&gates, &drops, &shown);
    let hooks = Arc::new(Panicking::default());
    {
        let waker = waker(&hooks);
        assert!(poll_with(scoped.as_mut(), &waker).is_pending());
    }
    hooks.on_drop.store(true, SeqCst);
    drop(scoped);
    assert_eq!((hooks.panics.get(), drops.get()), (1, 3));
    assert_eq!(Arc::strong_count(&hooks), 1);
}

/// L5a: the caller's waker cannot be cloned, so the scope cannot wait: its panic is the scope's.
#[test]
fn panic_on_clone() {
    let drops = Counter::default();
    let hooks = Arc::new(Panicking::default());
    hooks.on_clone.store(true, SeqCst);
    let waker = waker(&hooks);
    let mut scoped = Box::pin(scope(async |s| {
        let guard = drops.guard();
        s.spawn(async move {
            let _guard = guard;
            pending::<()>().await;
        });
        pending::<()>().await;
    }));
    let poll = catch_unwind(AssertUnwindSafe(|| poll_with(scoped.as_mut(), &waker)));
    assert_eq!(
        poll.unwrap_err().downcast_ref(),
        Some(&String::from("clone"))
    );
    assert_eq!(drops.get(), 1);
}
