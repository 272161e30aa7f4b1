//! How long children are likely to take, from those of the last scope at the same place in the
//! program.
//!
//! A scope begins alone: it asks for help when it has seen that this pays, which is after the first
//! child at the earliest. Where there are few, and that one takes its time, the others have waited
//! for nothing. So what a scope has found is kept for the next one like it, on the same thread.
//!
//! If that is wrong a helper comes in vain, once, for this scope finds it out in turn. What it
//! costs is less than what the one before has won, or could have.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::time::Duration;

use crate::sync::thread_local;

/// A place in the program where scopes are opened, as far as it can be told from others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Site(usize);

/// With more children than that the first one is no matter.
const FEW: usize = 32;

/// So many places are remembered, if they are not mapped to the same one.
const PLACES: usize = 16;

thread_local! {
    static LATELY: [Cell<(Site, Duration)>; PLACES] =
        const { [const { Cell::new((Site(0), Duration::ZERO)) }; PLACES] };
}

impl Site {
    /// That of scopes which are started by this function.
    pub(crate) fn of<F, S, Fut>(start: fn(F, S) -> Fut) -> Self {
        Self(start as usize)
    }

    /// How long a child is likely to take, where `ready` are to be run and none was measured.
    #[inline(never)]
    pub(crate) fn expected(self, ready: usize) -> Duration {
        let (site, mean) = self.visit(Cell::get);
        let is_known = site == self && ready <= FEW;
        if is_known { mean } else { Duration::ZERO }
    }

    /// Notes how long they took.
    #[inline(never)]
    pub(crate) fn note(self, mean: Duration) {
        self.visit(|it| it.set((self, mean)));
    }

    fn visit<T>(self, visit: impl FnOnce(&Cell<(Self, Duration)>) -> T) -> T {
        LATELY.with(|lately| visit(&lately[self.0 / 16 % PLACES]))
    }
}
