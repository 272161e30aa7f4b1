//! Children that wait for what never comes, and are cancelled.

use std::time::Instant;

use super::sizes;
use crate::contestants::*;
use crate::places::{add_peers, since, timed_end};
use crate::race::{Effort, Race};
use crate::report::Row;

pub(crate) const DROP: &str = "drop of suspended";
pub(crate) const CYCLE: &str = "spawn, suspend, drop";

/// From the cancellation to the moment when all futures are gone.
pub(crate) fn drop_only(effort: Effort) -> Vec<Row> {
    let race = |n| {
        let mut race = Race::new(DROP, n);
        add_peers!(race, n, |Peer, Inner| move |repeat| {
            timed_end(repeat, move || Peer::suspend(n), Peer::end)
        });
        race.run(effort)
    };
    // Not for less than a hundred: the clock is read twice for each parent.
    sizes(effort, 100..=1_000_000)
        .into_iter()
        .flat_map(race)
        .collect()
}

/// The whole life of such children.
pub(crate) fn cycle(effort: Effort) -> Vec<Row> {
    let race = |n| {
        let mut race = Race::new(CYCLE, n);
        add_peers!(race, n, |Peer, Inner| move |repeat| async move {
            let start = Instant::now();
            for _ in 0..repeat {
                let parent = Peer::suspend(n).await;
                Peer::end(parent).await;
            }
            since(start)
        });
        race.run(effort)
    };
    sizes(effort, 1..=1_000_000)
        .into_iter()
        .flat_map(race)
        .collect()
}
