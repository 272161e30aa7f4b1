//! An automator that reads ahead: it fetches the next pages while the walk is busy with one.
//!
//! The one line that does it is in `open_all`. It bounds what is under way, keeps the order, and
//! cancels what is ahead when the walk stops; so here are no background tasks that somebody has to
//! close.

use futures_lite::Stream;
use taskpen::Scope;
use url::Url;

use super::automator::{Open, Shared, Visit};
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

    fn fetch(
        &self,
        url: Url,
    ) -> impl Future<Output = (Url, Result<Visit, FetchError>)> + Send + use<'env> {
        let (s, task) = (self.s.clone(), Task::new(self.shared));
        async move {
            let visit = task.open(&url, &s).await;
            task.finish(); // whatever became of the page
            (url, visit)
        }
    }
}

impl Open for ReadAhead<'_> {
    async fn open(&self, url: &Url) -> Result<Visit, FetchError> {
        self.shared.open(url, &self.s).await
    }

    fn open_all(&self, urls: Vec<Url>) -> impl Stream<Item = (Url, Result<Visit, FetchError>)> {
        self.s
            .buffered(self.ahead, urls.into_iter().map(|url| self.fetch(url)))
    }
}
