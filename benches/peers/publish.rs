//! Puts numbers where people look: the README, a page with all of them, and a chart.

use std::error::Error;
use std::fs;
use std::path::Path;

use crate::chart;
use crate::report::{HOW_TO_READ, Kind, Report, Row, Table};
use crate::targets;

const BEGIN: &str = "<!-- peers:begin -->";
const END: &str = "<!-- peers:end -->";

/// How many children the README and the chart tell about, or the next smaller number.
const CHILDREN: usize = 1_000;

/// Writes all three.
pub(crate) fn publish(report: &Report) -> Result<(), Box<dyn Error>> {
    if report.quick || report.partial {
        return Err(
            "only the numbers of a whole run, without --quick, are worth publishing".into(),
        );
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = root.join("README.md");
    let text = insert(&fs::read_to_string(&readme)?, &summary(report))?;
    fs::write(readme, text)?;
    let chart = chart::svg(report, &headline(report, &[Kind::Tasks, Kind::Computing]));
    fs::write(root.join("docs/peers.svg"), chart)?;
    let page = format!(
        "# taskpen and its peers\n\n{}\n{}",
        report.markdown(),
        targets::markdown(report)
    );
    fs::write(root.join("docs/peers.md"), page)?;
    Ok(())
}

/// Replaces what is between the markers.
fn insert(text: &str, block: &str) -> Result<String, String> {
    let missing = || format!("README.md has no {BEGIN} … {END}");
    let (before, rest) = text.split_once(BEGIN).ok_or_else(missing)?;
    let (_, after) = rest.split_once(END).ok_or_else(missing)?;
    Ok(format!("{before}{BEGIN}\n{block}{END}{after}"))
}

/// What the README shows.
fn summary(report: &Report) -> String {
    const KINDS: [Kind; 3] = [Kind::Tasks, Kind::Computing, Kind::Memory];
    let tables = report
        .tables
        .iter()
        .filter(|table| KINDS.contains(&table.kind));
    let ratios: Vec<_> = tables
        .flat_map(|table| &table.rows)
        .map(|row| row.ratio)
        .collect();
    let won = ratios.iter().filter(|ratio| **ratio < 1.0).count();
    let mut text = format!(
        "{}\n\n![The same ratios as bars](docs/peers.svg)\n\n{HOW_TO_READ}\n\n\
         [The whole list](docs/peers.md) has {} ratios, {won} of them below 1.\n",
        report.origin(),
        ratios.len()
    );
    for kind in KINDS {
        let table = Table {
            kind,
            rows: headline(report, &[kind]).into_iter().cloned().collect(),
        };
        if !table.rows.is_empty() {
            text += &format!("\n**{}**\n\n{}", kind.title(), table.markdown());
        }
    }
    text
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
