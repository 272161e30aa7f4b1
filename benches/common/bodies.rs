//! What the children of the benchmarks do: the same for every contestant.

use std::future::{Future, pending, poll_fn};
use std::hint::black_box;
use std::pin::Pin;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::task::AtomicWaker;
use futures_lite::future::yield_now;

/// A child that gives its value at its first poll.
pub async fn value(i: usize) -> u64 {
    black_box(i as u64)
}

/// A child that wakes itself and lets others run, so many times.
pub async fn yields(i: usize, times: usize) -> u64 {
    for _ in 0..times {
        yield_now().await;
    }
    black_box(i as u64)
}

/// A child that computes for a fixed number of steps, see [`steps_per_micro`].
pub async fn compute(i: usize, steps: u64) -> u64 {
    spin(i as u64, steps)
}

/// A chain of steps, none of which can start before the last has ended.
///
/// Work, and not time: a thread that has to share its core takes longer for it.
pub fn spin(seed: u64, steps: u64) -> u64 {
    let mut x = black_box(seed);
    for _ in 0..steps {
        x = x.wrapping_mul(6_364_136_223_846_793_005).rotate_left(17) ^ 0x9e37_79b9;
    }
    black_box(x)
}

/// How many steps of [`spin`] take a microsecond on an idle core of this machine.
pub fn steps_per_micro() -> u64 {
    static STEPS: OnceLock<u64> = OnceLock::new();
    *STEPS.get_or_init(|| {
        const STEPS: u64 = 1_000_000;
        let time = |_| {
            let start = Instant::now();
            spin(1, STEPS);
            start.elapsed()
        };
        // The shortest: whatever disturbs makes it longer.
        let shortest = (0..9).map(time).min().unwrap_or(Duration::MAX);
        (STEPS as f64 / (shortest.as_nanos() as f64 / 1e3)).max(1.0) as u64
    })
}

/// How many [`Suspended`] were polled since the last [`Suspended::expect`].
static SUSPENDED: AtomicUsize = AtomicUsize::new(0);
/// How many there will be.
static EXPECTED: AtomicUsize = AtomicUsize::new(0);
/// Who waits for the last of them.
static WAITER: AtomicWaker = AtomicWaker::new();

/// A child that never finishes: 24 bytes, polled once.
pub struct Suspended {
    state: [u64; 3],
}

impl Suspended {
    pub fn new(i: usize) -> Self {
        const { assert!(size_of::<Self>() == 24) };
        Self {
            state: [i as u64; 3],
        }
    }

    /// For the start of a measurement with `n` of them.
    pub fn expect(n: usize) {
        SUSPENDED.store(0, Ordering::SeqCst);
        EXPECTED.store(n, Ordering::SeqCst);
    }

    /// Whether all that are expected are suspended.
    pub fn are_all() -> bool {
        SUSPENDED.load(Ordering::Acquire) == EXPECTED.load(Ordering::Relaxed)
    }

    /// Polls their parent, which never finishes, until all are suspended.
    pub async fn poll_all(mut poll: impl FnMut(&mut Context<'_>) -> bool) {
        poll_fn(|cx| {
            let finished = poll(cx);
            assert!(!finished, "a parent of suspended children does not finish");
            match Self::are_all() {
                true => Poll::Ready(()),
                false => Poll::Pending, // the parent has woken us: it stopped only for fairness
            }
        })
        .await;
    }

    /// Waits until all are suspended, where they are polled behind our back.
    pub async fn wait_for_all() {
        poll_fn(|cx| {
            WAITER.register(cx.waker());
            match Self::are_all() {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
        drop(WAITER.take()); // it is not to keep us alive
    }
}

impl Future for Suspended {
    type Output = u64;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u64> {
        black_box(&self.state);
        let before = SUSPENDED.fetch_add(1, Ordering::AcqRel);
        if before + 1 == EXPECTED.load(Ordering::Relaxed) {
            WAITER.wake();
        }
        Poll::Pending
    }
}

/// What a parent of suspended children does itself.
pub async fn never() {
    pending().await
}
