//! Random children, woken by threads that know nothing of the executor, while their pen comes to
//! its end in one way or another: each child is dropped once. Under AddressSanitizer as well.

use std::future::pending;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::life::Counter;
use futures::channel::oneshot;
use futures_lite::future::yield_now;
use taskpen::{Pen, Scope, scope};

/// Numbers that are the same for the same seed: xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// What all children of a storm share.
#[derive(Clone)]
struct Storm {
    s: Scope<'static>,
    spawned: Counter,
    dropped: Counter,
    /// To the thread that wakes.
    wakes: Sender<oneshot::Sender<()>>,
    pen: Arc<Mutex<Option<Pen>>>,
}

impl Storm {
    fn spawn(&self, random: &mut Random, depth: u64) {
        let (storm, guard) = (self.clone(), self.dropped.guard());
        let seed = random.below(u64::MAX) | 1;
        self.spawned.add();
        let child = async move {
            let _guard = guard;
            storm.run(Random(seed), depth).await;
        };
        match random.below(3) {
            0 => drop(self.s.spawn_background(child)),
            1 => drop(self.s.spawn(child).cancel_on_drop()),
            _ => drop(self.s.spawn(child)),
        }
    }

    async fn run(&self, mut random: Random, depth: u64) {
        match random.below(7) {
            0 => {}
            1 => {
                for _ in 0..random.below(5) {
                    yield_now().await;
                }
            }
            2 => pending().await,
            3 | 4 => {
                let (send, receive) = oneshot::channel();
                let _ = self.wakes.send(send);
                let _ = receive.await;
            }
            5 if depth > 0 => {
                for _ in 0..3 {
                    self.spawn(&mut random, depth - 1);
                    yield_now().await;
                }
            }
            _ => {
                let numbers = [1, 2, 3];
                scope(async |s| {
                    for number in &numbers {
                        s.spawn(async move {
                            yield_now().await;
                            *number
                        });
                    }
                })
                .await;
            }
        }
    }
}

async fn storm(pen: Pen, seed: u64) {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let (wakes, to_wake) = channel::<oneshot::Sender<()>>();
    let waker = thread::spawn(move || {
        for wake in to_wake {
            let _ = wake.send(());
        }
    });
    let s = pen.to_static();
    let storm = Storm {
        s: s.clone(),
        spawned: Counter::default(),
        dropped: Counter::default(),
        wakes,
        pen: Arc::new(Mutex::new(Some(pen))),
    };
    for _ in 0..random.below(30) {
        storm.spawn(&mut random, 2);
        if random.below(4) == 0 {
            yield_now().await;
        }
    }
    let take = |pen: &Mutex<Option<Pen>>| pen.lock().unwrap().take();
    match random.below(3) {
        0 => drop(take(&storm.pen)),
        1 => take(&storm.pen).unwrap().cancel().await,
        _ => {
            let pen = Arc::clone(&storm.pen);
            let last = s.spawn(async move {
                drop(take(&pen));
                pending::<()>().await;
            });
            assert_eq!(last.join().await, None);
        }
    }
    let (spawned, dropped) = (storm.spawned.clone(), storm.dropped.clone());
    drop(storm); // so that the thread comes to its end
    while dropped.get() < spawned.get() || !s.is_empty() {
        yield_now().await;
        thread::yield_now();
    }
    assert_eq!(dropped.get(), spawned.get());
    waker.join().unwrap();
}

each_executor! {
    /// P1, P4, P5, P8: in a hundred ways.
    async fn a_hundred(pen) {
        for seed in 0..100 {
            storm(pen(), seed).await;
        }
    }
}
