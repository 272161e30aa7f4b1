//! A tree as text, and what of it serde cannot know.
#![forbid(unsafe_code)]

use std::fmt::{self, Display};
#[cfg(feature = "serde")]
use std::panic::Location;
use std::time::Duration;

#[cfg(feature = "serde")]
use serde::Serializer;

use super::record::State;
use super::tree::{Kind, Node, Tree};

impl Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.roots.is_empty() {
            return f.write_str("no scope or pen is open");
        }
        for (index, root) in self.roots.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            root.fmt(f)?;
        }
        Ok(())
    }
}

impl Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_below(self, &mut String::new(), f)
    }
}

/// Writes a node, and those below it, each in a line that begins with `margin`.
fn write_below(node: &Node, margin: &mut String, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write_node(node, f)?;
    let length = margin.len();
    for (index, child) in node.children.iter().enumerate() {
        let is_last = index + 1 == node.children.len();
        let (branch, below) = match is_last {
            true => ("└─ ", "   "),
            false => ("├─ ", "│  "),
        };
        write!(f, "\n{margin}{branch}")?;
        margin.push_str(below);
        write_below(child, margin, f)?;
        margin.truncate(length);
    }
    Ok(())
}

fn write_node(node: &Node, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(match node.kind {
        Kind::Scope => "scope",
        Kind::Pen => "pen",
        Kind::Child => "child",
        Kind::Background => "background child",
        Kind::Blocking => "closure",
    })?;
    if let Some(name) = &node.name {
        write!(f, " {name:?}")?;
    }
    let state = match node.state {
        State::Ready => "ready",
        State::Running => "running",
        State::Suspended => "suspended",
    };
    let Node {
        location,
        idle,
        polls,
        busy,
        ..
    } = node;
    if node.kind == Kind::Pen {
        return write!(f, "  {location}  {state}, open for {}", Rounded(node.age));
    }
    let s = if *polls == 1 { "" } else { "s" };
    let (idle, busy) = (Rounded(*idle), Rounded(*busy));
    if node.kind == Kind::Blocking {
        return write!(f, "  {location}  {state} {idle}"); // it is called once
    }
    write!(
        f,
        "  {location}  {state} {idle}, {polls} poll{s}, {busy} busy"
    )
}

/// A duration with two digits at most before its unit, as `1.2 s`, `12 µs`.
struct Rounded(Duration);

impl Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(f64, &str); 6] = [
            (1e-9, "ns"),
            (1e-6, "µs"),
            (1e-3, "ms"),
            (1.0, "s"),
            (60.0, "min"),
            (3600.0, "h"),
        ];
        let seconds = self.0.as_secs_f64();
        let fits = |(size, _): &&(f64, &str)| seconds >= 0.995 * size;
        let (size, unit) = UNITS.iter().rfind(fits).unwrap_or(&UNITS[0]);
        let value = seconds / size;
        let digits = usize::from(value < 9.95 && *unit != "ns");
        write!(f, "{value:.digits$} {unit}")
    }
}

/// A place in the source, as a string.
#[cfg(feature = "serde")]
pub(super) fn location<S: Serializer>(
    location: &'static Location<'static>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(location)
}

/// A duration, as a number of seconds.
#[cfg(feature = "serde")]
pub(super) fn seconds<S: Serializer>(
    duration: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}
