//! What threads have in hand when a pen ends.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};
use std::thread;

use crate::blocked::{Blocking, block_until};
use crate::lenders::Pool;
use crate::life::{Counter, OnDrop, poll_once, poll_with, watched};
use futures::channel::oneshot;
use futures_lite::future::block_on;
use taskpen::{Executor, Pen, Ticket};

/// P2, P3, P6: `close` and `cancel` wait for the destructor of a value that nobody reads, and raise
/// its panic.
#[test]
fn value_that_is_not_read() {
    watched(|| {
        for is_close in [true, false] {
            let pen = Pen::on(Pool::new(1));
            let (blocking, began, let_go) = Blocking::new();
            let (detach, is_detached) = oneshot::channel();
            drop(pen.spawn(async {
                is_detached.await.unwrap();
                OnDrop::new(move || {
                    blocking.block();
                    resume_unwind(Box::new("value"));
                })
            }));
            detach.send(()).unwrap();
            began.recv().unwrap();
            let mut end: Pin<Box<dyn Future<Output = ()>>> = match is_close {
                true => Box::pin(pen.close()),
                false => Box::pin(pen.cancel()),
            };
            assert!(poll_once(end.as_mut()).is_pending());
            let_go.send(()).unwrap();
            let ended = catch_unwind(AssertUnwindSafe(|| block_on(end)));
            let payload = ended.expect_err("the value panicked");
            assert_eq!(payload.downcast_ref(), Some(&"value"));
        }
    });
}

/// A thread for each ticket, and how many there are.
#[derive(Clone, Default)]
struct Threads(Arc<AtomicUsize>);

impl Executor for Threads {
    fn dispatch(&self, ticket: Ticket) {
        let running = Arc::clone(&self.0);
        running.fetch_add(1, SeqCst);
        thread::spawn(move || {
            ticket.run();
            running.fetch_sub(1, SeqCst);
        });
    }

    fn parallelism(&self) -> usize {
        2
    }
}

/// Lets a poll go that blocks, and blocks until no thread runs children.
struct WaitsForThreads {
    let_go: Mutex<Sender<()>>,
    threads: Threads,
    is_over: AtomicBool,
}

impl Wake for WaitsForThreads {
    fn wake(self: Arc<Self>) {
        self.let_go.lock().unwrap().send(()).unwrap();
        block_until(|| self.threads.0.load(SeqCst) == 0);
        self.is_over.store(true, SeqCst);
    }
}

/// P4: a thread that comes back from a poll does not wait for the one that ends the pen, which may
/// be in foreign code.
#[test]
fn thread_comes_back_before_the_end_is_over() {
    watched(|| {
        let threads = Threads::default();
        let pen = Pen::on(threads.clone());
        let dropped = Counter::default();
        let guard = dropped.guard();
        pen.spawn(async move {
            let _guard = guard;
            pending::<()>().await;
        });
        block_until(|| threads.0.load(SeqCst) == 0); // it is suspended
        let (blocking, began, let_go) = Blocking::new();
        let guard = dropped.guard();
        pen.spawn(async move {
            let _guard = guard;
            blocking.block();
            pending::<()>().await;
        });
        began.recv().unwrap();
        let waits = Arc::new(WaitsForThreads {
            let_go: Mutex::new(let_go),
            threads,
            is_over: AtomicBool::new(false),
        });
        let mut token = pin!(pen.stop_token());
        assert!(poll_with(token.as_mut(), &Waker::from(Arc::clone(&waits))).is_pending());
        drop(pen);
        assert!(waits.is_over.load(SeqCst), "the thread waited");
        assert_eq!(dropped.get(), 2);
    });
}
