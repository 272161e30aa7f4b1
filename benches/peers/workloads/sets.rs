//! Children whose values are read as they come, from sets and from streams that run ahead.

use super::sizes;
use crate::common::sets::{Set, Streams};
use crate::common::{IN_FLIGHT, bodies};
use crate::contestants::*;
use crate::places::{alone, in_tokio, in_tokio_threads, timed};
use crate::race::{Effort, Race};
use crate::report::Row;

pub(crate) const READ: &str = "set: spawn + read";
pub(crate) const UNORDERED: &str = "unordered, 32 ahead";
pub(crate) const ORDERED: &str = "in order, 32 ahead";

/// Children that give their value at once, read from a set.
pub(crate) fn read(effort: Effort) -> Vec<Row> {
    let race = |n| {
        let mut race = Race::new(READ, n);
        race.add(
            n,
            alone(move |repeat| timed(repeat, move || <Set>::join(n, bodies::value))),
            vec![(
                "FuturesUnordered",
                alone(move |repeat| timed(repeat, move || Unordered::join(n, bodies::value))),
            )],
        );
        race.add(
            n,
            in_tokio(move |repeat| timed(repeat, move || <Set>::join(n, bodies::value))),
            vec![(
                "JoinSet, one thread",
                in_tokio(move |repeat| timed(repeat, move || JoinSet::join(n, bodies::value))),
            )],
        );
        race.add(
            n,
            in_tokio_threads(move |repeat| {
                timed(repeat, move || Set::<OnTokio>::join(n, bodies::value))
            }),
            vec![(
                "JoinSet, threads",
                in_tokio_threads(move |repeat| {
                    timed(repeat, move || JoinSet::join(n, bodies::value))
                }),
            )],
        );
        race.run(effort)
    };
    sizes(effort, 1..=100_000)
        .into_iter()
        .flat_map(race)
        .collect()
}

/// A stream of trivial items against that of `futures`.
macro_rules! stream {
    ($effort:expr, $name:expr, $run:ident) => {{
        let race = |n| {
            let mut race = Race::new($name, n);
            race.add(
                n,
                alone(move |repeat| {
                    timed(repeat, move || <Streams>::$run(n, IN_FLIGHT, bodies::value))
                }),
                vec![(
                    "FuturesUnordered",
                    alone(move |repeat| {
                        timed(repeat, move || Unordered::$run(n, IN_FLIGHT, bodies::value))
                    }),
                )],
            );
            race.run($effort)
        };
        sizes($effort, 100..=100_000)
            .into_iter()
            .flat_map(race)
            .collect()
    }};
}

pub(crate) fn unordered(effort: Effort) -> Vec<Row> {
    stream!(effort, UNORDERED, unordered)
}

pub(crate) fn ordered(effort: Effort) -> Vec<Row> {
    stream!(effort, ORDERED, ordered)
}
