//! How long threads need for the lock of a ready queue, each time they take children from it or put
//! one there.
//!
//! ```sh
//! cargo bench -p taskpen-benches --bench ready_lock
//! ```
//!
//! The list is that of the library, under a lock of the same kind. Each thread takes some children,
//! and puts each back when it has computed for a microsecond, as one that wakes itself. A time is
//! the median of one step, with what the thread waits for others, and without what the clock takes.

use std::hint::black_box;
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use list::List;
use node::Node;

#[allow(dead_code, reason = "not all of it is measured")]
#[path = "../src/queue/list.rs"]
mod list;
#[allow(dead_code, reason = "the contents are not looked at")]
#[path = "../tests/support/node.rs"]
mod node;
#[allow(dead_code, unused_imports, reason = "the list needs one type of it")]
#[path = "../src/sync.rs"]
mod sync;

/// As large as a child.
type Child = Box<Node<[u64; 9]>>;

type Ready = Mutex<List<Child>>;

fn main() {
    let is_measured = std::env::args().any(|arg| arg == "--bench");
    let steps = if is_measured { 400_000 } else { 400 };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let threads = (0..).map(|power| 1 << power).take_while(|it| *it <= cores);
    println!("| threads | children at a time | take them | put one back |");
    println!("|--------:|-------------------:|----------:|-------------:|");
    for threads in threads {
        for chunk in [1, 10, 32] {
            let [take, put] = measure(threads, chunk, steps / (chunk + 1));
            println!("| {threads:>7} | {chunk:>18} | {take:>6.0} ns | {put:>9.0} ns |");
        }
    }
}

/// The nanoseconds that a thread needs to take so many children, and to put one back.
fn measure(threads: usize, chunk: usize, rounds: usize) -> [f64; 2] {
    let ready: Ready = Mutex::default();
    for _ in 0..4096 {
        ready.lock().unwrap().push_back(Node::new([0; 9]));
    }
    let start = Barrier::new(threads);
    let clock = (0..1_000).map(|_| step(|| {})).min().unwrap_or_default();
    let mut times: [Vec<Duration>; 2] = Default::default();
    thread::scope(|s| {
        let work = || s.spawn(|| rounds_of(&ready, &start, chunk, rounds));
        let threads: Vec<_> = (0..threads).map(|_| work()).collect();
        for thread in threads {
            let [takes, puts] = thread.join().unwrap();
            times[0].extend(takes);
            times[1].extend(puts);
        }
    });
    times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2].saturating_sub(clock).as_nanos() as f64
    })
}

fn rounds_of(ready: &Ready, start: &Barrier, chunk: usize, rounds: usize) -> [Vec<Duration>; 2] {
    start.wait();
    let [mut takes, mut puts]: [Vec<_>; 2] = Default::default();
    for _ in 0..rounds {
        let mut taken = List::default();
        takes.push(step(|| taken = ready.lock().unwrap().split_front(chunk)));
        while let Some(child) = taken.pop_front() {
            compute();
            puts.push(step(|| ready.lock().unwrap().push_back(child)));
        }
    }
    [takes, puts]
}

/// How long it takes, and the clock with it.
fn step(act: impl FnOnce()) -> Duration {
    let start = Instant::now();
    act();
    start.elapsed()
}

/// Computes for a microsecond.
fn compute() {
    let start = Instant::now();
    while black_box(start.elapsed()) < Duration::from_micros(1) {}
}
