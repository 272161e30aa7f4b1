//! A child of a set, on its own: where it has its waker, and whether it was cancelled.

use std::future::pending;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Waker};

use crate::run::shared::Shared;
use crate::sets::member::Member;
use crate::sets::results::Results;
use crate::support::{Wakes, explore};

/// S5: a child that was cancelled goes late. Meanwhile another one, of the next generation, got the
/// slot that it had; it must not take that with it.
#[test]
fn slot_of_an_older_generation() {
    explore(|| {
        let results = Results::<()>::new(&Shared::new());
        let [old_wakes, new_wakes] = [(); 2].map(|()| Arc::new(Wakes::default()));
        let suspend = |member: Pin<&mut Member<_, ()>>, wakes: &Arc<Wakes>| {
            let waker = Waker::from(Arc::clone(wakes));
            assert!(member.poll(&mut Context::from_waker(&waker)).is_pending());
        };

        let mut old = Box::pin(Member::new(pending(), &results));
        suspend(old.as_mut(), &old_wakes);
        results.cancel();
        let mut new = pin!(Member::new(pending(), &results));
        suspend(new.as_mut(), &new_wakes);
        assert_eq!(old.link.slot, new.link.slot);

        drop(old);
        results.cancel();
        assert_eq!((old_wakes.count(), new_wakes.count()), (1, 1));
    });
}

/// S5: a child that was cancelled stays so, however often its set cancels afterwards: 32 bits would
/// be back at its generation after 2^32 times, which take a minute.
#[test]
fn generations_that_do_not_wrap() {
    explore(|| {
        let results = Results::<()>::new(&Shared::new());
        let generation: u64 = results.generation();
        let mut child = pin!(Member::new(async { unreachable!("cancelled") }, &results));
        results.cancel();
        assert_eq!(results.generation(), generation + 1);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(child.as_mut().poll(&mut cx).is_ready());
    });
}
