//! The innermost frame of this thread: what [`crate::run::current`] is made of.
//!
//! A frame lies on the stack of the thread for as long as the call of [`enter`] takes, and one
//! thread-local points to the innermost. Beside the pointer stands the address of the
//! [home](crate::queue::home) in which the thread is in that frame.
//!
//! # Invariants
//!
//! 1. The thread-local has no frame, or points to that of a call of [`enter`] that is on a stack.
//! 2. It has the address of a home only inside of a call of [`at_home`] with that address, in the
//!    frame in which that was called, and not while the home is [hidden](Hidden).
//! 3. Frames are left in the reverse of the order in which they were entered, or the process
//!    aborts. On one stack it cannot be otherwise. Code that switches stacks, as the crates for
//!    coroutines do, can leave a poll in the middle and end another one first; then what is current
//!    would be wrong, and point to what is gone.

use std::cell::Cell;
use std::ptr;
use std::sync::Arc;

use crate::help::executor::Helpers;
use crate::help::serving::Served;
use crate::panic::Defer;
use crate::run::shared::Shared;
use crate::sync::{abort, thread_local};

/// Why the process is aborted when frames are left in the wrong order.
pub(crate) const WRONG_ORDER: &str = "scopes were left in another order than they were entered in";

/// What is current.
pub(crate) struct Frame<'a> {
    pub(crate) scope: &'a Arc<Shared>,
    /// What was chosen, here or further down.
    pub(crate) helpers: Option<&'a Helpers>,
    /// The pen of which children are run, here or further down.
    pub(crate) served: Option<&'a Served>,
    /// How many scopes are inside `poll`, from here downwards.
    polls: usize,
}

/// What there is on a thread.
struct Innermost {
    frame: Cell<*const Frame<'static>>,
    home: Cell<*const ()>,
}

thread_local! {
    static INNERMOST: Innermost = const {
        Innermost {
            frame: Cell::new(ptr::null()),
            home: Cell::new(ptr::null()),
        }
    };
}

/// Calls `act` in a new frame, and with whether a scope is inside `poll` further down on the stack.
/// The helpers, and what is served, are those of the frame around it, if none are given.
#[inline(always)]
pub(crate) fn enter<R>(
    scope: &Arc<Shared>,
    helpers: Option<&Helpers>,
    served: Option<&Served>,
    is_poll: bool,
    act: impl FnOnce(bool) -> R,
) -> R {
    // SAFETY: we use it until `act` returns, and before that the frame is not left.
    let around = unsafe { around() };
    let polls = around.map_or(0, |around| around.polls);
    let frame = Frame {
        scope,
        helpers: helpers.or(around.and_then(|around| around.helpers)),
        served: served.or(around.and_then(|around| around.served)),
        polls: polls + usize::from(is_poll),
    };
    let now = (ptr::from_ref(&frame).cast(), ptr::null());
    let before = replace(now);
    let _leave = Defer(|| leave(now, before));
    act(polls > 0)
}

/// Calls `look` with the innermost frame.
#[inline]
pub(crate) fn innermost<R>(look: impl for<'a> FnOnce(Option<&'a Frame<'a>>) -> R) -> R {
    // SAFETY: the lifetime that `look` gets is one that it cannot name, so it keeps nothing of it;
    // and the frame is not left before `look` returns.
    look(unsafe { around() })
}

/// Returns the innermost frame.
///
/// # Safety
///
/// It is not used after the caller has returned.
///
/// The frame belongs to a call of [`enter`] that has not returned, invariant 1: further down on our
/// stack, or on one that was left for ours. Then it aborts the process if it is left while frames
/// are inside. What the frame borrows is alive as long as that call.
unsafe fn around<'a>() -> Option<&'a Frame<'a>> {
    let frame = INNERMOST.with(|innermost| innermost.frame.get());
    // SAFETY: the frame is alive, as above, for as long as our caller uses it.
    unsafe { frame.as_ref() }
}

/// Calls `act` with this thread in the home that has this address, within the innermost frame.
#[inline(always)]
pub(crate) fn at_home<R>(home: *const (), act: impl FnOnce() -> R) -> R {
    let frame = INNERMOST.with(|innermost| innermost.frame.get());
    assert!(!frame.is_null(), "a home is entered in a frame");
    let before = replace((frame, home));
    let _leave = Defer(|| leave((frame, home), before));
    act()
}

/// This thread is in no home, until this is dropped. That is before the call of [`at_home`] returns
/// in which it was made, or the process is aborted.
pub(crate) struct Hidden(*const ());

/// Takes this thread out of its home for a while.
#[inline]
pub(crate) fn hide() -> Hidden {
    Hidden(INNERMOST.with(|innermost| innermost.home.replace(ptr::null())))
}

impl Drop for Hidden {
    #[inline]
    fn drop(&mut self) {
        INNERMOST.with(|innermost| innermost.home.set(self.0));
    }
}

/// Returns the address of the home in which this thread is, in its innermost frame; null if it is
/// in none.
#[inline]
pub(crate) fn home() -> *const () {
    INNERMOST.with(|innermost| innermost.home.get())
}

/// What is innermost: a frame, and the address of a home in it.
type Now = (*const Frame<'static>, *const ());

fn replace(now: Now) -> Now {
    let swap = |it: &Innermost| (it.frame.replace(now.0), it.home.replace(now.1));
    INNERMOST.with(swap)
}

/// Restores what was before `now`.
fn leave(now: Now, before: Now) {
    if replace(before) != now {
        abort(WRONG_ORDER);
    }
}
