//! The automator: opens pages one after the other, and prefetches what they link to.

use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;

use futures_lite::stream::{self, Stream, StreamExt};
use taskpen::Scope;
use tokio::sync::Semaphore;
use url::Url;

use super::cache::{Cache, Claim, Found};
use super::client::{Client, FetchError};
use super::ledger::{Ledger, Task};
use super::page::Page;

/// What the automator shares with its background tasks.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) client: Client,
    pub(crate) cache: Cache,
    pub(crate) ledger: Ledger,
    /// Bounds the prefetches that are under way at the same time. A visit needs no permit.
    ///
    /// tokio's semaphore needs no runtime of tokio, and is fair: what was announced first is
    /// fetched first.
    permits: Semaphore,
}

impl Shared {
    pub(crate) fn new(client: Client, in_flight: usize) -> Self {
        Self {
            client,
            cache: Cache::default(),
            ledger: Ledger::default(),
            permits: Semaphore::new(in_flight.min(Semaphore::MAX_PERMITS)),
        }
    }

    /// Gives the page at `url`: from the cache, from whoever is fetching it, or from the server.
    pub(crate) async fn open(&self, url: &Url, parser: &impl Parse) -> Result<Visit, FetchError> {
        let mut how = How::Cached;
        loop {
            // Listen before looking, or the change between the two would be missed.
            let change = self.cache.change();
            let page = match self.cache.look_up(url) {
                Found::Page(page) => page,
                Found::NoPage(answer) => return Err(FetchError::Known(answer)),
                Found::InFlight => {
                    how = How::Waited;
                    change.await;
                    continue;
                }
                Found::Claim(claim) => {
                    how = How::Direct;
                    self.fetch(url, claim, parser).await?
                }
            };
            return Ok(Visit { page, how });
        }
    }

    /// The links of `page` that nobody has announced yet; they are, once this has named them.
    pub(crate) fn news<'a>(&'a self, page: &'a Page) -> impl Iterator<Item = Url> + 'a {
        let links = page.links.iter();
        links.filter(|link| self.cache.announce(link)).cloned()
    }

    async fn fetch(
        &self,
        url: &Url,
        claim: Claim<'_>,
        parser: &impl Parse,
    ) -> Result<Arc<Page>, FetchError> {
        match self.client.get(url).await {
            Ok(html) => Ok(claim.fulfil(parser.parse(url.clone(), html).await)),
            Err(error) => {
                claim.fail(&error);
                Err(error)
            }
        }
    }
}

/// Parses and hashes pages on other threads: it takes as long as the page is, and must not hold
/// up those who wait for the network.
pub(crate) trait Parse: Send + Sync {
    fn parse(&self, url: Url, html: String) -> impl Future<Output = Page> + Send;
}

/// As background children, so that a page which is being parsed is waited for when the automator is
/// closed, and one that is not yet is dropped.
impl Parse for Scope<'_> {
    fn parse(&self, url: Url, html: String) -> impl Future<Output = Page> + Send {
        let scope = self.named("parse");
        scope.spawn_blocking_background(move || Page::parse(&url, &html))
    }
}

/// A page that was opened.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) page: Arc<Page>,
    pub(crate) how: How,
}

/// Where a page came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// It was in the cache.
    Cached,
    /// It was on its way.
    Waited,
    /// It was fetched now.
    Direct,
    /// It was asked for while the walk was busy with one before.
    Ahead,
}

/// An automator that prefetches nothing: what the others have to be compared with.
#[derive(Debug)]
pub(crate) struct OnDemand<'env> {
    s: Scope<'env>,
    shared: &'env Shared,
}

impl<'env> OnDemand<'env> {
    pub(crate) fn new(s: Scope<'env>, shared: &'env Shared) -> Self {
        Self { s, shared }
    }
}

impl Open for OnDemand<'_> {
    async fn open(&self, url: &Url) -> Result<Visit, FetchError> {
        self.shared.open(url, &self.s).await
    }
}

/// Opens pages; what [`walk`](super::walk::walk) walks with.
pub(crate) trait Open {
    async fn open(&self, url: &Url) -> Result<Visit, FetchError>;

    /// Opens pages in this order, each when it is asked for.
    fn open_all(&self, urls: Vec<Url>) -> impl Stream<Item = (Url, Result<Visit, FetchError>)> {
        stream::iter(urls).then(move |url| async move {
            let visit = self.open(&url).await;
            (url, visit)
        })
    }
}

/// An automator whose background tasks are children of a scope.
///
/// It has no `close`: it is closed when its scope is left. Prefetches are background children,
/// which do not keep the scope open, so at the end of the body those that still run are cancelled;
/// and the scope returns when the last of them is gone, and the last page that was being parsed.
/// Nothing here can forget that.
#[derive(Debug)]
pub(crate) struct Automator<'env> {
    s: Scope<'env>,
    shared: &'env Shared,
}

impl<'env> Automator<'env> {
    pub(crate) fn new(s: Scope<'env>, shared: &'env Shared) -> Self {
        Self { s, shared }
    }

    fn prefetch(&self, url: Url) {
        let task = Task::new(self.shared);
        let parser = self.s.clone();
        let scope = self.s.named(format!("fetch {}", url.path()));
        scope.spawn_background(prefetch(task, parser, url));
    }
}

impl Open for Automator<'_> {
    async fn open(&self, url: &Url) -> Result<Visit, FetchError> {
        let visit = self.shared.open(url, &self.s).await?;
        for link in self.shared.news(&visit.page) {
            self.prefetch(link);
        }
        Ok(visit)
    }
}

/// What a background task does: fetches one page into the cache, in its turn.
///
/// A failure is entered in the ledger and concerns nobody else.
pub(crate) async fn prefetch<S>(task: Task<S>, parser: impl Parse, url: Url)
where
    S: Deref<Target = Shared>,
{
    match try_prefetch(&task, &parser, &url).await {
        Ok(()) => task.finish(),
        Err(error) => task.fail(url, error),
    }
}

async fn try_prefetch(shared: &Shared, parser: &impl Parse, url: &Url) -> Result<(), FetchError> {
    let _permit = shared.permits.acquire().await;
    // A visit may have been faster.
    if let Some(claim) = shared.cache.claim_announced(url) {
        shared.fetch(url, claim, parser).await?;
    }
    Ok(())
}
