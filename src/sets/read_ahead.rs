//! Streams that run ahead of their consumer: what [`Buffered`](crate::Buffered) and
//! [`BufferUnordered`](crate::BufferUnordered) have in common.
//!
//! The items are futures from an iterator. At most `limit` of them are *ahead*: started, as
//! children of the scope, and not taken by the consumer. The iterator stays with the stream and is
//! called inside its `poll_next` only.
//!
//! # Invariants
//!
//! 1. The iterator is called only if fewer than `limit` items are ahead, and never after it has
//!    ended, has panicked or the scope has ended: then it is dropped.
//! 2. A value is given only after the next item was started in its place.
#![forbid(unsafe_code)]

use std::fmt;
use std::panic::{Location, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use crate::panic::{Payload, catch, quietly};
use crate::sets::join_set::JoinSet;
use crate::sets::spawner::Spawner;

/// The children of a stream, and the order in which it gives their values.
pub(crate) trait Order<T> {
    /// Those that were started and not taken.
    fn len(&self) -> usize;

    /// Takes the next value; `None` if there will be none.
    fn poll_value(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>>;
}

/// Children of whom an `F` can become one.
pub(crate) trait Start<F> {
    /// Starts a child.
    fn start(&mut self, future: F, location: &'static Location<'static>);

    /// True once the scope refuses new children.
    fn is_ended(&self) -> bool;
}

impl<T, S> Order<T> for JoinSet<'_, T, S> {
    fn len(&self) -> usize {
        self.len()
    }

    fn poll_value(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        Pin::new(self).poll_next(cx)
    }
}

impl<'env, F, T, S> Start<F> for JoinSet<'env, T, S>
where
    S: Spawner<'env, F, T>,
{
    fn start(&mut self, future: F, location: &'static Location<'static>) {
        self.add(future, location);
    }

    fn is_ended(&self) -> bool {
        self.scope().is_ended()
    }
}

/// A stream of what the futures of an iterator give, some of which run ahead.
pub(crate) struct ReadAhead<I, C> {
    /// `None` once nothing is to be had from it.
    items: Option<I>,
    children: C,
    limit: usize,
    location: &'static Location<'static>,
    /// Starts the next item; false if there is none, or nobody to start it. A pointer, so that the
    /// stream needs no bound on `I` and does not name its items, for the reason given at
    /// [`Scoped`](crate::Scoped).
    start_next: fn(&mut I, &mut C, &'static Location<'static>) -> bool,
}

impl<I: Iterator, C: Start<I::Item>> ReadAhead<I, C> {
    #[track_caller]
    pub(crate) fn new(items: I, children: C, limit: usize) -> Self {
        assert!(
            limit > 0,
            "a stream with a limit of 0 could never start an item; give it 1 or more"
        );
        Self {
            items: Some(items),
            children,
            limit,
            location: Location::caller(),
            start_next: |items, children, location| {
                if children.is_ended() {
                    return false;
                }
                let item = items.next();
                let is_item = item.is_some();
                if let Some(future) = item {
                    children.start(future, location);
                }
                is_item
            },
        }
    }
}

impl<I, C> ReadAhead<I, C> {
    pub(crate) fn poll_next<T>(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>>
    where
        C: Order<T>,
    {
        if let Err(payload) = self.fill() {
            resume_unwind(payload);
        }
        let value = ready!(self.children.poll_value(cx));
        if let Err(payload) = self.fill() {
            // Its destructor is not to unwind together with the panic that came first.
            quietly(|| drop(value));
            resume_unwind(payload);
        }
        Poll::Ready(value)
    }

    /// How many values are still to come: at least, and at most if that is known.
    pub(crate) fn size_hint<T>(&self) -> (usize, Option<usize>)
    where
        C: Order<T>,
    {
        // An item may be cancelled and give none; and how many are left in the iterator is not
        // asked.
        let most = match self.items {
            Some(_) => None,
            None => Some(self.children.len()),
        };
        (0, most)
    }

    pub(crate) fn is_terminated<T>(&self) -> bool
    where
        C: Order<T>,
    {
        self.items.is_none() && self.children.len() == 0
    }

    /// Starts items until `limit` are ahead, or there are no more.
    fn fill<T>(&mut self) -> Result<(), Payload>
    where
        C: Order<T>,
    {
        if self.items.is_none() || self.children.len() >= self.limit {
            return Ok(());
        }
        // The iterator is the user's, and so is its destructor.
        let filled = catch(|| {
            while self.children.len() < self.limit {
                let Some(items) = &mut self.items else {
                    break;
                };
                if !(self.start_next)(items, &mut self.children, self.location) {
                    drop(self.items.take());
                }
            }
        });
        if filled.is_err() {
            quietly(|| drop(self.items.take()));
        }
        filled
    }

    pub(crate) fn debug<T>(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result
    where
        C: Order<T>,
    {
        f.debug_struct(name)
            .field("ahead", &self.children.len())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
