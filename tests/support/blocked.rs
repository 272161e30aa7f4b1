//! Closures and polls that block: for as long as a test wants, or long enough to count as slow.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::hint;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use futures_lite::future::yield_now;

/// Nothing takes this long, unless it hangs.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// Blocks the thread, for long enough to count as slow.
pub(crate) fn be_slow() {
    be_slow_for(Duration::from_millis(2));
}

/// Long enough for a child to be known as one that holds others up.
pub(crate) const LONG: Duration = Duration::from_millis(6);

pub(crate) fn be_slow_for(duration: Duration) {
    let start = Instant::now();
    while start.elapsed() < duration {
        hint::spin_loop();
    }
}

/// Blocks the thread until `is_so`.
pub(crate) fn block_until(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LIMIT, "it is held up");
        thread::yield_now();
    }
}

/// Is slow until another thread than this one polls it.
pub(crate) async fn slow_until_elsewhere(home: ThreadId) {
    while thread::current().id() == home {
        be_slow();
        yield_now().await;
    }
}

/// One end in a slow poll, which goes on when it has heard from the other.
pub(crate) struct Blocking {
    began: Sender<()>,
    go_on: Receiver<()>,
}

impl Blocking {
    /// The slow poll's end; what hears when it has begun; what lets it go on.
    pub(crate) fn new() -> (Self, Receiver<()>, Sender<()>) {
        let ((began, has_begun), (let_go, go_on)) = (channel(), channel());
        (Self { began, go_on }, has_begun, let_go)
    }

    pub(crate) fn block(&self) {
        self.began.send(()).unwrap();
        self.go_on.recv_timeout(LIMIT).expect("it is held up");
    }
}

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
        block_until(|| self.has_ended());
    }
}
