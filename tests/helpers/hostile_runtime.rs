//! Runtimes with a destructor that panics, and those that do not wait as they are told: they are
//! foreign code like any other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread;

use futures_lite::future::block_on;
use taskpen::{Executor, Scope, Ticket, scope};

use crate::blocked::{Blocking, be_slow, slow_until_elsewhere};
use crate::lenders::Pool;
use crate::life::{Gate, watched};
use crate::meeting::work;

/// Keeps the tickets, and panics when it goes.
struct Bomb(Arc<Mutex<Vec<Ticket>>>);

impl Executor for Bomb {
    fn dispatch(&self, ticket: Ticket) {
        self.0.lock().unwrap().push(ticket);
    }

    fn parallelism(&self) -> usize {
        2
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        std::panic::resume_unwind(Box::new("a runtime went"));
    }
}

/// F4: dropping a scope raises nothing, so the runtime that goes with it does not either.
#[test]
fn runtime_that_goes_with_its_scope() {
    let unpolled = scope(async |_| ()).on(Bomb(Arc::default()));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(unpolled))).is_ok());
}

/// Running a ticket raises nothing either, if the runtime goes with it.
#[test]
fn runtime_that_goes_with_a_ticket() {
    let tickets = Arc::<Mutex<Vec<_>>>::default();
    block_on(
        scope(async |s| {
            for _ in 0..20 {
                s.spawn(async { work() });
            }
        })
        .on(Bomb(Arc::clone(&tickets))),
    );
    let tickets = std::mem::take(&mut *tickets.lock().unwrap());
    assert_eq!(tickets.len(), 1);
    for ticket in tickets {
        assert!(catch_unwind(AssertUnwindSafe(|| ticket.run())).is_ok());
    }
}

/// What an executor does instead of calling what it is given, once.
#[derive(Clone, Copy, Debug)]
enum InPlace {
    Nothing,
    Twice,
    PanicBefore,
    PanicAfter,
    /// Wakes a child on the thread of the scope, which is about to sleep.
    WakeBefore,
}

/// Opens the gate when a scope waits for a slow poll.
struct Waiting(Pool, InPlace, Gate);

impl Executor for Waiting {
    fn dispatch(&self, ticket: Ticket) {
        self.0.dispatch(ticket);
    }

    fn parallelism(&self) -> usize {
        self.0.parallelism()
    }

    fn block_in_place(&self, act: &mut dyn FnMut()) {
        let panic = || std::panic::resume_unwind(Box::new("not in this place"));
        if let InPlace::WakeBefore = self.1 {
            self.2.open();
            return act();
        }
        let gate = self.2.clone();
        thread::spawn(move || gate.open());
        match self.1 {
            InPlace::PanicBefore => panic(),
            InPlace::Twice => act(),
            _ => {}
        }
        if !matches!(self.1, InPlace::Nothing) {
            act();
        }
        if let InPlace::PanicAfter = self.1 {
            panic();
        }
    }
}

/// N1: whatever an executor does when it is told that a scope waits, what becomes ready meanwhile
/// is run.
#[test]
fn waiting_in_place() {
    use InPlace::*;
    for mode in [Nothing, Twice, PanicBefore, PanicAfter, WakeBefore] {
        watched(move || {
            let home = thread::current().id();
            let gate = Gate::default();
            let wait = gate.wait();
            let (blocking, _has_begun, let_go) = Blocking::new();
            block_on(
                scope(async |s: Scope<'_>| {
                    s.spawn(async move {
                        wait.await;
                        let_go.send(()).unwrap();
                    });
                    s.spawn(async move {
                        slow_until_elsewhere(home).await;
                        blocking.block();
                    });
                    // Also on the helper's way to the slow child.
                    for _ in 0..10 {
                        s.spawn(async { be_slow() });
                    }
                })
                .on(Waiting(Pool::new(1), mode, gate)),
            );
        });
    }
}
