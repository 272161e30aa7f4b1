//! The waker of the task that polls a scope changes: L5a.
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread;

use crate::foreign::{Hooks, waker_unlike_its_clones};
use crate::life::{Counter, Gate, Wakes, poll_with};

/// L5a: of three wakers only the last one is woken; the scope has let go of the others.
each_form!(last_of_several_wakers, |scope, ok| {
    let gate = Gate::default();
    let mut scoped = pin!(scope(async |s| {
        let gate = gate.wait();
        s.spawn(async move {
            gate.await;
            ok(())
        })
        .await;
        ok(7)
    }));
    let wakers: [_; 3] = std::array::from_fn(|_| Wakes::waker());
    for (_, waker) in &wakers {
        assert!(poll_with(scoped.as_mut(), waker).is_pending());
    }
    let holders = |index: usize| Arc::strong_count(&wakers[index].0);
    assert_eq!([holders(0), holders(1), holders(2)], [2, 2, 3]);
    gate.open();
    assert_eq!([0, 1, 2].map(|index| wakers[index].0.count()), [0, 0, 1]);
    let outcome = poll_with(scoped.as_mut(), &wakers[0].1);
    assert_eq!(outcome, Poll::Ready(ok(7)));
    assert_eq!([holders(0), holders(1), holders(2)], [2, 2, 2]);
});

/// L5a: the scope goes back to a waker that it knew before; again the last one is woken.
each_form!(alternating_wakers, |scope, ok| {
    let gate = Gate::default();
    let mut scoped = pin!(scope(async |s| {
        let gate = gate.wait();
        s.spawn(async move {
            gate.await;
            ok(())
        });
        ok(())
    }));
    let (first, second) = (Wakes::waker(), Wakes::waker());
    for round in 0..10 {
        let (now, other) = match round % 2 {
            0 => (&first, &second),
            _ => (&second, &first),
        };
        assert!(poll_with(scoped.as_mut(), &other.1).is_pending());
        assert!(poll_with(scoped.as_mut(), &now.1).is_pending());
        thread::scope(|threads| threads.spawn(|| gate.knock()).join().unwrap());
        assert_eq!((now.0.take(), other.0.take()), (1, 0));
    }
});

/// L5a: a scope that is over holds no waker of its caller, although a child's waker, and through
/// it the shared state, lives on.
each_form!(release_at_the_end, |scope, ok| {
    for finish in [true, false] {
        let gate = Gate::default();
        let (wakes, waker) = Wakes::waker();
        let mut scoped = Box::pin(scope(async |s| {
            let gate = gate.wait();
            s.spawn(async move {
                gate.await;
                ok(())
            })
            .await;
            ok(())
        }));
        assert!(poll_with(scoped.as_mut(), &waker).is_pending());
        let late = gate.waker();
        if finish {
            gate.open();
            assert!(poll_with(scoped.as_mut(), &waker).is_ready());
        } else {
            drop(scoped);
            assert_eq!(wakes.count(), 0); // there is nothing to poll any more
        }
        assert_eq!(Arc::strong_count(&wakes), 2);
        wakes.take();
        late.wake();
        assert_eq!(wakes.count(), 0);
    }
});

/// Counts, and fails a poll that clones without an end.
#[derive(Default)]
struct Counting {
    clones: Counter,
    wakes: Counter,
    drops: Counter,
}

impl Hooks for Counting {
    fn on_clone(&self) {
        self.clones.add();
        assert!(
            self.clones.get() < 1000,
            "the scope clones the waker for ever"
        );
    }

    fn on_wake(&self) {
        self.wakes.add();
    }

    fn on_drop(&self) {
        self.drops.add();
    }
}

/// L5a: `Waker::will_wake` is an optimisation: it may say no to a clone of the very waker. The
/// scope suspends and is woken all the same.
each_form!(waker_unlike_its_own_clones, |scope, ok| {
    let gate = Gate::default();
    let mut scoped = Box::pin(scope(async |s| {
        let gate = gate.wait();
        s.spawn(async move {
            gate.await;
            ok(())
        });
        ok(())
    }));
    let hooks = Arc::new(Counting::default());
    let waker = waker_unlike_its_clones(&hooks);
    for _ in 0..3 {
        assert!(poll_with(scoped.as_mut(), &waker).is_pending());
    }
    gate.open();
    assert_eq!(hooks.wakes.get(), 1);
    assert_eq!(poll_with(scoped.as_mut(), &waker), Poll::Ready(ok(())));
    assert_eq!(hooks.clones.get(), hooks.drops.get()); // all but the one that we hold
});
