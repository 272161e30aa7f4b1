//! What is under the lock of the ready queue for threads that are not [at
//! home](crate::queue::home).
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::task::Waker;

use super::AtHome;
use crate::queue::children::{Children, Key};
use crate::queue::hands::Hands;
use crate::queue::idle::Idle;
use crate::queue::list::{Linked, List};
use crate::queue::local::LocalQueue;

/// Room for so many keys is kept.
const SPARE: usize = 64;

/// What other threads do to the children of a scope, and the polling one in a window.
pub(super) struct Elsewhere<R: Linked> {
    pub(super) children: Children<R>,
    /// Those that are ready, and not for the scope's thread while it [drains](crate::run::drain).
    pub(super) aside: List<R>,
    /// Those that have left the registry at home.
    pub(super) gone: Vec<Key>,
    /// Of a pen, until it has ended: the queues of its threads.
    pub(super) locals: Vec<Arc<LocalQueue<R>>>,
    /// Of a pen: its workers that are idle.
    pub(super) idle: Idle,
    /// Of a pen that has ended: the children that are being polled or dropped.
    pub(super) hands: Hands,
    /// Wakes the task that closes the pen.
    pub(super) closer: Option<Waker>,
}

impl<R: Linked> Default for Elsewhere<R> {
    fn default() -> Self {
        Self {
            children: Children::default(),
            aside: List::default(),
            gone: Vec::new(),
            locals: Vec::new(),
            idle: Idle::default(),
            hands: Hands::default(),
            closer: None,
        }
    }
}

impl<R: Linked> Elsewhere<R> {
    /// Has `waker` woken when the pen may be over, or gives it back.
    pub(super) fn wait(&mut self, is_over: bool, waker: Waker) -> Option<Waker> {
        match is_over {
            true => Some(waker),
            false => self.closer.replace(waker),
        }
    }

    #[inline(never)]
    pub(super) fn bring_home(&mut self, home: &mut AtHome<R>) {
        home.children.ready.append(&mut self.children.ready);
        for key in self.gone.drain(..) {
            // A waker of async-task, of a child whose future is gone: not foreign.
            drop(home.children.suspended.leave(key));
        }
        self.gone.shrink_to(SPARE);
    }
}
