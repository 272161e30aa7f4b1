//! What the program says at the end.

use std::fmt;
use std::time::Duration;

use super::ledger::Counts;
use super::process::Census;
use super::walk::Tally;

/// How long after closing the untracked run looks a second time.
pub(crate) const SECOND_LOOK: Duration = Duration::from_millis(100);

/// The result of a run.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) tally: Tally,
    /// The background tasks when everything was closed.
    pub(crate) counts: Counts,
    /// The first of their failures.
    pub(crate) reasons: Vec<String>,
    /// The process before the first connection.
    pub(crate) before: Option<Census>,
    /// The process when everything was closed.
    pub(crate) after: Option<Census>,
    /// The background tasks `SECOND_LOOK` later, if something was left of them.
    pub(crate) later: Option<Counts>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tally = &self.tally;
        writeln!(f, "pages visited: {}", tally.visited())?;
        writeln!(f, "  served from the cache: {}", tally.cached)?;
        writeln!(f, "  waited for: {}", tally.waited)?;
        writeln!(f, "  fetched directly: {}", tally.direct)?;
        writeln!(f, "  fetched ahead: {}", tally.ahead)?;
        writeln!(f, "pages that could not be fetched: {}", tally.failed)?;
        writeln!(f, "  found out by a background task: {}", tally.known)?;
        writeln!(f, "the walk took: {:.2} s", tally.time.as_secs_f64())?;

        let counts = &self.counts;
        writeln!(f, "background tasks, after closing:")?;
        writeln!(f, "  spawned: {}", counts.spawned)?;
        writeln!(f, "  finished: {}", counts.finished)?;
        writeln!(f, "  failed: {}", counts.failed)?;
        for reason in &self.reasons {
            writeln!(f, "    {reason}")?;
        }
        if counts.failed > self.reasons.len() {
            writeln!(f, "    …")?;
        }
        writeln!(f, "  cancelled: {}", counts.cancelled)?;
        writeln!(f, "  alive: {}", counts.alive)?;
        if let Some(later) = &self.later {
            writeln!(f, "  alive {SECOND_LOOK:?} later: {}", later.alive)?;
            if later.alive > 0 {
                writeln!(
                    f,
                    "  (nothing owns these tasks, so closing the automator did not end them)"
                )?;
            }
        }

        writeln!(f, "the process, before → after:")?;
        self.compare(f, "sockets", |census| census.sockets)?;
        self.compare(f, "open files", |census| census.files)?;
        self.compare(f, "threads", |census| census.threads)
    }
}

impl Report {
    fn compare(
        &self,
        f: &mut fmt::Formatter<'_>,
        what: &str,
        number: impl Fn(&Census) -> usize,
    ) -> fmt::Result {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => {
                writeln!(f, "  {what}: {} → {}", number(before), number(after))
            }
            _ => writeln!(f, "  {what}: not available on this system"),
        }
    }
}
