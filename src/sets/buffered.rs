//! [`Buffered`]: a stream whose items run ahead of its consumer, as children of a scope.
//!
//! The items are futures from an iterator. At most `limit` of them are *ahead*: started, and their
//! values not taken by the consumer. The iterator stays with the stream and is called inside its
//! `poll_next` only. In which order the values come depends on what keeps the children that are
//! ahead: a queue of handles, of which only the first is polled, or a [`JoinSet`].
//!
//! # Invariants
//!
//! 1. The iterator is called only if fewer than `limit` items are ahead, and never after it has
//!    ended, has panicked or the scope has ended: then it is dropped.
//! 2. A value is given only after the next item was started in its place.
//! 3. While the scope has not ended, `room` is the limit less the items that are ahead.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::stream::FusedStream;
use futures_lite::{Stream, StreamExt};

use crate::panic::{Payload, catch, quietly};
use crate::queue::Kind;
use crate::run::shared::Shared;
use crate::scope::Scope;
use crate::sets::join_set::JoinSet;
use crate::sets::results::Results;
use crate::task::child_of::{ChildOf, is_large};
use crate::task::handle::JoinHandle;
use crate::task::metadata::Spawned;

/// A stream of what futures give, some of which run ahead of the consumer.
///
/// [`Scope::buffered`](Scope#method.buffered) makes one that gives the values in the order of the
/// futures, [`Scope::buffer_unordered`](Scope#method.buffer_unordered) one that gives them in the
/// order in which they finish.
///
/// The iterator is called when the stream is polled, and only then: at the first poll until `limit`
/// items are started, and once more whenever a value is taken. It is dropped when it has ended.
/// Once the scope has ended it is not called any more, and the stream ends.
///
/// **Drop.** Dropping the stream cancels what it has started, and drops the values that were not
/// taken.
///
/// # Panics
///
/// A panic of an item is the scope's, as for any child. A panic of the iterator leaves the poll
/// that called it, and with it the value that would have been given; the iterator is dropped. If it
/// is caught, the stream still gives the items that were started, and then ends: it is
/// `UnwindSafe`.
///
/// Poll it with a waker that does not panic, for the reason given at [`JoinHandle`].
///
/// # Cancel safety
///
/// `stream.next()` loses nothing when it is dropped.
///
/// # Examples
///
/// As an argument:
///
/// ```
/// use futures_lite::StreamExt;
/// use std::future::{Ready, ready};
/// use taskpen::Buffered;
///
/// async fn sum(mut ahead: Buffered<'_, impl Iterator<Item = Ready<u32>>, u32>) -> u32 {
///     let mut sum = 0;
///     while let Some(number) = ahead.next().await {
///         sum += number;
///     }
///     sum
/// }
///
/// # futures_lite::future::block_on(async {
/// let sum = taskpen::scope(async |s| sum(s.buffered(2, (1..=4).map(ready))).await).await;
/// assert_eq!(sum, 10);
/// # });
/// ```
#[must_use = "streams do nothing unless they are polled"]
pub struct Buffered<'env, I, T, S = Scope<'env>> {
    /// `None` once it is not to be called any more.
    items: Option<I>,
    ahead: Ahead<'env, T, S>,
    limit: usize,
    /// How many items may be started before a value is taken.
    room: usize,
    shared: Arc<Shared>,
    spawned: Spawned,
    /// Starts the next item; returns false if there is none. A pointer, so that the stream needs no
    /// bound on `I` and does not name its items, for the reason given at [`Scoped`](crate::Scoped).
    start_next: fn(&mut I, &mut Ahead<'env, T, S>, Spawned) -> bool,
}

impl<'env, I, T, S> Buffered<'env, I, T, S> {
    #[track_caller]
    pub(super) fn new<F>(
        shared: &Arc<Shared>,
        ahead: Ahead<'env, T, S>,
        limit: usize,
        items: I,
    ) -> Self
    where
        I: Iterator<Item = F>,
        F: ChildOf<'env, S, T>,
    {
        Self {
            items: Some(items),
            ahead,
            limit: limit.max(1),
            room: limit.max(1),
            shared: Arc::clone(shared),
            spawned: Spawned::here(Kind::Ordinary),
            start_next: |items, ahead, at| {
                // Not `?`, which would have the future in three places more.
                let Some(future) = items.next() else {
                    return false;
                };
                if const { is_large::<F>() } {
                    let future = Box::pin(future);
                    ahead.start(F::spawn_boxed_on, F::spawn_boxed_in, future, at);
                } else {
                    ahead.start(F::spawn_on, F::spawn_in, future, at);
                }
                true
            },
        }
    }

