//! What a turn costs the others: scopes in scopes must not multiply it.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use futures_lite::future::{block_on, yield_now};
use taskpen::{LocalScope, local_scope};

type Polls = Rc<Cell<u64>>;
type Nest = Pin<Box<dyn Future<Output = ()>>>;

/// `depth` scopes in each other, and what `innermost` spawns in the last.
fn nest(depth: usize, polls: &Polls, innermost: fn(&LocalScope<'static>, Polls)) -> Nest {
    let polls = Rc::clone(polls);
    Box::pin(local_scope(move |s: LocalScope<'static>| {
        match depth {
            1 => innermost(&s, polls),
            _ => drop(s.spawn(nest(depth - 1, &polls, innermost))),
        }
        async {}
    }))
}

/// How often the innermost children are polled in one poll of the outermost scope.
fn polls_in_one(depth: usize, innermost: fn(&LocalScope<'static>, Polls)) -> u64 {
    let polls = Polls::default();
    let mut scope = nest(depth, &polls, innermost);
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(scope.as_mut().poll(cx).is_pending());
    polls.get()
}

/// R5: a child that yields for ever, in scopes in scopes.
#[test]
fn yields() {
    fn restless(s: &LocalScope<'static>, polls: Polls) {
        s.spawn(poll_fn(move |cx| {
            polls.set(polls.get() + 1);
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        }));
    }
    // Eight passes, or fewer where the machine is slow; with each level eight times as many.
    for depth in 1..=5 {
        assert!(polls_in_one(depth, restless) <= 8, "{depth} levels");
    }
}

/// R5: two children that wake each other for ever, in scopes in scopes.
#[test]
fn ping_pong() {
    fn rally(s: &LocalScope<'static>, polls: Polls) {
        let wakers = Rc::<Cell<[Option<Waker>; 2]>>::default();
        for me in 0..2 {
            let (wakers, polls) = (Rc::clone(&wakers), Rc::clone(&polls));
            s.spawn(poll_fn(move |cx| {
                polls.set(polls.get() + 1);
                let mut both = wakers.take();
                both[me] = Some(cx.waker().clone());
                if let Some(other) = both[1 - me].take() {
                    other.wake();
                }
                wakers.set(both);
                Poll::<()>::Pending
            }));
        }
    }
    // Two levels may take several turns of the inner one, of 256 polls each; more levels must not
    // take more. Fewer where the machine is slow, for a turn is bounded in time as well.
    for depth in 1..=5 {
        assert!(polls_in_one(depth, rally) <= 10 * 256, "{depth} levels");
    }
}

/// R3, H2: cancelling a child that has finished polls nobody, above all not the child that has its
/// place by now.
#[test]
fn cancel_of_a_finished_child() {
    let polls = Cell::new(0);
    let polls = &polls;
    block_on(local_scope(async |s| {
        let mut is_first = true;
        let done = s.spawn(poll_fn(move |cx| {
            if mem::take(&mut is_first) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(1)
        }));
        while !done.is_finished() {
            yield_now().await;
        }
        let stranger = s.spawn(poll_fn(move |_| {
            polls.set(polls.get() + 1);
            Poll::<()>::Pending
        }));
        yield_now().await;
        assert_eq!(polls.get(), 1);
        assert_eq!(done.cancel().await, Some(1));
        yield_now().await;
        assert_eq!(polls.get(), 1);
        assert_eq!(stranger.cancel().await, None);
    }));
}

/// H2: cancelling a handle that has given its value.
#[test]
fn cancel_of_an_awaited_child() {
    let value = block_on(local_scope(async |s| {
        let mut child = s.spawn(async { 1 });
        assert_eq!((&mut child).await, 1);
        child.cancel().await
    }));
    assert_eq!(value, None);
}
