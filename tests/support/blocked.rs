//! Closures that block for as long as a test wants.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use futures_lite::future::yield_now;

/// Nothing takes this long, unless it hangs.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// What a test holds of a closure that blocks until it is let go.
pub(crate) struct Blocked {
    started: Receiver<()>,
    /// Dropped to let the closure go.
    let_go: Option<Sender<()>>,
    ended: Arc<AtomicBool>,
}

impl Blocked {
    /// The test's end, and a closure that does `last` when it is let go.
    pub(crate) fn new<T>(
        last: impl FnOnce() -> T + Send + 'static,
    ) -> (Self, impl FnOnce() -> T + Send + 'static) {
        let (start, started) = channel();
        let (let_go, gone) = channel::<()>();
        let ended = Arc::new(AtomicBool::new(false));
        let blocked = Self {
            started,
            let_go: Some(let_go),
            ended: Arc::clone(&ended),
        };
        let closure = move || {
            start.send(()).unwrap();
            // An error: the other end was dropped.
            let _ = gone.recv_timeout(LIMIT);
            ended.store(true, SeqCst);
            last()
        };
        (blocked, closure)
    }

    /// Blocks until the closure has started.
    pub(crate) fn wait_for_start(&self) {
        self.started.recv_timeout(LIMIT).expect("it starts");
    }

    /// The same for a task that keeps others running.
    pub(crate) async fn started(&mut self) {
        while self.started.try_recv().is_err() {
            yield_now().await;
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(SeqCst)
    }

    pub(crate) fn let_go(&mut self) {
        self.let_go = None;
    }

    /// Blocks until the closure is about to do its last.
    pub(crate) fn wait_for_end(&self) {
        let start = Instant::now();
        while !self.has_ended() {
            assert!(start.elapsed() < LIMIT, "it does not end");
            thread::yield_now();
        }
    }
}
