//! Children that work for long enough that help pays, and children that can only finish together.
#![allow(dead_code, unreachable_pub)]

use std::hint::spin_loop;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use taskpen::Scope;

/// Keeps the thread busy for long enough that help pays.
pub fn work() {
    work_for(Duration::from_micros(300));
}

/// Keeps the thread busy for so long that help pays for a crowd, and that a helper takes several at
/// a time.
pub fn work_a_little() {
    work_for(Duration::from_nanos(1_500));
}

fn work_for(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        spin_loop();
    }
}

/// A place where threads wait for each other, busily: it is passed once `size` are in it.
pub struct Meeting {
    pub arrived: AtomicUsize,
    size: usize,
}

impl Meeting {
    pub fn of(size: usize) -> Self {
        Self {
            arrived: AtomicUsize::new(0),
            size,
        }
    }

    /// Waits for the others; panics rather than hang if they do not come at all.
    pub fn attend(&self) {
        self.arrived.fetch_add(1, SeqCst);
        let start = Instant::now();
        while self.arrived.load(SeqCst) < self.size {
            assert!(start.elapsed() < Duration::from_secs(60), "nobody came");
            std::thread::yield_now();
        }
    }
}

/// Spawns a child that shows that help pays, then `size` children that can only finish together.
pub fn meet<'env>(s: &Scope<'env>, meeting: &'env Meeting) {
    s.spawn(async { work() });
    for _ in 0..meeting.size {
        s.spawn(async { meeting.attend() });
    }
}
