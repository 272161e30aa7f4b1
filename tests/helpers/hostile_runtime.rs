//! Runtimes with a destructor that panics: it is foreign code like any other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use futures_lite::future::block_on;
use taskpen::{Executor, Ticket, scope};

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
