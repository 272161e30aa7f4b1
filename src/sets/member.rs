//! The children of a set: how they leave their values.
#![forbid(unsafe_code)]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pin_project::pin_project;

use crate::sets::results::{Results, Slot};

/// The future of a child of a set.
///
/// It leaves the value in [`Results`] when the user's future is gone. So whoever has read the value
/// can rely on that, as with a handle.
#[pin_project]
pub(crate) struct Member<F, T> {
    // Dropped in this order, also if the first destructor panics.
    /// `None` once it has finished.
    #[pin]
    future: Option<F>,
    place: Place<T>,
}

impl<F, T> Member<F, T> {
    pub(crate) fn new(future: F, results: &Arc<Results<T>>) -> Self {
        Self {
            future: Some(future),
            place: Place {
                generation: results.generation(),
                slot: Slot::NONE,
                results: Some(Arc::clone(results)),
            },
        }
    }
}

impl<F: Future> Future for Member<F, F::Output> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            unreachable!("a child is not polled after it has finished");
        };
        if this.place.is_cancelled() {
            return Poll::Ready(());
        }
        if let Poll::Ready(value) = future.poll(cx) {
            // Left when this goes, also if the destructor of the future panics.
            let _left = Left {
                value: Some(value),
                place: this.place,
            };
            this.future.set(None);
            return Poll::Ready(());
        }
        this.place.suspend(cx.waker())
    }
}

/// The place of a child in its set: it leaves it once, with a value or without.
struct Place<T> {
    generation: u32,
    slot: Slot,
    /// `None` once it was left.
    results: Option<Arc<Results<T>>>,
}

impl<T> Place<T> {
    fn is_cancelled(&self) -> bool {
        let results = self.results.as_ref();
        results.is_none_or(|results| results.generation() != self.generation)
    }

    /// The child becomes suspended: pending, unless it was cancelled.
    fn suspend(&mut self, waker: &Waker) -> Poll<()> {
        if let (Slot::NONE, Some(results)) = (self.slot, &self.results) {
            match results.suspend(self.generation, waker) {
                Some(slot) => self.slot = slot,
                None => return Poll::Ready(()),
            }
        }
        Poll::Pending
    }

    fn leave(&mut self, value: Option<T>) {
        if let Some(results) = self.results.take() {
            results.leave(self.generation, self.slot, value);
        }
    }
}

impl<T> Drop for Place<T> {
    fn drop(&mut self) {
        self.leave(None);
    }
}

/// A value that is left when this is dropped.
struct Left<'a, T> {
    value: Option<T>,
    place: &'a mut Place<T>,
}

impl<T> Drop for Left<'_, T> {
    fn drop(&mut self) {
        self.place.leave(self.value.take());
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

        let mut old = Box::pin(Member::new(pending(), &results));
        suspend(old.as_mut(), &old_wakes);
        results.cancel();
        let mut new = pin!(Member::new(pending(), &results));
        suspend(new.as_mut(), &new_wakes);
        assert_eq!(old.place.slot, new.place.slot);

        drop(old);
        results.cancel();
        assert_eq!(old_wakes.0.load(Ordering::Relaxed), 1);
        assert_eq!(new_wakes.0.load(Ordering::Relaxed), 1);
    }
}
