//! Threads that were called come, whatever their executor does with them. P1, P10.

use std::cell::Cell;
use std::future::poll_fn;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use crate::blocked::{LIMIT, be_slow, be_slow_for, block_until};
use crate::lenders::Pool;
#[cfg(feature = "tokio")]
use crate::life::Gate;
use crate::life::{Counter, OnDrop, watched};
use futures_lite::future::{block_on, yield_now};
use taskpen::{Executor, Pen, Ticket, Worker};

/// A task of tokio that has spawned children, or woken them, blocks for them. The worker of tokio
/// on which that happens would run them next; as with tasks it may keep the last one.
#[cfg(feature = "tokio")]
#[test]
fn by_a_task_that_blocks() {
    watched(|| {
        for is_woken in [false, true] {
            on_tokio(async move {
                let (pen, gates) = (Pen::new(), [(); 3].map(|()| Gate::default()));
                let [begun, ran] = [(); 2].map(|()| Counter::default());
                for gate in &gates {
                    let (begun, ran) = (begun.clone(), ran.clone());
                    let wait = is_woken.then(|| gate.wait());
                    pen.spawn(async move {
                        begun.add();
                        if let Some(wait) = wait {
                            wait.await;
                        }
                        ran.add();
                    });
                }
                if is_woken {
                    while begun.get() < 3 {
                        tokio::task::yield_now().await;
                    }
                    gates.iter().for_each(Gate::open);
                }
                block_until(|| ran.get() >= 2);
                pen.close().await;
            });
        }
    });
}

/// It wakes one, and blocks until another one has run, which a foreign thread wakes.
#[cfg(feature = "tokio")]
#[test]
fn by_another_thread_than_the_one_that_blocks() {
    watched(|| {
        on_tokio(async {
            let pen = Pen::new();
            let gates = [(); 2].map(|()| Gate::default());
            let [begun, ran] = [(); 2].map(|()| Counter::default());
            for gate in &gates {
                let (begun, ran, wait) = (begun.clone(), ran.clone(), gate.wait());
                pen.spawn(async move {
                    begun.add();
                    wait.await;
                    ran.add();
                });
            }
            while begun.get() < 2 {
                tokio::task::yield_now().await;
            }
            let [here, there] = gates;
            here.open();
            be_slow(); // longer than a thread is given to come
            thread::spawn(move || there.open()).join().unwrap();
            block_until(|| ran.get() > 0);
            pen.close().await;
        });
    });
}

#[cfg(feature = "tokio")]
fn on_tokio(task: impl Future<Output = ()> + Send + 'static) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(3)
        .build()
        .unwrap();
    runtime.block_on(async { tokio::spawn(task).await.unwrap() });
}

/// A child is in its first slow poll, and spawns another one now and then, as a loop would that
/// accepts connections and blocks.
#[test]
fn by_a_first_slow_poll() {
    watched(|| {
        let pen = Pen::on(Pool::new(2));
        let s = pen.to_static();
        let child = pen.spawn(async move {
            let ran = Counter::default();
            for _ in 0..2 {
                let ran = ran.clone();
                be_slow();
                s.spawn(async move { ran.add() });
            }
            block_until(|| ran.get() == 2);
        });
        block_on(child);
    });
}

