//! Which children are slow: for the polls that are made in a window, beside others.
//!
//! A child that took long is likely to do so again. That has to be known before it can be ready
//! again, which may be as soon as its poll ends; so it is the child that asks.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::ptr;

use crate::help::policy::HOLDS_UP;
use crate::help::window::Window;
use crate::panic::Defer;
use crate::sync::{Instant, thread_local};

thread_local! {
    /// When the poll of a child began, and in which window. Scopes inside that child have others.
    static BEGAN: Cell<Option<(usize, Instant)>> = const { Cell::new(None) };
}

/// Calls `act`, which polls children and tells before it does so.
pub(crate) fn watch<R>(act: impl FnOnce() -> R) -> R {
    let around = BEGAN.with(|began| began.replace(None));
    let _after = Defer(|| BEGAN.with(|began| began.set(around)));
    act()
}

/// The poll of a child begins now.
pub(crate) fn begin(window: &Window, now: Instant) {
    BEGAN.with(|began| began.set(Some((address(window), now))));
}

/// Those of several children begin, of which nobody knows how long each takes.
pub(crate) fn begin_several() {
    BEGAN.with(|began| began.set(None));
}

/// Returns whether the poll that ends now was slow, if it is watched: that of a child which is run
/// in this window.
#[inline(never)]
pub(crate) fn was_slow(window: &Window) -> Option<bool> {
    let (within, began) = BEGAN.with(Cell::get)?;
    (within == address(window)).then(|| began.elapsed() >= HOLDS_UP)
}

fn address(window: &Window) -> usize {
    ptr::from_ref(window).addr()
}
