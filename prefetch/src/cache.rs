//! The pages that are there, on their way or to come.
//!
//! A page is fetched by one at a time: whoever holds its [`Claim`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event_listener::{Event, EventListener};
use url::Url;

use super::client::{FetchError, NoPage};
use super::page::Page;

/// What the automator knows of the pages it heard of.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    pages: Mutex<HashMap<Url, State>>,
    /// Notified when a page arrives, or is given up.
    changed: Event,
}

#[derive(Debug)]
enum State {
    /// Somebody is going to prefetch it.
    Announced,
    /// The holder of the claim is fetching it.
    Claimed,
    Ready(Arc<Page>),
    /// The server has answered, but not with a page.
    NoPage(NoPage),
    /// The last fetch failed or was cancelled.
    Missing,
}

/// What a visitor finds in the cache.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    Page(Arc<Page>),
    NoPage(NoPage),
    /// Somebody else is fetching it.
    InFlight,
    /// The visitor fetches it.
    Claim(Claim<'a>),
}

impl Cache {
    /// Enters a page that is to be prefetched; false if it was known already.
    pub(crate) fn announce(&self, url: &Url) -> bool {
        let mut pages = self.pages();
        let is_new = !pages.contains_key(url);
        if is_new {
            pages.insert(url.clone(), State::Announced);
        }
        is_new
    }

    /// Claims a page that was announced, unless a visitor was faster.
    pub(crate) fn claim_announced(&self, url: &Url) -> Option<Claim<'_>> {
        let mut pages = self.pages();
        let state = pages.get_mut(url)?;
        matches!(state, State::Announced).then(|| self.claim(state, url))
    }

    /// Looks a page up, and claims it if it neither is there nor on its way.
    pub(crate) fn look_up(&self, url: &Url) -> Found<'_> {
        let mut pages = self.pages();
        let state = pages.entry(url.clone()).or_insert(State::Missing);
        match state {
            State::Ready(page) => Found::Page(Arc::clone(page)),
            State::NoPage(answer) => Found::NoPage(answer.clone()),
            State::Claimed => Found::InFlight,
            State::Announced | State::Missing => Found::Claim(self.claim(state, url)),
        }
    }

    /// Resolves at the next change after this call.
    pub(crate) fn change(&self) -> EventListener {
        self.changed.listen()
    }

    fn claim(&self, state: &mut State, url: &Url) -> Claim<'_> {
        *state = State::Claimed;
        Claim {
            cache: self,
            url: url.clone(),
            outcome: State::Missing,
        }
    }

    fn pages(&self) -> MutexGuard<'_, HashMap<Url, State>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to fetch a page, and the duty to say what came of it.
///
/// Dropped without [`fulfil`](Self::fulfil) (the fetch failed, its task was cancelled) it gives
/// the page up, so nobody waits for it in vain. Then the next one who wants it asks for it again,
/// unless the server has said that there is no such page.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    cache: &'a Cache,
    url: Url,
    outcome: State,
}

impl Claim<'_> {
    pub(crate) fn fulfil(mut self, page: Page) -> Arc<Page> {
        let page = Arc::new(page);
        self.outcome = State::Ready(Arc::clone(&page));
        page
    }

    pub(crate) fn fail(mut self, error: &FetchError) {
        if let FetchError::NoPage(answer) = error {
            self.outcome = State::NoPage(answer.clone());
        }
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let outcome = std::mem::replace(&mut self.outcome, State::Missing);
        self.cache.pages().insert(self.url.clone(), outcome);
        self.cache.changed.notify(usize::MAX);
    }
}
