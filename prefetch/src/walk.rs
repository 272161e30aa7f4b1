//! The walk: opens one page after the other in the order in which the links to them appear, and
//! never one twice.

use std::collections::HashSet;
use std::mem;
use std::pin::pin;
use std::time::{Duration, Instant};

use async_std::task;
use futures_lite::StreamExt;
use url::Url;

use super::automator::{How, Open, Visit};
use super::client::FetchError;

/// How far to walk, and how fast.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Pages to visit, those that cannot be fetched not counted.
    pub(crate) pages: usize,
    /// How long the automator is busy with a page before it goes on.
    pub(crate) pause: Duration,
}

/// What a walk came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) cached: usize,
    pub(crate) waited: usize,
    pub(crate) direct: usize,
    pub(crate) ahead: usize,
    /// Pages that could not be fetched.
    pub(crate) failed: usize,
    /// Those of them that a prefetch had found out about.
    pub(crate) known: usize,
    /// How long it took, until the automator was closed.
    pub(crate) time: Duration,
    /// Whether it was stopped before its end.
    pub(crate) stopped: bool,
}

impl Tally {
    pub(crate) fn visited(&self) -> usize {
        self.cached + self.waited + self.direct + self.ahead
    }

    /// The walk that began then has come to its end, or was stopped.
    pub(crate) fn end(&mut self, begin: Instant, stopped: bool) {
        self.time = begin.elapsed();
        self.stopped = stopped;
    }

    fn count(&mut self, how: How) {
        match how {
            How::Cached => self.cached += 1,
            How::Waited => self.waited += 1,
            How::Direct => self.direct += 1,
            How::Ahead => self.ahead += 1,
        }
    }
}

/// Walks from `start`, and shows what came of every page to `observe`. The tally is right at any
/// time, for a walk can be dropped wherever it is, and with it what it has fetched ahead.
///
/// Fails only if the first page does; the failure of a later one is counted.
pub(crate) async fn walk(
    automator: &impl Open,
    start: &Url,
    plan: Plan,
    mut observe: impl FnMut(&Url, &Result<Visit, FetchError>),
    tally: &mut Tally,
) -> Result<(), FetchError> {
    let mut known = HashSet::from([start.clone()]);
    let mut next = vec![start.clone()];
    while !next.is_empty() {
        // Those that are a click further from the start than the last ones.
        let mut visits = pin!(automator.open_all(mem::take(&mut next)));
        while let Some((url, visit)) = visits.next().await {
            let visit = match visit {
                Err(error) if url == *start => return Err(error),
                visit => visit,
            };
            observe(&url, &visit);
            match visit {
                Ok(Visit { page, how }) => {
                    tally.count(how);
                    let links = page.links.iter();
                    next.extend(links.filter(|link| known.insert((*link).clone())).cloned());
                }
                Err(error) => {
                    tally.failed += 1;
                    tally.known += usize::from(matches!(error, FetchError::Known(_)));
                }
            }
            if tally.visited() == plan.pages {
                return Ok(());
            }
            task::sleep(plan.pause).await;
        }
    }
    Ok(())
}
