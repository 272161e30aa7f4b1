//! What the program shows while it walks: a line per page, and a bar below them.

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use url::Url;

use super::automator::{How, Visit};
use super::client::FetchError;

/// The lines go to `say`. The bar goes to stderr if that is a terminal, and nowhere otherwise; it
/// is gone when this is dropped.
pub(crate) struct Progress<S> {
    say: S,
    bar: ProgressBar,
}

impl<S: Fn(String)> Progress<S> {
    /// The progress of a walk of so many pages.
    pub(crate) fn new(pages: usize, say: S) -> Self {
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} pages")
            .expect("the template is well-formed");
        let bar = ProgressBar::new(pages as u64)
            .with_style(style)
            .with_finish(ProgressFinish::AndClear);
        Self { say, bar }
    }

    /// Shows what came of a page.
    pub(crate) fn page(&self, url: &Url, visit: &Result<Visit, FetchError>) {
        match visit {
            Ok(Visit { page, how }) => {
                self.bar.inc(1);
                let how = match how {
                    How::Cached => "cached",
                    How::Waited => "waited",
                    How::Direct => "direct",
                };
                let (digest, links) = (page.short_digest(), page.links.len());
                let kib = page.bytes.div_ceil(1024);
                self.line(format!(
                    "{how}  {digest}  {kib:>5} KiB  {links:>4} links  {url}"
                ));
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
