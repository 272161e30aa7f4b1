//! What the soak runs: scopes in which everything happens at once, chosen at random.

use std::future::{Future, poll_fn};
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, Instant};

use futures_lite::future::{block_on, poll_once, yield_now};
use taskpen::{Executor, JoinHandle, Scope, Ticket, scope};

use super::lenders::Pool;

/// Numbers from a seed.
#[derive(Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..10 {
            dice.roll(2);
        }
        dice
    }

    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }

    pub(crate) fn fork(&mut self) -> Self {
        Self::new(self.roll(u64::MAX))
    }
}

/// Keeps the thread busy, for some microseconds.
pub(crate) fn work(micros: u64) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_micros(micros) {
        spin_loop();
    }
}

/// Lends threads, or runs the ticket here, drops it, or keeps it for later.
#[derive(Clone)]
pub(crate) struct Moody(Arc<Mood>);

struct Mood {
    pool: Pool,
    dice: Mutex<Dice>,
    kept: Mutex<Vec<Ticket>>,
}

impl Moody {
    pub(crate) fn new(pool: &Pool, dice: Dice) -> Self {
        Self(Arc::new(Mood {
            pool: pool.clone(),
            dice: Mutex::new(dice),
            kept: Mutex::default(),
        }))
    }

    /// Drops what was kept: a ticket keeps its runtime.
    pub(crate) fn clear(&self) {
        self.0.kept.lock().unwrap().clear();
    }
}

impl Executor for Moody {
    fn dispatch(&self, ticket: Ticket) {
        let roll = self.0.dice.lock().unwrap().roll(6);
        match roll {
            0 => ticket.run(),
            1 => drop(ticket),
            2 => {
                let mut late = vec![ticket];
                std::mem::swap(&mut late, &mut self.0.kept.lock().unwrap());
                late.into_iter().for_each(Ticket::run);
            }
            _ => self.0.pool.dispatch(ticket),
        }
    }

    fn parallelism(&self) -> usize {
        3
    }
}

/// What runs on the thread that wakes.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// What children borrow. It is freed right after their scope.
pub(crate) struct World {
    /// Moved and freed all the time: a use of freed memory would not go unnoticed.
    #[allow(clippy::vec_box, reason = "allocations that come and go")]
    boxes: Mutex<Vec<Box<u64>>>,
    guards: AtomicUsize,
    over: AtomicBool,
    jobs: Sender<Job>,
}

impl World {
    pub(crate) fn new(jobs: Sender<Job>) -> Self {
        Self {
            boxes: Mutex::default(),
            guards: AtomicUsize::new(0),
            over: AtomicBool::new(false),
            jobs,
        }
    }

    /// For the moment after the scope: every guard is gone, and none comes later.
    pub(crate) fn assert_over(&self) {
        assert_eq!(self.guards.load(SeqCst), 0, "futures that were not dropped");
        self.over.store(true, SeqCst);
    }

    fn touch(&self) {
        assert!(!self.over.load(SeqCst), "polled or dropped after the end");
        let mut boxes = self.boxes.lock().unwrap();
        match boxes.len() {
            0..8 => boxes.push(Box::new(1)),
            _ => drop(boxes.pop()),
        }
    }
}

/// Counts a future; in its destructor it may spawn.
pub(crate) struct Guard<'env> {
    world: &'env World,
    spawns: Option<Scope<'env>>,
}

impl<'env> Guard<'env> {
    pub(crate) fn new(world: &'env World, spawns: Option<Scope<'env>>) -> Self {
        world.guards.fetch_add(1, SeqCst);
        Self { world, spawns }
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.world.touch();
        if let Some(s) = &self.spawns {
            s.spawn(async {});
        }
        self.world.guards.fetch_sub(1, SeqCst);
    }
}

/// Pending once, and woken by another thread: perhaps more than once, perhaps late.
pub(crate) async fn park(world: &World, dice: &mut Dice) {
    let mut dice = dice.fork();
    let mut parked = false;
    poll_fn(|cx| {
        if parked {
            return Poll::Ready(());
        }
        parked = true;
        let (waker, delay) = (cx.waker().clone(), dice.roll(60));
        let again = (dice.roll(3) == 0).then(|| waker.clone());
        let wake: Job = Box::new(move || {
            work(delay);
            waker.wake_by_ref();
            work(delay / 2);
            waker.wake();
            again.into_iter().for_each(|waker| waker.wake());
        });
        world.jobs.send(wake).unwrap();
        Poll::Pending
    })
    .await;
}

/// A child that does some of everything.
pub(crate) fn child<'env>(
    world: &'env World,
    s: Scope<'env>,
    mut dice: Dice,
    depth: u32,
) -> Pin<Box<dyn Future<Output = Box<u64>> + Send + 'env>> {
    let guard = Guard::new(world, (dice.roll(4) == 0).then(|| s.clone()));
    Box::pin(async move {
        let _guard = guard;
        let mut handles = Vec::new();
        for _ in 0..dice.roll(5) {
            world.touch();
            let roll = dice.roll(9);
            let mut make = || child(world, s.clone(), dice.fork(), depth - 1);
            match roll {
                0 | 1 if depth > 0 => handles.push(s.spawn(make())),
                2 if depth > 0 => drop(s.spawn_background(make())),
                3 if depth > 0 => nest(world, &mut dice, depth - 1).await,
                4 => park(world, &mut dice).await,
                5 => yield_now().await,
                6 => work(dice.roll(30)),
                _ => match (handles.pop(), dice.roll(3)) {
                    (Some(handle), 0) => drop(handle.cancel().await),
                    (Some(handle), 1) => drop(handle.cancel()),
                    (Some(handle), _) => drop(handle.await),
                    (None, _) => {}
                },
            }
        }
        if dice.roll(60) == 0 {
            resume_unwind(Box::new("a child"));
        }
        Box::new(7)
    })
}

/// A scope inside a child: awaited, or dropped after one poll.
async fn nest(world: &World, dice: &mut Dice, depth: u32) {
    let mut inner = dice.fork();
    let nested = scope(async |s| {
        for _ in 0..inner.roll(6) {
            s.spawn(child(world, s.clone(), inner.fork(), depth));
        }
        if inner.roll(2) == 0 {
            park(world, &mut inner).await;
        }
    });
    match dice.roll(3) {
        0 => drop(poll_once(Box::pin(nested)).await),
        _ => nested.await,
    }
}

/// Cancels, awaits and drops handles, and spawns, whatever the scope does meanwhile.
pub(crate) fn meddle<'env>(
    world: &'env World,
    s: &Scope<'env>,
    handles: Receiver<JoinHandle<'env, Box<u64>>>,
    mut dice: Dice,
) {
    for mut handle in handles {
        work(dice.roll(20));
        if dice.roll(2) == 0 {
            let guard = Guard::new(world, None);
            let spawned = s.spawn(async move {
                let _guard = guard;
                yield_now().await;
            });
            if dice.roll(2) == 0 {
                drop(spawned.cancel());
            }
        }
        match dice.roll(4) {
            0 => drop(block_on(handle.cancel())),
            1 => drop(handle.cancel()),
            2 => drop(handle),
            // It panics if the scope has ended.
            _ => drop(catch_unwind(AssertUnwindSafe(|| {
                block_on(poll_once(&mut handle))
            }))),
        }
    }
}
