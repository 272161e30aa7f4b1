//! Children that are started and awaited.

use super::sizes;
use crate::common::{IN_FLIGHT, bodies};
use crate::contestants::*;
use crate::places::{add_peers, timed};
use crate::race::{Effort, Race};
use crate::report::Row;

pub(crate) const JOIN: &str = "spawn + join";
pub(crate) const YIELDS: &str = "10 yields";
pub(crate) const NESTED: &str = "nested, fan-out 8";
pub(crate) const BOUNDED: &str = "bounded, 32 in flight";

/// Children that give their value at once.
pub(crate) fn join(effort: Effort) -> Vec<Row> {
    let race = |n| {
        let mut race = Race::new(JOIN, n);
        add_peers!(race, n, |Peer, Inner| move |repeat| {
            timed(repeat, move || Peer::join(n, bodies::value))
        });
        race.run(effort)
    };
    sizes(effort, 1..=1_000_000)
        .into_iter()
        .flat_map(race)
        .collect()
}

/// Children that wake themselves ten times.
pub(crate) fn yields(effort: Effort) -> Vec<Row> {
    let race = |n| {
        let mut race = Race::new(YIELDS, n);
        add_peers!(race, n, |Peer, Inner| move |repeat| {
            timed(repeat, move || Peer::join(n, |i| bodies::yields(i, 10)))
        });
        race.run(effort)
    };
    sizes(effort, 1..=1_000_000)
        .into_iter()
        .flat_map(race)
        .collect()
}

/// Children that wake themselves four times, no more than 32 at a time: a prefetch without the web.
pub(crate) fn bounded(effort: Effort) -> Vec<Row> {
    let race = |n| {
        let mut race = Race::new(BOUNDED, n);
        add_peers!(race, n, |Peer, Inner| move |repeat| {
            timed(repeat, move || {
                Peer::bounded(n, IN_FLIGHT, |i| bodies::yields(i, 4))
            })
        });
        race.run(effort)
    };
    sizes(effort, 10..=100_000)
        .into_iter()
        .flat_map(race)
        .collect()
}

/// A tree: each node runs eight others and waits for them, `n` leaves give a value.
macro_rules! tree {
    ($effort:expr, $n:literal, |$Peer:ident, $Inner:ident| $make:expr) => {{
        let mut race = Race::new(NESTED, $n);
        add_peers!(race, $n, |$Peer, $Inner| move |repeat| timed(
            repeat,
            || $make
        ));
        race.run($effort)
    }};
}

pub(crate) fn nested(effort: Effort) -> Vec<Row> {
    let mut rows = tree!(effort, 8, |Peer, Inner| Peer::join(8, bodies::value));
    rows.extend(tree!(effort, 64, |Peer, Inner| {
        Peer::join(8, |_| Inner::join(8, bodies::value))
    }));
    if effort.most_children < 4096 {
        return rows;
    }
    rows.extend(tree!(effort, 512, |Peer, Inner| {
        Peer::join(8, |_| Inner::join(8, |_| Inner::join(8, bodies::value)))
    }));
    rows.extend(tree!(effort, 4096, |Peer, Inner| {
        Peer::join(8, |_| {
            Inner::join(8, |_| Inner::join(8, |_| Inner::join(8, bodies::value)))
        })
    }));
    rows
}
