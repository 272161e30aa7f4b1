//! A turn: how much one poll of a scope may do before it lets other tasks have the thread.
//!
//! The task that polls the scope shares its thread with others, so a poll that goes on for as long
//! as something is ready would starve them: children can wake each other, or themselves, for ever.
//! A turn is over
//!
//! * after [`POLLS`] polls of children and the body, and [`POLLS_IN_A_WINDOW`] more once a window
//!   was opened, which are bounded in time as well, or
//! * after [`RESTLESS_PASSES`] passes through the ready queue in which a child woke itself. It
//!   wants others to have the thread: it yielded, or is a scope whose own turn is over.
//!
//! A scope that is polled by another one, further down on the stack of this thread, has one
//! restless pass only. Otherwise the passes of scopes in scopes would multiply: the innermost child
//! of five would be polled 8⁵ times before anybody else had the thread.
#![forbid(unsafe_code)]

use std::cell::Cell;

use crate::sync::Instant;

/// Polls in one turn.
const POLLS: usize = 256;

/// Polls beyond those, in a turn with windows. To close one and open it again costs some of them.
const POLLS_IN_A_WINDOW: usize = 4096;

/// Passes in one turn in which a child woke itself, for the outermost scope on a stack.
const RESTLESS_PASSES: usize = 8;

thread_local! {
    /// Scopes that are inside `poll` on this thread.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// What a poll has left of its turn.
#[derive(Debug)]
pub(crate) struct Turn {
    polls: usize,
    restless_passes: usize,
    is_restless: bool,
    /// When the first window was opened.
    extended: Option<Instant>,
}

impl Turn {
    pub(crate) fn begin() -> Self {
        let depth = DEPTH.get();
        DEPTH.set(depth + 1);
        Self {
            polls: POLLS,
            restless_passes: if depth == 0 { RESTLESS_PASSES } else { 1 },
            is_restless: false,
            extended: None,
        }
    }

    /// Something was polled.
    #[inline]
    pub(crate) fn spend(&mut self, woke_itself: bool) {
        self.polls = self.polls.saturating_sub(1);
        self.is_restless |= woke_itself;
    }

    /// A pass through the ready queue has ended.
    pub(crate) fn end_pass(&mut self) {
        if self.is_restless {
            self.restless_passes = self.restless_passes.saturating_sub(1);
            self.is_restless = false;
        }
    }

    /// A window is being opened: more polls, within a time limit. Gives the moment when the first
    /// window of the turn was opened.
    pub(crate) fn extend(&mut self) -> Instant {
        *self.extended.get_or_insert_with(|| {
            self.polls += POLLS_IN_A_WINDOW;
            Instant::now()
        })
    }

    /// Time is up.
    pub(crate) fn end(&mut self) {
        self.polls = 0;
    }

    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        self.polls == 0 || self.restless_passes == 0
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}
