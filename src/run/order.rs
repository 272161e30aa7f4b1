//! The order in which what is ready is polled: first in, first out; or, for tests, as a seed says.
#![forbid(unsafe_code)]

#[cfg(feature = "shuffle")]
use std::sync::Arc;

use crate::run::poll_loop::{PollBody, PollLoop};
use crate::run::turn::Turn;
#[cfg(feature = "shuffle")]
use crate::sync::Mutex;

/// The order of a scope, and of those inside of it.
#[derive(Clone, Default)]
pub(crate) struct Order {
    /// What it is drawn from, if it is.
    #[cfg(feature = "shuffle")]
    drawn: Option<Arc<Mutex<fastrand::Rng>>>,
}

impl Order {
    #[cfg(feature = "shuffle")]
    pub(crate) fn drawn_from(seed: u64) -> Self {
        let drawn = fastrand::Rng::with_seed(seed);
        Self {
            drawn: Some(Arc::new(Mutex::new(drawn))),
        }
    }

    /// Takes on that of a scope around, if there is none here.
    pub(crate) fn inherit(&mut self, inherited: &Self) {
        if !self.is_drawn() {
            self.clone_from(inherited);
        }
    }

    /// Returns true if it is drawn.
    #[inline]
    pub(crate) fn is_drawn(&self) -> bool {
        #[cfg(feature = "shuffle")]
        return self.drawn.is_some();
        #[cfg(not(feature = "shuffle"))]
        false
    }

    /// Draws one of so many, which are some.
    #[cfg_attr(
        not(feature = "shuffle"),
        expect(unused_variables, reason = "none is drawn")
    )]
    pub(crate) fn draw(&self, of: usize) -> usize {
        #[cfg(feature = "shuffle")]
        if let Some(drawn) = &self.drawn {
            return drawn.lock().usize(..of);
        }
        0
    }
}

impl PollLoop {
    /// Polls one of all that are ready, the body among them.
    #[inline(never)]
    pub(super) fn run_drawn(&mut self, turn: &mut Turn<'_>, body: &mut PollBody<'_>) {
        let queue = &turn.shared.queue;
        let ready = turn.batch.len();
        let may_poll_body = !self.body_done && queue.is_body_woken();
        let drawn = self.order.draw(ready + usize::from(may_poll_body));
        if drawn == ready {
            queue.hand_back_home(&mut turn.batch);
            self.poll_body(turn, body);
        } else {
            let mut before = turn.batch.split_front(drawn);
            let child = turn.batch.pop_front().expect("it was drawn");
            turn.batch.prepend(&mut before);
            queue.hand_back_home(&mut turn.batch);
            child.run();
        }
    }
}
