//! Streams that run ahead of their consumer: T1 to T6. Failures have a file of their own; streams
//! whose scope has ended are with the sets.
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]

use std::cell::Cell;
use std::future::pending;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use crate::life::{Counter, Gate, let_run, run, settle};
use event_listener::Event;
use futures::stream::{StreamExt, iter};
use futures_lite::future::{poll_once as poll_here, yield_now};
use taskpen::{Scope, scope};

/// T1: no more than the limit are ahead, but that many are; in either order.
each_form!(never_more_than_the_limit, |scope, ok| {
    for limit in [1, 3, 7] {
        let (started, taken) = (&Counter::default(), &Counter::default());
        let most = &Counter::default();
        let item = |number: usize| async move {
            started.add();
            let ahead = started.get() - taken.get();
            assert!(ahead <= limit);
            if ahead > most.get() {
                most.add();
            }
            for _ in 0..number % 4 {
                yield_now().await;
            }
            ok(number)
        };
        let outcome = run(scope(async |s| {
            let mut stream = s.buffered(limit, (0..30).map(item));
            let mut sum = 0;
            while let Some(number) = stream.next().await {
                taken.add();
                sum += number;
                yield_now().await;
            }
            let mut stream = s.buffer_unordered(limit, (0..30).map(item));
            while let Some(number) = stream.next().await {
                taken.add();
                sum += number;
                yield_now().await;
            }
            ok(sum)
        })
        .serial());
        assert_eq!(outcome, ok(2 * 435));
        assert_eq!(most.get(), limit);
    }
});

/// T2: `buffered` gives the values in the order of the items, `buffer_unordered` in that in which
/// they finish.
each_form!(order, |scope, ok| {
    let item = |yields: usize| async move {
        for _ in 0..yields {
            yield_now().await;
        }
        ok(yields)
    };
    let outcome = run(scope(async |s| {
        let items = [3, 0, 2, 1].map(item);
        let in_order: Vec<_> = s.buffered(4, items).collect().await;
        let items = [3, 0, 2, 1].map(item);
        let finished: Vec<_> = s.buffer_unordered(4, items).collect().await;
        ok([in_order, finished])
    })
    .serial());
    assert_eq!(outcome, ok([vec![3, 0, 2, 1], vec![0, 1, 2, 3]]));
});

/// Ten items that take three turns each, and count when they are done.
fn items(done: &Counter) -> impl Iterator<Item = impl Future<Output = usize> + Send> {
    (0..10).map(move |number| async move {
        for _ in 0..3 {
            yield_now().await;
        }
        done.add();
        number
    })
}

/// T3: while the consumer is busy with the first value the next ones go on. With `buffered` of
/// futures they stand still, however long it takes.
#[test]
fn busy_consumer() {
    let busy = async || {
        for _ in 0..100 {
            yield_now().await;
        }
    };

    let done = Counter::default();
    run(async {
        let mut stream = pin!(iter(items(&done)).buffered(4));
        assert_eq!(stream.next().await, Some(0));
        let before = done.get();
        busy().await;
        assert_eq!(done.get(), before);
    });

    for in_order in [true, false] {
        let done = &Counter::default();
        run(scope(async |s: Scope<'_>| {
            let mut ordered = s.buffered(4, items(done));
            let mut unordered = s.buffer_unordered(4, items(done));
            let value = match in_order {
                true => ordered.next().await,
                false => unordered.next().await,
            };
            assert_eq!(value, Some(0));
            busy().await;
            assert_eq!(done.get(), 1 + 4, "the one that was taken, and those ahead");
        })
        .serial());
    }
}

/// A lock for one.
#[derive(Default)]
struct Lock {
    taken: AtomicBool,
    freed: Event,
}

impl Lock {
    /// Waits for the lock, and has it for `turns`.
    async fn hold(&self, turns: usize) {
        loop {
            let freed = self.freed.listen();
            if !self.taken.swap(true, SeqCst) {
                break;
            }
            freed.await;
        }
        for _ in 0..turns {
            yield_now().await;
        }
        self.taken.store(false, SeqCst);
        self.freed.notify(1);
    }

    /// Items of which the second holds the lock for some turns. By then the first is done.
    fn items(&self) -> impl Iterator<Item = impl Future<Output = ()> + Send> {
        (0..2).map(move |number| async move {
            match number {
                0 => yield_now().await,
                _ => self.hold(3).await,
            }
        })
    }
}

/// T3: an item that runs ahead holds a lock that the consumer wants. With `buffered` of futures
/// that is the end: nobody polls the item, so it never lets go. A child does.
#[test]
fn lock_that_an_item_holds() {
    let lock = &Lock::default();
    let stalled = async {
        let mut stream = pin!(iter(lock.items()).buffered(2));
        while stream.next().await.is_some() {
            lock.hold(0).await;
        }
    };
    assert!(settle(pin!(stalled)).is_pending(), "and nobody is woken");

    let lock = &Lock::default();
    let taken = run(scope(async |s: Scope<'_>| {
        let mut stream = s.buffered(2, lock.items());
        let mut taken = 0;
        while stream.next().await.is_some() {
            lock.hold(0).await;
            taken += 1;
        }
        taken
    }));
    assert_eq!(taken, 2);
}

