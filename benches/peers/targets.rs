//! What was aimed at, and what was reached.

use crate::report::{Report, Row, align, ratio, thousands};
use crate::workloads::{computing, growth, helpers, memory, sets, spawning, suspended};

/// A limit for some rows; what counts is the worst of them.
struct Target {
    name: &'static str,
    most: f64,
    covers: fn(&Row) -> bool,
    value: fn(&Row) -> f64,
}

const fn target(name: &'static str, most: f64, covers: fn(&Row) -> bool) -> Target {
    Target {
        name,
        most,
        covers,
        value: |row| row.ratio,
    }
}

const TARGETS: &[Target] = &[
    target("spawn + join / FuturesUnordered, n ≥ 100", 1.1, |row| {
        is_unordered(row, spawning::JOIN) && row.n >= 100
    }),
    target("yields / FuturesUnordered, n ≥ 100", 1.05, |row| {
        is_unordered(row, spawning::YIELDS) && row.n >= 100
    }),
    target(
        "drop of suspended / FuturesUnordered, n ≥ 100",
        1.5,
        |row| is_unordered(row, suspended::DROP),
    ),
    target(
        "nested, fan-out 8 / FuturesUnordered, n ≥ 100",
        1.3,
        |row| is_unordered(row, spawning::NESTED) && row.n >= 100,
    ),
    target(
        "bounded, 32 in flight / FuturesUnordered, n ≥ 100",
        1.1,
        |row| is_unordered(row, spawning::BOUNDED) && row.n >= 100,
    ),
    target(
        "set, unordered stream / FuturesUnordered, n ≥ 100",
        1.3,
        |row| (is_unordered(row, sets::READ) || is_unordered(row, sets::UNORDERED)) && row.n >= 100,
    ),
    target("one child / FuturesUnordered", 1.5, |row| {
        is_unordered(row, spawning::JOIN) && row.n == 1
    }),
    Target {
        value: |row| row.ours,
        ..target("bytes per suspended child", 112.0, |row| {
            row.workload == memory::NAME
        })
    },
    target("every workload, every n / the other peers", 1.0, |row| {
        const OTHERS: [&str; 4] = ["JoinSet", "async-std", "LocalExecutor", "moro-local"];
        OTHERS.iter().any(|other| row.peer.starts_with(other))
    }),
    target(
        "CPU 10 and 100 µs, n = 100 / threads, rayon",
        1.0 / 0.9,
        |row| is_long(row) && row.n == 100,
    ),
    target(
        "CPU 10 and 100 µs, n ≥ 1,000 / threads, rayon",
        1.0 / 0.95,
        |row| is_long(row) && row.n >= 1_000,
    ),
    target("CPU 100 µs, n = 10 / sequential", 1.0 / 1.5, |row| {
        row.workload == computing::HUNDRED && row.n == 10 && row.peer == computing::SEQUENTIAL
    }),
    target("small polls, helpers allowed / .serial()", 1.05, |row| {
        [helpers::JOIN, helpers::YIELDS].contains(&row.workload.as_str()) && row.n >= 100
    }),
    target("a child among many / among 100: spawn + join", 1.5, |row| {
        row.workload == growth::JOIN
    }),
    target("a child among many / among 100: suspended", 2.0, |row| {
        row.workload == growth::CYCLE
    }),
];

fn is_unordered(row: &Row, workload: &str) -> bool {
    row.workload == workload && row.peer == "FuturesUnordered"
}

/// Computing children that are worth sharing, against other ways to use all cores.
fn is_long(row: &Row) -> bool {
    [computing::TEN, computing::HUNDRED].contains(&row.workload.as_str())
        && [computing::SPLIT, computing::RAYON].contains(&row.peer.as_str())
}

/// A table of the targets with what was measured; those without a row are left out.
pub(crate) fn markdown(report: &Report) -> String {
    let head = ["target", "at most", "worst", "at", "reached"];
    let mut lines = vec![head.map(String::from).to_vec()];
    for target in TARGETS {
        let covered = report.rows().filter(|row| (target.covers)(row));
        let worst = covered.max_by(|a, b| (target.value)(a).total_cmp(&(target.value)(b)));
        if let Some(worst) = worst {
            let value = (target.value)(worst);
            lines.push(vec![
                target.name.to_string(),
                ratio(target.most),
                ratio(value),
                format!("{}, {}, {}", worst.workload, worst.peer, thousands(worst.n)),
                if value <= target.most { "yes" } else { "no" }.to_string(),
            ]);
        }
    }
    format!("## Targets\n\n{}", align(&lines))
}
