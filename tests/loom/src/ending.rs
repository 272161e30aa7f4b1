//! A scope ends while another thread wakes a child or spawns one.

use std::sync::Arc;
use std::task::Waker;

use loom::thread;

use crate::child::Task;
use crate::queue::Kind;
use crate::support::{Outcome, Scope, WAITING, assert_over, explore_within};
use crate::sync::take_waits;

/// L1, L6: a child is spawned while the scope returns: refused, or waited for.
#[test]
fn spawn_and_return() {
    static REFUSED: Outcome = Outcome::new("the scope had ended");
    static RAN: Outcome = Outcome::new("the scope waited for the child");

    explore_within(WAITING, || {
        let mut scope = Scope::with_finished_body();
        let child = Task::new(&scope.shared(), Kind::Ordinary);
        let foreign = thread::spawn({
            let child = Arc::clone(&child);
            move || {
                child.let_finish();
                child.add()
            }
        });
        scope.run();
        let drops = child.drops();
        if foreign.join().unwrap() {
            assert_eq!(drops, 1, "it was gone when the scope returned");
            assert_eq!(child.polls(), 1);
            RAN.mark();
        } else {
            assert_eq!(child.polls(), 0);
            REFUSED.mark();
        }
        assert_over(&scope.shared(), &[&child]);
    });
    REFUSED.assert_seen();
    RAN.assert_seen();
}

/// L2, L6: a background child is spawned while the scope returns: refused, or cancelled.
#[test]
fn background_spawn_and_return() {
    static REFUSED: Outcome = Outcome::new("the scope had ended");
    static SUSPENDED: Outcome = Outcome::new("the child was cancelled after its first poll");
    static UNPOLLED: Outcome = Outcome::new("the child was cancelled before its first poll");

    explore_within(WAITING, || {
        let mut scope = Scope::with_finished_body();
        let child = Task::new(&scope.shared(), Kind::Background);
        let foreign = thread::spawn({
            let child = Arc::clone(&child);
            move || child.add()
        });
        scope.run();
        let drops = child.drops();
        if foreign.join().unwrap() {
            assert_eq!(drops, 1, "it was gone when the scope returned");
            match child.polls() {
                0 => UNPOLLED.mark(),
                _ => SUSPENDED.mark(),
            }
        } else {
            assert_eq!(child.polls(), 0);
            REFUSED.mark();
        }
        assert_over(&scope.shared(), &[&child]);
    });
    REFUSED.assert_seen();
    SUSPENDED.assert_seen();
    UNPOLLED.assert_seen();
}

/// L3, L6: a child is spawned while the scope is dropped: refused, or dropped with it.
#[test]
fn spawn_and_drop() {
    static REFUSED: Outcome = Outcome::new("the scope had ended");
    static DROPPED: Outcome = Outcome::new("the child was dropped with the scope");

    explore_within(WAITING, || {
        let mut scope = Scope::new();
        let shared = scope.shared();
        assert!(!scope.poll(Waker::noop()));
        let child = Task::new(&shared, Kind::Ordinary);
        let foreign = thread::spawn({
            let child = Arc::clone(&child);
            move || child.add()
        });
        drop(scope);
        let drops = child.drops();
        if foreign.join().unwrap() {
            assert_eq!(drops, 1, "it was gone when the scope was");
            DROPPED.mark();
        } else {
            REFUSED.mark();
        }
        assert_eq!(child.polls(), 0);
        assert_over(&shared, &[&child]);
    });
    REFUSED.assert_seen();
    DROPPED.assert_seen();
}

/// L3, L5: a suspended child is woken while the scope is dropped. If the foreign thread won the
/// child but has not pushed it yet, the end waits for that push.
#[test]
fn late_wake_and_drop() {
    static LATE: Outcome = Outcome::new("the end waited for a foreign push");
    static EARLY: Outcome = Outcome::new("the foreign push came before the end looked for it");
    static LOST: Outcome = Outcome::new("the end woke the child itself");

    explore_within(WAITING, || {
        let mut scope = Scope::new();
        let shared = scope.shared();
        let child = scope.spawn(Kind::Ordinary);
        assert!(!scope.poll(Waker::noop()));
        let foreign = thread::spawn({
            let child = Arc::clone(&child);
            move || child.wake()
        });
        take_waits();
        drop(scope);
        let waited = take_waits() > 0;
        assert_eq!(child.drops(), 1, "it was gone when the scope was");
        match (foreign.join().unwrap(), waited) {
            (true, true) => LATE.mark(),
            (true, false) => EARLY.mark(),
            (false, false) => LOST.mark(),
            (false, true) => panic!("the end had nothing to wait for"),
        }
        assert_eq!(child.pushes(), 1);
        assert_over(&shared, &[&child]);
    });
    LATE.assert_seen();
    EARLY.assert_seen();
    LOST.assert_seen();
}

