//! Which children are slow: for the polls that are made in a window, beside others.
//!
//! A child that took long is likely to do so again. That has to be known before it can be ready
//! again, which may be as soon as its poll ends; so it is the child that asks.
#![forbid(unsafe_code)]

use std::cell::Cell;

use crate::help::policy::HOLDS_UP;
use crate::panic::Defer;
use crate::sync::{Instant, thread_local};

thread_local! {
    /// When the poll of a child began, or that of the first of several.
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Calls `act`, which polls children and tells before it does so.
pub(crate) fn watch<R>(act: impl FnOnce() -> R) -> R {
    let around = BEGAN.with(|began| began.replace(None));
    let _after = Defer(|| BEGAN.with(|began| began.set(around)));
    act()
}

/// The polls of one child, or of several that are short, begin now.
pub(crate) fn begin(now: Instant) {
    BEGAN.with(|began| began.set(Some(now)));
}

/// Returns whether the poll that ends now was slow, if it is watched.
#[inline(never)]
pub(crate) fn was_slow() -> Option<bool> {
    let began = BEGAN.with(Cell::get)?;
    Some(began.elapsed() >= HOLDS_UP)
}
