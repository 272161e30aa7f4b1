//! V1: everything that is alive is in the tree once, where it runs; what is gone is not.

use std::future::{Future, pending};
use std::mem;
use std::pin::{Pin, pin};
use std::sync::Mutex;

use futures_lite::future::{block_on, poll_once, yield_now};
use taskpen::inspect::{Kind, State};
use taskpen::{LocalScope, Pen, Scope, TryScope, local_scope, scope, try_scope};

use crate::lenders::Pool;
use crate::life::{Gate, watched};
use crate::{named, names, one_named};

/// V1: children of every kind are inside of their scope, and go with their futures.
#[test]
fn children() {
    watched(|| {
        let gate = Gate::default();
        block_on(
            scope(async |s: Scope<'_>| {
                let named = s.named("of places::children");
                named.spawn(gate.wait());
                named.spawn_background(pending::<()>());
                named.spawn_with(async |s| s.spawn(pending::<()>()).cancel().await);
                let mut set = named.join_set();
                set.spawn(pending::<()>());
                let ahead = named.buffer_unordered(2, (0..9).map(|_| pending::<()>()));
                let mut ahead = pin!(ahead);
                let read = poll_once(futures_lite::StreamExt::next(&mut ahead)).await;
                assert!(read.is_none());
                for _ in 0..3 {
                    yield_now().await;
                }
                let node = s.tree();
                let kinds: Vec<_> = node.children.iter().map(|it| it.kind).collect();
                assert_eq!(kinds.iter().filter(|it| **it == Kind::Child).count(), 4);
                assert_eq!(
                    kinds.iter().filter(|it| **it == Kind::Background).count(),
                    1
                );
                assert_eq!(names(&node), ["of places::children"; 5]);
                drop(set);
                gate.open();
                yield_now().await;
                yield_now().await;
                assert_eq!(s.tree().children.len(), 3);
            })
            .serial(),
        );
        assert!(named("of places::children").is_empty());
    });
}

/// V1: a scope is where it was begun: in the child that polls it, or in the body.
#[test]
fn scopes_in_scopes() {
    watched(|| {
        let inner = || async {
            let inner = scope(async |s: Scope<'_>| {
                s.spawn(pending::<()>());
            });
            inner.named("inner").await;
        };
        let outer = scope(async |s: Scope<'_>| {
            s.named("with a scope").spawn(inner());
            s.named("without").spawn(pending::<()>());
            let mut in_body = pin!(scope(async |_| pending::<()>().await).named("in the body"));
            assert!(poll_once(in_body.as_mut()).await.is_none());
            yield_now().await;
            let node = s.tree();
            assert_eq!(node.name.as_deref(), Some("places::scopes_in_scopes"));
            assert_eq!(names(&node), ["in the body", "with a scope", "without"]);
            let child = node.children.iter().find(|it| !it.children.is_empty());
            let child = child.expect("one has a scope inside");
            assert_eq!(child.name.as_deref(), Some("with a scope"));
            assert_eq!(names(child), ["inner"]);
            assert_eq!(child.children[0].kind, Kind::Scope);
            assert_eq!(child.children[0].children[0].state, State::Suspended);
        });
        let outer = outer.serial().named("places::scopes_in_scopes");
        let mut outer = Box::pin(outer);
        assert!(
            named("places::scopes_in_scopes").is_empty(),
            "it has not begun"
        );
        assert!(block_on(poll_once(outer.as_mut())).is_none());
        assert!(block_on(poll_once(outer.as_mut())).is_none());
        assert_eq!(one_named("places::scopes_in_scopes").kind, Kind::Scope);
        drop(outer);
        assert!(named("places::scopes_in_scopes").is_empty());
        assert!(named("with a scope").is_empty());
    });
}

/// V1: a pen is in the child in which it was made, for as long as there is that.
#[test]
fn pens() {
    watched(|| {
        let (made, is_made) = std::sync::mpsc::channel();
        let gate = Gate::default();
        block_on(
            scope(async |s: Scope<'_>| {
                let child = s.named("places::pens").spawn(async {
                    let pen = Pen::on(Pool::new(1));
                    pen.named("of its pen").spawn(pending::<()>());
                    made.send(pen).unwrap();
                    gate.wait().await;
                });
                yield_now().await;
                let pen = is_made.recv().unwrap();
                let maker = one_named("places::pens");
                assert_eq!(maker.children[0].kind, Kind::Pen);
                assert_eq!(names(&maker.children[0]), ["of its pen"]);
                assert_eq!(pen.tree().children.len(), 1);
                gate.open();
                child.await;
                assert!(named("places::pens").is_empty());
                assert_eq!(one_named("of its pen").kind, Kind::Child);
                assert!(s.tree().children.is_empty());
                pen.cancel().await;
                assert!(named("of its pen").is_empty());
            })
            .serial(),
        );
    });
}