/// T4: the iterator is called at the first poll, and once for each value that is taken: before the
/// consumer has it, so that the next item runs while it is busy. An iterator that has ended is
/// never called again, and is gone.
each_form!(calls_of_the_iterator, |scope, ok| {
    let (calls, drops) = (&Counter::default(), &Counter::default());
    let outcome = run(scope(async |s| {
        let guard = drops.guard();
        let mut left = 5;
        let items = std::iter::from_fn(move || {
            let _inside = &guard;
            calls.add();
            assert!(calls.get() <= 6, "called after its end");
            left -= 1;
            (left >= 0).then_some(async move { ok(left) })
        });
        let mut stream = s.buffered(2, items);
        let_run().await;
        assert_eq!((calls.get(), s.len()), (0, 0));

        assert!(poll_here(stream.next()).await.is_none());
        assert_eq!((calls.get(), s.len()), (2, 2));
        assert!(poll_here(stream.next()).await.is_none());
        let_run().await;
        assert_eq!((calls.get(), s.len()), (2, 0), "it waits for us");

        assert_eq!(stream.next().await, Some(4));
        assert_eq!((calls.get(), s.len()), (3, 1), "started in its place");
        for value in [3, 2, 1, 0] {
            assert_eq!(stream.next().await, Some(value));
        }
        assert_eq!((calls.get(), drops.get()), (6, 1));
        assert_eq!((stream.next().await, stream.next().await), (None, None));
        ok(())
    })
    .serial());
    assert_eq!(outcome, ok(()));
});

/// T4: the iterator may borrow from the body and need not be `Send` in a local scope; it makes the
/// items while the values come.
#[test]
fn iterator_that_borrows_from_the_body() {
    let total = run(taskpen::local_scope(async |s: taskpen::LocalScope<'_>| {
        let next = Cell::new(0);
        let items = std::iter::from_fn(|| {
            next.set(next.get() + 1);
            let number = next.get();
            Some(async move { number })
        });
        let mut stream = s.buffer_unordered(2, items);
        let mut total = 0;
        while total < 100 {
            total += stream.next().await.unwrap();
            next.set(next.get() + 10);
        }
        total
    }));
    assert_eq!(total, 1 + 2 + 3 + 14 + 25 + 36 + 47);
}

/// T4: a limit beyond the number of items, and no item at all.
each_form!(fewer_items_than_the_limit, |scope, ok| {
    let outcome = run(scope(async |s| {
        let item = |number| async move { ok(number) };
        let mut stream = s.buffered(usize::MAX, (0..3).map(item));
        let some: Vec<_> = stream.by_ref().collect().await;
        assert_eq!(some, [0, 1, 2]);
        for _ in 0..9 {
            assert_eq!(stream.next().await, None);
        }
        let some: Vec<_> = s.buffer_unordered(9, (0..3).map(item)).collect().await;
        assert_eq!(some, [0, 1, 2]);
        assert_eq!(s.buffered(1, (0..0).map(item)).next().await, None);
        assert_eq!(s.buffer_unordered(1, (0..0).map(item)).next().await, None);
        ok(())
    })
    .serial());
    assert_eq!(outcome, ok(()));
});

/// T5: an infinite iterator is run as far as somebody reads.
each_form!(infinite_iterator, |scope, ok| {
    let started = &Counter::default();
    let item = |number: usize| async move {
        started.add();
        ok(number)
    };
    let outcome = run(scope(async |s| {
        let squares: Vec<_> = s.buffered(3, (0..).map(item)).take(100).collect().await;
        ok(squares.len())
    }));
    assert_eq!(outcome, ok(100));
    assert!((100..=103).contains(&started.get()));
});

/// T6: dropping a stream cancels what is ahead, whether it runs or not, and drops the values that
/// nobody took, and the iterator.
each_form!(dropped_stream, |scope, ok| {
    let (futures, values) = (&Counter::default(), &Counter::default());
    let iterators = &Counter::default();
    let outcome = run(scope(async |s| {
        for in_order in [true, false] {
            let guard = iterators.guard();
            let item = move |number: usize| {
                let _inside = &guard;
                let (future, value) = (futures.guard(), values.guard());
                async move {
                    let _future = future;
                    if number % 2 == 1 {
                        pending::<()>().await;
                    }
                    ok(value)
                }
            };
            let items = (0..).map(item);
            if in_order {
                let mut stream = s.buffered(4, items);
                drop(stream.next().await);
                let_run().await;
            } else {
                let mut stream = s.buffer_unordered(4, items);
                drop(stream.next().await);
                let_run().await;
            }
            let_run().await;
            assert_eq!(s.len(), 0);
        }
        ok(())
    })
    .serial());
    assert_eq!(outcome, ok(()));
    assert_eq!((futures.get(), values.get()), (2 * 5, 2 * 5));
    assert_eq!(iterators.get(), 2);
});

/// T6: a stream that nobody has polled has started nothing.
#[test]
fn stream_that_is_never_polled() {
    run(scope(async |s: Scope<'_>| {
        let never = || -> std::future::Ready<()> { unreachable!("nobody asked") };
        drop(s.buffered(1, std::iter::repeat_with(never)));
        drop(s.buffer_unordered(1, std::iter::repeat_with(never)));
    }));
}

/// R3, R4: items and consumer are polled when they were woken.
#[test]
fn polls() {
    let gates: [Gate; 3] = Default::default();
    let polls = Counter::default();
    let gates = &gates;
    let mut scoped = pin!(scope(async |s: Scope<'_>| {
        let mut stream = s.buffered(3, gates.iter().map(Gate::wait));
        let mut all = pin!(async { while stream.next().await.is_some() {} });
        std::future::poll_fn(|cx| {
            polls.add();
            all.as_mut().poll(cx)
        })
        .await;
    }));
    for gate in [2, 1, 0] {
        assert!(settle(scoped.as_mut()).is_pending());
        assert_eq!(polls.get(), 1, "for the first item only");
        gates[gate].open();
    }
    assert!(settle(scoped.as_mut()).is_ready());
    assert_eq!(polls.get(), 2);
    assert!(gates.iter().all(|gate| gate.polls() == 2));
}