    /// Starts items until `limit` are ahead, or there are no more.
    #[inline]
    fn fill(&mut self) -> Result<(), Payload> {
        if self.room == 0 || self.items.is_none() {
            return Ok(());
        }
        // The iterator is the user's, and so is its destructor.
        let filled = catch(|| {
            while let (1.., Some(items)) = (self.room, &mut self.items) {
                let is_ended = self.shared.queue.is_ended();
                if is_ended || !(self.start_next)(items, &mut self.ahead, self.spawned) {
                    drop(self.items.take());
                }
                self.room -= 1;
            }
        });
        if filled.is_err() {
            quietly(|| drop(self.items.take()));
        }
        filled
    }
}

/// The children that are ahead. They decide the order in which the stream gives their values.
pub(super) enum Ahead<'env, T, S> {
    /// That in which they were started.
    InOrder(S, VecDeque<JoinHandle<'env, T>>),
    /// That in which they finish.
    AnyOrder(JoinSet<'env, T, S>),
}

impl<'env, T, S> Ahead<'env, T, S> {
    /// Starts a child, by one of two methods of [`ChildOf`].
    #[inline(always)]
    fn start<F>(
        &mut self,
        spawn_on: impl FnOnce(F, &S, Spawned) -> JoinHandle<'env, T>,
        spawn_in: impl FnOnce(F, &S, &Arc<Results<T>>, Spawned),
        future: F,
        spawned: Spawned,
    ) {
        match self {
            Self::InOrder(scope, all) => all.push_back(spawn_on(future, scope, spawned)),
            Self::AnyOrder(set) => {
                set.spawn_by(|scope, results| spawn_in(future, scope, results, spawned))
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::InOrder(_, children) => children.len(),
            Self::AnyOrder(set) => set.len(),
        }
    }

    /// Takes the next value; `None` if there will be none.
    fn poll_value(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let children = match self {
            Self::InOrder(_, children) => children,
            Self::AnyOrder(set) => return set.poll_next(cx),
        };
        let Some(first) = children.front_mut() else {
            return Poll::Ready(None);
        };
        let value = ready!(first.poll_end(cx));
        children.pop_front();
        if value.is_none() {
            // The scope has ended. What comes after a gap would pass for the value that is missing.
            cancel(children);
        }
        Poll::Ready(value)
    }
}

impl<T, S> Drop for Ahead<'_, T, S> {
    fn drop(&mut self) {
        if let Self::InOrder(_, children) = self {
            cancel(children);
        }
    }
}

fn cancel<T>(children: &mut VecDeque<JoinHandle<'_, T>>) {
    for mut child in children.drain(..) {
        child.abort();
    }
}

/// An iterator is called, never pinned.
impl<I, T, S> Unpin for Buffered<'_, I, T, S> {}

/// An iterator that has panicked is not called again; the rest is in order whatever panics.
impl<I, T, S> UnwindSafe for Buffered<'_, I, T, S> {}

/// A shared reference changes nothing.
impl<I, T, S> RefUnwindSafe for Buffered<'_, I, T, S> {}

impl<I, T, S> Stream for Buffered<'_, I, T, S> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = self.get_mut();
        if let Err(payload) = this.fill() {
            resume_unwind(payload);
        }
        let value = ready!(this.ahead.poll_value(cx));
        this.room = match value {
            Some(_) => this.room + 1,
            None => this.limit, // nothing is ahead any more
        };
        if let Err(payload) = this.fill() {
            // Its destructor is not to unwind together with the panic that came first.
            quietly(|| drop(value));
            resume_unwind(payload);
        }
        Poll::Ready(value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // An item may be cancelled and give none; and the iterator is not asked how many are left.
        let most = self.items.is_none().then(|| self.ahead.len());
        (0, most)
    }
}

impl<I, T, S> FusedStream for Buffered<'_, I, T, S> {
    fn is_terminated(&self) -> bool {
        self.items.is_none() && self.ahead.len() == 0
    }
}

impl<I, T, S> fmt::Debug for Buffered<'_, I, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffered")
            .field("ahead", &self.ahead.len())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
