//! Values that a child returned and nobody read, and what their destructors may do: L7.
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]

use std::future::{pending, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::thread;

use crate::life::{Counter, Gate, OnDrop, run, settle};
use futures_lite::future::yield_now;
use taskpen::{JoinHandle, Scope, scope};

/// L7: the handle is dropped at once, so the value goes when its child finishes, as the last one.
/// Its destructor spawns, and the scope waits for that child.
each_form!(destructor_after_the_last_child, |scope, ok| {
    let finished = Counter::default();
    let outcome = run(scope(async |s| {
        let (inner, finished) = (s.clone(), finished.clone());
        s.spawn(async move {
            yield_now().await;
            ok(OnDrop::new(move || {
                inner.spawn(async move {
                    yield_now().await;
                    finished.add();
                    ok(())
                });
            }))
        });
        ok(())
    }));
    assert_eq!(outcome, ok(()));
    assert_eq!(finished.get(), 1);
});

/// L7: the body owns the handle, and drops it when it is done and no child is left. The scope has
/// not ended then.
each_form!(destructor_with_the_body, |scope, ok| {
    let finished = Counter::default();
    let outcome = run(scope(|s| {
        let (inner, finished) = (s.clone(), finished.clone());
        let unread = s.spawn(async move {
            ok(OnDrop::new(move || {
                inner.spawn(async move {
                    yield_now().await;
                    finished.add();
                    ok(())
                });
            }))
        });
        poll_fn(move |cx| {
            if unread.is_finished() {
                return Poll::Ready(ok(7));
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
    }));
    assert_eq!(outcome, ok(7));
    assert_eq!(finished.get(), 1);
});

/// L7: a sibling owns the handle and finishes last.
each_form!(destructor_with_a_sibling, |scope, ok| {
    let (finished, gate) = (Counter::default(), Gate::default());
    let mut scoped = pin!(scope(async |s| {
        let (inner, finished) = (s.clone(), finished.clone());
        let unread = s.spawn(async move {
            ok(OnDrop::new(move || {
                inner.spawn(async move {
                    yield_now().await;
                    finished.add();
                    ok(())
                });
            }))
        });
        let gate = gate.wait();
        s.spawn(async move {
            gate.await;
            drop(unread);
            ok(())
        });
        ok(())
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    assert_eq!(finished.get(), 0);
    gate.open();
    assert_eq!(settle(scoped.as_mut()), Poll::Ready(ok(())));
    assert_eq!(finished.get(), 1);
});

/// L6, L7: the value goes while the scope is dropped, with the sibling or the body that owned its
/// handle: the spawn is refused, nothing hangs.
each_form!(destructor_during_a_drop, |scope, ok| {
    let (polls, refused) = (Counter::default(), Counter::default());
    let mut scoped = Box::pin(scope(async |s| {
        let spawning = || {
            let (inner, polls, refused) = (s.clone(), polls.clone(), refused.clone());
            s.spawn(async move {
                ok(OnDrop::new(move || {
                    let handle = inner.spawn(async move { ok(polls.add()) });
                    if handle.is_cancelled() && inner.is_ended() {
                        refused.add();
                    }
                }))
            })
        };
        let _of_body = spawning();
        let of_sibling = spawning();
        s.spawn(async move {
            let _of_sibling = of_sibling;
            ok(pending::<()>().await)
        });
        ok(pending::<()>().await)
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    assert_eq!(refused.get(), 0);
    drop(scoped);
    assert_eq!((polls.get(), refused.get()), (0, 2));
});

/// L6, L7: the value leaves the scope in its handle, which the body returned; another thread drops
/// it after the end.
#[test]
fn destructor_after_the_end() {
    let (polls, refused) = (Counter::default(), Counter::default());
    let unread = run(scope(async |s| {
        let (inner, polls, refused) = (s.clone(), polls.clone(), refused.clone());
        let unread = s.spawn(async move {
            OnDrop::new(move || {
                let handle = inner.spawn(async move { polls.add() });
                if handle.is_cancelled() && inner.is_ended() {
                    refused.add();
                }
            })
        });
        yield_now().await;
        Some(unread)
    }));
    assert!(unread.as_ref().is_some_and(JoinHandle::is_finished));
    assert_eq!(refused.get(), 0);
    thread::scope(|threads| threads.spawn(|| drop(unread)).join().unwrap());
    assert_eq!((polls.get(), refused.get()), (0, 1));
}

/// A value whose destructor spawns a child that returns another such value, and so on.
struct Chain<'env> {
    s: Scope<'env>,
    left: usize,
    dropped: &'env Counter,
}

impl Drop for Chain<'_> {
    fn drop(&mut self) {
        self.dropped.add();
        if let Some(left) = self.left.checked_sub(1) {
            let (s, dropped) = (self.s.clone(), self.dropped);
            self.s.spawn(async move {
                yield_now().await;
                Chain { s, left, dropped }
            });
        }
    }
}

/// L7: the unread value of a child whose child leaves an unread value, a thousand times. The scope
/// waits for all.
#[test]
fn destructors_in_a_chain() {
    let dropped = Counter::default();
    run(scope(async |s| {
        let (inner, dropped) = (s.clone(), &dropped);
        s.spawn(async move {
            Chain {
                s: inner,
                left: 1000,
                dropped,
            }
        });
    }));
    assert_eq!(dropped.get(), 1001);
}

/// L7: values that somebody read are not dropped by the scope, and those that nobody read exactly
/// once.
each_form!(drop_count, |scope, ok| {
    let drops = Counter::default();
    let read = run(scope(async |s| {
        let guarded = || {
            let guard = drops.guard();
            s.spawn(async move { ok(guard) })
        };
        drop(guarded());
        let (read, unread) = (guarded(), guarded());
        let read = read.await;
        yield_now().await;
        assert_eq!(drops.get(), 1);
        drop(unread);
        assert_eq!(drops.get(), 2);
        ok(read)
    })
    .serial());
    assert_eq!(drops.get(), 2);
    drop(read);
    assert_eq!(drops.get(), 3);
});
