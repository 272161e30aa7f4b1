//! The budget: how much one poll of a scope may do before it lets other tasks have the thread.
//!
//! The task that polls the scope shares its thread with others, so a poll that goes on for as long
//! as something is ready would starve them: children can wake each other, or themselves, for ever.
//! The budget is spent
//!
//! * after [`POLLS`] polls of children and the body, and [`POLLS_IN_A_WINDOW`] more once a window
//!   was opened, which are bounded in time as well, or
//! * after [`RESTLESS_PASSES`] passes through the ready queue in which a child woke itself. It
//!   wants others to have the thread: it yielded, or is a scope whose own budget is spent.
//!
//! A scope that is polled by another one, further down on the stack of this thread, has one
//! restless pass only. Otherwise the passes of scopes in scopes would multiply: the innermost child
//! of five would be polled 8⁵ times before another task had the thread.
#![forbid(unsafe_code)]

use std::mem;

use crate::sync::Instant;

/// Polls of children and of the body, in one poll of the scope.
const POLLS: usize = 256;

/// Polls beyond those, once a window was opened. To close one and open it again costs some of them.
const POLLS_IN_A_WINDOW: usize = 4096;

/// Passes in which a child woke itself, for the outermost scope on a stack.
const RESTLESS_PASSES: usize = 8;

/// What a poll has left of its budget.
pub(crate) struct Budget {
    /// Those that are left.
    pub(crate) polls: usize,
    restless_passes: usize,
    is_restless: bool,
    /// When the first window was opened.
    extended: Option<Instant>,
}

impl Budget {
    /// The budget of one poll of a scope, which may be nested: polled by another one.
    pub(crate) fn new(is_nested: bool) -> Self {
        Self {
            polls: POLLS,
            restless_passes: if is_nested { 1 } else { RESTLESS_PASSES },
            is_restless: false,
            extended: None,
        }
    }

    /// So many polls were made. `is_restless` says that a child woke itself in one of them.
    pub(crate) fn spend(&mut self, polls: usize, is_restless: bool) {
        self.polls = self.polls.saturating_sub(polls);
        self.is_restless |= is_restless;
    }

    /// A pass through the ready queue has ended.
    pub(crate) fn end_pass(&mut self) {
        if mem::take(&mut self.is_restless) {
            self.restless_passes = self.restless_passes.saturating_sub(1);
            if self.restless_passes == 0 {
                self.polls = 0;
            }
        }
    }

    /// A window is being opened: more polls, within a time limit. Gives the moment when the first
    /// window of this poll was opened.
    pub(crate) fn extend(&mut self) -> Instant {
        *self.extended.get_or_insert_with(|| {
            self.polls += POLLS_IN_A_WINDOW;
            Instant::now()
        })
    }
}
