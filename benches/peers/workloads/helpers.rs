//! Children that are too short to share: what it costs that helpers would be allowed.

use super::sizes;
use crate::common::bodies;
use crate::contestants::*;
use crate::places::{in_async_std, in_tokio_threads, timed};
use crate::race::{Effort, Race};
use crate::report::Row;

pub(crate) const JOIN: &str = "small polls: spawn + join";
pub(crate) const YIELDS: &str = "small polls: 10 yields";

macro_rules! allowed_against_serial {
    ($effort:expr, $name:expr, $n:expr, $child:expr) => {{
        let (n, child) = ($n, $child);
        let mut race = Race::new($name, n);
        race.add(
            n,
            in_async_std(move |repeat| timed(repeat, move || Taskpen::<Ambient>::join(n, child))),
            vec![(
                ".serial(), async-std",
                in_async_std(move |repeat| {
                    timed(repeat, move || Taskpen::<Serial>::join(n, child))
                }),
            )],
        );
        race.add(
            n,
            in_tokio_threads(move |repeat| {
                timed(repeat, move || Taskpen::<OnTokio>::join(n, child))
            }),
            vec![(
                ".serial(), tokio",
                in_tokio_threads(move |repeat| {
                    timed(repeat, move || Taskpen::<Serial>::join(n, child))
                }),
            )],
        );
        race.run($effort)
    }};
}

pub(crate) fn join(effort: Effort) -> Vec<Row> {
    let race = |n| allowed_against_serial!(effort, JOIN, n, bodies::value);
    sizes(effort, 10..=100_000)
        .into_iter()
        .flat_map(race)
        .collect()
}

pub(crate) fn yields(effort: Effort) -> Vec<Row> {
    let race = |n| allowed_against_serial!(effort, YIELDS, n, |i| bodies::yields(i, 10));
    sizes(effort, 10..=100_000)
        .into_iter()
        .flat_map(race)
        .collect()
}
