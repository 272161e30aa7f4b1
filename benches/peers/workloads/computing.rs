//! Children that compute: what helpers are for.
//!
//! taskpen runs in a task of async-std, and in one of tokio, against what has the same number of
//! threads: a thread for each core.

use std::hint::black_box;
use std::thread::{self, available_parallelism};
use std::time::Instant;

use super::sizes;
use crate::common::bodies::{compute, spin, steps_per_micro};
use crate::contestants::*;
use crate::places::{in_async_std, in_tokio_threads, since, timed};
use crate::race::{Effort, Race, Run};
use crate::report::Row;

pub(crate) const ONE: &str = "CPU, 1 µs each";
pub(crate) const TEN: &str = "CPU, 10 µs each";
pub(crate) const HUNDRED: &str = "CPU, 100 µs each";
pub(crate) const SEQUENTIAL: &str = "sequential";
pub(crate) const SPLIT: &str = "split threads";
pub(crate) const RAYON: &str = "rayon::scope";

pub(crate) fn one(effort: Effort) -> Vec<Row> {
    races(effort, ONE, 1)
}

pub(crate) fn ten(effort: Effort) -> Vec<Row> {
    races(effort, TEN, 10)
}

pub(crate) fn hundred(effort: Effort) -> Vec<Row> {
    races(effort, HUNDRED, 100)
}

fn races(effort: Effort, name: &'static str, micros: u64) -> Vec<Row> {
    let steps = micros * steps_per_micro();
    let sizes = sizes(effort, 10..=10_000).into_iter();
    sizes.flat_map(|n| race(effort, name, n, steps)).collect()
}

fn race(effort: Effort, name: &'static str, n: usize, steps: u64) -> Vec<Row> {
    let child = move |i| compute(i, steps);
    let mut race = Race::new(name, n);
    race.add(
        n,
        in_async_std(move |repeat| timed(repeat, move || <Taskpen>::join(n, child))),
        vec![
            (SEQUENTIAL, plain(move || sequential(0..n, steps))),
            (SPLIT, plain(move || split(n, steps))),
            (RAYON, plain(move || rayon(n, steps))),
            (
                "async-std",
                in_async_std(move |repeat| timed(repeat, move || AsyncStd::join(n, child))),
            ),
        ],
    );
    race.add(
        n,
        in_tokio_threads(move |repeat| timed(repeat, move || Taskpen::<OnTokio>::join(n, child))),
        vec![(
            "JoinSet, threads",
            in_tokio_threads(move |repeat| timed(repeat, move || JoinSet::join(n, child))),
        )],
    );
    race.run(effort)
}

/// Code without futures.
fn plain(work: impl Fn() -> u64 + 'static) -> Run {
    Box::new(move |repeat| {
        let start = Instant::now();
        for _ in 0..repeat {
            black_box(work());
        }
        since(start)
    })
}

fn sequential(children: std::ops::Range<usize>, steps: u64) -> u64 {
    let values = children.map(|i| spin(i as u64, steps));
    values.fold(0, u64::wrapping_add)
}

/// A share of the children for each core, in threads that are started for it; the last share is
/// done here.
fn split(n: usize, steps: u64) -> u64 {
    let threads = available_parallelism().map_or(1, usize::from);
    let share = |k| k * n / threads..(k + 1) * n / threads;
    thread::scope(|s| {
        let start = |k| s.spawn(move || sequential(share(k), steps));
        let others: Vec<_> = (0..threads - 1).map(start).collect();
        let mut sum = sequential(share(threads - 1), steps);
        for other in others {
            sum = sum.wrapping_add(other.join().expect("sums do not panic"));
        }
        sum
    })
}

/// A spawn for each child in rayon's global pool, which is warm after the first time.
fn rayon(n: usize, steps: u64) -> u64 {
    let mut values = vec![0; n];
    rayon::scope(|s| {
        for (i, value) in values.iter_mut().enumerate() {
            s.spawn(move |_| *value = spin(i as u64, steps));
        }
    });
    values.into_iter().fold(0, u64::wrapping_add)
}
