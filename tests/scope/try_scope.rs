//! `try_scope` and its local form: the first `Err` ends the scope.

use std::cell::Cell;
use std::future::{Future, pending};
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Mutex;
use std::task::Poll;

use crate::failing::{Guard, Tally, bang, raised};
use crate::life::poll_once;
use futures_lite::future::{block_on, yield_now};
use taskpen::{JoinHandle, Scope, TryLocalScope, TryScope, scope, try_local_scope, try_scope};

type Outcome<T = ()> = Result<T, &'static str>;

/// F5: the error of a child ends the scope at once; the body and all other children are dropped.
#[test]
fn error_of_a_child() {
    let drops = Tally::new();
    let polls = Tally::new();
    let sc = try_scope(async |s: TryScope<'_, &str>| {
        s.spawn(never(drops.suspended()));
        s.spawn_background(never(drops.suspended()));
        s.spawn(async { Err::<(), _>("child") });
        s.spawn(never(polls.polled()));
        let plain: &Scope<'_> = &s;
        plain.spawn(polls.polled());
        let _inside = drops.guard();
        pending::<Outcome>().await
    });
    let mut sc = pin!(sc.serial()); // a helper may poll one while another fails
    assert_eq!(poll_once(sc.as_mut()), Poll::Ready(Err("child")));
    assert_eq!(drops.get(), 3);
    assert_eq!(polls.get(), 0, "no poll starts after the error");
}

/// A child that never gives a result.
async fn never<E>(work: impl Future<Output = ()>) -> Result<(), E> {
    work.await;
    pending().await
}

/// F5: the error of the body ends the scope at once, unlike that of a plain scope (F9).
#[test]
fn error_of_the_body() {
    let drops = Tally::new();
    let polls = Tally::new();
    let outcome = block_on(try_scope(async |s: TryScope<'_, &str>| {
        s.spawn(never(drops.suspended()));
        yield_now().await;
        s.spawn(never(polls.polled()));
        Err::<(), _>("body")
    }));
    assert_eq!(outcome, Err("body"));
    assert_eq!(drops.get(), 1);
    assert_eq!(polls.get(), 0);
}

/// F5: the first error in the order of completion wins, not in that of spawning.
#[test]
fn first_error_to_happen() {
    async fn fails_after(yields: u32, name: &'static str) -> Outcome {
        for _ in 0..yields {
            yield_now().await;
        }
        Err(name)
    }

    let outcome = block_on(
        try_scope(async |s: TryScope<'_, &str>| {
            s.spawn(fails_after(9, "slow"));
            s.spawn(fails_after(2, "fast"));
            s.spawn(fails_after(5, "middle"));
            fails_after(7, "body").await
        })
        .serial(),
    );
    assert_eq!(outcome, Err("fast"));

    let outcome = block_on(
        try_scope(async |s: TryScope<'_, &str>| {
            s.spawn(fails_after(9, "slow"));
            s.spawn(fails_after(5, "middle"));
            fails_after(2, "body").await
        })
        .serial(),
    );
    assert_eq!(outcome, Err("body"));
}

/// F6: the `Ok` of the body is the scope's only after every ordinary child gave `Ok`.
#[test]
fn error_after_the_body() {
    let drops = Tally::new();
    let outcome = block_on(try_scope(async |s: TryScope<'_, &str>| {
        s.spawn(never(drops.suspended()));
        s.spawn(async {
            yield_now().await;
            Err::<(), _>("late")
        });
        Ok(drops.guard())
    }));
    assert_eq!(outcome.err(), Some("late"));
    assert_eq!(drops.get(), 2);
}

/// F6: all gave `Ok`; background children that were cancelled do not count.
#[test]
fn success() {
    let drops = Tally::new();
    let outcome = block_on(try_scope(async |s: TryScope<'_, &str>| {
        let one = s.spawn(async { Ok(1) });
        let two =
            s.spawn_with(async |s: TryScope<'_, &str>| Ok(1 + s.spawn(async { Ok(1) }).await));
        s.spawn_background(never(drops.suspended()));
        s.spawn(async {
            yield_now().await;
            Ok(())
        });
        Ok(one.await + two.await)
    }));
    assert_eq!(outcome, Ok(3));
    assert_eq!(drops.get(), 1);
}

