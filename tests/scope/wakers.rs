//! The wakers of children, fired by anybody at any moment: L5.
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Poll, Waker};
use std::thread;

use crate::life::{Counter, Gate, OnDrop, Wakes, poll_with, settle, watched};
use taskpen::scope;

/// L5: wakers that outlive the scope, by its end or by its drop. Fired from this thread and from
/// others they wake nobody and touch no future; what the children borrowed is long gone.
each_form!(wake_after_the_end, |scope, ok| {
    for finish in [true, false] {
        let gates: [Gate; 4] = Default::default();
        let (drops, (wakes, waker)) = (Counter::default(), Wakes::waker());
        let late: Vec<Waker>;
        {
            let borrowed = String::from("borrowed").into_bytes();
            let mut scoped = Box::pin(scope(async |s| {
                for gate in &gates {
                    let (guard, gate) = (drops.guard(), gate.wait());
                    s.spawn(async {
                        let _guard = guard;
                        gate.await;
                        ok(borrowed[0])
                    });
                }
                ok(())
            }));
            assert!(poll_with(scoped.as_mut(), &waker).is_pending());
            late = gates.iter().map(Gate::waker).collect();
            if finish {
                gates.iter().for_each(Gate::open);
                assert!(poll_with(scoped.as_mut(), &waker).is_ready());
            }
        }
        assert_eq!(drops.get(), 4);
        wakes.take();
        let polls = gates.each_ref().map(Gate::polls);
        late.iter().for_each(Waker::wake_by_ref);
        let threads = late.into_iter().map(|late| {
            thread::spawn(move || {
                late.wake_by_ref();
                drop(late.clone());
                late.wake();
            })
        });
        threads.for_each(|thread| thread.join().unwrap());
        assert_eq!(gates.each_ref().map(Gate::polls), polls);
        assert_eq!((drops.get(), wakes.count()), (4, 0));
    }
});

/// L5, R3: waking a child that has finished polls nobody.
each_form!(wake_of_a_finished_child, |scope, ok| {
    let (done, rest) = (Gate::default(), Gate::default());
    let mut scoped = pin!(scope(async |s| {
        for gate in [&done, &rest] {
            let gate = gate.wait();
            s.spawn(async move {
                gate.await;
                ok(())
            });
        }
        ok(())
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    let late = done.waker();
    done.open();
    assert!(settle(scoped.as_mut()).is_pending());
    late.wake_by_ref();
    assert!(settle(scoped.as_mut()).is_pending());
    late.wake();
    assert_eq!((done.polls(), rest.polls()), (2, 1));
});

/// L5, L3: no waker of the child is left, and no handle. It is suspended for ever, but it is a
/// child: it is dropped with the scope, not before.
each_form!(child_without_wakers, |scope, ok| {
    let drops = Counter::default();
    let mut scoped = Box::pin(scope(async |s| {
        let guard = drops.guard();
        s.spawn(async move {
            let _guard = guard;
            poll_fn(|cx| {
                drop(cx.waker().clone());
                Poll::<()>::Pending
            })
            .await;
            ok(())
        });
        let mut polls = 0;
        poll_fn(|cx| {
            polls += 1;
            assert_eq!(s.len(), 1);
            cx.waker().wake_by_ref();
            if polls < 5 {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
        ok(())
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    assert_eq!(drops.get(), 0);
    drop(scoped);
    assert_eq!(drops.get(), 1);
});

/// L5: while the scope is dropped, a child's destructor wakes everybody: itself, its siblings,
/// those that are gone already, and the body.
each_form!(wake_from_destructors_during_a_drop, |scope, ok| {
    let drops = Counter::default();
    let gates: [Gate; 8] = Default::default();
    let (body, mut body_polls) = (Gate::default(), 0);
    let wake_all = || {
        gates.iter().for_each(Gate::knock);
        body.knock();
    };
    let mut scoped = Box::pin(scope(async |s| {
        for gate in &gates {
            let (guard, gate) = (drops.guard(), gate.wait());
            let waking = OnDrop::new(wake_all);
            s.spawn(async move {
                let _guards = (guard, waking);
                gate.await;
                ok(())
            });
        }
        body_polls += 1;
        body.wait().await;
        ok(())
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    drop(scoped);
    assert_eq!((drops.get(), body_polls, body.polls()), (8, 1, 1));
    assert!(gates.iter().all(|gate| gate.polls() == 1));
});

/// L5, trap 2: while the scope is dropped, a child's destructor waits for another thread that
/// wakes all siblings. No lock of the scope is held there.
#[test]
fn wake_by_a_thread_that_a_destructor_waits_for() {
    watched(|| {
        let drops = Counter::default();
        let gates: [Gate; 8] = Default::default();
        let mut scoped = Box::pin(scope(async |s| {
            for gate in &gates {
                let (guard, gates) = (drops.guard(), gates.clone());
                let waking = OnDrop::new(move || {
                    thread::spawn(move || gates.iter().for_each(Gate::knock))
                        .join()
                        .unwrap();
                });
                let gate = gate.wait();
                s.spawn(async move {
                    let _guards = (guard, waking);
                    gate.await;
                });
            }
        }));
        assert!(settle(scoped.as_mut()).is_pending());
        drop(scoped);
        assert_eq!(drops.get(), 8);
    });
}
