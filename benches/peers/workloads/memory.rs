//! Bytes on the heap per suspended child: a future of 24 bytes, and all that is kept for it.
//!
//! What the allocator was asked for, between nothing and the moment when all children are
//! suspended: queues and registries, at the size they have grown to, included. The handles that
//! async-std and `LocalExecutor` need for the cancellation count as well, 8 bytes each.

use super::sizes;
use crate::contestants::*;
use crate::heap;
use crate::places::add_peers;
use crate::race::{Effort, Race};
use crate::report::Row;

pub(crate) const NAME: &str = "bytes per suspended child";

pub(crate) fn suspended(effort: Effort) -> Vec<Row> {
    let race = |n| {
        let mut race = Race::new(NAME, n);
        add_peers!(race, n, |Peer, Inner| move |_| async move {
            heap::start();
            let parent = Peer::suspend(n).await;
            let bytes = heap::stop();
            Peer::end(parent).await;
            bytes
        });
        race.run(effort.once())
    };
    sizes(effort, 100..=1_000_000)
        .into_iter()
        .flat_map(race)
        .collect()
}
