//! Pens: threads that run their children beside pushes, drops and ends.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use loom::thread;

use crate::child::Task;
use crate::help::executor::{Executor, Ticket};
use crate::help::ticket::Call;
use crate::help::worker::{Worker, call_one};
use crate::pen::closing::{Asked, How, poll};
use crate::pen::life::{abandon, begin};
use crate::queue::Kind;
use crate::run::shared::Shared;
use crate::support::{Outcome, Threads, explore_within, run};

/// A pen on threads that run a ticket each.
struct Pen {
    threads: Threads,
    shared: Arc<Shared>,
}

/// The same, one at a time: for models in which there would be more threads than loom can have.
struct One(Threads);

impl Executor for One {
    fn dispatch(&self, ticket: Ticket) {
        self.0.dispatch(ticket);
    }

    fn parallelism(&self) -> usize {
        1
    }
}

impl Pen {
    fn new() -> Self {
        let threads = Threads::default();
        let shared = begin(Call::given_to_pen(threads.clone()));
        Self { threads, shared }
    }

    fn with_one_thread() -> Self {
        let threads = Threads::default();
        let shared = begin(Call::given_to_pen(One(threads.clone())));
        Self { threads, shared }
    }

    fn spawn(&self, kind: Kind) -> Arc<Task> {
        let child = Task::new(&self.shared, kind);
        assert!(child.add(), "the pen has not ended");
        child
    }

    /// What the model's other threads do is over: each child was dropped once.
    fn assert_over(&self, children: &[&Task]) {
        self.threads.join();
        assert_over(&self.shared, children);
    }
}

