//! Lends the threads of a rayon pool to scopes: how to write a [`Executor`] of one's own.
//!
//! ```sh
//! cargo run --example rayon
//! ```
//!
//! A runtime has to do one thing: have `ticket.run()` called soon, on some other thread. The ticket
//! owns nothing that the caller borrows, so it can go anywhere; a ticket that runs too late, or
//! never, costs speed and nothing else.

use std::sync::Arc;
use std::thread::current;

use rayon::ThreadPool;
use taskpen::{Executor, Ticket, scope};

/// A rayon pool that helps scopes. A clone lends the same pool.
#[derive(Clone)]
struct Rayon(Arc<ThreadPool>);

impl Executor for Rayon {
    fn dispatch(&self, ticket: Ticket) {
        self.0.spawn(|| ticket.run());
    }

    fn parallelism(&self) -> usize {
        // The thread that polls the scope is not one of the pool.
        self.0.current_num_threads() + 1
    }
}

/// The length of the Collatz sequence from `n`: something that takes a while.
fn collatz(mut n: u64) -> u32 {
    let mut steps = 0;
    while n != 1 {
        n = if n % 2 == 0 { n / 2 } else { 3 * n + 1 };
        steps += 1;
    }
    steps
}

fn main() -> Result<(), rayon::ThreadPoolBuildError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .thread_name(|n| format!("helper {n}"))
        .build()?;

    let starts: Vec<u64> = (1..400).map(|n| n * 1_000_000).collect();
    let search = scope(async |s| {
        let children: Vec<_> = starts
            .chunks(4) // borrowed from `starts`
            .map(|chunk| {
                s.spawn(async move {
                    let longest = chunk.iter().flat_map(|&from| from..from + 500);
                    let longest = longest.map(|n| (collatz(n), n)).max();
                    (longest, current().name().unwrap_or("?").to_owned())
                })
            })
            .collect();
        let mut longest = None;
        let mut threads = std::collections::BTreeMap::<String, u32>::new();
        for child in children {
            let (found, thread) = child.await;
            longest = longest.max(found);
            *threads.entry(thread).or_default() += 1;
        }
        (longest, threads)
    });
    let (longest, threads) = futures_lite::future::block_on(search.on(Rayon(Arc::new(pool))));

    if let Some((steps, start)) = longest {
        println!("longest Collatz sequence (n/2 if n is even, else 3n + 1, down to 1):");
        println!("{steps} steps, from {start}");
    }
    for (thread, children) in threads {
        println!("{children} children of the scope ended on the thread \"{thread}\"");
    }
    Ok(())
}
