//! Runtimes that lend helpers in ways a test can control.
#![allow(dead_code, unreachable_pub)]

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, spawn};

use taskpen::{Executor, Ticket};

/// A pool of threads of its own, joined when the last clone is dropped.
#[derive(Clone)]
pub struct Pool(Arc<Threads>);

struct Threads {
    tickets: Mutex<Option<Sender<Ticket>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    count: usize,
    dispatched: AtomicUsize,
}

impl Pool {
    pub fn new(count: usize) -> Self {
        let (sender, receiver) = channel::<Ticket>();
        let receiver = Arc::new(Mutex::new(receiver));
        let pool = Self(Arc::new(Threads {
            tickets: Mutex::new(Some(sender)),
            threads: Mutex::new(Vec::new()),
            count,
            dispatched: AtomicUsize::new(0),
        }));
        for _ in 0..count {
            let receiver = Arc::clone(&receiver);
            let thread = spawn(move || {
                while let Some(ticket) = next(&receiver) {
                    ticket.run();
                }
            });
            pool.0.threads.lock().unwrap().push(thread);
        }
        pool
    }

    /// How many tickets were dispatched.
    pub fn dispatched(&self) -> usize {
        self.0.dispatched.load(SeqCst)
    }
}

fn next(tickets: &Mutex<Receiver<Ticket>>) -> Option<Ticket> {
    tickets.lock().unwrap().recv().ok()
}

impl Executor for Pool {
    fn dispatch(&self, ticket: Ticket) {
        self.0.dispatched.fetch_add(1, SeqCst);
        if let Some(tickets) = &*self.0.tickets.lock().unwrap() {
            tickets.send(ticket).unwrap();
        }
    }

    fn parallelism(&self) -> usize {
        self.0.count + 1
    }
}

/// Runs each ticket at once, on the thread of the scope.
#[derive(Clone, Default)]
pub struct Inline(pub Arc<AtomicUsize>);

impl Executor for Inline {
    fn dispatch(&self, ticket: Ticket) {
        self.0.fetch_add(1, SeqCst);
        ticket.run();
    }

    fn parallelism(&self) -> usize {
        4
    }
}

/// Keeps every ticket until the test wants them.
///
/// A ticket keeps its runtime, so a hoard that is not emptied keeps itself.
#[derive(Clone, Default)]
pub struct Hoard(Arc<Mutex<Vec<Ticket>>>);

impl Hoard {
    pub fn empty(&self) -> Vec<Ticket> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Executor for Hoard {
    fn dispatch(&self, ticket: Ticket) {
        self.0.lock().unwrap().push(ticket);
    }

    fn parallelism(&self) -> usize {
        4
    }
}

/// Drops every ticket.
#[derive(Clone, Default)]
pub struct Decline(pub Arc<AtomicUsize>);

impl Executor for Decline {
    fn dispatch(&self, ticket: Ticket) {
        self.0.fetch_add(1, SeqCst);
        drop(ticket);
    }

    fn parallelism(&self) -> usize {
        4
    }
}