/// L2, L5: the same with a background child and a scope that returns.
#[test]
fn late_wake_and_return() {
    static LATE: Outcome = Outcome::new("the end waited for a foreign push");
    static EARLY: Outcome = Outcome::new("the foreign push came before the end looked for it");
    static LOST: Outcome = Outcome::new("the end woke the child itself");

    explore_within(WAITING, || {
        let mut scope = Scope::new();
        let body_switch = scope.body_switch();
        let child = scope.spawn(Kind::Background);
        assert!(!scope.poll(Waker::noop()));
        body_switch();
        let foreign = thread::spawn({
            let child = Arc::clone(&child);
            move || child.wake()
        });
        take_waits();
        assert!(scope.poll(Waker::noop()), "only a background child is left");
        let waited = take_waits() > 0;
        assert_eq!(child.drops(), 1, "it was gone when the scope returned");
        match (foreign.join().unwrap(), waited) {
            (true, true) => LATE.mark(),
            (true, false) => EARLY.mark(),
            (false, false) => LOST.mark(),
            (false, true) => panic!("the end had nothing to wait for"),
        }
        assert_over(&scope.shared(), &[&child]);
    });
    LATE.assert_seen();
    EARLY.assert_seen();
    LOST.assert_seen();
}

/// L3, L5: two children, each woken late by a thread of its own: the end waits more than once.
#[test]
fn late_wakes_of_two_children() {
    static NEVER: Outcome = Outcome::new("the end had not to wait");
    static ONCE: Outcome = Outcome::new("the end waited once");
    static TWICE: Outcome = Outcome::new("the end waited for one push, then for the other");

    explore_within(2, || {
        let mut scope = Scope::new();
        let shared = scope.shared();
        let children = [Kind::Ordinary, Kind::Background].map(|kind| scope.spawn(kind));
        assert!(!scope.poll(Waker::noop()));
        let foreign = children
            .clone()
            .map(|child| thread::spawn(move || child.wake()));
        take_waits();
        drop(scope);
        match take_waits() {
            0 => NEVER.mark(),
            1 => ONCE.mark(),
            _ => TWICE.mark(),
        }
        assert_eq!(children.each_ref().map(|child| child.drops()), [1, 1]);
        for thread in foreign {
            thread.join().unwrap();
        }
        assert_over(&shared, &children.each_ref().map(|child| &**child));
    });
    NEVER.assert_seen();
    ONCE.assert_seen();
    TWICE.assert_seen();
}

/// L5: two foreign threads and the end wake one child: it is pushed once, whoever wins.
#[test]
fn three_wakes_of_one_child() {
    static FIRST: Outcome = Outcome::new("the first thread pushed the child");
    static SECOND: Outcome = Outcome::new("the second thread pushed the child");
    static END: Outcome = Outcome::new("the end pushed the child");

    explore_within(WAITING, || {
        let mut scope = Scope::new();
        let shared = scope.shared();
        let child = scope.spawn(Kind::Ordinary);
        assert!(!scope.poll(Waker::noop()));
        let [first, second] = [(); 2].map(|()| {
            let child = Arc::clone(&child);
            thread::spawn(move || child.wake())
        });
        drop(scope);
        assert_eq!(child.drops(), 1, "it was gone when the scope was");
        match (first.join().unwrap(), second.join().unwrap()) {
            (true, false) => FIRST.mark(),
            (false, true) => SECOND.mark(),
            (false, false) => END.mark(),
            (true, true) => panic!("the child was pushed twice"),
        }
        assert_eq!(child.pushes(), 1);
        assert_over(&shared, &[&child]);
    });
    FIRST.assert_seen();
    SECOND.assert_seen();
    END.assert_seen();
}
