//! A soak: scopes in which everything happens at once, for as long as one likes.
//!
//! ```sh
//! cargo test --release --test soak -- --ignored --nocapture
//! ```
//!
//! Helpers, tickets that run late, here or never, foreign wakers, spawns and cancels from another
//! thread, destructors that spawn, nested scopes, panics, drops after any poll. `SOAK_SECONDS`
//! says how long, `SOAK_SEED` with which seed to begin; a failure names the one it had.

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Sender, channel};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread, current, park_timeout};
use std::time::{Duration, Instant};

use taskpen::{Scope, scope};

#[path = "support/lenders.rs"]
mod lenders;
#[path = "support/storm.rs"]
mod storm;

use lenders::Pool;
use storm::{Dice, Guard, Job, Moody, World, child, meddle, park, work};

/// Far longer than any round: a wake-up was lost.
const LIMIT: Duration = Duration::from_secs(60);

/// Wakes the thread that polls.
struct Flag {
    woken: AtomicBool,
    thread: Thread,
}

impl Flag {
    fn new(woken: bool) -> Arc<Self> {
        Arc::new(Self {
            woken: AtomicBool::new(woken),
            thread: current(),
        })
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, SeqCst);
        self.thread.unpark();
    }
}

/// One scope, with all that happens in it. Its children borrow a world that is freed afterwards.
fn round(seed: u64, pool: &Pool, jobs: &Sender<Job>) {
    let mut dice = Dice::new(seed);
    let runtime = Moody::new(pool, dice.fork());
    let world = Box::new(World::new(jobs.clone()));
    let world_ref = &*world;
    thread::scope(|threads| {
        let (hand_over, handles) = channel();
        let (show, shown) = channel::<Scope<'_>>();
        let meddler = dice.fork();
        threads.spawn(move || {
            if let Ok(s) = shown.recv() {
                meddle(world_ref, &s, handles, meddler);
            }
        });
        let mut own = dice.fork();
        let stormy = scope(async move |s: Scope<'_>| {
            let _guard = Guard::new(world_ref, Some(s.clone()));
            show.send(s.clone()).unwrap();
            for _ in 0..own.roll(40) {
                let next = child(world_ref, s.clone(), own.fork(), 2);
                match own.roll(6) {
                    0 => drop(hand_over.send(s.spawn(next))),
                    1 => drop(s.spawn_background(next)),
                    2 => park(world_ref, &mut own).await,
                    3 => drop(s.spawn(next).await),
                    4 => drop(s.spawn(next)),
                    _ => drop(s.spawn(async { work(15) })),
                }
            }
            for _ in 0..own.roll(30) {
                s.spawn(async { work(15) });
            }
        });
        let stormy = match dice.roll(3) {
            0 => stormy.serial(),
            _ => stormy.on(runtime.clone()).helpers(2),
        };
        poll(stormy, &mut dice, seed);
        runtime.clear();
    });
    world.assert_over();
    drop(world);
}

/// Polls to the end, or drops the scope after some polls; the wakers change on the way.
fn poll(stormy: impl Future<Output = ()>, dice: &mut Dice, seed: u64) {
    let mut stormy = pin!(Some(stormy));
    let polls = match dice.roll(3) {
        0 => dice.roll(6),
        _ => u64::MAX,
    };
    let mut flag = Flag::new(true);
    let start = Instant::now();
    for _ in 0..polls {
        while !flag.woken.swap(false, SeqCst) {
            park_timeout(LIMIT);
            assert!(start.elapsed() < LIMIT, "a wake-up was lost: seed {seed}");
        }
        if dice.roll(4) == 0 {
            flag = Flag::new(false);
        }
        let waker = Waker::from(Arc::clone(&flag));
        let mut cx = Context::from_waker(&waker);
        let scoped = stormy.as_mut().as_pin_mut().unwrap();
        match catch_unwind(AssertUnwindSafe(|| scoped.poll(&mut cx))) {
            Ok(Poll::Pending) => {}
            Ok(Poll::Ready(())) => break,
            Err(payload) => {
                assert_eq!(payload.downcast_ref(), Some(&"a child"), "seed {seed}");
                break;
            }
        }
    }
    work(dice.roll(100));
    stormy.set(None);
}

fn number(name: &str, default: u64) -> u64 {
    let text = env::var(name).ok();
    text.map_or(default, |text| text.parse().expect("a number"))
}

fn soak(time: Duration, first: u64) {
    let pool = Pool::new(2);
    let (jobs, queue) = channel::<Job>();
    let waking = thread::spawn(move || queue.into_iter().for_each(|job| job()));
    let start = Instant::now();
    let mut seed = first;
    while start.elapsed() < time {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| round(seed, &pool, &jobs))) {
            eprintln!("failed with SOAK_SEED={seed}");
            std::panic::resume_unwind(payload);
        }
        seed += 1;
    }
    println!("seeds {first} to {}", seed - 1);
    drop(jobs);
    waking.join().unwrap();
}

/// L1–L5, F1, F4, H2, R9: long.
#[test]
#[ignore = "takes a minute, or as long as SOAK_SECONDS says"]
fn long() {
    let time = Duration::from_secs(number("SOAK_SECONDS", 60));
    soak(time, number("SOAK_SEED", 1));
}

/// The same, short.
#[test]
fn short() {
    soak(Duration::from_secs(1), 1);
}
