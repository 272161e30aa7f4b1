//! What is current on this thread: the innermost scope, and where that gets helpers from.
//!
//! A poll of a scope, its end, a helper's stay and a closure on the blocking pool each *enter* a
//! [frame](crate::run::frame). What happens inside learns from it
//!
//! * which scope a new scope is inside of, so that it stops with that;
//! * which executor a scope asks for helpers that was told nothing itself;
//! * whether a scope is polled by another one: see [`crate::run::budget`];
//! * whether this thread has the children of a scope at home: see [`crate::queue::home`];
//! * whether it runs those of a pen, and so has a [local queue](crate::queue::local).
#![forbid(unsafe_code)]

use std::ptr;
use std::sync::Arc;

use crate::help::executor::Helpers;
use crate::help::serving::Served;
use crate::run::frame;
use crate::run::order::Order;
use crate::run::shared::Shared;

/// Calls `act` with `scope` as the innermost one, and with whether a scope is inside `poll` further
/// down on the stack. `is_poll` says that this is one, or the end of the scope, and not a helper or
/// a closure elsewhere. Scopes inside inherit `helpers`, or what this one inherits.
pub(crate) fn enter<R>(
    scope: &Arc<Shared>,
    helpers: Option<&Helpers>,
    is_poll: bool,
    act: impl FnOnce(bool) -> R,
) -> R {
    frame::enter(scope, helpers, None, is_poll, act)
}

/// Calls `act` on a thread that runs children of a pen.
pub(crate) fn serve<R>(served: &Served, helpers: &Helpers, act: impl FnOnce() -> R) -> R {
    frame::enter(&served.shared, Some(helpers), Some(served), false, |_| {
        act()
    })
}

/// Calls `look` with the innermost pen of which this thread runs children: also in a scope inside
/// of one.
#[inline]
pub(crate) fn served<R>(look: impl FnOnce(Option<&Served>) -> R) -> R {
    frame::innermost(|frame| look(frame.and_then(|it| it.served)))
}

/// Returns the innermost scope, in which one begins. What that was not told about helpers it
/// inherits.
#[inline]
pub(crate) fn begin(helpers: &mut Option<Helpers>) -> Option<Arc<Shared>> {
    frame::innermost(|frame| {
        let frame = frame?;
        if let (Some(helpers), Some(inherited)) = (helpers, frame.helpers) {
            helpers.inherit(inherited);
        }
        Some(Arc::clone(frame.scope))
    })
}

/// Returns what a scope that is polled here was told about helpers, or inherits.
pub(crate) fn helpers() -> Option<Helpers> {
    frame::innermost(|frame| frame?.helpers.cloned())
}

/// Returns in which order a scope that begins here polls its children, with what it was told and
/// has inherited.
#[inline]
pub(crate) fn order(told: Option<&Helpers>) -> Order {
    match told {
        Some(told) => told.order.clone(),
        None if cfg!(feature = "shuffle") => helpers().unwrap_or_default().order,
        None => Order::default(),
    }
}

/// Returns whether this thread runs, or ends, children of this very scope or pen.
pub(crate) fn is_in(shared: &Shared) -> bool {
    frame::innermost(|frame| frame.is_some_and(|frame| ptr::eq(&raw const **frame.scope, shared)))
}
