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
//!    frame in which that was called, and not while the home is [hidden](hide_home).
//! 3. Frames are left in the reverse of the order in which they were entered, or the process
//!    aborts. On one stack it cannot be otherwise. Code that switches stacks, as the crates for
//!    coroutines do, can leave a poll in the middle and end another one first; then what is current
//!    would be wrong, and point to what is gone.

use std::any::Any;
use std::cell::Cell;
use std::ptr;

use crate::panic::Defer;
use crate::sync::{abort, thread_local};

/// Why the process is aborted when frames are left in the wrong order.
pub(crate) const WRONG_ORDER: &str = "scopes were left in another order than they were entered in";

/// What is current. It is not for this file to know what that is.
pub(crate) struct Frame<'a> {
    pub(crate) scope: &'a dyn Any,
    pub(crate) helpers: &'a dyn Any,
    /// How many scopes are inside `poll`, from here downwards.
    pub(crate) polls: usize,
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

/// Calls `act` with `frame` as the innermost one.
pub(crate) fn enter<R>(frame: &Frame<'_>, act: impl FnOnce() -> R) -> R {
    within(ptr::from_ref(frame).cast(), ptr::null(), act)
}

/// Calls `look` with the innermost frame.
pub(crate) fn innermost<R>(look: impl for<'a> FnOnce(Option<&'a Frame<'a>>) -> R) -> R {
    let frame = INNERMOST.with(|innermost| innermost.frame.get());
    // SAFETY: the frame belongs to a call of `enter` that has not returned, invariant 1, and does
    // not return before `look` does: it is further down on our stack, or on one that was left for
    // ours, and then it aborts the process if it is left while frames are inside. What the frame
    // borrows is alive as long as that call. The lifetime that `look` gets is one that it cannot
    // name, so it keeps nothing of it.
    look(unsafe { frame.as_ref() })
}

/// Calls `act` with this thread in the home that has this address, within the innermost frame.
pub(crate) fn at_home<R>(home: *const (), act: impl FnOnce() -> R) -> R {
    let frame = INNERMOST.with(|innermost| innermost.frame.get());
    assert!(!frame.is_null(), "a home is entered in a frame");
    within(frame, home, act)
}

/// Calls `act` with these as the innermost, and restores what was before.
fn within<R>(frame: *const Frame<'static>, home: *const (), act: impl FnOnce() -> R) -> R {
    let replace = |frame, home| {
        INNERMOST.with(|innermost| (innermost.frame.replace(frame), innermost.home.replace(home)))
    };
    let before = replace(frame, home);
    let _leave = Defer(|| {
        if replace(before.0, before.1) != (frame, home) {
            abort(WRONG_ORDER);
        }
    });
    act()
}

/// Calls `act` with this thread in no home.
#[inline]
pub(crate) fn hide_home<R>(act: impl FnOnce() -> R) -> R {
    let before = INNERMOST.with(|innermost| innermost.home.replace(ptr::null()));
    let _show = Defer(|| INNERMOST.with(|innermost| innermost.home.set(before)));
    act()
}

/// Returns the address of the home in which this thread is, in its innermost frame; null if it is
/// in none.
#[inline]
pub(crate) fn home() -> *const () {
    INNERMOST.with(|innermost| innermost.home.get())
}