/// V1: a scope is inside of a closure, also of one that goes on when its pen was dropped.
#[cfg(feature = "blocking")]
#[test]
fn scopes_in_what_is_left_of_a_pen() {
    watched(|| {
        let (seen, shown) = std::sync::mpsc::channel();
        let is_over = std::sync::Arc::new(std::sync::Barrier::new(2));
        let pen = Pen::on(Pool::new(1));
        pen.named("places::left").spawn_blocking({
            let is_over = is_over.clone();
            move || {
                block_on(scope(async |s: Scope<'_>| {
                    s.named("in what is left").spawn(async {
                        seen.send(()).unwrap();
                        is_over.wait();
                    });
                }));
            }
        });
        shown.recv().unwrap();
        let is_there = || {
            let closure = one_named("places::left");
            assert_eq!(closure.kind, Kind::Blocking);
            assert_eq!(names(&closure.children[0]), ["in what is left"]);
        };
        is_there();
        drop(pen);
        is_there();
        is_over.wait();
        while !named("places::left").is_empty() {
            std::thread::yield_now();
        }
    });
}

/// V3: pens can be in each other far deeper than a stack reaches. Below some depth they stand
/// beside each other, and nothing is missing.
#[test]
fn deep() {
    const DEPTH: usize = 3_000;
    static PENS: Mutex<Vec<Pen>> = Mutex::new(Vec::new());

    fn nest(depth: usize, pool: Pool) -> BoxedFuture {
        Box::pin(async move {
            if depth > 0 {
                let pen = Pen::on(pool.clone());
                pen.named("places::deep").spawn(nest(depth - 1, pool));
                PENS.lock().unwrap().push(pen);
            }
            pending::<()>().await;
        })
    }

    watched(|| {
        let pool = Pool::new(1);
        let outermost = Pen::on(pool.clone());
        outermost.named("places::deep").spawn(nest(DEPTH, pool));
        while PENS.lock().unwrap().len() < DEPTH {
            std::thread::yield_now();
        }
        let tree = taskpen::inspect::tree();
        assert!(tree.to_string().lines().count() > 2 * DEPTH);
        #[cfg(feature = "serde")]
        serde_json::to_string(&tree).unwrap();
        drop(tree.clone());
        assert_eq!(named("places::deep").len(), DEPTH + 1);
        let mut pens = mem::take(&mut *PENS.lock().unwrap());
        drop(outermost);
        pens.drain(..).rev().for_each(drop);
    });
}

type BoxedFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// V1: a child that is refused, cancelled, or whose scope fails, is gone.
#[test]
fn what_is_gone() {
    watched(|| {
        let gone = block_on(scope(async |s: Scope<'_>| s));
        gone.named("refused").spawn(pending::<()>());
        assert!(named("refused").is_empty());
        assert!(gone.tree().children.is_empty());
        block_on(
            scope(async |s: Scope<'_>| {
                s.named("cancelled").spawn(pending::<()>()).cancel().await;
                assert!(named("cancelled").is_empty());
            })
            .serial(),
        );
        let failed = block_on(try_scope(async |s: TryScope<'_, ()>| {
            s.named("of one that failed")
                .spawn(pending::<Result<(), ()>>());
            yield_now().await;
            one_named("of one that failed");
            Err::<(), ()>(())
        }));
        assert!(failed.is_err());
        assert!(named("of one that failed").is_empty());
    });
}

/// V1: places are used again, and nothing is left behind or found twice.
#[test]
fn places_are_used_again() {
    watched(|| {
        block_on(local_scope(async |s: LocalScope<'_>| {
            let s = s.named("places::again");
            let mut handles = Vec::new();
            for round in 0..200_usize {
                handles.push(s.spawn(pending::<()>()));
                if round % 3 == 2 {
                    handles
                        .swap_remove(round * 7 % handles.len())
                        .cancel()
                        .await;
                }
                assert_eq!(named("places::again").len(), handles.len());
            }
            for handle in handles {
                handle.cancel().await;
            }
        }));
        assert!(named("places::again").is_empty());
    });
}

/// A scope that was forgotten is there for ever, as its children are.
#[test]
fn forgotten() {
    let mut forgotten = Box::pin(scope(async |s: Scope<'_>| {
        s.named("places::forgotten").spawn(pending::<()>());
        yield_now().await;
        yield_now().await;
    }));
    assert!(block_on(poll_once(forgotten.as_mut())).is_none());
    mem::forget(forgotten);
    one_named("places::forgotten");
}