/// F6: the error of a background child ends the scope too.
#[test]
fn error_of_a_background_child() {
    let drops = Tally::new();
    let outcome = block_on(try_scope(async |s: TryScope<'_, &str>| {
        s.spawn_background(async {
            yield_now().await;
            Err::<(), _>("background")
        });
        s.spawn(never(drops.suspended()));
        Ok(())
    }));
    assert_eq!(outcome, Err("background"));
    assert_eq!(drops.get(), 1);
}

/// F6: the error of a child that a child spawned.
#[test]
fn error_of_a_grandchild() {
    let outcome = block_on(try_scope(async |s: TryScope<'_, &str>| {
        s.spawn_with(async |s: TryScope<'_, &str>| {
            s.spawn_with(async |_| Err::<(), _>("grandchild")).await;
            Ok(())
        });
        pending::<Outcome>().await
    }));
    assert_eq!(outcome, Err("grandchild"));
}

/// F3: a panic beats an `Err`, also when a destructor raises it while the `Err` ends the scope.
#[test]
fn panic_against_error() {
    let name = raised(|| {
        block_on(
            try_scope(async |s: TryScope<'_, &str>| {
                s.spawn::<_, ()>(async { bang("before") });
                s.spawn(async { Err::<(), _>("too late") });
                pending::<Outcome>().await
            })
            .serial(),
        )
    });
    assert_eq!(name, "before");

    let drops = Tally::new();
    let name = raised(|| {
        block_on(
            try_scope(async |s: TryScope<'_, &str>| {
                s.spawn(never(drops.suspended_bomb("during")));
                s.spawn(async { Err::<(), _>("first") });
                pending::<Outcome>().await
            })
            .serial(),
        )
    });
    assert_eq!(name, "during");
    assert_eq!(drops.get(), 1);
}

/// F5: after the first error nobody is polled for another; it is dropped once, by the caller.
#[test]
fn errors_behind_the_first() {
    let drops = Tally::new();
    let outcome = block_on(
        try_scope(async |s: TryScope<'_, Guard<'_>>| {
            s.spawn(async { Err::<(), _>(drops.guard()) });
            s.spawn(async { Err::<(), _>(drops.guard()) });
            pending::<()>().await;
            Err::<(), _>(drops.guard())
        })
        .serial(),
    );
    assert_eq!(drops.get(), 0);
    drop(outcome);
    assert_eq!(drops.get(), 1);
}

/// F5: an error that came too late for a scope that a panic ends is dropped with it.
#[test]
fn error_that_a_panic_discards() {
    let drops = Tally::new();
    raised(|| {
        block_on(try_scope(async |s: TryScope<'_, Guard<'_>>| {
            s.spawn(never(drops.suspended_bomb("during")));
            Err::<(), _>(drops.guard())
        }))
    });
    assert_eq!(drops.get(), 2);
}

/// F5: a scope that is dropped before anybody failed drops its children.
#[test]
fn drop_of_a_scope() {
    let drops = Tally::new();
    let mut sc = Box::pin(try_scope(async |s: TryScope<'_, &str>| {
        s.spawn(never(drops.suspended()));
        s.spawn(async { Ok(drops.guard()) });
        s.spawn(async { Ok(drops.guard()) }).await;
        pending::<Outcome>().await
    }));
    assert!(poll_once(sc.as_mut()).is_pending());
    assert_eq!(
        drops.get(),
        2,
        "the values, one with and one without a reader"
    );
    drop(sc);
    assert_eq!(drops.get(), 3);
}

/// F7: a plain `spawn`, which `TryScope` derefs to, isolates a `Result`.
#[test]
fn isolated_errors() {
    fn warm<'env>(s: &Scope<'env>, done: &'env Tally) -> JoinHandle<'env, Outcome> {
        s.spawn(async {
            done.add();
            Err("isolated")
        })
    }

    let done = Tally::new();
    let outcome = block_on(try_scope(async |s: TryScope<'_, &str>| {
        assert_eq!(warm(&s, &done).await, Err("isolated"));
        let plain: &Scope<'_> = &s;
        let nested = plain.spawn_with(async |_| Err::<(), _>("isolated too"));
        assert_eq!(nested.await, Err("isolated too"));
        plain.spawn_background(async { Err::<(), _>("nobody asks") });
        Ok(s.len())
    }));
    assert!(outcome.is_ok());
    block_on(scope(async |s| warm(&s, &done).await)).unwrap_err();
    assert_eq!(done.get(), 2);
}

