//! Helpers in the window of a scope: they come late, leave late, fail, and meet its end.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::task::Waker;

use loom::thread;

use crate::child::Task;
use crate::help::epoch::Awaited;
use crate::help::window::Window;
use crate::queue::Kind;
use crate::support::{Bell, Lent, Outcome, Scope, Threads, WAITING, assert_over, explore_within};
use crate::sync::{AtomicBool, Instant, Ordering};

/// Three children: the first shows that help pays, two are left to share.
fn children(scope: &Scope) -> [Arc<Task>; 3] {
    [(); 3].map(|()| scope.spawn(Kind::Ordinary))
}

fn assert_all_over(scope: &Scope, children: &[Arc<Task>]) {
    let children: Vec<_> = children.iter().map(|child| &**child).collect();
    assert_over(&scope.shared(), &children);
}

/// R9, L1: children are shared with a helper, and the scope returns when it is out.
#[test]
fn shared_children() {
    static HELPED: Outcome = Outcome::new("a helper polled a child");
    static ALONE: Outcome = Outcome::new("the helper came in time and found nothing to do");
    static LATE: Outcome = Outcome::new("the ticket came after the scope was over");

    explore_within(3, || {
        let threads = Threads::default();
        let mut scope = Scope::helped_by(threads.clone());
        let children = children(&scope);
        children.iter().for_each(|child| child.let_finish());
        assert_eq!(scope.run(), 0, "nobody had to wait");
        let late = threads.late();
        assert_all_over(&scope, &children);
        if late > 0 {
            LATE.mark();
        } else if children.iter().all(|child| child.was_polled_here()) {
            ALONE.mark();
        } else {
            HELPED.mark();
        }
        threads.join();
        assert_all_over(&scope, &children);
    });
    HELPED.assert_seen();
    ALONE.assert_seen();
    LATE.assert_seen();
}

/// F5, F8: a child ends the scope, on whatever thread it runs: when the scope returns everything is
/// gone and nobody is inside.
#[test]
fn failure_in_a_window() {
    static HERE: Outcome = Outcome::new("the child failed on the thread of the scope");
    static THERE: Outcome = Outcome::new("the child failed on a helper");

    explore_within(3, || {
        let threads = Threads::default();
        let mut scope = Scope::helped_by(threads.clone());
        let children = children(&scope);
        children[0].let_finish();
        children[2].let_fail();
        scope.run();
        assert_all_over(&scope, &children);
        match children[2].was_polled_here() {
            true => HERE.mark(),
            false => THERE.mark(),
        }
        threads.join();
    });
    HERE.assert_seen();
    THERE.assert_seen();
}

/// L3: the scope is dropped right after a poll with a window: its children are gone when `drop`
/// returns, and a ticket that comes late touches nothing.
#[test]
fn drop_after_a_window() {
    static HELPED: Outcome = Outcome::new("a helper polled a child");
    static LATE: Outcome = Outcome::new("the ticket came after the scope was gone");

    explore_within(3, || {
        let threads = Threads::default();
        let mut scope = Scope::helped_by(threads.clone());
        let shared = scope.shared();
        let children = children(&scope);
        assert!(!scope.poll(Waker::noop()));
        drop(scope);
        if threads.late() > 0 {
            LATE.mark();
        } else if !children.iter().all(|child| child.was_polled_here()) {
            HELPED.mark();
        }
        let all = children.each_ref().map(|child| &**child);
        assert_over(&shared, &all);
        threads.join();
    });
    HELPED.assert_seen();
    LATE.assert_seen();
}

/// L4: the scope is forgotten right after a poll with a window: what its children borrow can be
/// taken back at once.
#[test]
fn forget_after_a_window() {
    static LATE: Outcome = Outcome::new("the ticket came after the scope was forgotten");
    static IN_TIME: Outcome = Outcome::new("the ticket came while the window was open");

    explore_within(3, || {
        let threads = Threads::default();
        let mut scope = Scope::helped_by(threads.clone());
        let children = children(&scope);
        assert!(!scope.poll(Waker::noop()));
        let forgotten = scope.forget();
        match threads.late() {
            0 => IN_TIME.mark(),
            _ => LATE.mark(),
        }
        let polls = children.each_ref().map(|child| child.polls());
        children.iter().for_each(|child| child.lent().reclaim());
        threads.join();
        assert_eq!(children.each_ref().map(|child| child.polls()), polls);
        assert_eq!(children.each_ref().map(|child| child.drops()), [0; 3]);
        drop(forgotten);
    });
    LATE.assert_seen();
    IN_TIME.assert_seen();
}

/// L5: a suspended child is woken by a third thread while the window closes.
#[test]
fn wake_while_closing() {
    static IDLE: Outcome = Outcome::new("the scope was idle and was woken");
    static BUSY: Outcome = Outcome::new("the wake-up came while the scope was busy");

    explore_within(2, || {
        let threads = Threads::default();
        let mut scope = Scope::helped_by(threads.clone());
        let children = children(&scope);
        children[1..].iter().for_each(|child| child.let_finish());
        let foreign = thread::spawn({
            let child = Arc::clone(&children[0]);
            move || child.let_finish()
        });
        match scope.run() {
            0 => BUSY.mark(),
            _ => IDLE.mark(),
        }
        foreign.join().unwrap();
        assert_all_over(&scope, &children);
        threads.join();
    });
    IDLE.assert_seen();
    BUSY.assert_seen();
}

