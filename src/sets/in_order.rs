//! The children of a [`Buffered`](crate::Buffered): a queue of handles, of which only the first is
//! asked for its value.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::panic::Location;
use std::task::{Context, Poll, ready};

use crate::sets::read_ahead::{Order, Start};
use crate::sets::spawner::Spawner;
use crate::task::handle::JoinHandle;

/// Children in the order in which they were started.
pub(crate) struct InOrder<'env, T, S> {
    scope: S,
    children: VecDeque<JoinHandle<'env, T>>,
    /// Both invariant, as in a [`JoinSet`](crate::JoinSet).
    env: PhantomData<fn(&'env ()) -> &'env ()>,
    values: PhantomData<fn(T) -> T>,
}

impl<T, S> InOrder<'_, T, S> {
    pub(crate) fn new(scope: S) -> Self {
        Self {
            scope,
            children: VecDeque::new(),
            env: PhantomData,
            values: PhantomData,
        }
    }

    fn cancel_all(&mut self) {
        for mut child in self.children.drain(..) {
            child.abort();
        }
    }
}

impl<T, S> Order<T> for InOrder<'_, T, S> {
    fn len(&self) -> usize {
        self.children.len()
    }

    fn poll_value(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let Some(first) = self.children.front_mut() else {
            return Poll::Ready(None);
        };
        let value = ready!(first.poll_end(cx));
        self.children.pop_front();
        if value.is_none() {
            // The scope has cancelled it. What comes after a gap would pass for what was there.
            self.cancel_all();
        }
        Poll::Ready(value)
    }
}

impl<'env, F, T, S> Start<F> for InOrder<'env, T, S>
where
    S: Spawner<'env, F, T>,
{
    fn start(&mut self, future: F, location: &'static Location<'static>) {
        let child = self.scope.spawn_at(future, location);
        self.children.push_back(child);
    }

    fn is_ended(&self) -> bool {
        self.scope.is_ended()
    }
}

impl<T, S> Drop for InOrder<'_, T, S> {
    fn drop(&mut self) {
        self.cancel_all();
    }
}
