//! Sets and streams whose scope has ended: S11, T10.
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]

use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::{Mutex, mpsc};
use std::thread;

use crate::life::{Counter, Wakes, let_run, poll_with, run, settle, watched};
use futures::stream::FusedStream;
use futures_lite::StreamExt;
use futures_lite::future::{block_on, poll_once as poll_here};
use taskpen::{JoinSet, Scope, scope};

/// S11: nobody waits in vain. What had finished is given; what had not is gone; what is spawned now
/// is dropped unpolled, and the set gives nothing for it.
each_form!(set_of_a_dropped_scope, |scope, ok| {
    let (polls, drops) = (&Counter::default(), &Counter::default());
    let slot = Mutex::new(None);
    let mut scoped = Box::pin(
        scope(async |s| {
            let mut set = s.join_set();
            set.spawn(async { ok(1) });
            let guard = drops.guard();
            set.spawn(async move {
                let _guard = guard;
                ok(pending::<i32>().await)
            });
            let_run().await;
            *slot.lock().unwrap() = Some(set);
            ok(pending::<()>().await)
        })
        .serial(),
    );
    assert!(settle(scoped.as_mut()).is_pending());
    drop(scoped);
    let mut set = slot.into_inner().unwrap().unwrap();
    assert_eq!((set.len(), drops.get()), (2, 1));

    let guard = drops.guard();
    set.spawn(async move {
        let _guard = guard;
        polls.add();
        ok(2)
    });
    assert_eq!((set.len(), polls.get(), drops.get()), (3, 0, 2));
    assert_eq!(run(set.next()), Some(1));
    assert_eq!(run(set.next()), None);
    set.spawn(async { ok(3) });
    set.cancel_all();
    assert_eq!(run(set.next()), None);
    assert!(set.is_empty());
});

/// S11: nor does a `wait_below` that waits, or would have to.
each_form!(wait_below_in_a_dropped_scope, |scope, ok| {
    let slot = Mutex::new(None);
    let mut scoped = Box::pin(scope(async |s| {
        let mut set = s.join_set();
        set.spawn(async { ok(pending::<i32>().await) });
        *slot.lock().unwrap() = Some(set);
        ok(pending::<()>().await)
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    let mut set = slot.lock().unwrap().take().unwrap();
    {
        let (wakes, waker) = Wakes::waker();
        let mut room = pin!(set.wait_below(1));
        assert!(poll_with(room.as_mut(), &waker).is_pending());
        drop(scoped);
        assert_eq!(wakes.take(), 1);
        assert!(poll_with(room.as_mut(), &waker).is_ready());
    }
    for number in 0..3 {
        set.spawn(async move { ok(number) });
    }
    run(set.wait_below(1));
    assert_eq!(run(set.next()), None);
});

/// S11: values that wait in a set are read after the scope has returned.
each_form!(set_of_a_scope_that_returned, |scope, ok| {
    let slot = Mutex::new(None);
    let outcome = run(scope(async |s| {
        let mut set = s.join_set();
        for number in 0..3 {
            set.spawn(async move { ok(number) });
        }
        *slot.lock().unwrap() = Some(set);
        ok(())
    }));
    assert_eq!(outcome, ok(()));
    let set = slot.into_inner().unwrap().unwrap();
    let mut values = run(set.collect::<Vec<_>>());
    values.sort(); // with helpers they come in any order
    assert_eq!(values, [0, 1, 2]);
});

/// S11: another thread that waits for a set is woken when the scope is dropped.
#[test]
fn reader_on_another_thread() {
    watched(|| {
        let (send, receive) = mpsc::channel::<JoinSet<'static, ()>>();
        let (poll, polled) = mpsc::channel();
        let reader = thread::spawn(move || {
            let mut set = receive.recv().unwrap();
            let mut next = set.next();
            block_on(poll_fn(move |cx| {
                let result = pin!(&mut next).poll(cx);
                let _ = poll.send(());
                result
            }))
        });
        let mut scoped = Box::pin(scope(async |s: Scope<'static>| {
            let mut set = s.join_set();
            set.spawn(pending());
            send.send(set).unwrap();
            pending::<()>().await;
        }));
        assert!(settle(scoped.as_mut()).is_pending());
        polled.recv().unwrap();
        drop(scoped);
        assert_eq!(reader.join().unwrap(), None);
    });
}

/// S11: a set that is dropped after its scope drops what nobody read.
#[test]
fn set_dropped_after_its_scope() {
    let values = Counter::default();
    let set: JoinSet<'_, crate::life::Guard> = run(scope(async |s: Scope<'_>| {
        let mut set = s.join_set();
        for _ in 0..3 {
            let guard = values.guard();
            set.spawn(async { guard });
        }
        set
    }));
    assert_eq!((values.get(), set.len()), (0, 3));
    drop(set);
    assert_eq!(values.get(), 3);
}