/// F6: a handle yields the `T` of an `Ok(T)`, which may borrow.
#[test]
fn values_of_handles() {
    let text = String::from("one two");
    let words = block_on(try_scope(async |s: TryScope<'_, &str>| {
        let first = s.spawn(async { text.split(' ').next().ok_or("no word") });
        let second = s.spawn(async { text.split(' ').nth(1).ok_or("one word") });
        let third = s.spawn_background(async { Ok(text.as_str()) });
        let cancelled = third.cancel().await;
        Ok::<_, &str>((first.await, second.await, cancelled))
    }));
    assert_eq!(words, Ok(("one", "two", None)));
}

/// F5: an error may borrow for `'env`, and a handle may escape with its slot.
#[test]
fn error_that_borrows() {
    let text = String::from("x7");
    let escaped = Mutex::new(None);
    let outcome = block_on(try_scope(async |s: TryScope<'_, &str>| {
        *escaped.lock().unwrap() = Some(s.clone());
        s.spawn(async { Err::<(), _>(&text[..1]) });
        pending::<Result<(), &str>>().await
    }));
    assert_eq!(outcome, Err("x"));

    let s = escaped.into_inner().unwrap().unwrap();
    let refused = s.spawn(async { Err::<(), _>(&text[1..]) });
    assert!(refused.is_cancelled());
    assert!(s.is_ended());
}

/// F5: an error needs to be `Send`, and nothing more: here it is not `Sync`.
#[test]
fn error_that_is_not_sync() {
    fn need_send<T: Send>(value: T) -> T {
        value
    }

    let outcome = block_on(need_send(try_scope(async |s: TryScope<'_, Cell<u32>>| {
        s.spawn(async { Err::<(), _>(Cell::new(7)) });
        pending::<Result<(), Cell<u32>>>().await
    })));
    assert_eq!(outcome, Err(Cell::new(7)));
}

/// F5, F6: children, values and errors of a local scope need not be `Send`.
#[test]
fn local_scope_with_shared_errors() {
    let error = Rc::new(String::from("shared"));
    let drops = Tally::new();
    let outcome = block_on(try_local_scope(async |s: TryLocalScope<'_, Rc<String>>| {
        let value = s.spawn(async { Ok(Rc::new(1)) }).await;
        let nested = s.spawn_with(async |s: TryLocalScope<'_, Rc<String>>| {
            s.spawn_background(never(drops.suspended()));
            Ok(Rc::new(2))
        });
        assert_eq!(*value + *nested.await, 3);
        s.spawn(async { Err::<(), _>(Rc::clone(&error)) });
        pending::<Result<(), _>>().await
    }));
    assert!(Rc::ptr_eq(&outcome.unwrap_err(), &error));
    assert_eq!(Rc::strong_count(&error), 1);
    assert_eq!(drops.get(), 1);
}

/// F5, F6: `?` in the body, in children and around the scope, with an error that is converted.
#[test]
fn question_mark() {
    async fn parse(text: &str) -> io::Result<u32> {
        text.parse().map_err(io::Error::other)
    }

    async fn sum(input: &[&str]) -> Result<u32, Box<dyn std::error::Error>> {
        let sum = try_scope(async |s: TryScope<'_, io::Error>| {
            let parsed: Vec<_> = input
                .iter()
                .map(|text| s.spawn(async { Ok(2 * parse(text).await?) }))
                .collect();
            let mut sum = parse("0").await?;
            for number in parsed {
                sum += number.await;
            }
            Ok(sum)
        })
        .await?;
        Ok(sum)
    }

    assert_eq!(block_on(sum(&["1", "2", "3"])).unwrap(), 12);
    assert!(block_on(sum(&["1", "x", "3"])).is_err());
}