/// A helper enters at the moment of closing: it is waited for, or it stays out.
#[test]
fn entrance_and_closing() {
    static INSIDE: Outcome = Outcome::new("the helper was inside");
    static OUTSIDE: Outcome = Outcome::new("the helper found the window shut");

    explore_within(WAITING, || {
        let window = Arc::new(Window::default());
        let lent = Arc::new(Lent::new());
        let helper = thread::spawn({
            let (window, lent) = (Arc::clone(&window), Arc::clone(&lent));
            move || match window.enter() {
                Some(_inside) => {
                    lent.borrow();
                    INSIDE.mark();
                }
                None => OUTSIDE.mark(),
            }
        });
        drop(window.open(Instant::now(), false));
        lent.reclaim();
        helper.join().unwrap();
    });
    INSIDE.assert_seen();
    OUTSIDE.assert_seen();
}

/// Two helpers leave while the window closes: the last one wakes the closer.
#[test]
fn last_one_out() {
    explore_within(3, || {
        let window = Arc::new(Window::default());
        let lent = [(); 2].map(|()| Arc::new(Lent::new()));
        let helpers = lent.each_ref().map(|lent| {
            let (window, lent) = (Arc::clone(&window), Arc::clone(lent));
            thread::spawn(move || {
                if let Some(_inside) = window.enter() {
                    lent.borrow();
                }
            })
        });
        drop(window.open(Instant::now(), false));
        lent.iter().for_each(|lent| lent.reclaim());
        for helper in helpers {
            helper.join().unwrap();
        }
    });
}

/// Two helpers leave, or come back from a poll, while an epoch begins and the window closes.
#[test]
fn last_one_out_of_an_epoch() {
    explore_within(2, || {
        let window = Arc::new(Window::default());
        let lent = [(); 2].map(|()| Arc::new(Lent::new()));
        let helpers = lent.each_ref().map(|lent| {
            let (window, lent) = (Arc::clone(&window), Arc::clone(lent));
            thread::spawn(move || {
                if let Some(inside) = window.enter() {
                    lent.borrow();
                    if inside.goes_on() {
                        lent.borrow();
                    }
                }
            })
        });
        let open = window.open(Instant::now(), false);
        window.let_none_in();
        window.begin_epoch(Instant::now());
        drop(open);
        lent.iter().for_each(|lent| lent.reclaim());
        assert!(!window.is_in_use(), "the next epoch is the first");
        for helper in helpers {
            helper.join().unwrap();
        }
    });
}

/// An epoch is over when a helper has come back from the poll in which it was when that began, not
/// before; though the helper stays, and its next poll lasts for as long as the thread of the scope
/// waits. (If that waits for more, it is a deadlock.) From then on the window is not open.
#[test]
fn epoch_that_ends() {
    static INSIDE: Outcome = Outcome::new("the helper was in a poll when the epoch began");
    static OUTSIDE: Outcome = Outcome::new("the helper found the window shut");

    explore_within(2, || {
        let window = Arc::new(Window::default());
        let bells = [(); 3].map(|()| Arc::new(Bell::default()));
        let flags = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
        let lent = Arc::new(Lent::new());
        let helper = thread::spawn({
            let (window, bells, flags) = (Arc::clone(&window), bells.clone(), flags.clone());
            let lent = Arc::clone(&lent);
            move || {
                let ([arrived, begun, over], [is_inside, is_back]) = (bells, flags);
                let inside = window.enter();
                is_inside.store(inside.is_some(), Ordering::Relaxed);
                arrived.ring();
                if let Some(inside) = inside {
                    lent.borrow();
                    begun.wait();
                    is_back.store(true, Ordering::Relaxed);
                    inside.goes_on();
                    lent.borrow();
                    over.wait();
                }
            }
        });
        let ([arrived, begun, over], [is_inside, is_back]) = (bells, flags);
        let open = window.open(Instant::now(), false);
        arrived.wait();
        window.begin_epoch(Instant::now());
        begun.ring();
        window.wait_until(|| window.is_without_or_asleep(Awaited::Earlier));
        match is_inside.load(Ordering::Relaxed) {
            true => INSIDE.mark(),
            false => OUTSIDE.mark(),
        }
        assert_eq!(
            is_inside.load(Ordering::Relaxed),
            is_back.load(Ordering::Relaxed),
            "it is in that poll"
        );
        assert_eq!(
            is_inside.load(Ordering::Relaxed),
            !window.is_eager(),
            "the helper shuts the door"
        );
        over.ring();
        drop(open);
        lent.reclaim();
        helper.join().unwrap();
    });
    INSIDE.assert_seen();
    OUTSIDE.assert_seen();
}

/// `poll` is unwound while a helper is inside: the guard closes the window first.
#[test]
fn unwinding_out_of_a_window() {
    static INSIDE: Outcome = Outcome::new("the helper was inside");
    static OUTSIDE: Outcome = Outcome::new("the helper found the window shut");

    explore_within(WAITING, || {
        let window = Arc::new(Window::default());
        let lent = Arc::new(Lent::new());
        let helper = thread::spawn({
            let (window, lent) = (Arc::clone(&window), Arc::clone(&lent));
            move || match window.enter() {
                Some(_inside) => {
                    lent.borrow();
                    INSIDE.mark();
                }
                None => OUTSIDE.mark(),
            }
        });
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let _open = window.open(Instant::now(), false);
            resume_unwind(Box::new("out of poll"));
        }));
        assert!(unwound.is_err());
        lent.reclaim();
        helper.join().unwrap();
    });
    INSIDE.assert_seen();
    OUTSIDE.assert_seen();
}
