//! What a pen costs beside tasks of the runtime that runs its children.
//!
//! The pen is there before, as in a value that lives for long; where its children are dropped there
//! is one for each time.

use super::sizes;
use crate::common::bodies;
use crate::common::echo::{self, Connections};
use crate::common::gates::{Tables, Wave};
use crate::contestants::*;
use crate::heap;
use crate::places::{add_peers, timed, timed_end};
use crate::race::{Effort, Race};
use crate::report::Row;

pub(crate) const JOIN: &str = "pen: spawn + join";
pub(crate) const YIELDS: &str = "pen: 10 yields";
pub(crate) const WAKE: &str = "pen: cross-thread wake";
pub(crate) const PING_PONG: &str = "pen: ping-pong";
pub(crate) const ECHO: &str = "pen: echo server";
pub(crate) const COMPUTE: &str = "pen: CPU, 10 µs each";
pub(crate) const DROP: &str = "pen: suspend, cancel";
pub(crate) const MEMORY: &str = "bytes per suspended child of a pen";

/// Adds to a race the pens, each with the tasks of its runtime.
macro_rules! add_tasks {
    ($race:expr, $units:expr, |$Peer:ident| $main:expr) => {
        add_peers!(@place $race, $units, |$Peer, Inner| $main,
            (PenOn<OnAsyncStd>, in_async_std),
            (AsyncStd, in_async_std, "async-std"));
        add_peers!(@place $race, $units, |$Peer, Inner| $main,
            (PenOn<OnSmol>, in_smol),
            (SmolTasks, in_smol, "smol"));
        add_peers!(@place $race, $units, |$Peer, Inner| $main,
            (PenOn<OnTokioThreads>, in_tokio_threads),
            (TokioTasks, in_tokio_threads, "tokio::spawn"),
            (JoinSet, in_tokio_threads, "JoinSet, threads"));
    };
}

/// Children that give a value at their first poll.
pub(crate) fn join(effort: Effort) -> Vec<Row> {
    let race = |n| {
        let mut race = Race::new(JOIN, n);
        add_tasks!(race, n, |Peer| move |repeat| {
            timed(repeat, move || Peer::join(n, bodies::value))
        });
        race.run(effort)
    };
    powers_of_a_hundred(effort, race)
}

/// Children that wake themselves ten times.
pub(crate) fn yields(effort: Effort) -> Vec<Row> {
    let race = |n| {
        let mut race = Race::new(YIELDS, n);
        add_tasks!(race, n, |Peer| move |repeat| {
            timed(repeat, move || Peer::join(n, |i| bodies::yields(i, 10)))
        });
        race.run(effort)
    };
    powers_of_a_hundred(effort, race)
}

/// Children that another thread wakes, one by one, when all of them wait.
pub(crate) fn wake(effort: Effort) -> Vec<Row> {
    let race = |n| {
        let wave = Wave::new(n);
        let mut race = Race::new(WAKE, n);
        add_tasks!(race, n, |Peer| move |repeat| {
            timed(repeat, move || Peer::join(n, move |i| wave.wait(i)))
        });
        race.run(effort)
    };
    powers_of_a_hundred(effort, race)
}

/// A pair of children that wake each other in turns; the time is that of one turn.
pub(crate) fn ping_pong(effort: Effort) -> Vec<Row> {
    const RALLIES: usize = 100;
    let tables = Tables::new(1, RALLIES);
    let mut race = Race::new(PING_PONG, 2);
    add_tasks!(race, 2 * RALLIES, |Peer| move |repeat| {
        timed(repeat, move || Peer::join(2, move |i| tables.play(i)))
    });
    race.run(effort)
}

/// Children that echo what a client sends, each on its connection; the time is that of one message.
pub(crate) fn echo(effort: Effort) -> Vec<Row> {
    let race = |n| {
        let connections = Connections::new(n);
        let mut race = Race::new(ECHO, n);
        add_tasks!(race, n * echo::MESSAGES, |Peer| move |repeat| {
            timed(repeat, move || Peer::join(n, move |i| connections.echo(i)))
        });
        race.run(effort)
    };
    race(if effort.most_children < 50 { 2 } else { 50 })
}

/// Children that compute.
pub(crate) fn compute(effort: Effort) -> Vec<Row> {
    let steps = 10 * bodies::steps_per_micro();
    let race = |n| {
        let mut race = Race::new(COMPUTE, n);
        add_tasks!(race, n, |Peer| move |repeat| {
            timed(repeat, move || {
                Peer::join(n, move |i| bodies::compute(i, steps))
            })
        });
        race.run(effort)
    };
    powers_of_a_hundred(effort, race)
}

/// The cancellation of children that are suspended.
pub(crate) fn cancel(effort: Effort) -> Vec<Row> {
    let race = |n| {
        let mut race = Race::new(DROP, n);
        add_tasks!(race, n, |Peer| move |repeat| {
            timed_end(repeat, move || Peer::suspend(n), Peer::end)
        });
        race.run(effort)
    };
    sizes(effort, 1_000..=10_000)
        .into_iter()
        .flat_map(race)
        .collect()
}

/// What is kept on the heap for children that are suspended, as [`super::memory`] counts it.
pub(crate) fn memory(effort: Effort) -> Vec<Row> {
    let race = |n| {
        let mut race = Race::new(MEMORY, n);
        add_tasks!(race, n, |Peer| move |_| async move {
            heap::start();
            let parent = Peer::suspend(n).await;
            let bytes = heap::stop();
            Peer::end(parent).await;
            bytes
        });
        race.run(effort.once())
    };
    sizes(effort, 100..=100_000)
        .into_iter()
        .flat_map(race)
        .collect()
}

fn powers_of_a_hundred(effort: Effort, race: impl Fn(usize) -> Vec<Row>) -> Vec<Row> {
    let sizes = sizes(effort, 1..=10_000).into_iter();
    sizes
        .filter(|n| [1, 100, 10_000].contains(n))
        .flat_map(race)
        .collect()
}