fn assert_over(shared: &Shared, children: &[&Task]) {
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

/// P4: a pen is dropped while a ticket of it runs. What is not being polled then is gone when drop
/// returns, and what is goes with the thread.
#[test]
fn drop_and_ticket() {
    static LATER: Outcome = Outcome::new("the thread dropped the child that it was polling");
    static AT_ONCE: Outcome = Outcome::new("drop dropped the child");
    static UNPOLLED: Outcome = Outcome::new("no thread came");

    explore_within(3, || {
        let pen = Pen::new();
        let child = pen.spawn(Kind::Ordinary);
        abandon(&pen.shared);
        let (drops, polls) = (child.drops(), child.polls());
        match (drops, polls) {
            (1, 0) => UNPOLLED.mark(),
            (1, _) => AT_ONCE.mark(),
            _ => LATER.mark(),
        }
        pen.assert_over(&[&child]);
        assert!(child.polls() <= 1, "no poll starts after the drop");
    });
    LATER.assert_seen();
    AT_ONCE.assert_seen();
    UNPOLLED.assert_seen();
}

/// P4, P8: a suspended child is woken by a foreign thread while the pen is dropped: it is gone when
/// drop returns, and was not dropped inside of the wake.
#[test]
fn wake_and_drop() {
    static FOREIGN: Outcome = Outcome::new("the foreign thread pushed the child");
    static OWN: Outcome = Outcome::new("the end pushed the child");

    explore_within(2, || {
        let pen = Pen::with_one_thread();
        let child = pen.spawn(Kind::Ordinary);
        pen.threads.join(); // it is suspended
        assert_eq!((child.polls(), child.drops()), (1, 0));
        let foreign = thread::spawn({
            let child = Arc::clone(&child);
            move || child.wake()
        });
        abandon(&pen.shared);
        let drops = child.drops();
        match foreign.join().unwrap() {
            true => FOREIGN.mark(),
            false => OWN.mark(),
        }
        if pen.threads.join() == 0 {
            assert_eq!(drops, 1, "no thread came that could have it in hand");
        }
        pen.assert_over(&[&child]);
    });
    FOREIGN.assert_seen();
    OWN.assert_seen();
}

/// P4: the same while a thread has the child in hand, or puts it down: what the foreign thread has
/// not pushed yet is waited for by the drop, or by that thread.
#[test]
fn wake_in_hand_and_drop() {
    static DROPPED: Outcome = Outcome::new("the child was gone when drop returned");
    static LATER: Outcome = Outcome::new("the thread dropped it, which had polled it");
    static FOREIGN: Outcome = Outcome::new("the foreign thread pushed the child");

    explore_within(3, || {
        let pen = Pen::with_one_thread();
        let child = pen.spawn(Kind::Ordinary);
        let foreign = thread::spawn({
            let child = Arc::clone(&child);
            move || child.wake()
        });
        abandon(&pen.shared);
        match (child.polls(), child.drops()) {
            (1.., 1) => DROPPED.mark(),
            (1.., _) => LATER.mark(),
            _ => {}
        }
        if foreign.join().unwrap() {
            FOREIGN.mark();
        }
        pen.assert_over(&[&child]);
    });
    DROPPED.assert_seen();
    LATER.assert_seen();
    FOREIGN.assert_seen();
}

/// The first ticket has a thread; the others are kept.
#[derive(Clone, Default)]
struct OneThread(Threads, Arc<Mutex<(bool, Option<Ticket>)>>);

impl Executor for OneThread {
    fn dispatch(&self, ticket: Ticket) {
        let is_first = !mem::replace(&mut self.1.lock().unwrap().0, true);
        match is_first {
            true => self.0.dispatch(ticket),
            false => {
                let before = self.1.lock().unwrap().1.replace(ticket);
                drop(before);
            }
        }
    }

    fn parallelism(&self) -> usize {
        2
    }
}

/// P4: likewise after a second thread has finished the child, which the first one has not put down
/// yet.
#[test]
fn steal_and_drop() {
    static MOVED: Outcome = Outcome::new("the second thread finished the child");
    static GONE: Outcome = Outcome::new("the child was gone when drop returned");
    static LATER: Outcome = Outcome::new("the first thread dropped it");

    explore_within(3, || {
        let executor = OneThread::default();
        let shared = begin(Call::given_to_pen(executor.clone()));
        let child = Task::new(&shared, Kind::Ordinary);
        assert!(child.add());
        child.let_finish();
        call_one(&shared, false);
        let ticket = executor.1.lock().unwrap().1.take();
        ticket.expect("there may be two").run();
        if child.has_moved() {
            MOVED.mark();
        }
        abandon(&shared);
        match child.drops() {
            0 => LATER.mark(),
            _ => GONE.mark(),
        }
        executor.0.join();
        assert_over(&shared, &[&child]);
    });
    MOVED.assert_seen();
    GONE.assert_seen();
    LATER.assert_seen();
}

/// P5: a child drops its own pen, while a sibling is woken.
#[test]
fn drop_inside() {
    static BEFORE: Outcome = Outcome::new("the sibling was pushed before the end");
    static AFTER: Outcome = Outcome::new("the sibling was gone before it was woken");

    explore_within(2, || {
        let pen = Pen::with_one_thread();
        let sibling = pen.spawn(Kind::Ordinary);
        pen.threads.join();
        let child = Task::new(&pen.shared, Kind::Ordinary);
        child.at_last({
            let shared = Arc::clone(&pen.shared);
            move || abandon(&shared)
        });
        let foreign = thread::spawn({
            let sibling = Arc::clone(&sibling);
            move || sibling.wake()
        });
        child.let_finish();
        assert!(child.add());
        match foreign.join().unwrap() {
            true => BEFORE.mark(),
            false => AFTER.mark(),
        }
        pen.assert_over(&[&child, &sibling]);
    });
    BEFORE.assert_seen();
    AFTER.assert_seen();
}

/// P5: two pens, of which each has a child that drops the other one: no deadlock.
#[test]
fn each_other() {
    static BOTH: Outcome = Outcome::new("both children came to it");
    static ONE: Outcome = Outcome::new("one was cancelled before");

    explore_within(2, || {
        let pens = [Pen::new(), Pen::new()];
        let children = [0, 1].map(|n| {
            let child = Task::new(&pens[n].shared, Kind::Ordinary);
            let other = Arc::clone(&pens[1 - n].shared);
            child.at_last(move || abandon(&other));
            child.let_finish();
            child
        });
        for child in &children {
            child.add(); // unless the first one has dropped the pen of the second
        }
        for pen in &pens {
            pen.threads.join();
        }
        match children.each_ref().map(|child| child.polls()) {
            [1, 1] => BOTH.mark(),
            _ => ONE.mark(),
        }
        for (pen, child) in pens.iter().zip(&children) {
            abandon(&pen.shared);
            pen.assert_over(&[child]);
        }
    });
    BOTH.assert_seen();
    ONE.assert_seen();
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
