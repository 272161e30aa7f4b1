//! Children and bodies that wake themselves for ever, and who must not starve: R5.
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use crate::life::{Counter, poll_once, run, watched};
use futures_lite::future::{or, yield_now, zip};
use taskpen::scope;

/// Wakes itself for ever.
async fn spin() {
    loop {
        yield_now().await;
    }
}

/// Works for a hundred polls, then says so.
async fn work(done: &Counter) {
    for _ in 0..100 {
        yield_now().await;
    }
    done.add();
}

/// Polls as an executor does, which has other things to do, until `count` workers are done.
///
/// Each needs a hundred polls. If they are shared fairly a few thousand turns are plenty.
fn poll_until<F: Future>(mut future: Pin<&mut F>, done: &Counter, count: usize) {
    for _ in 0..5000 {
        assert!(poll_once(future.as_mut()).is_pending());
        if done.get() == count {
            return;
        }
    }
    panic!("{} of {count} workers are done", done.get());
}

/// R5: a child that wakes itself in each poll may wait for something that only its caller's task
/// can bring, as a new budget under tokio. So a poll of the scope gives up on it soon; in a window,
/// after the time that a window may take.
each_form!(polls_of_a_spinning_child, |scope, ok| {
    let polls = Counter::default();
    let mut scoped = Box::pin(
        scope(async |s| {
            let polls = polls.clone();
            s.spawn(async move {
                loop {
                    polls.add();
                    yield_now().await;
                }
                #[allow(unreachable_code)]
                ok(())
            });
            ok(())
        })
        .serial(),
    );
    for turn in 1..10 {
        assert!(poll_once(scoped.as_mut()).is_pending());
        assert!((turn..100 * turn).contains(&polls.get()));
    }
});

/// R5: siblings of a child that spins, and the body, get their work done.
each_form!(beside_a_spinning_child, |scope, ok| {
    watched(|| {
        let done = Counter::default();
        let shared = &done;
        let mut scoped = Box::pin(scope(async |s| {
            s.spawn(async { ok(spin().await) });
            for _ in 0..10 {
                s.spawn(async move { ok(work(shared).await) });
                s.spawn_background(async move { ok(work(shared).await) });
            }
            work(shared).await;
            ok(())
        }));
        poll_until(scoped.as_mut(), &done, 21);
    });
});

/// R5: children of a body that spins get their work done.
each_form!(beside_a_spinning_body, |scope, ok| {
    watched(|| {
        let done = Counter::default();
        let shared = &done;
        let mut scoped = Box::pin(scope(async |s| {
            for _ in 0..10 {
                s.spawn(async move { ok(work(shared).await) });
            }
            ok(spin().await)
        }));
        poll_until(scoped.as_mut(), &done, 10);
    });
});

/// R5: a body gets its work done beside a crowd that spins, each of which needs a poll per round.
each_form!(beside_a_crowd_of_spinning_children, |scope, ok| {
    watched(|| {
        let done = Counter::default();
        let shared = &done;
        let mut scoped = Box::pin(scope(async |s| {
            for _ in 0..500 {
                s.spawn(async { ok(spin().await) });
            }
            work(shared).await;
            ok(())
        }));
        poll_until(scoped.as_mut(), &done, 1);
    });
});

/// R5: the spinning child is in an inner scope. It starves nobody in the outer one, and nobody in
/// the inner one.
each_form!(beside_a_spinning_inner_scope, |scope, ok| {
    watched(|| {
        let done = Counter::default();
        let shared = &done;
        let mut scoped = Box::pin(scope(async |s| {
            s.spawn(async move {
                let inner = scope(async |s| {
                    s.spawn(async { ok(spin().await) });
                    s.spawn(async move { ok(work(shared).await) });
                    ok(())
                });
                inner.await
            });
            s.spawn(async move { ok(work(shared).await) });
            work(shared).await;
            ok(())
        }));
        poll_until(scoped.as_mut(), &done, 3);
    });
});

/// R5: a poll of the scope comes to its end while a child spins, so that whatever else the caller's
/// task does goes on.
each_form!(beside_a_scope_with_a_spinning_child, |scope, ok| {
    watched(|| {
        let done = Counter::default();
        let scoped = async {
            let outcome = scope(async |s| {
                s.spawn(async { ok(spin().await) });
                ok(spin().await)
            });
            let _ = outcome.await;
            unreachable!("the scope spins");
        };
        run(or(scoped, work(&done)));
        assert_eq!(done.get(), 1);
    });
});

/// R5: two scopes in one task share it, though the first one has far more children ready than it
/// may run in one poll.
#[test]
fn beside_a_scope_with_many_children() {
    let (first, second) = (Counter::default(), Counter::default());
    let many = scope(async |s| {
        for _ in 0..100_000 {
            s.spawn(async { first.add() });
        }
    })
    .serial();
    let few = scope(async |s| {
        s.spawn(poll_fn(|_| {
            second.add();
            Poll::Ready(first.get())
        }))
        .await
    });
    let ((), started) = run(zip(many, few));
    assert!(started < 100_000);
    assert_eq!((first.get(), second.get()), (100_000, 1));
}
