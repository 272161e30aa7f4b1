//! V2: what the tree says of each: names, places, kinds, states and times.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_lite::future::{block_on, yield_now};
use taskpen::inspect::{Kind, Node, State};
use taskpen::{Scope, TryScope, scope, try_scope};

use crate::blocked::{LONG, be_slow_for, block_until};
use crate::lenders::Pool;
use crate::life::{Counter, Gate, OnDrop, watched};
use crate::{named, one_named};

/// V2: names go with the handle by which a child is spawned, and to nobody else.
#[test]
fn names() {
    block_on(
        scope(async |s: Scope<'_>| {
            let named = s.named("a handle").to_static();
            let again = named.named(format!("number {}", 7)).clone();
            s.spawn(pending::<()>());
            named.spawn(pending::<()>());
            again.spawn(pending::<()>());
            let names: Vec<_> = s.tree().children.into_iter().map(|it| it.name).collect();
            let expected = [None, Some("a handle"), Some("number 7")];
            assert_eq!(names, expected.map(|it| it.map(Into::into)));
        })
        .until(yield_now()),
    );
}

/// V2: the handle of a `try_scope` names them as well, and their errors end it all the same.
#[test]
fn names_of_fallible_children() {
    let fails = try_scope(async |s: TryScope<'_, &str>| {
        let s = s.named("readings::fallible");
        let mut set = s.join_set();
        set.spawn(pending::<Result<(), _>>());
        s.spawn(async {
            assert_eq!(named("readings::fallible").len(), 2);
            Err::<(), _>("an error")
        });
        pending().await
    });
    let failed = block_on(fails.serial());
    assert_eq!(failed, Err::<(), _>("an error"));
}

/// V2: the line in which a child was spawned, a scope opened; also through sets and streams.
#[test]
fn locations() {
    let here = line!();
    let outer = scope(async |s: Scope<'_>| {
        let s = s.named("readings::locations");
        s.spawn(pending::<()>()); // here + 3
        s.spawn_background(pending::<()>());
        s.join_set().extend([pending::<()>()]);
        let mut set = s.join_set();
        set.spawn(pending::<()>()); // here + 7
        let node = s.tree();
        assert_eq!(node.location.file(), file!());
        assert_eq!(node.location.line(), here + 1);
        let lines: Vec<_> = node.children.iter().map(|it| it.location.line()).collect();
        assert_eq!(lines[..2], [here + 3, here + 4]);
        assert_eq!(*lines.last().unwrap(), here + 7);
    });
    assert!(block_on(outer.until(yield_now())).is_none());
}

/// V2: a child is ready until it is polled, running while it is, suspended afterwards, and ready
/// when it was woken. Its polls are counted.
#[test]
fn states() {
    watched(|| {
        let gate = Gate::default();
        let read = |state, polls| {
            let node = one_named("readings::states");
            assert_eq!((node.state, node.polls), (state, polls));
        };
        let work = scope(async |s: Scope<'_>| {
            let child = s.named("readings::states").spawn(async {
                read(State::Running, 0);
                gate.wait().await;
                read(State::Running, 1);
            });
            read(State::Ready, 0);
            yield_now().await;
            read(State::Suspended, 1);
            gate.open();
            read(State::Ready, 1);
            child.await;
        });
        block_on(work.serial());
    });
}

/// V2: so is a child that a helper runs, and a scope that waits.
#[test]
fn states_elsewhere() {
    watched(|| {
        let (gate, seen) = (Gate::default(), Counter::default());
        let work = scope(async |s: Scope<'_>| {
            let blocks = || block_until(|| seen.get() > 0);
            s.named("readings::elsewhere")
                .spawn(async move { blocks() });
            s.spawn(async move { blocks() });
            gate.wait().await;
        });
        let work = work.on(Pool::new(1)).named("readings::scope");
        std::thread::scope(|threads| {
            threads.spawn(|| block_on(work));
            block_until(|| {
                let running = |name| {
                    let found = named(name);
                    found.iter().any(|node| node.state == State::Running)
                };
                running("readings::elsewhere") && running("readings::scope")
            });
            seen.add();
            block_until(|| {
                let scope = one_named("readings::scope");
                scope.children.is_empty() && scope.state == State::Suspended
            });
            gate.open();
        });
    });
}

/// V2: times: at least those that passed.
#[test]
fn times() {
    watched(|| {
        let read = |name| one_named(name);
        block_on(
            scope(async |s: Scope<'_>| {
                s.named("readings::times").spawn(async {
                    be_slow_for(LONG);
                    yield_now().await;
                    be_slow_for(LONG);
                    let now: Node = read("readings::times");
                    assert!(now.idle >= LONG, "it runs for so long: {now:?}");
                    assert!(now.busy >= LONG && now.busy < now.age, "{now:?}");
                    pending::<()>().await;
                });
                yield_now().await;
                yield_now().await;
                let before = read("readings::times");
                assert_eq!((before.kind, before.polls), (Kind::Child, 2));
                assert!(
                    before.busy >= 2 * LONG && before.age >= before.busy,
                    "{before:?}"
                );
                be_slow_for(LONG);
                let after = read("readings::times");
                assert_eq!(after.busy, before.busy);
                assert!(after.idle >= before.idle + LONG, "{before:?}, {after:?}");
                assert!(after.age >= before.age + LONG);
                assert!(s.tree().age >= Duration::from_millis(1));
            })
            .serial()
            .until(async {
                for _ in 0..9 {
                    yield_now().await
                }
            }),
        );
    });
}

/// V1, V2: while a scope ends it runs, and so do the children that it drops: what those open in
/// their destructors is inside of them.
#[test]
fn during_the_end() {
    let seen = Arc::new(Mutex::new(None));
    let guard = {
        let seen = Arc::clone(&seen);
        OnDrop::new(move || {
            let inner = scope(async |_: Scope<'_>| {
                *seen.lock().unwrap() = Some(one_named("readings::ends"));
            });
            block_on(inner.named("readings::last"));
        })
    };
    let ends = scope(async |s: Scope<'_>| {
        s.spawn_background(async move {
            let _guard = guard;
            pending::<()>().await;
        });
        yield_now().await;
    });
    block_on(ends.named("readings::ends").serial());
    let node = seen.lock().unwrap().take().unwrap();
    assert_eq!((node.state, node.children.len()), (State::Running, 1));
    let child = &node.children[0];
    assert_eq!(
        (child.kind, child.state),
        (Kind::Background, State::Running)
    );
    assert_eq!(crate::names(child), ["readings::last"]);
}
