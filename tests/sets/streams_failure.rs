//! Streams whose items or iterators fail: T8, T9.

use std::future::Ready;
use std::iter::{from_fn, repeat_with};
use std::panic::AssertUnwindSafe;

use crate::failing::{Bang, Tally, bang, raised};
use crate::life::{let_run, run};
use futures_lite::StreamExt;
use futures_lite::future::{pending, yield_now};
use taskpen::{Scope, TryLocalScope, TryScope, scope, try_local_scope, try_scope};

/// Items that give their number, of which the fourth is a panic of the iterator.
fn items(calls: &Tally) -> impl Iterator<Item = Ready<usize>> {
    repeat_with(|| {
        calls.add();
        if calls.get() == 4 {
            bang("iterator");
        }
        std::future::ready(calls.get())
    })
}

/// T8: a panic of the iterator leaves the poll that called it: here that is the body's, so the
/// scope raises it.
#[test]
fn iterator_that_panics() {
    for limit in [2, 9] {
        let (calls, drops, seen) = (Tally::new(), Tally::new(), Tally::new());
        let name = raised(|| {
            run(scope(async |s: Scope<'_>| {
                s.spawn(drops.suspended());
                let mut stream = s.buffered(limit, items(&calls));
                while stream.next().await.is_some() {
                    seen.add();
                }
            }))
        });
        assert_eq!(name, "iterator");
        // With a limit of 2 the third call starts the third item, for the first that is taken.
        assert_eq!(seen.get(), if limit == 2 { 1 } else { 0 });
        assert_eq!((calls.get(), drops.get()), (4, 1));
    }
}

/// T8: who catches it finds the items that were started, but not the value that was about to be
/// given, and then the end; the iterator is not called again, and is gone.
#[test]
fn iterator_that_panics_and_is_caught() {
    for in_order in [true, false] {
        let (calls, drops) = (Tally::new(), Tally::new());
        let seen: Vec<_> = run(scope(async |s: Scope<'_>| {
            let guard = drops.guard();
            let items = items(&calls).map_while(move |item| {
                let _inside = &guard;
                Some(item)
            });
            if in_order {
                read_on(s.buffered(2, items)).await
            } else {
                read_on(s.buffer_unordered(2, items)).await
            }
        })
        .serial());
        assert_eq!(seen, [Ok(1), Err("iterator"), Ok(3)]);
        assert_eq!((calls.get(), drops.get()), (4, 1));
    }
}

/// All values of a stream, and the panics of its polls.
async fn read_on<S>(mut stream: S) -> Vec<Result<usize, &'static str>>
where
    S: StreamExt<Item = usize> + Unpin,
{
    let mut seen = Vec::new();
    loop {
        let next = AssertUnwindSafe(stream.next());
        match futures_lite::FutureExt::catch_unwind(next).await {
            Ok(None) => return seen,
            Ok(Some(value)) => seen.push(Ok(value)),
            Err(payload) => seen.push(Err(payload.downcast::<Bang>().unwrap().0)),
        }
    }
}

/// T8, F4: the value that is lost may panic when it is dropped, and so may the iterator. The first
/// panic is what is raised, and nothing aborts.
#[test]
fn iterator_that_panics_in_every_way() {
    for in_order in [true, false] {
        let (calls, drops) = (&Tally::new(), &Tally::new());
        let name = raised(|| {
            run(scope(async |s: Scope<'_>| {
                let items = from_fn(|| {
                    calls.add();
                    if calls.get() == 2 {
                        bang("iterator");
                    }
                    Some(async { drops.bomb("value") })
                });
                let items = MoveIn(items, drops.bomb("destructor of the iterator"));
                if in_order {
                    s.buffered(1, items).next().await;
                } else {
                    s.buffer_unordered(1, items).next().await;
                }
            }))
        });
        assert_eq!(name, "iterator");
        assert_eq!(drops.get(), 2);
    }
}

