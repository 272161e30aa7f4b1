//! V3: a tree can be taken anywhere, whatever happens meanwhile.

use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use futures_lite::future::{block_on, yield_now};
use taskpen::inspect::{Kind, Node, tree};
use taskpen::{Pen, Scope, scope};

use crate::lenders::Pool;
use crate::life::{OnDrop, watched};
use crate::{named, one_named};

/// V3: in a child, in the destructor of one, in the body; on the helper's thread as well.
#[test]
fn inside_of_everything() {
    watched(|| {
        for helpers in [0, 2] {
            let work = scope(async |s: Scope<'_>| {
                for _ in 0..50 {
                    let s = s.named("anywhere::inside");
                    let handle = s.clone();
                    s.spawn(async move {
                        let taken = OnDrop::new(|| drop(tree()));
                        handle.tree();
                        yield_now().await;
                        tree();
                        drop(taken);
                    });
                }
                tree();
            });
            block_on(work.on(Pool::new(helpers)));
            assert!(named("anywhere::inside").is_empty());
        }
    });
}

/// V3: beside very many children.
#[test]
fn many_children() {
    watched(|| {
        let many = scope(async |s: Scope<'_>| {
            for _ in 0..100_000 {
                s.named("anywhere::many").spawn(pending::<()>());
            }
            assert_eq!(s.tree().children.len(), 100_000);
            yield_now().await;
            assert_eq!(s.tree().children.len(), 100_000);
        });
        block_on(many.until(async {
            yield_now().await;
            yield_now().await;
            yield_now().await;
        }));
        assert!(named("anywhere::many").is_empty());
    });
}

/// No node is torn: it says nothing that cannot be.
fn check(node: &Node) {
    assert!(node.location.file().ends_with(".rs"), "{node:?}");
    assert!(node.busy <= node.age && node.idle <= node.age, "{node:?}");
    assert!(
        node.polls > 0 || node.busy.is_zero() || node.kind == Kind::Pen,
        "{node:?}"
    );
    node.children.iter().for_each(check);
}

/// V3: while scopes and pens begin, run on several threads and end.
#[test]
fn while_everything_ends() {
    const NAME: &str = "anywhere::ends";
    watched(|| {
        let is_over = AtomicBool::new(false);
        thread::scope(|threads| {
            for _ in 0..2 {
                threads.spawn(|| {
                    while !is_over.load(SeqCst) {
                        tree().roots.iter().for_each(check);
                    }
                });
            }
            let pool = Pool::new(2);
            for round in 0..300_u32 {
                let work = scope(async |s: Scope<'_>| {
                    let s = s.named(NAME);
                    for _ in 0..20 {
                        s.spawn(async {
                            scope(async |s: Scope<'_>| {
                                s.spawn(yield_now());
                                s.spawn_background(pending::<()>());
                                yield_now().await;
                            })
                            .await;
                        });
                    }
                    let pen = Pen::on(pool.clone());
                    for _ in 0..10 {
                        pen.named(NAME).spawn(yield_now());
                    }
                    if round % 3 == 0 {
                        pen.close().await;
                    }
                });
                let cut_off = async {
                    for _ in 0..round % 20 {
                        yield_now().await;
                    }
                };
                block_on(work.on(pool.clone()).named(NAME).until(cut_off));
            }
            is_over.store(true, SeqCst);
        });
        // What a thread had in hand when its pen was dropped goes a little later.
        while !named(NAME).is_empty() {
            thread::yield_now();
        }
    });
}

/// The tree of a handle is that of its scope, wherever that is.
#[test]
fn of_one_scope() {
    block_on(scope(async |s: Scope<'_>| {
        let outer = s.clone();
        s.named("anywhere::of_one").spawn(async move {
            scope(async |s: Scope<'_>| {
                assert!(s.tree().children.is_empty());
                assert_eq!(outer.tree().children.len(), 1);
                assert_eq!(one_named("anywhere::of_one").children.len(), 1);
            })
            .await;
        });
    }));
}
