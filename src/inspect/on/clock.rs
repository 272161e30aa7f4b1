//! The clock: a fast one, for it is read at both ends of each poll. It counts in units of its own.
#![forbid(unsafe_code)]

use std::sync::LazyLock;
use std::time::Duration;

use quanta::Clock;

static CLOCK: LazyLock<Clock> = LazyLock::new(Clock::new);

/// What it shows now.
#[inline]
pub(super) fn now() -> u64 {
    CLOCK.raw()
}

/// How long such a time is.
pub(super) fn duration(units: u64) -> Duration {
    Duration::from_nanos(CLOCK.delta_as_nanos(0, units)) // of which 64 bits hold 500 years
}
