//! Pens that are dropped, beside threads that run their children.

use std::mem;
use std::sync::{Arc, Mutex};

use loom::thread;

use crate::child::Task;
use crate::help::calling::call_one;
use crate::help::executor::{Executor, Ticket};
use crate::help::ticket::Call;
use crate::pen::life::{abandon, begin};
use crate::pens::{Pen, assert_over};
use crate::queue::Kind;
use crate::support::{Outcome, Threads, explore_within};

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
        let left = executor.1.lock().unwrap().1.take();
        drop(left); // or it would own the executor that owns it
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
