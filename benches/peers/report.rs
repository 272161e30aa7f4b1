//! What was measured, as rows, and the tables that are made of them.

use std::fmt::Write;
use std::fs;
use std::process::Command;
use std::thread::available_parallelism;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// taskpen against one peer, for one workload and one number of children.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) workload: String,
    pub(crate) n: usize,
    pub(crate) peer: String,
    /// The median cost of taskpen per unit: nanoseconds, or bytes.
    pub(crate) ours: f64,
    /// The same for the peer.
    pub(crate) theirs: f64,
    /// The median of the rounds' ratios of ours to theirs.
    pub(crate) ratio: f64,
    /// Its first quartile.
    pub(crate) low: f64,
    /// Its third quartile.
    pub(crate) high: f64,
    pub(crate) rounds: usize,
}

/// Which table a workload belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Tasks,
    Computing,
    Pens,
    Helpers,
    Growth,
    Memory,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] = [
        Self::Tasks,
        Self::Computing,
        Self::Pens,
        Self::Helpers,
        Self::Growth,
        Self::Memory,
    ];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Tasks => "Children that wait: time",
            Self::Computing => "Children that compute: time",
            Self::Pens => "Children of a pen against tasks of its runtime: time",
            Self::Helpers => "Helpers allowed, for children that are too short to share: time",
            Self::Growth => "A child among many against a child among a hundred: time",
            Self::Memory => "Suspended children: memory",
        }
    }

    /// What the column with our own cost counts.
    fn unit(self) -> &'static str {
        match self {
            Self::Memory => "bytes",
            _ => "ns",
        }
    }
}

/// The rows of one kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Table {
    pub(crate) kind: Kind,
    pub(crate) rows: Vec<Row>,
}

impl Table {
    /// Those whom taskpen was compared with, in the order of their appearance.
    fn peers(&self) -> Vec<&str> {
        let mut peers = Vec::new();
        for row in &self.rows {
            if !peers.contains(&row.peer.as_str()) {
                peers.push(&row.peer);
            }
        }
        peers
    }

    /// A line for each workload and number of children, a column for each peer: the ratio.
    ///
    /// Our own cost, in the second column, is that in the first peer's place.
    pub(crate) fn markdown(&self) -> String {
        let peers = self.peers();
        let mut lines = vec![
            ["workload", "n", self.kind.unit()]
                .map(String::from)
                .to_vec(),
        ];
        lines[0].extend(peers.iter().map(ToString::to_string));
        for group in self
            .rows
            .chunk_by(|a, b| a.workload == b.workload && a.n == b.n)
        {
            let first = &group[0];
            let ours = precise(first.ours);
            let mut line = vec![first.workload.clone(), thousands(first.n), ours];
            for peer in &peers {
                let cell = group.iter().find(|row| row.peer == *peer);
                line.push(cell.map_or(String::from("–"), |row| ratio(row.ratio)));
            }
            lines.push(line);
        }
        align(&lines)
    }
}

/// A run of the benchmarks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) version: String,
    pub(crate) date: String,
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) rustc: String,
    /// True if nothing was repeated: such numbers mean nothing.
    pub(crate) quick: bool,
    /// True if workloads were left out.
    pub(crate) partial: bool,
    pub(crate) tables: Vec<Table>,
}

impl Report {
    /// An empty report about this machine, today.
    pub(crate) fn new(quick: bool, partial: bool) -> Self {
        Self {
            version: version().to_string(),
            date: today(),
            cpu: cpu(),
            cores: available_parallelism().map_or(1, usize::from),
            rustc: rustc(),
            quick,
            partial,
            tables: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, kind: Kind, rows: Vec<Row>) {
        match self.tables.iter_mut().find(|table| table.kind == kind) {
            Some(table) => table.rows.extend(rows),
            None => self.tables.push(Table { kind, rows }),
        }
    }

    /// Where and when.
    pub(crate) fn origin(&self) -> String {
        let Self {
            version,
            date,
            cpu,
            cores,
            rustc,
            ..
        } = self;
        format!("taskpen {version}, {cpu}, {cores} cores, {rustc}, {date}")
    }

    /// All tables, and how to read them.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("{}\n\n{}\n", self.origin(), HOW_TO_READ);
        if self.quick {
            text += "\n**Nothing was repeated: these numbers mean nothing.**\n";
        }
        for kind in Kind::ALL {
            for table in self.tables.iter().filter(|table| table.kind == kind) {
                let _ = write!(text, "\n## {}\n\n{}", kind.title(), table.markdown());
            }
        }
        text
    }
}

pub(crate) const HOW_TO_READ: &str = "\
Each cell is the cost of taskpen divided by that of the peer: **below 1 taskpen costs less, above 1
it costs more**. Both are measured alternately in one process; a cell is the median of the rounds.
The third column is what a child costs with taskpen, in the place of the first peer.";

/// A ratio with as many digits as say something.
pub(crate) fn ratio(value: f64) -> String {
    if value < 0.1 {
        format!("{value:.3}")
    } else {
        format!("{value:.2}")
    }
}

fn precise(value: f64) -> String {
    if value < 100.0 {
        format!("{value:.1}")
    } else {
        thousands(value.round() as usize)
    }
}

/// A number with a comma after each three digits.
pub(crate) fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A Markdown table whose columns line up as plain text too; the first line is the head.
pub(crate) fn align(lines: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = lines.iter().map(|line| line[column].chars().count());
        cells.max().unwrap_or(0).max(3)
    };
    let widths: Vec<_> = (0..lines[0].len()).map(width).collect();
    let mut text = String::new();
    for (i, line) in lines.iter().enumerate() {
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let _ = match column {
                0 => write!(text, "| {cell:<width$} "),
                _ => write!(text, "| {cell:>width$} "),
            };
        }
        text.push_str("|\n");
        if i == 0 {
            for (column, width) in widths.iter().enumerate() {
                // To the left in the first column, to the right in the others.
                let edge = if column == 0 { '-' } else { ':' };
                let _ = write!(text, "|-{:-<width$}{edge}", "");
            }
            text.push_str("|\n");
        }
    }
    text
}

/// The date in UTC, as 2006-01-02.
fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let days = since.map_or(0, |time| time.as_secs() / 86_400);
    // The civil calendar, counted from 1 March of the year 0 (Howard Hinnant's algorithm).
    let z = days + 719_468;
    let (era, day_of_era) = (z / 146_097, z % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02}")
}

/// The model of the processor, where the system tells it.
fn cpu() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let mut names = info.lines().filter(|line| line.starts_with("model name"));
    let name = names.next().and_then(|line| line.split_once(": "));
    name.map_or("unknown processor", |(_, name)| name)
        .trim()
        .to_string()
}

/// The compiler that is in the path: the one that cargo used, unless it was told otherwise.
fn rustc() -> String {
    let version = Command::new("rustc").arg("--version").output();
    let version = version
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok());
    let words = version.unwrap_or_default();
    words
        .split_whitespace()
        .take(2)
        .collect::<Vec<_>>()
        .join(" ")
}

/// The version of the library, which is not that of this package.
fn version() -> &'static str {
    let manifest = include_str!("../../Cargo.toml").lines();
    let mut versions = manifest.filter_map(|line| line.strip_prefix("version = "));
    versions
        .next()
        .map_or("unknown", |version| version.trim_matches('"'))
}
