//! Random programs for a minute, with helpers: L1, L3, L5, R9, F1 to F6, F8.
//!
//! Tasks work, yield, spawn, join, cancel, fail and panic in scopes in scopes, which are dropped
//! half-way or run to their end, while other threads help and wake. Every second time a pen owns
//! the tasks that do that, and is closed, cancelled or dropped. Whatever the schedule, every
//! task and every value is dropped exactly once, before its scope is gone, nobody is polled after
//! his end, and what the children borrow is intact.

#[path = "support/lenders.rs"]
mod lenders;
#[path = "support/random_program.rs"]
mod random_program;
#[path = "support/running_program.rs"]
mod running_program;
#[path = "support/waiting.rs"]
mod waiting;
#[path = "support/world.rs"]
mod world;

use std::env;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::process::abort;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use futures_lite::future::block_on;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use taskpen::{Executor, Pen, Scope, scope};

use lenders::{Inline, Pool};
use random_program::{Nest, busy};
use running_program::run_nest;
use waiting::{Boxed, at_most};
use world::World;

/// Programs that run side by side, as children of one scope.
const SIDE_BY_SIDE: usize = 6;

/// How long a round may take until it counts as hung; it takes milliseconds.
const HUNG: Duration = Duration::from_secs(60);

/// A minute of rounds, or as many seconds as `SOAK_SECONDS` says. `SOAK_SEED` starts with the
/// programs of a round that failed; what threads do in it is another matter.
#[test]
#[ignore = "takes a minute"]
fn random_programs_with_helpers() {
    let length = Duration::from_secs(number("SOAK_SECONDS").unwrap_or(60));
    let seed = number("SOAK_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    say(&format!("soak: SOAK_SEED={seed}"));
    let (report, reports) = channel();
    let watcher = thread::spawn(move || {
        let mut last = seed;
        loop {
            match reports.recv_timeout(HUNG) {
                Ok(round) => last = round,
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    say(&format!("soak: a round hangs: SOAK_SEED={last}"));
                    abort();
                }
            }
        }
    });
    let pools = [1, 3, 15].map(Pool::new);
    let start = Instant::now();
    let mut rounds = 0;
    while start.elapsed() < length {
        let seed = seed.wrapping_add(rounds);
        report.send(seed).unwrap();
        let verdict = round(seed, &pools);
        assert_eq!(verdict, Ok(()), "SOAK_SEED={seed}");
        rounds += 1;
    }
    drop(report);
    watcher.join().unwrap();
    let tickets = pools.each_ref().map(Pool::dispatched);
    say(&format!("soak: {rounds} rounds, {tickets:?} tickets"));
    if length >= Duration::from_secs(10) {
        assert!(tickets.iter().all(|tickets| *tickets > 0), "nobody helped");
    }
}

/// Runs some programs side by side, to their end or for some polls: in a scope, or in a pen.
fn round(seed: u64, pools: &[Pool; 3]) -> Result<(), String> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let programs: Vec<Nest> = (0..SIDE_BY_SIDE)
        .map(|_| busy().new_tree(&mut runner).unwrap().current())
        .collect();
    let polls = (seed % 3 == 0).then_some((seed / 3 % 8) as usize);
    let world = World::helped();
    match (seed / 24 % 2, seed % 4) {
        (0, 0) => run_in_scope(&programs, &world, Inline::default(), polls),
        (0, pool) => run_in_scope(&programs, &world, pools[pool as usize - 1].clone(), polls),
        (_, pool) => {
            let pen = Pen::on(pools[pool as usize % 3].clone());
            run_in_pen(programs, &world, pen, seed / 48 % 2 == 0, polls);
        }
    }
    // Late tickets and wakes of this round meet the next one.
    world.verdict()
}

fn run_in_scope(
    programs: &[Nest],
    world: &Arc<World>,
    executor: impl Executor,
    polls: Option<usize>,
) {
    let all = scope(async |s: Scope<'_>| {
        for program in programs {
            s.spawn(run_nest(program, world, None));
        }
    });
    block_on(at_most(polls, Box::pin(all.on(executor))));
}

/// As children of a pen that is closed or cancelled, or dropped in the middle of that.
fn run_in_pen(
    programs: Vec<Nest>,
    world: &Arc<World>,
    pen: Pen,
    is_closed: bool,
    polls: Option<usize>,
) {
    let s = pen.to_static();
    for program in programs {
        let world = Arc::clone(world);
        s.spawn(async move { run_nest(&program, &world, None).await });
    }
    let end: Boxed<'_, ()> = match is_closed {
        true => Box::pin(pen.close()),
        false => Box::pin(pen.cancel()),
    };
    block_on(at_most(polls, end));
    while !s.is_empty() {
        thread::yield_now(); // drop does not wait for polls
    }
}

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().expect("a whole number"))
}

/// Straight to stderr: what a test prints is shown only if it fails, and a hung one never does.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
