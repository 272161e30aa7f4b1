//! Children that wait for each other, for another thread, or for time.

use std::time::Duration;

use tokio::runtime::Handle;

use super::sizes;
use crate::common::bodies;
use crate::common::gates::{Tables, Wave};
use crate::contestants::*;
use crate::places::{add_peers, timed};
use crate::race::{Effort, Race};
use crate::report::Row;

pub(crate) const WAKE: &str = "cross-thread wake";
pub(crate) const PING_PONG: &str = "ping-pong";
pub(crate) const TIMERS: &str = "timers and CPU";

/// Children that another thread wakes, one by one, when all of them wait.
pub(crate) fn wake(effort: Effort) -> Vec<Row> {
    let race = |n| {
        let wave = Wave::new(n);
        let mut race = Race::new(WAKE, n);
        add_peers!(race, n, |Peer, Inner| move |repeat| {
            timed(repeat, move || Peer::join(n, move |i| wave.wait(i)))
        });
        race.run(effort)
    };
    sizes(effort, 1..=100_000)
        .into_iter()
        .flat_map(race)
        .collect()
}

/// Pairs of children that wake each other in turns; the time is that of one turn.
pub(crate) fn ping_pong(effort: Effort) -> Vec<Row> {
    const RALLIES: usize = 100;
    let race = |pairs| {
        let tables = Tables::new(pairs, RALLIES);
        let mut race = Race::new(PING_PONG, 2 * pairs);
        let turns = 2 * pairs * RALLIES;
        add_peers!(race, turns, |Peer, Inner| move |repeat| {
            timed(repeat, move || {
                Peer::join(2 * pairs, move |i| tables.play(i))
            })
        });
        race.run(effort)
    };
    sizes(effort, 1..=1_000)
        .into_iter()
        .flat_map(race)
        .collect()
}

/// Children that sleep for 1 to 4 ms and then compute for 20 µs, twice.
pub(crate) fn timers(effort: Effort) -> Vec<Row> {
    let steps = 20 * bodies::steps_per_micro();
    let race = |n| {
        let mut race = Race::new(TIMERS, n);
        add_peers!(race, n, |Peer, Inner| move |repeat| {
            timed(repeat, move || {
                Peer::join(n, move |i| sleep_and_compute(i, steps))
            })
        });
        race.run(effort)
    };
    sizes(effort, 10..=1_000)
        .into_iter()
        .flat_map(race)
        .collect()
}

async fn sleep_and_compute(i: usize, steps: u64) -> u64 {
    let mut sum = 0_u64;
    for _ in 0..2 {
        sleep(Duration::from_millis(1 + i as u64 % 4)).await;
        sum = sum.wrapping_add(bodies::spin(i as u64, steps));
    }
    sum
}

/// The timer of the place: tokio's inside tokio, elsewhere that of smol and async-std.
async fn sleep(time: Duration) {
    if Handle::try_current().is_ok() {
        tokio::time::sleep(time).await;
    } else {
        smol::Timer::after(time).await;
    }
}
