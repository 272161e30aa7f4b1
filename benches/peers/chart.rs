//! The chart: a bar for each ratio, on a logarithmic axis, to the left if taskpen is cheaper.

use std::fmt::{self, Write};

use crate::report::{Report, Row, ratio, thousands};

const WIDTH: f64 = 760.0;
/// Where the axis begins and ends, left and right of which there is room for words.
const LEFT: f64 = 190.0;
const RIGHT: f64 = WIDTH - 60.0;
const BAR: f64 = 14.0;
const HEAD: f64 = 26.0;
const TOP: f64 = 70.0;

/// Colours that follow the reader's choice of light or dark. The paper is drawn as well: a viewer
/// that knows nothing of that choice shows a light chart, wherever it is.
const STYLE: &str = "\
<style>
  .paper { fill: #ffffff; }
  text { font: 12px sans-serif; fill: #24292f; }
  .title { font-size: 15px; font-weight: bold; }
  .group { font-weight: bold; }
  .note { fill: #57606a; }
  .end { text-anchor: end; }
  .middle { text-anchor: middle; }
  .cheaper { fill: #2da44e; }
  .dearer { fill: #cf5c00; }
  .grid { stroke: #8c959f; stroke-width: 0.5; stroke-dasharray: 2 3; }
  .one { stroke: #57606a; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117; }
    text { fill: #e6edf3; }
    .note { fill: #9198a1; }
    .cheaper { fill: #3fb950; }
    .dearer { fill: #f0883e; }
    .grid { stroke: #6e7681; }
    .one { stroke: #9198a1; }
  }
</style>
";

/// The logarithmic axis: it covers 1 and all ratios.
struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    fn covering(rows: &[&Row]) -> Self {
        let ratios = rows
            .iter()
            .map(|row| row.ratio)
            .filter(|ratio| *ratio > 0.0);
        let (low, high) = ratios.fold((1.0, 1.0), |(low, high): (f64, f64), ratio| {
            (low.min(ratio), high.max(ratio))
        });
        // Room for a bar's number on either side.
        Self {
            low: low / 2.0,
            high: high * 2.0,
        }
    }

    fn place(&self, ratio: f64) -> f64 {
        let part = (ratio.max(self.low) / self.low).ln() / (self.high / self.low).ln();
        LEFT + part * (RIGHT - LEFT)
    }

    fn marks(&self) -> impl Iterator<Item = f64> {
        let marks = [0.001, 0.01, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0];
        marks
            .into_iter()
            .filter(|mark| (self.low..self.high).contains(mark))
    }
}

/// The chart of `rows`.
pub(crate) fn svg(report: &Report, rows: &[&Row]) -> String {
    let groups: Vec<_> = rows.chunk_by(|a, b| a.workload == b.workload).collect();
    let bars = rows.len() as f64 * BAR + groups.len() as f64 * HEAD;
    let height = TOP + bars + 40.0;
    let mut text = String::new();
    draw(&mut text, report, &groups, &Axis::covering(rows), height)
        .expect("a string takes everything");
    text
}

fn draw(
    svg: &mut String,
    report: &Report,
    groups: &[&[&Row]],
    axis: &Axis,
    height: f64,
) -> fmt::Result {
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">"#
    )?;
    let title = "Cost of taskpen divided by that of its peers";
    writeln!(svg, "<title>{title}</title>\n{STYLE}")?;
    writeln!(
        svg,
        r#"<rect class="paper" width="{WIDTH}" height="{height}"/>"#
    )?;
    label(svg, 10.0, 22.0, "title", title)?;
    label(svg, 10.0, 40.0, "note", &report.origin())?;
    for mark in axis.marks() {
        let (x, bottom) = (axis.place(mark), height - 24.0);
        let class = if mark == 1.0 { "one" } else { "grid" };
        writeln!(
            svg,
            r#"<line class="{class}" x1="{x:.1}" y1="{TOP}" x2="{x:.1}" y2="{bottom}"/>"#
        )?;
        label(svg, x, height - 8.0, "note middle", &mark.to_string())?;
    }
    let one = axis.place(1.0);
    label(
        svg,
        one - 8.0,
        TOP - 8.0,
        "note end",
        "← taskpen is cheaper",
    )?;
    label(svg, one + 8.0, TOP - 8.0, "note", "dearer →")?;
    let mut y = TOP;
    for group in groups {
        y += HEAD;
        let n = thousands(group[0].n);
        label(
            svg,
            10.0,
            y - 6.0,
            "group",
            &format!("{}, n = {n}", group[0].workload),
        )?;
        for row in *group {
            bar(svg, row, axis, y)?;
            y += BAR;
        }
    }
    writeln!(svg, "</svg>")
}

fn bar(svg: &mut String, row: &Row, axis: &Axis, y: f64) -> fmt::Result {
    let (one, end) = (axis.place(1.0), axis.place(row.ratio));
    let (x, width) = (one.min(end), (end - one).abs().max(1.0));
    let height = BAR - 4.0;
    let is_cheaper = row.ratio <= 1.0;
    let class = if is_cheaper { "cheaper" } else { "dearer" };
    let baseline = y + BAR - 6.0;
    label(svg, LEFT - 8.0, baseline, "end", &row.peer)?;
    writeln!(
        svg,
        r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height}"/>"#
    )?;
    match is_cheaper {
        true => label(svg, x - 5.0, baseline, "end", &ratio(row.ratio)),
        false => label(svg, end + 5.0, baseline, "", &ratio(row.ratio)),
    }
}

fn label(svg: &mut String, x: f64, y: f64, class: &str, text: &str) -> fmt::Result {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    writeln!(
        svg,
        r#"<text class="{class}" x="{x:.1}" y="{y:.1}">{text}</text>"#
    )
}