thread_local! {
    /// How many tickets this thread is running, one inside of the other.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Runs tickets at once where the caller is one of its threads.
struct Inline(Pool, Arc<AtomicUsize>);

impl Executor for Inline {
    fn dispatch(&self, ticket: Ticket) {
        let depth = DEPTH.get() + 1;
        self.1.fetch_max(depth, SeqCst);
        DEPTH.set(depth);
        match thread::current().name() {
            Some("main of the test") => self.0.dispatch(ticket),
            _ => ticket.run(),
        }
        DEPTH.set(depth - 1);
    }

    fn parallelism(&self) -> usize {
        1_000
    }
}

/// Tickets are not run inside of each other: a thread would overflow its stack.
#[test]
fn at_once() {
    watched(|| {
        let deepest = Arc::<AtomicUsize>::default();
        let executor = Inline(Pool::new(1), Arc::clone(&deepest));
        let caller = thread::Builder::new().name("main of the test".into());
        let caller = caller.spawn(move || {
            let pen = Pen::on(executor);
            for _ in 0..2_000 {
                pen.spawn(async {
                    for _ in 0..2 {
                        be_slow_for(Duration::from_micros(30)); // more threads are called
                        yield_now().await;
                    }
                });
            }
            block_on(pen.close());
        });
        caller.unwrap().join().unwrap();
        let deepest = deepest.load(SeqCst);
        assert!(deepest < 4, "{deepest} tickets inside of each other");
    });
}

/// Keeps tickets, and calls what it was given.
#[derive(Clone)]
struct Keeps(Arc<Mutex<Vec<Ticket>>>, Arc<dyn Fn() + Send + Sync>);

impl Keeps {
    fn take(&self) -> Ticket {
        self.0.lock().unwrap().pop().expect("one was called")
    }
}

impl Executor for Keeps {
    fn dispatch(&self, ticket: Ticket) {
        self.0.lock().unwrap().push(ticket);
        (self.1)();
    }

    fn parallelism(&self) -> usize {
        8
    }
}

/// What two threads have done, one of which panics.
#[derive(Default)]
struct Panic {
    waker: Mutex<Option<Waker>>,
    goes_on: AtomicBool,
    has_panicked: AtomicBool,
    is_woken: AtomicBool,
    is_over: AtomicBool,
}

impl Panic {
    /// A thread is in the executor: the one that has panicked wakes that child, and stays until the
    /// other one is done, which waits for that.
    fn dispatch(&self) {
        match thread::current().name() {
            Some("first") if self.has_panicked.load(SeqCst) => {
                if let Some(waker) = self.waker.lock().unwrap().take() {
                    thread::spawn(|| waker.wake()).join().unwrap();
                    self.is_woken.store(true, SeqCst);
                    block_until(|| self.is_over.load(SeqCst));
                }
            }
            Some("second") => {
                self.goes_on.store(true, SeqCst);
                block_until(|| self.is_woken.load(SeqCst));
            }
            _ => {}
        }
    }
}

/// P6: a child that has panicked, and was woken then, is not polled again by a thread that was just
/// about to look for one.
#[test]
fn while_a_child_panics() {
    watched(|| {
        let (polls, state) = (Counter::default(), Arc::<Panic>::default());
        let acts = Arc::clone(&state);
        let executor = Keeps(Arc::default(), Arc::new(move || acts.dispatch()));
        let pen = Pen::on(executor.clone());
        pen.spawn(async { be_slow() });
        executor.take().run(); // from here on slow polls are expected
        let (counts, child) = (polls.clone(), Arc::clone(&state));
        let (began, has_begun) = channel();
        pen.spawn(poll_fn(move |cx| -> Poll<()> {
            counts.add();
            if !child.has_panicked.load(SeqCst) {
                child.waker.lock().unwrap().replace(cx.waker().clone());
                began.send(()).unwrap();
                block_until(|| child.goes_on.load(SeqCst));
                child.has_panicked.store(true, SeqCst);
            }
            resume_unwind(Box::new("panic"));
        }));
        for _ in 0..6 {
            pen.spawn(async {});
        }
        let run = |name: &str| {
            let (ticket, thread) = (executor.take(), thread::Builder::new());
            thread.name(name.into()).spawn(|| ticket.run()).unwrap()
        };
        let first = run("first");
        has_begun.recv_timeout(LIMIT).expect("it begins");
        run("second").join().unwrap();
        state.is_over.store(true, SeqCst);
        first.join().unwrap();
        assert_eq!(polls.get(), 1, "it was polled after it had panicked");
        drop(pen);
    });
}

/// Owns its tasks, and is owned by them if they own how they were called.
#[derive(Clone)]
struct Owner(Arc<Tasks>);

struct Tasks {
    tasks: Mutex<Vec<Worker>>,
    _last: Box<dyn Send + Sync>,
}

impl Executor for Owner {
    fn dispatch(&self, _: Ticket) {}

    fn parallelism(&self) -> usize {
        1
    }

    fn spawn(&self, worker: Worker) -> Result<(), Worker> {
        self.0.tasks.lock().unwrap().push(worker);
        Ok(())
    }
}

/// A worker that nobody polls any more does not keep the executor that owns it.
#[test]
fn and_never_again() {
    watched(|| {
        let dropped = Counter::default();
        let guard = dropped.guard();
        let executor = Owner(Arc::new(Tasks {
            tasks: Mutex::default(),
            _last: Box::new(OnDrop::new(move || drop(guard))),
        }));
        let pen = Pen::on(executor.clone());
        pen.spawn(async {});
        assert_eq!(executor.0.tasks.lock().unwrap().len(), 1);
        drop(pen);
        drop(executor);
        assert_eq!(dropped.get(), 1, "it is still there");
    });
}
