//! A poll that [drains](crate::draining), and a child that blocks the scope's thread in it. Forced
//! windows have no limit in time, so no poll drains.
#![cfg(not(taskpen_force_windows))]

use std::iter;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use futures_lite::future::{block_on, yield_now};
use taskpen::{Executor, Scope, Ticket, scope};

use crate::blocked::{block_until, slow_until_elsewhere};
use crate::lenders::Pool;
use crate::life::watched;

/// A child that was quick blocks the scope's thread, and waits for one that is ready by then.
/// Nothing becomes ready later, and the helper in a slow poll waits for the same: no push and no
/// helper that leaves would call another one.
#[test]
fn for_what_is_ready() {
    watched(|| {
        for times in 1..20 {
            blocked_after(Duration::from_micros(500 * times), Pool::new(2));
        }
    });
}

/// Threads that run at once what they call for themselves, as no other one may be idle.
#[derive(Clone)]
struct Themselves {
    threads: Vec<ThreadId>,
    tickets: Sender<Ticket>,
}

impl Themselves {
    fn new() -> Self {
        let (tickets, taken) = channel::<Ticket>();
        let taken = Arc::new(Mutex::new(taken));
        let thread = || {
            let taken = Arc::clone(&taken);
            let next = move || taken.lock().unwrap().recv().ok();
            let thread = thread::spawn(move || iter::from_fn(next).for_each(Ticket::run));
            thread.thread().id()
        };
        Self {
            threads: (0..2).map(|_| thread()).collect(),
            tickets,
        }
    }
}

impl Executor for Themselves {
    fn dispatch(&self, ticket: Ticket) {
        match self.threads.contains(&thread::current().id()) {
            true => ticket.run(),
            false => self.tickets.send(ticket).unwrap(),
        }
    }

    fn parallelism(&self) -> usize {
        3
    }
}

/// Also if the helper that has watched for long enough calls another one, and is that itself.
#[test]
fn beside_a_helper_that_calls_itself() {
    watched(|| {
        for times in 1..40 {
            blocked_after(Duration::from_micros(300 * times), Themselves::new());
        }
    });
}

fn blocked_after(time: Duration, executor: impl Executor) {
    let home = thread::current().id();
    let is_home = || thread::current().id() == home;
    let [drains, is_blocked, is_free] = [(); 3].map(|()| AtomicBool::new(false));
    block_on(
        scope(async |s: Scope<'_>| {
            s.spawn(async {
                while !is_blocked.load(SeqCst) {
                    yield_now().await;
                }
                is_free.store(true, SeqCst);
            });
            s.spawn(async {
                slow_until_elsewhere(home).await;
                drains.store(true, SeqCst);
                block_until(|| is_free.load(SeqCst));
            });
            s.spawn(async {
                while !drains.load(SeqCst) {
                    yield_now().await;
                }
                let start = Instant::now();
                while start.elapsed() < time || !is_home() {
                    yield_now().await;
                }
                is_blocked.store(true, SeqCst);
                block_until(|| is_free.load(SeqCst));
            });
        })
        .on(executor),
    );
}
