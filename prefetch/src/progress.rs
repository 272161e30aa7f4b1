//! What the program shows while it walks: a line per page, and a bar below them.

use std::cell::Cell;
use std::fmt::Display;

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use url::Url;

use super::automator::{How, Visit};
use super::client::FetchError;

/// The lines go to `say`. The bar goes to stderr if that is a terminal, and nowhere otherwise; it
/// is gone when this is dropped.
pub(crate) struct Progress<S> {
    say: S,
    bar: ProgressBar,
    /// Whether the head of the lines has been shown.
    has_head: Cell<bool>,
}

impl<S: Fn(String)> Progress<S> {
    /// The progress of a walk of so many pages.
    pub(crate) fn new(pages: usize, say: S) -> Self {
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} pages")
            .expect("the template is well-formed");
        let bar = ProgressBar::new(pages as u64)
            .with_style(style)
            .with_finish(ProgressFinish::AndClear);
        Self {
            say,
            bar,
            has_head: Cell::new(false),
        }
    }

    /// Shows what came of a page.
    pub(crate) fn page(&self, url: &Url, visit: &Result<Visit, FetchError>) {
        if !self.has_head.replace(true) {
            self.line(columns("source", "SHA-256…", "size", "links", "page"));
        }
        match visit {
            Ok(Visit { page, how }) => {
                self.bar.inc(1);
                let how = match how {
                    How::Cached => "cached",
                    How::Waited => "waited",
                    How::Direct => "direct",
                    How::Ahead => "ahead",
                };
                let (digest, links) = (page.short_digest(), page.links.len());
                self.line(columns(how, &digest, &size(page.bytes), links, url));
            }
            Err(error) => self.line(format!("failed  {url}: {error}")),
        }
    }

    /// Says that the walk ends before its time.
    pub(crate) fn stopped(&self) {
        self.line("stopped by Ctrl-C".to_owned());
    }

    /// Shows a line above the bar, which is drawn anew.
    fn line(&self, line: String) {
        self.bar.suspend(|| (self.say)(line));
    }
}

fn columns(how: &str, digest: &str, size: &str, links: impl Display, page: impl Display) -> String {
    format!("{how:<6}  {digest:<8}  {size:>10}  {links:>5}  {page}")
}

/// A number of bytes, as people read it.
fn size(bytes: usize) -> String {
    const KIB: usize = 1024;
    const MIB: usize = KIB * KIB;
    match bytes {
        0..KIB => format!("{bytes} B"),
        KIB..MIB => format!("{:.1} KiB", bytes as f64 / KIB as f64),
        MIB.. => format!("{:.1} MiB", bytes as f64 / MIB as f64),
    }
}
