//! The end of a scope that comes from outside and is awaited: [`Until`].
#![forbid(unsafe_code)]
#![expect(private_bounds, reason = "there are four kinds of scopes, and no more")]

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project::pin_project;

use super::scoped::{Finish, Kind, Scoped};

/// The future of [`Scoped::until`]: resolves to the scope's value in `Some`, or to `None` if it was
/// cut off before.
///
/// In each poll the scope comes first, and then what may cut it off; so a value that is there wins.
/// Once the scope has come to its end by itself and waits for closures only, nothing cuts it off.
///
/// **Drop.** Dropping it is dropping the scope, and then what would have cut it off: it waits for
/// no closure. See [`Scoped`].
///
/// # Panics
///
/// As [`Scoped`] does, also if something panics when the scope is cut off, or a closure afterwards.
/// A panic of the future that was given to `until` leaves as it came.
///
/// # Cancel safety
///
/// That of [`Scoped`].
///
/// # Examples
///
/// ```
/// use futures_lite::future::{block_on, pending, ready};
/// use taskpen::scope;
///
/// # block_on(async {
/// assert_eq!(scope(async |_| 7).until(ready(())).await, Some(7));
/// assert_eq!(scope(async |_| pending::<u8>().await).until(ready(())).await, None);
/// # });
/// ```
#[pin_project(!Unpin)]
#[must_use = "a scope does nothing unless it is awaited"]
pub struct Until<'env, F, Fut: Future, S: Kind, Stop> {
    #[pin]
    scoped: Scoped<'env, F, Fut, S>,
    /// `None` once the scope was cut off.
    #[pin]
    stop: Option<Stop>,
}

impl<'env, F, Fut: Future, S: Kind, Stop> Until<'env, F, Fut, S, Stop> {
    pub(super) fn new(scoped: Scoped<'env, F, Fut, S>, stop: Stop) -> Self {
        let stop = Some(stop);
        Self { scoped, stop }
    }
}

impl<F, Fut, S, Stop> Future for Until<'_, F, Fut, S, Stop>
where
    Fut: Future,
    S: Finish<Fut::Output>,
    Stop: Future,
{
    type Output = Option<Fut::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Fut::Output>> {
        let mut this = self.project();
        if let Poll::Ready(end) = this.scoped.as_mut().poll_end(cx) {
            return Poll::Ready(end);
        }
        if this.scoped.has_ended() {
            return Poll::Pending; // it waits for closures
        }
        if let Some(stop) = this.stop.as_mut().as_pin_mut() {
            ready!(stop.poll(cx));
        }
        this.scoped.as_mut().cut_off(|| this.stop.set(None));
        this.scoped.poll_end(cx)
    }
}

impl<F, Fut: Future, S: Kind, Stop> fmt::Debug for Until<'_, F, Fut, S, Stop> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Until").field(&self.scoped).finish()
    }
}
