//! The table of requests: what the client and the connection's task share.
//!
//! It is the queue of what is to be written, too. Tags are given in ascending order and written in
//! that order, so one number says which requests have been written. A request that is dropped takes
//! its entry with it, wherever it stands, and nothing else remembers it.
//!
//! Answers are sent, and entries dropped, when the lock has been released: that wakes whoever made
//! the request, and a waker may do anything, such as to drop the client.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use event_listener::Event;
use futures::channel::oneshot;

use crate::RequestError;

pub(crate) type Answer = Result<String, RequestError>;

type Entries = BTreeMap<u64, Entry>;

#[derive(Debug, Default)]
pub(crate) struct Table {
    state: Mutex<State>,
    /// Something has changed that the task may wait for.
    changed: Event,
}

#[derive(Debug, Default)]
struct State {
    entries: Entries,
    /// The tag that was given last.
    last: u64,
    /// Every request up to this tag has been written, or is being written.
    written: u64,
    /// No request is taken any more.
    closed: bool,
}

#[derive(Debug)]
struct Entry {
    /// Empty once it has been written.
    line: String,
    reply: oneshot::Sender<Answer>,
}

impl Table {
    /// Enters a request.
    pub(crate) fn enter(&self, command: &str) -> Result<Request<'_>, RequestError> {
        let (reply, answer) = oneshot::channel();
        let mut state = self.lock();
        if state.closed {
            return Err(RequestError::Closed);
        }
        state.last += 1;
        let tag = state.last;
        let line = format!("{tag} {command}\n");
        state.entries.insert(tag, Entry { line, reply });
        drop(state);
        self.changed.notify(usize::MAX);
        let table = self;
        Ok(Request { answer, table, tag })
    }

    /// Takes no request any more.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify(usize::MAX);
    }

    /// Returns the number of requests that wait for an answer.
    pub(crate) fn len(&self) -> usize {
        self.lock().entries.len()
    }

    pub(crate) async fn closed(&self) {
        self.wait_for(|state| state.closed.then_some(())).await;
    }

    /// Waits until the table is closed, and no request is left in it.
    pub(crate) async fn drained(&self) {
        let drained = |state: &mut State| state.closed && state.entries.is_empty();
        self.wait_for(|state| drained(state).then_some(())).await;
    }

    /// Waits for a request that has not been written, and gives its line. It counts as written
    /// from here on.
    pub(crate) async fn next_line(&self) -> String {
        self.wait_for(State::next_line).await
    }

    /// Answers a request, unless it was dropped or never written.
    pub(crate) fn answer(&self, tag: &str, reply: &str) {
        let Ok(tag) = tag.parse() else { return };
        let mut state = self.lock();
        let entry = match tag <= state.written {
            true => state.entries.remove(&tag),
            false => None,
        };
        drop(state);
        if let Some(entry) = entry {
            let _ = entry.reply.send(Ok(reply.to_owned())); // whoever asked may go just now
            self.changed.notify(usize::MAX);
        }
    }

    /// The connection is lost, and with it the answers to what was written.
    pub(crate) fn lose(&self) {
        let mut state = self.lock();
        let unwritten = state.written + 1;
        let waiting = state.entries.split_off(&unwritten);
        let lost = mem::replace(&mut state.entries, waiting);
        drop(state);
        fail(lost, RequestError::Lost);
        self.changed.notify(usize::MAX);
    }

    /// Nobody writes or answers any more.
    pub(crate) fn end(&self) {
        self.close();
        self.lose();
        let never_written = mem::take(&mut self.lock().entries);
        fail(never_written, RequestError::Closed);
    }

    async fn wait_for<T>(&self, mut look: impl FnMut(&mut State) -> Option<T>) -> T {
        loop {
            // Before looking, so that no change is missed in between.
            let changed = self.changed.listen();
            let seen = look(&mut self.lock());
            match seen {
                Some(value) => return value,
                None => changed.await,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change is complete before anything in it can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next_line(&mut self) -> Option<String> {
        let (&tag, entry) = self.entries.range_mut(self.written + 1..).next()?;
        self.written = tag;
        Some(mem::take(&mut entry.line))
    }
}

fn fail(entries: Entries, error: RequestError) {
    for entry in entries.into_values() {
        let _ = entry.reply.send(Err(error)); // whoever asked may go just now
    }
}

/// A request in the table, which takes its entry with it when it is dropped.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    answer: oneshot::Receiver<Answer>,
    table: &'a Table,
    tag: u64,
}

impl Request<'_> {
    /// Waits for the answer.
    pub(crate) async fn answered(&mut self) -> Answer {
        // An entry that goes without a word is one whose task panicked in between.
        (&mut self.answer).await.unwrap_or(Err(RequestError::Lost))
    }

    /// Takes the request back, unless it has been written.
    pub(crate) fn withdraw(&mut self) -> bool {
        let mut state = self.table.lock();
        let entry = match self.tag > state.written {
            true => state.entries.remove(&self.tag),
            false => None,
        };
        drop(state);
        entry.is_some()
    }
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        let entry = self.table.lock().entries.remove(&self.tag);
        if entry.is_some() {
            self.table.changed.notify(usize::MAX); // that may have been the last
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server could guess the tag of a request that it has not seen.
    #[test]
    fn answers_to_what_was_not_written() {
        let table = Table::default();
        let mut request = table.enter("a").unwrap();
        table.answer("1", "guessed");
        assert!(request.answer.try_recv().unwrap().is_none());
        assert_eq!(smol::block_on(table.next_line()), "1 a\n");
        table.answer("1", "A");
        assert_eq!(request.answer.try_recv().unwrap(), Some(Ok("A".to_owned())));
    }
}
