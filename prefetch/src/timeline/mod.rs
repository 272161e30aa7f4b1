//! A picture of a run: time to the right, and a bar for each scope and each task, below the scope
//! that it belongs to. Where the automator was closed there is a line.
//!
//! The [recorder] listens to the spans of the run, [`rows`] chooses what there is room for, and
//! [`drawing`] makes an SVG document of that. Only the first one knows of spans, and only the last
//! one of SVG.
//!
//! Children of a scope and closures have spans by themselves, and say when they are woken; that is
//! the feature `tracing` of taskpen. Detached tasks are given one when they are spawned. Nothing
//! tells when those are woken: they are never seen ready.

mod drawing;
mod record;
mod recorder;
mod rows;

pub(crate) use drawing::draw;
pub(crate) use recorder::{Called, Recorder};

#[cfg(test)]
pub(crate) use {
    record::{Bar, Kind, Record, State},
    rows::{Bars, rows},
};
