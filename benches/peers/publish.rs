//! Puts numbers where people look: a page with all of them, and a chart.

use std::error::Error;
use std::fs;
use std::path::Path;

use crate::chart;
use crate::report::{Kind, Report, Row};

/// How many children the chart tells about, or the next smaller number.
const CHILDREN: usize = 1_000;

/// What follows the tables.
const AFTERWORD: &str = "\
## Where it loses

`FuturesUnordered` has no handles, nothing to spawn from elsewhere, no threads and no allocation for
the whole. What a child costs beyond that is async-task's state machine, with a second reference for
the handle, and the counts that say when all are gone. A scope itself has a cost as well, which shows
where it has a single child; there some of the others are ahead, too. A scope begins alone, and takes
its time to see that help pays: a runtime's own tasks are ahead by a few per cent where there are ten
children that compute, or timers to wait for.

## To measure again

```sh
cargo bench -p taskpen-benches --bench peers -- --json peers.json
cargo bench -p taskpen-benches --bench peers -- --publish peers.json
```

The first command measures for some minutes and prints all tables. The second writes this page and
the chart. Do it on a machine that does nothing else. `cargo bench -p taskpen-benches --bench micro`
keeps a history with criterion, and `cargo bench -p taskpen-benches --bench instructions` counts
instructions where valgrind is installed.
";

/// Writes both.
pub(crate) fn publish(report: &Report) -> Result<(), Box<dyn Error>> {
    if report.quick || report.partial {
        return Err(
            "only the numbers of a whole run, without --quick, are worth publishing".into(),
        );
    }
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let chart = chart::svg(report, &headline(report, &[Kind::Tasks, Kind::Computing]));
    fs::write(docs.join("peers.svg"), chart)?;
    fs::write(docs.join("peers.md"), page(report))?;
    Ok(())
}

/// The page with all tables.
fn page(report: &Report) -> String {
    const KINDS: [Kind; 4] = [Kind::Tasks, Kind::Computing, Kind::Pens, Kind::Memory];
    let tables = report
        .tables
        .iter()
        .filter(|table| KINDS.contains(&table.kind));
    let ratios: Vec<_> = tables
        .flat_map(|table| &table.rows)
        .map(|row| row.ratio)
        .collect();
    // As they are printed: what rounds to 1.00 is not below 1.
    let won = ratios.iter().filter(|ratio| **ratio < 0.995).count();
    format!(
        "# taskpen and its peers\n\n\
         Of {} ratios to a peer {won} are below 1. The tables about helpers and about a child among \
         many\ncompare taskpen with itself.\n\n\
         ![The ratios for 1,000 children, as bars](peers.svg)\n\n{}\n{AFTERWORD}",
        ratios.len(),
        report.markdown()
    )
}

/// Of each workload the rows with [`CHILDREN`].
fn headline<'a>(report: &'a Report, kinds: &[Kind]) -> Vec<&'a Row> {
    let tables = report
        .tables
        .iter()
        .filter(|table| kinds.contains(&table.kind));
    let mut rows = Vec::new();
    for workload in tables.flat_map(|table| table.rows.chunk_by(|a, b| a.workload == b.workload)) {
        let sizes = workload.iter().map(|row| row.n).filter(|n| *n <= CHILDREN);
        let chosen = sizes.max();
        rows.extend(workload.iter().filter(|row| Some(row.n) == chosen));
    }
    rows
}
