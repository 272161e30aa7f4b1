//! An automator that reads ahead: it fetches the next pages while the walk is busy with one.
//!
//! The one line that does it is in `open_all`. It bounds what is under way, keeps the order, and
//! cancels what is ahead when the walk stops; so here are no background tasks that somebody has to
//! close.

use futures_lite::Stream;
use taskpen::Scope;
use url::Url;

use super::automator::{How, Open, Shared, Visit};
use super::client::FetchError;
use super::ledger::Task;

/// An automator that is at most `ahead` pages ahead of whoever walks with it.
#[derive(Debug)]
pub(crate) struct ReadAhead<'env> {
    s: Scope<'env>,
    shared: &'env Shared,
    ahead: usize,
}

impl<'env> ReadAhead<'env> {
    pub(crate) fn new(s: Scope<'env>, shared: &'env Shared, ahead: usize) -> Self {
        Self { s, shared, ahead }
    }

    /// Fetches a page that is so many places behind the one that is asked for first.
    fn fetch(
        &self,
        place: usize,
        url: Url,
    ) -> impl Future<Output = (Url, Result<Visit, FetchError>)> + Send + use<'env> {
        let (s, task) = (self.s.clone(), Task::new(self.shared));
        async move {
            let mut visit = task.open(&url, &s).await;
            task.finish(); // whatever became of the page
            if let Ok(Visit { how, .. }) = &mut visit {
                if place > 0 && *how == How::Direct {
                    *how = How::Ahead;
                }
            }
            (url, visit)
        }
    }
}

impl Open for ReadAhead<'_> {
    async fn open(&self, url: &Url) -> Result<Visit, FetchError> {
        self.shared.open(url, &self.s).await
    }

    fn open_all(&self, urls: Vec<Url>) -> impl Stream<Item = (Url, Result<Visit, FetchError>)> {
        let urls = urls.into_iter().enumerate();
        self.s
            .named("fetch")
            .buffered(self.ahead, urls.map(|(place, url)| self.fetch(place, url)))
    }
}
