//! What a child costs when there are many: compared with one of a hundred.

use std::time::Instant;

use super::sizes;
use crate::common::bodies;
use crate::contestants::*;
use crate::places::{alone, since, timed};
use crate::race::{Effort, Race, Run};
use crate::report::Row;

pub(crate) const JOIN: &str = "growth: spawn + join";
pub(crate) const CYCLE: &str = "growth: spawn, suspend, drop";

/// How many children all others are compared with.
const FEW: usize = 100;

pub(crate) fn join(effort: Effort) -> Vec<Row> {
    compare(effort, JOIN, |n| {
        alone(move |repeat| timed(repeat, move || <Taskpen>::join(n, bodies::value)))
    })
}

pub(crate) fn cycle(effort: Effort) -> Vec<Row> {
    compare(effort, CYCLE, |n| {
        alone(move |repeat| async move {
            let start = Instant::now();
            for _ in 0..repeat {
                let parent = <Taskpen>::suspend(n).await;
                <Taskpen>::end(parent).await;
            }
            since(start)
        })
    })
}

fn compare(effort: Effort, name: &'static str, run: impl Fn(usize) -> Run) -> Vec<Row> {
    let race = |n| {
        let mut race = Race::new(name, n);
        race.add_scaled((n, run(n)), vec![("100 children", FEW, settled(run(FEW)))]);
        race.run(effort)
    };
    let many = sizes(effort, 1_000..=1_000_000);
    many.into_iter().flat_map(race).collect()
}

/// The allocator may put off work that the many children made, until the few are spawned: one time
/// that is not measured takes it.
fn settled(mut run: Run) -> Run {
    Box::new(move |repeat| {
        run(1);
        run(repeat)
    })
}
