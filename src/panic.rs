//! Running foreign code: what may panic is caught here, and in no other file.
//!
//! Foreign is what the user or a runtime wrote: futures, destructors, wakers. The crate calls it
//! outside its locks, and through one of these functions wherever an unwinding would skip a step
//! that soundness rests on; or that step is [deferred](Defer).
#![forbid(unsafe_code)]

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

/// What a panic carries.
pub(crate) type Payload = Box<dyn Any + Send>;

/// Runs `code` and hands back its value or the payload of its panic.
///
/// Unwind safety is asserted: whatever `code` leaves half done is never used again, it is only
/// dropped.
pub(crate) fn catch<T>(code: impl FnOnce() -> T) -> Result<T, Payload> {
    catch_unwind(AssertUnwindSafe(code))
}

/// Drops a payload that is not raised.
///
/// Its own destructor may panic; the payload of *that* panic is leaked, for it could do the same
/// for ever.
pub(crate) fn discard(payload: Payload) {
    if let Err(second) = catch(|| drop(payload)) {
        mem::forget(second);
    }
}

/// Runs foreign `code` whose panic goes no further; the panic hook has reported it. Gives nothing
/// then.
pub(crate) fn quietly<T>(code: impl FnOnce() -> T) -> Option<T> {
    match catch(code) {
        Ok(value) => Some(value),
        Err(payload) => {
            discard(payload);
            None
        }
    }
}

/// Wakes a foreign waker.
///
/// A panic of it must not unwind: we may be inside the schedule function of a child, on a thread
/// that knows nothing of the scope.
#[inline]
pub(crate) fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        quietly(|| waker.wake());
    }
}

/// Calls `act` when it is dropped.
pub(crate) struct Defer<F: FnMut()>(pub(crate) F);

impl<F: FnMut()> Drop for Defer<F> {
    #[inline]
    fn drop(&mut self) {
        (self.0)();
    }
}
