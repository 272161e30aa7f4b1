//! The future of a child of a set, which leaves its value for the set.
#![forbid(unsafe_code)]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pin_project::pin_project;

use crate::sets::results::Results;

/// The future of a child of a set.
///
/// It leaves the value in [`Results`] after the user's future has been dropped. So a value that was
/// read tells that the future is gone, as with a handle.
#[pin_project]
pub(crate) struct Member<F, T> {
    // Dropped in this order, also if the first destructor panics.
    /// `None` once it has finished.
    #[pin]
    pub(super) future: Option<F>,
    pub(super) link: Link<T>,
}

impl<F: Future> Future for Member<F, F::Output> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if this.link.is_cancelled() {
            return Poll::Ready(());
        }
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            unreachable!("a child is not polled after it has finished");
        };
        let Poll::Ready(value) = future.poll(cx) else {
            return this.link.suspend(cx.waker());
        };
        // Left when this goes, also if the destructor of the future panics.
        let _leaving = Leaving {
            link: this.link,
            value: Some(value),
        };
        this.future.set(None);
        Poll::Ready(())
    }
}

/// What ties a child to its set. The child leaves the set once, with a value or without.
pub(super) struct Link<T> {
    generation: u64,
    /// Where the set has the waker of the child, once it has been suspended.
    slot: Option<u32>,
    /// `None` once the child has left.
    results: Option<Arc<Results<T>>>,
}

impl<T> Link<T> {
    pub(super) fn new(results: &Arc<Results<T>>) -> Self {
        Self {
            generation: results.generation(),
            slot: None,
            results: Some(Arc::clone(results)),
        }
    }

    fn is_cancelled(&self) -> bool {
        let results = self.results.as_ref();
        results.is_none_or(|results| results.generation() != self.generation)
    }

    /// Lets the set wake the child to cancel it. Ready if it has been cancelled already.
    fn suspend(&mut self, waker: &Waker) -> Poll<()> {
        if let (None, Some(results)) = (self.slot, &self.results) {
            self.slot = results.suspend(self.generation, waker);
        }
        match self.slot {
            Some(_) => Poll::Pending,
            None => Poll::Ready(()),
        }
    }

    fn leave(&mut self, value: Option<T>) {
        if let Some(results) = self.results.take() {
            results.leave(self.generation, self.slot, value);
        }
    }
}

impl<T> Drop for Link<T> {
    fn drop(&mut self) {
        self.leave(None);
    }
}

/// A value that the child leaves when this is dropped.
struct Leaving<'a, T> {
    link: &'a mut Link<T>,
    value: Option<T>,
}

impl<T> Drop for Leaving<'_, T> {
    fn drop(&mut self) {
        self.link.leave(self.value.take());
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;
    use crate::run::shared::Shared;

    fn member<F>(future: F, results: &Arc<Results<F::Output>>) -> Member<F, F::Output>
    where
        F: Future,
    {
        Member {
            future: Some(future),
            link: Link::new(results),
        }
    }

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// S5: a child that was cancelled goes late. Meanwhile another one, of the next generation, got
    /// the slot that it had; it must not take that with it.
    #[test]
    fn slot_of_an_older_generation() {
        let results = Results::<()>::new(&Shared::new());
        let [old_wakes, new_wakes] = [(); 2].map(|()| Arc::new(Wakes::default()));
        let suspend = |member: Pin<&mut Member<_, ()>>, wakes: &Arc<Wakes>| {
            let waker = Waker::from(Arc::clone(wakes));
            assert!(member.poll(&mut Context::from_waker(&waker)).is_pending());
        };

        let mut old = Box::pin(member(pending(), &results));
        suspend(old.as_mut(), &old_wakes);
        results.cancel();
        let mut new = pin!(member(pending(), &results));
        suspend(new.as_mut(), &new_wakes);
        assert_eq!(old.link.slot, new.link.slot);

        drop(old);
        results.cancel();
        assert_eq!(old_wakes.0.load(Ordering::Relaxed), 1);
        assert_eq!(new_wakes.0.load(Ordering::Relaxed), 1);
    }

    /// S5: a child that was cancelled stays so, however often its set cancels afterwards. 32 bits
    /// would be back at its generation after 2^32 times.
    #[test]
    fn generations_that_do_not_wrap() {
        let results = Results::<()>::new(&Shared::new());
        let mut child = pin!(member(async { unreachable!("cancelled") }, &results));
        results
            .generation
            .store(u64::from(u32::MAX), Ordering::Relaxed);
        results.cancel();
        let mut cx = Context::from_waker(Waker::noop());
        assert!(child.as_mut().poll(&mut cx).is_ready());
    }
}
