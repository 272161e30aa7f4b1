//! V1: closures, which can outlive the child that waits for them, and their scope.

use std::future::pending;
use std::pin::pin;

use futures_lite::future::{block_on, poll_once, yield_now};
use taskpen::inspect::{Kind, State};
use taskpen::{Scope, scope};

use crate::blocked::block_until;
use crate::life::{Counter, watched};
use crate::{named, names, one_named};

/// A closure that has begun, and runs until the counter is not zero.
fn runs_until(name: &'static str, s: &Scope<'_>, over: &Counter) {
    let over = over.clone();
    s.named(name)
        .spawn_blocking(move || block_until(|| over.get() > 0));
    block_until(|| one_named(name).state == State::Running);
}

/// V1: the closure and the child that waits for it are one node.
#[test]
fn inside_of_their_scope() {
    watched(|| {
        let over = Counter::default();
        block_on(scope(async |s: Scope<'_>| {
            runs_until("closures::inside", &s, &over);
            yield_now().await;
            let node = s.tree();
            assert_eq!(names(&node), ["closures::inside"]);
            assert_eq!(node.children[0].kind, Kind::Blocking);
            over.add();
        }));
        assert!(named("closures::inside").is_empty());
    });
}

/// V1: one that goes on without its child is still there; so is a scope that waits for it.
#[test]
fn without_their_child() {
    watched(|| {
        let over = Counter::default();
        let waits = scope(async |s: Scope<'_>| {
            runs_until("closures::without", &s, &over);
            yield_now().await;
        });
        let waits = waits.named("closures::waits").until(async {});
        let mut waits = pin!(waits);
        assert!(block_on(poll_once(waits.as_mut())).is_none());
        let node = one_named("closures::waits");
        assert_eq!(names(&node), ["closures::without"]);
        assert_eq!(node.state, State::Suspended, "it waits to be woken");
        over.add();
        block_on(waits);
        assert!(named("closures::waits").is_empty());
        assert!(named("closures::without").is_empty());
    });
}

/// V1: those of a scope that was dropped are in the one that waits for them, or at the top.
#[test]
fn of_a_scope_that_was_dropped() {
    watched(|| {
        let over = Counter::default();
        let drops_one = async |name| {
            let dropped = scope(async |s: Scope<'_>| {
                runs_until(name, &s, &over);
                pending::<()>().await;
            });
            let mut dropped = Box::pin(dropped);
            assert!(poll_once(dropped.as_mut()).await.is_none());
        };
        block_on(scope(async |s: Scope<'_>| {
            drops_one("closures::taken over").await;
            assert_eq!(names(&s.tree()), ["closures::taken over"]);
            over.add();
        }));
        assert!(named("closures::taken over").is_empty());
        let over = Counter::default();
        let dropped = scope(async |s: Scope<'_>| {
            runs_until("closures::alone", &s, &over);
            pending::<()>().await;
        });
        let mut dropped = Box::pin(dropped);
        assert!(block_on(poll_once(dropped.as_mut())).is_none());
        drop(dropped);
        let roots = taskpen::inspect::tree().roots;
        let alone = |it: &&taskpen::inspect::Node| it.name.as_deref() == Some("closures::alone");
        assert_eq!(roots.iter().filter(alone).count(), 1);
        over.add();
        block_until(|| named("closures::alone").is_empty());
    });
}
