//! Children that wait for somebody: gates that one child passes when another, or another thread,
//! opens them.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::task::{Context, Poll};
use std::thread;

use futures::task::AtomicWaker;

/// A gate for one child; it closes behind it.
#[derive(Default)]
pub struct Gate {
    open: AtomicBool,
    waker: AtomicWaker,
}

impl Gate {
    pub fn open(&self) {
        self.open.store(true, Ordering::Release);
        self.waker.wake();
    }

    pub async fn pass(&self) {
        poll_fn(|cx| self.try_pass(cx)).await;
    }

    fn try_pass(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.open.swap(false, Ordering::Acquire) {
            return Poll::Ready(());
        }
        self.waker.register(cx.waker());
        match self.open.swap(false, Ordering::Acquire) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

/// Gates that another thread opens, all of them, once a child waits at each.
pub struct Wave {
    gates: Vec<Gate>,
    waiting: AtomicUsize,
    go: Sender<()>,
}

impl Wave {
    /// Starts the thread; it lives as long as the process.
    pub fn new(n: usize) -> &'static Self {
        let (go, told) = channel();
        let wave: &'static Self = Box::leak(Box::new(Self {
            gates: (0..n).map(|_| Gate::default()).collect(),
            waiting: AtomicUsize::new(0),
            go,
        }));
        thread::spawn(move || {
            while told.recv().is_ok() {
                wave.gates.iter().for_each(Gate::open);
            }
        });
        wave
    }

    /// Child number `i`: waits at its gate.
    pub async fn wait(&'static self, i: usize) -> u64 {
        let mut counted = false;
        poll_fn(|cx| {
            let poll = self.gates[i].try_pass(cx);
            if poll.is_pending() && !counted {
                counted = true;
                self.arrive();
            }
            poll
        })
        .await;
        i as u64
    }

    fn arrive(&self) {
        if self.waiting.fetch_add(1, Ordering::AcqRel) + 1 == self.gates.len() {
            self.waiting.store(0, Ordering::Release);
            self.go.send(()).expect("the thread waits for this");
        }
    }
}

/// Pairs of children that play ping-pong.
pub struct Tables {
    sides: Vec<Gate>,
    rallies: usize,
}

impl Tables {
    pub fn new(pairs: usize, rallies: usize) -> &'static Self {
        Box::leak(Box::new(Self {
            sides: (0..2 * pairs).map(|_| Gate::default()).collect(),
            rallies,
        }))
    }

    /// Child number `i` plays with its neighbour, `i ^ 1`.
    pub async fn play(&'static self, i: usize) -> u64 {
        let (mine, other) = (&self.sides[i], &self.sides[i ^ 1]);
        for _ in 0..self.rallies {
            if i % 2 == 0 {
                other.open();
                mine.pass().await;
            } else {
                mine.pass().await;
                other.open();
            }
        }
        i as u64
    }
}