/// An iterator with something in it.
struct MoveIn<I, T>(I, #[allow(dead_code, reason = "it is dropped")] T);

impl<I: Iterator, T> Iterator for MoveIn<I, T> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.0.next()
    }
}

/// T8: an iterator whose destructor panics when it has ended: the poll raises it, and the stream
/// can be read on.
#[test]
fn iterator_that_panics_when_it_is_dropped() {
    let drops = Tally::new();
    let seen = run(scope(async |s: Scope<'_>| {
        let items = (0..3).map(async |number| number);
        read_on(s.buffered(2, MoveIn(items, drops.bomb("dropped")))).await
    }));
    assert_eq!(seen, [Ok(0), Err("dropped"), Ok(2)]);
    assert_eq!(drops.get(), 1);
}

/// T8, F4: values that nobody took and that panic when the stream is dropped are the scope's
/// affair.
#[test]
fn unread_values_that_panic() {
    for in_order in [true, false] {
        let (drops, seen) = (Tally::new(), Tally::new());
        let (drops, seen) = (&drops, &seen);
        let name = raised(|| {
            run(scope(async |s: Scope<'_>| {
                let items = ["first", "second", "third"].map(|name| async { drops.bomb(name) });
                if in_order {
                    let mut stream = s.buffered(3, items);
                    std::mem::forget(stream.next().await);
                } else {
                    let mut stream = s.buffer_unordered(3, items);
                    std::mem::forget(stream.next().await);
                }
                seen.add();
                pending::<()>().await;
            })
            .serial())
        });
        assert_eq!(name, "second");
        assert_eq!((drops.get(), seen.get()), (2, 1));
    }
}

/// T9, F1: a panic of an item is the scope's.
#[test]
fn item_that_panics() {
    for in_order in [true, false] {
        let name = raised(|| {
            run(scope(async |s: Scope<'_>| {
                let items = (0..).map(|number| async move {
                    if number == 3 {
                        bang("item");
                    }
                });
                let mut ordered = s.buffered(2, items.clone());
                let mut unordered = s.buffer_unordered(2, items);
                loop {
                    match in_order {
                        true => ordered.next().await,
                        false => unordered.next().await,
                    };
                }
            }))
        });
        assert_eq!(name, "item");
    }
}

/// T9: the first `Err` of an item ends the scope. The consumer sees no more, and no item is started
/// any more.
#[test]
fn item_that_fails() {
    for in_order in [true, false] {
        let (seen, started) = (Tally::new(), Tally::new());
        let outcome = run(try_scope(async |s: TryScope<'_, usize>| {
            let items = (0..).map(|number| {
                started.add();
                async move {
                    yield_now().await;
                    if number < 3 { Ok(number) } else { Err(number) }
                }
            });
            if in_order {
                s.buffered(2, items).for_each(|_| seen.add()).await;
            } else {
                s.buffer_unordered(2, items).for_each(|_| seen.add()).await;
            }
            Ok(())
        })
        .serial());
        assert_eq!(outcome, Err(3));
        assert!((1..=3).contains(&seen.get()));
        assert!((4..=5).contains(&started.get()));
    }
}

/// T9: the same for items that are not `Send`; and through the plain handle a `Result` is a value.
#[test]
fn item_that_fails_in_a_local_scope() {
    let outcome = run(try_local_scope(async |s: TryLocalScope<'_, &str>| {
        let plain: &taskpen::LocalScope<'_> = &s;
        let isolated = plain.buffered(1, [async { Err::<(), _>(1) }]).next().await;
        assert_eq!(isolated, Some(Err(1)));
        let rc = std::rc::Rc::new("lost");
        let items = [0, 1].map(|number| {
            let rc = std::rc::Rc::clone(&rc);
            async move { if number == 0 { Ok(rc) } else { Err(*rc) } }
        });
        let mut stream = s.buffered(1, items);
        assert!(stream.next().await.is_some());
        let_run().await;
        unreachable!("the second item has failed");
    }));
    assert_eq!(outcome, Err::<(), _>("lost"));
}
