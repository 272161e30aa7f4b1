//! The innermost frame of this thread: what [`crate::run::current`] is made of.
//!
//! A frame lies on the stack of the thread for as long as the call of [`enter`] takes, and one
//! thread-local points to the innermost.
//!
//! # Invariants
//!
//! 1. The thread-local is null, or points to a frame of a call of [`enter`] that is on a stack.
//! 2. Frames are left in the reverse of the order in which they were entered, or the process
//!    aborts. On one stack it cannot be otherwise. Code that switches stacks, as the crates for
//!    coroutines do, can leave a poll in the middle and end another one first; then what is current
//!    would be wrong, and point to what is gone.

use std::any::Any;
use std::cell::Cell;
use std::ptr;

use crate::sync::{abort, thread_local};

/// What is current. It is not for this file to know what that is.
pub(crate) struct Frame<'a> {
    pub(crate) scope: &'a dyn Any,
    pub(crate) helpers: &'a dyn Any,
    /// How many scopes are inside `poll`, from here downwards.
    pub(crate) polls: usize,
}

thread_local! {
    /// The innermost frame of this thread.
    static INNERMOST: Cell<*const Frame<'static>> = const { Cell::new(ptr::null()) };
}

/// Calls `act` with `frame` as the innermost one.
pub(crate) fn enter<R>(frame: &Frame<'_>, act: impl FnOnce() -> R) -> R {
    let frame = ptr::from_ref(frame).cast();
    let _entered = Entered {
        frame,
        before: INNERMOST.with(|innermost| innermost.replace(frame)),
    };
    act()
}

/// Calls `look` with the innermost frame.
pub(crate) fn innermost<R>(look: impl for<'a> FnOnce(Option<&'a Frame<'a>>) -> R) -> R {
    let innermost = INNERMOST.with(Cell::get);
    // SAFETY: the frame belongs to a call of `enter` that has not returned, invariant 1, and does
    // not return before `look` does: it is further down on our stack, or on one that was left for
    // ours, and then it aborts the process if it is left while frames are inside. What the frame
    // borrows is alive as long as that call. The lifetime that `look` gets is one that it cannot
    // name, so it keeps nothing of it.
    look(unsafe { innermost.as_ref() })
}

/// Returns the address of the innermost frame, which no other thread has; null if there is none.
#[inline]
pub(crate) fn address() -> *const () {
    INNERMOST.with(Cell::get).cast()
}

/// A frame is the innermost one; dropping this restores the one before.
struct Entered {
    frame: *const Frame<'static>,
    before: *const Frame<'static>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let left = INNERMOST.with(|innermost| innermost.replace(self.before));
        if left != self.frame {
            abort("scopes were left in another order than they were entered in");
        }
    }
}
