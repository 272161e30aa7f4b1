//! Pens: threads that run their children beside pushes, drops and ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Waker};

use loom::thread;

use crate::child::Task;
use crate::help::executor::{Executor, Ticket};
use crate::help::ticket::Call;
use crate::help::worker::Worker;
use crate::pen::closing::{Asked, How, poll};
use crate::pen::life::begin;
use crate::queue::Kind;
use crate::run::shared::Shared;
use crate::support::{Outcome, Threads, explore_within, run};

/// A pen on threads that run a ticket each.
pub(crate) struct Pen {
    pub(crate) threads: Threads,
    pub(crate) shared: Arc<Shared>,
}

/// The same, one at a time: for models in which there would be more threads than loom can have.
pub(crate) struct One(pub(crate) Threads);

impl Executor for One {
    fn dispatch(&self, ticket: Ticket) {
        self.0.dispatch(ticket);
    }

    fn parallelism(&self) -> usize {
        1
    }
}

impl Pen {
    pub(crate) fn new() -> Self {
        let threads = Threads::default();
        let shared = begin(Call::given_to_pen(threads.clone()));
        Self { threads, shared }
    }

    pub(crate) fn with_one_thread() -> Self {
        let threads = Threads::default();
        let shared = begin(Call::given_to_pen(One(threads.clone())));
        Self { threads, shared }
    }

    pub(crate) fn spawn(&self, kind: Kind) -> Arc<Task> {
        let child = Task::new(&self.shared, kind);
        assert!(child.add(), "the pen has not ended");
        child
    }

    /// What the model's other threads do is over: each child was dropped once.
    pub(crate) fn assert_over(&self, children: &[&Task]) {
        self.threads.join();
        assert_over(&self.shared, children);
    }
}

pub(crate) fn assert_over(shared: &Shared, children: &[&Task]) {
    for child in children {
        assert_eq!(child.drops(), 1, "each future is dropped once");
        child.lent().reclaim();
    }
    assert_eq!(shared.queue.len(), 0);
    assert!(!shared.queue.has_ready());
}

/// Polls an end of a pen that is awaited, asleep in between.
fn run_end(shared: &Arc<Shared>, how: How) {
    let mut asked = Asked::default();
    run(|waker| poll(shared, how, &mut asked, &mut Context::from_waker(waker)).is_ready());
}

/// P2, P7: a child is spawned while the pen is closed: refused, or waited for.
#[test]
fn close_and_spawn() {
    static REFUSED: Outcome = Outcome::new("the pen had ended");
    static RAN: Outcome = Outcome::new("`close` waited for the child");

    explore_within(2, || {
        let pen = Pen::new();
        let child = Task::new(&pen.shared, Kind::Ordinary);
        let foreign = thread::spawn({
            let child = Arc::clone(&child);
            move || {
                child.let_finish();
                child.add()
            }
        });
        run_end(&pen.shared, How::Close);
        let drops = child.drops();
        if foreign.join().unwrap() {
            assert_eq!(
                (drops, child.polls()),
                (1, 1),
                "it was gone when `close` returned"
            );
            RAN.mark();
        } else {
            REFUSED.mark();
        }
        pen.assert_over(&[&child]);
    });
    REFUSED.assert_seen();
    RAN.assert_seen();
}

/// P2: a background child spawns an ordinary one while the pen is closed, likewise.
#[test]
fn close_and_spawn_inside() {
    static REFUSED: Outcome = Outcome::new("the pen had ended");
    static RAN: Outcome = Outcome::new("`close` waited for the child");

    explore_within(2, || {
        let pen = Pen::with_one_thread();
        let child = Task::new(&pen.shared, Kind::Ordinary);
        let was_added = Arc::new(AtomicBool::new(false));
        let background = Task::new(&pen.shared, Kind::Background);
        background.at_last({
            let (child, was_added) = (Arc::clone(&child), Arc::clone(&was_added));
            move || {
                child.let_finish();
                was_added.store(child.add(), Relaxed);
            }
        });
        background.let_finish();
        assert!(background.add());
        run_end(&pen.shared, How::Close);
        pen.threads.join();
        match (was_added.load(Relaxed), child.polls()) {
            (true, polls) => {
                assert_eq!(polls, 1, "it was not cancelled");
                RAN.mark();
            }
            (false, _) => REFUSED.mark(),
        }
        if background.polls() == 1 {
            pen.assert_over(&[&child, &background]);
        }
    });
    REFUSED.assert_seen();
    RAN.assert_seen();
}

/// P3: `cancel` beside a thread that polls a child returns when that is gone.
#[test]
fn cancel_and_ticket() {
    static POLLED: Outcome = Outcome::new("the child was polled");
    static UNPOLLED: Outcome = Outcome::new("it was not");

    explore_within(2, || {
        let pen = Pen::new();
        let child = pen.spawn(Kind::Ordinary);
        run_end(&pen.shared, How::Cancel);
        assert_eq!(child.drops(), 1, "it was gone when `cancel` returned");
        match child.polls() {
            0 => UNPOLLED.mark(),
            _ => POLLED.mark(),
        }
        pen.assert_over(&[&child]);
    });
    POLLED.assert_seen();
    UNPOLLED.assert_seen();
}