/// T10: a stream whose scope has ended gives what had finished, calls its iterator no more, and
/// ends. In order that is what had finished before the first that had not.
each_form!(streams_of_a_dropped_scope, |scope, ok| {
    let (calls, drops) = (&Counter::default(), &Counter::default());
    let slots = (Mutex::new(None), Mutex::new(None));
    let mut scoped = Box::pin(
        scope(async |s| {
            let items = |guard| {
                (0..).map(move |number: u32| {
                    let _inside = &guard;
                    calls.add();
                    async move {
                        if number % 2 == 1 {
                            pending::<()>().await;
                        }
                        ok(number)
                    }
                })
            };
            let mut ordered = s.buffered(4, items(drops.guard()));
            let mut unordered = s.buffer_unordered(4, items(drops.guard()));
            assert!(poll_here(ordered.next()).await.is_none());
            assert!(poll_here(unordered.next()).await.is_none());
            let_run().await;
            *slots.0.lock().unwrap() = Some(ordered);
            *slots.1.lock().unwrap() = Some(unordered);
            ok(pending::<()>().await)
        })
        .serial(),
    );
    assert!(settle(scoped.as_mut()).is_pending());
    drop(scoped);
    assert_eq!(calls.get(), 8);
    let mut ordered = slots.0.into_inner().unwrap().unwrap();
    let mut unordered = slots.1.into_inner().unwrap().unwrap();
    let seen = [(); 3].map(|()| (run(ordered.next()), run(unordered.next())));
    assert_eq!(seen, [(Some(0), Some(0)), (None, Some(2)), (None, None)]);
    assert_eq!((calls.get(), drops.get()), (8, 2));
    assert!(ordered.is_terminated() && unordered.is_terminated());
});

/// T10: the same where no item had finished, so that no value is taken any more.
each_form!(streams_that_give_nothing, |scope, ok| {
    let drops = &Counter::default();
    let slot = Mutex::new(None);
    let mut scoped = Box::pin(scope(async |s| {
        let items = |guard| {
            std::iter::repeat_with(move || {
                let _inside = &guard;
                async move { ok(pending::<()>().await) }
            })
        };
        let mut ordered = s.buffered(2, items(drops.guard()));
        let mut unordered = s.buffer_unordered(2, items(drops.guard()));
        assert!(poll_here(ordered.next()).await.is_none());
        assert!(poll_here(unordered.next()).await.is_none());
        *slot.lock().unwrap() = Some((ordered, unordered));
        ok(pending::<()>().await)
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    drop(scoped);
    let (mut ordered, mut unordered) = slot.into_inner().unwrap().unwrap();
    assert_eq!((run(ordered.next()), run(unordered.next())), (None, None));
    assert_eq!(drops.get(), 2, "the iterators");
    assert!(ordered.is_terminated() && unordered.is_terminated());
    assert_eq!((run(ordered.next()), run(unordered.next())), (None, None));
});
