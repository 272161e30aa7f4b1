//! The same automator as the original report found it: its tasks are spawned with
//! `async_std::task::spawn`, and nothing owns them.

use std::future::Future;
use std::sync::Arc;

use async_std::task;
use tracing::{Instrument, Span, trace_span};
use url::Url;

use super::automator::{Open, Parse, Shared, Visit, prefetch};
use super::client::FetchError;
use super::ledger::Task;
use super::page::Page;
use super::server::Server;

/// An automator whose background tasks are detached.
#[derive(Debug)]
pub(crate) struct Detached {
    shared: Arc<Shared>,
}

impl Detached {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Closes the automator, and forgets its tasks: the handle of each was dropped when it was
    /// spawned, so there is nobody to ask.
    pub(crate) fn close(self) {}
}

impl Open for Detached {
    async fn open(&self, url: &Url) -> Result<Visit, FetchError> {
        let visit = self.shared.open(url, &Pool).await?;
        for link in self.shared.news(&visit.page) {
            // Nothing can be borrowed: the task may outlive everything.
            let task = Task::new(Arc::clone(&self.shared));
            let span = span(&format!("fetch {}", link.path()));
            task::spawn(prefetch(task, Pool, link).instrument(span));
        }
        Ok(visit)
    }
}

/// What a task is seen by, for [timelines](super::timeline) and traces. Children of a scope have
/// one by themselves.
pub(crate) fn span(name: &str) -> Span {
    trace_span!(
        target: "prefetch",
        parent: None,
        "runtime.spawn",
        kind = "task",
        task.name = name,
    )
}

/// The blocking pool of async-std. Nobody waits for what it does.
struct Pool;

impl Parse for Pool {
    fn parse(&self, url: Url, html: String) -> impl Future<Output = Page> + Send {
        let span = span("parse");
        task::spawn_blocking(move || span.in_scope(|| Page::parse(&url, &html)))
    }
}

/// Serves as servers on async-std do: with one detached task per connection, for ever.
pub(crate) async fn serve(server: Arc<Server>) {
    loop {
        let stream = server.accept().await;
        let server = Arc::clone(&server);
        let answer = async move { server.answer_all(stream).await };
        task::spawn(answer.instrument(span("connection")));
    }
}
