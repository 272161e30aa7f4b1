//! The clock: a fast one, for it is read at both ends of each poll. It counts in units of its own:
//! of some five nanoseconds where the processor counts, and of sixteen elsewhere.
#![forbid(unsafe_code)]

use std::sync::LazyLock;
use std::time::Duration;

use quanta::Clock;

static CLOCK: LazyLock<Clock> = LazyLock::new(Clock::new);

/// Of what the processor counts one unit is so many bits up.
const SHIFT: u32 = 4;

/// What it shows now.
#[inline]
pub(super) fn now() -> u64 {
    CLOCK.raw() >> SHIFT
}

/// How long such a time is.
pub(super) fn duration(units: u64) -> Duration {
    Duration::from_nanos(CLOCK.delta_as_nanos(0, units << SHIFT))
}
