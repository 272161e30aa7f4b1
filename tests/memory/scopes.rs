//! Scopes whose children come and go: L1, L3, L10.
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]

use std::future::pending;
use std::pin::pin;
use std::task::Waker;

use futures_lite::future::{block_on, yield_now};
use taskpen::scope;

use crate::life::{Gate, poll_once, run, settle};
use crate::{MANY, TEN_MILLION, Watch, live};

/// Runs `count` children one after the other, and awaits each. They are suspended once, so that
/// they are registered.
async fn awaited(count: usize) {
    let mut watch = Watch::default();
    scope(async |s| {
        for round in 0..count {
            let child = s.spawn(async move {
                let on_the_heap = Box::new(round);
                yield_now().await;
                *on_the_heap
            });
            assert_eq!(child.await, round);
            watch.look();
        }
    })
    .serial()
    .await;
    assert_eq!(watch.rounds, count);
}

/// L10: many children one after the other run in constant memory.
#[test]
fn children_one_after_the_other() {
    block_on(awaited(MANY));
}

/// L10: the full promise.
#[test]
#[ignore = "takes half a minute"]
fn ten_million_children_one_after_the_other() {
    block_on(awaited(TEN_MILLION));
}

/// L10: the same in each kind of scope, with children of both kinds whose handles are dropped, or
/// cancelled, or awaited.
each_form!(children_of_every_kind, |scope, ok| {
    let mut watch = Watch::default();
    let outcome = run(scope(async |s| {
        for round in 0..MANY / 40 {
            s.spawn(async move {
                yield_now().await;
                ok(Box::new(round))
            });
            s.spawn_background(async { ok(Box::new(0)) });
            s.spawn_with(async |s| {
                s.spawn(async { ok(()) }).await;
                ok(())
            })
            .await;
            let endless = s.spawn(async { ok(pending::<()>().await) });
            yield_now().await;
            assert_eq!(endless.cancel().await, None);
            yield_now().await;
            assert!(s.is_empty());
            watch.look();
        }
        ok(())
    })
    .serial());
    assert_eq!(outcome, ok(()));
    assert_eq!(watch.rounds, MANY / 40);
});

/// L10: what a child owns is freed when it finishes, though its handle is kept.
each_form!(children_whose_handles_are_kept, |scope, ok| {
    const OWNED: usize = 1024 * 1024;
    let outcome = run(scope(async |s| {
        let mut handles = Vec::new();
        let before = live();
        for _ in 0..100 {
            handles.push(s.spawn(async {
                let owned = vec![0_u8; OWNED];
                yield_now().await;
                ok(owned.len())
            }));
            while !s.is_empty() {
                yield_now().await;
            }
            assert!(live() - before < OWNED as isize);
        }
        let mut sum = 0;
        for handle in handles {
            sum += handle.await;
        }
        ok(sum)
    })
    .serial());
    assert_eq!(outcome, ok(100 * OWNED));
});

/// L1, L3: a scope leaves nothing behind, whether it returns or is dropped at its first poll or
/// later; its wakers and handles may outlive it for a while.
each_form!(nothing_left_behind, |scope, ok| {
    let before = live();
    for finish in [true, false] {
        let gates: [Gate; 3] = Default::default();
        let mut scoped = Box::pin(
            scope(async |s| {
                for gate in &gates {
                    let gate = gate.wait();
                    s.spawn_with(async move |s| {
                        s.spawn_background(async { ok(pending::<()>().await) });
                        gate.await;
                        ok(Box::new(3))
                    });
                }
                for _ in 0..1000 {
                    s.spawn(async { ok(Box::new(4)) });
                }
                let kept = s.spawn(async { ok(Box::new(5)) });
                ok((s, kept))
            })
            .serial(),
        );
        assert!(poll_once(scoped.as_mut()).is_pending());
        assert!(settle(scoped.as_mut()).is_pending());
        let late = gates.each_ref().map(Gate::waker);
        if finish {
            gates.iter().for_each(Gate::open);
            let handles = settle(scoped.as_mut());
            assert!(handles.is_ready());
            drop(scoped);
            drop(handles);
        } else {
            drop(scoped);
        }
        late.into_iter().for_each(Waker::wake);
    }
    assert_eq!(live(), before);
});

/// L10: what a burst of pushes from elsewhere needs is given back. They come here from inside
/// another scope, while something is ready at home.
#[test]
fn burst_from_elsewhere() {
    const BURST: usize = MANY / 10;
    let before = live();
    let mut burst = pin!(
        scope(async |s| {
            s.spawn_with(async |s| {
                s.spawn(async {});
                scope(async |_| (0..BURST).for_each(|_| drop(s.spawn(async {})))).await;
            });
            s.spawn_background(pending::<()>());
            pending::<()>().await;
        })
        .serial()
    );
    for _ in 0..BURST {
        assert!(poll_once(burst.as_mut()).is_pending());
    }
    // A pointer for each would be eight times as much.
    let kept = live() - before;
    assert!(kept < BURST as isize, "{kept} bytes are kept");
}