/// P6: a child fails while a sibling is woken: the thread that sees it ends the pen.
#[test]
fn failure_and_wake() {
    static SAW_IT: Outcome = Outcome::new("the sibling was polled before");
    static CANCELLED: Outcome = Outcome::new("the sibling was never polled");

    fn explore(preemptions: usize, pen: fn() -> Pen) {
        explore_within(preemptions, move || {
            let pen = pen();
            let failing = Task::new(&pen.shared, Kind::Ordinary);
            failing.let_fail();
            let sibling = Task::new(&pen.shared, Kind::Ordinary);
            let foreign = thread::spawn({
                let sibling = Arc::clone(&sibling);
                move || sibling.add()
            });
            assert!(failing.add());
            let was_added = foreign.join().unwrap();
            pen.threads.join();
            match sibling.polls() {
                0 => CANCELLED.mark(),
                _ => SAW_IT.mark(),
            }
            assert!(pen.shared.queue.is_ended(), "by the thread that saw it");
            assert!(was_added || sibling.polls() == 0);
            pen.assert_over(&[&failing, &sibling]);
        });
    }

    // With two threads and two preemptions it takes minutes.
    explore(2, Pen::with_one_thread);
    explore(1, Pen::new);
    SAW_IT.assert_seen();
    CANCELLED.assert_seen();
}

/// P6: a pen fails on a thread that runs no children, while one that does leaves: that sees it, or
/// another one is called.
#[test]
fn failure_elsewhere() {
    static POLLED: Outcome = Outcome::new("the child was polled before");
    static UNPOLLED: Outcome = Outcome::new("it was not");

    explore_within(3, || {
        let pen = Pen::with_one_thread();
        let child = pen.spawn(Kind::Ordinary);
        pen.shared.failed();
        match child.polls() {
            0 => UNPOLLED.mark(),
            _ => POLLED.mark(),
        }
        pen.threads.join();
        assert!(pen.shared.queue.is_ended(), "by the thread that saw it");
        pen.assert_over(&[&child]);
    });
    POLLED.assert_seen();
    UNPOLLED.assert_seen();
}

/// An executor that is gone: it drops what it is given.
struct Gone;

impl Executor for Gone {
    fn dispatch(&self, ticket: Ticket) {
        drop(ticket);
    }

    fn parallelism(&self) -> usize {
        2
    }
}

/// P9: where the executor is gone `close` cancels what cannot run, also beside a wake.
#[test]
fn executor_gone() {
    explore_within(3, || {
        let shared = begin(Call::given_to_pen(Gone));
        let child = Task::new(&shared, Kind::Ordinary);
        assert!(child.add());
        let foreign = thread::spawn({
            let child = Arc::clone(&child);
            move || child.wake()
        });
        run_end(&shared, How::Close);
        assert_eq!((child.polls(), child.drops()), (0, 1));
        foreign.join().unwrap();
        assert_over(&shared, &[&child]);
    });
}

/// An executor with tasks: each worker has a thread that sleeps while it is pending.
#[derive(Clone, Default)]
struct Tasks(Arc<std::sync::Mutex<Vec<thread::JoinHandle<()>>>>);

impl Executor for Tasks {
    fn dispatch(&self, ticket: Ticket) {
        let thread = thread::spawn(|| ticket.run());
        self.0.lock().unwrap().push(thread);
    }

    fn parallelism(&self) -> usize {
        1
    }

    fn spawn(&self, worker: Worker) -> Result<(), Worker> {
        let thread = thread::spawn(move || {
            let mut worker = Box::pin(worker);
            let poll = |waker: &Waker| worker.as_mut().poll(&mut Context::from_waker(waker));
            let mut poll = poll;
            run(|waker| poll(waker).is_ready());
        });
        self.0.lock().unwrap().push(thread);
        Ok(())
    }
}

/// P1, P2, P8, P11: a worker polls a child, or becomes idle, while a foreign thread wakes the
/// child: it is called, or sees it. `close` returns, so the child has run; and the worker with it.
#[test]
fn wake_and_leave() {
    static AGAIN: Outcome = Outcome::new("the child was polled twice");
    static ONCE: Outcome = Outcome::new("the wake came before the first poll");

    explore_within(2, || {
        let tasks = Tasks::default();
        let shared = begin(Call::given_to_pen(tasks.clone()));
        let child = Task::new(&shared, Kind::Ordinary);
        assert!(child.add());
        let foreign = thread::spawn({
            let child = Arc::clone(&child);
            move || child.let_finish()
        });
        run_end(&shared, How::Close);
        foreign.join().unwrap();
        match child.polls() {
            1 => ONCE.mark(),
            _ => AGAIN.mark(),
        }
        for thread in std::mem::take(&mut *tasks.0.lock().unwrap()) {
            thread.join().unwrap();
        }
        assert_over(&shared, &[&child]);
    });
    AGAIN.assert_seen();
    ONCE.assert_seen();
}
