//! The workloads: what a scope is used for.

pub(crate) mod computing;
pub(crate) mod growth;
pub(crate) mod helpers;
pub(crate) mod memory;
mod pens;
pub(crate) mod sets;
pub(crate) mod spawning;
pub(crate) mod suspended;
mod waiting;

use crate::race::Effort;
use crate::report::{Kind, Row};

/// One workload, for several numbers of children.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    /// The table its rows belong to.
    pub(crate) kind: Kind,
    pub(crate) run: fn(Effort) -> Vec<Row>,
}

const fn workload(name: &'static str, kind: Kind, run: fn(Effort) -> Vec<Row>) -> Workload {
    Workload { name, kind, run }
}

pub(crate) const ALL: &[Workload] = &[
    workload(spawning::JOIN, Kind::Tasks, spawning::join),
    workload(spawning::YIELDS, Kind::Tasks, spawning::yields),
    workload(spawning::NESTED, Kind::Tasks, spawning::nested),
    workload(spawning::BOUNDED, Kind::Tasks, spawning::bounded),
    workload(sets::READ, Kind::Tasks, sets::read),
    workload(sets::UNORDERED, Kind::Tasks, sets::unordered),
    workload(sets::ORDERED, Kind::Tasks, sets::ordered),
    workload(suspended::DROP, Kind::Tasks, suspended::drop_only),
    workload(suspended::CYCLE, Kind::Tasks, suspended::cycle),
    workload(waiting::WAKE, Kind::Tasks, waiting::wake),
    workload(waiting::PING_PONG, Kind::Tasks, waiting::ping_pong),
    workload(waiting::TIMERS, Kind::Tasks, waiting::timers),
    workload(computing::ONE, Kind::Computing, computing::one),
    workload(computing::TEN, Kind::Computing, computing::ten),
    workload(computing::HUNDRED, Kind::Computing, computing::hundred),
    workload(pens::JOIN, Kind::Pens, pens::join),
    workload(pens::YIELDS, Kind::Pens, pens::yields),
    workload(pens::WAKE, Kind::Pens, pens::wake),
    workload(pens::PING_PONG, Kind::Pens, pens::ping_pong),
    workload(pens::ECHO, Kind::Pens, pens::echo),
    workload(pens::COMPUTE, Kind::Pens, pens::compute),
    workload(pens::DROP, Kind::Pens, pens::cancel),
    workload(helpers::JOIN, Kind::Helpers, helpers::join),
    workload(helpers::YIELDS, Kind::Helpers, helpers::yields),
    workload(growth::JOIN, Kind::Growth, growth::join),
    workload(growth::CYCLE, Kind::Growth, growth::cycle),
    workload(memory::NAME, Kind::Memory, memory::suspended),
    workload(pens::MEMORY, Kind::Memory, pens::memory),
];

/// The powers of ten from 1 to 1,000,000 that `range` and `effort` allow; one at least.
fn sizes(effort: Effort, range: std::ops::RangeInclusive<usize>) -> Vec<usize> {
    let most = effort.most_children.max(*range.start());
    let powers = (0..=6).map(|power| 10_usize.pow(power));
    powers.filter(|n| range.contains(n) && *n <= most).collect()
}
