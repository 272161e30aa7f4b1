//! What every model needs: a scope, a task that polls it, and marks for what was seen.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool as Mark, AtomicUsize as Count, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use loom::cell::UnsafeCell;
use loom::sync::{Condvar, Mutex};

use crate::child::Task;
use crate::help::dispatch::Help;
use crate::help::executor::{Executor, Source, Ticket};
use crate::queue::Kind;
use crate::run::current::enter;
use crate::run::root::Root;
use crate::run::shared::Shared;
use crate::sync::AtomicBool;

/// Runs `model` under every interleaving of its threads.
pub(crate) fn explore(model: impl Fn() + Send + Sync + 'static) {
    loom::model(model);
}

/// How often a model of two threads takes the processor from one, if the threads wait for each
/// other with event-listener, whose steps are many.
pub(crate) const WAITING: usize = 5;

/// Runs `model` under every interleaving that takes the processor from a thread, unasked, at most
/// `preemptions` times. For models of three threads, which have too many interleavings otherwise.
pub(crate) fn explore_within(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 5_000; // the polls of several children take more than the usual 1,000
    builder.check(model);
}

/// An outcome that has to occur in one execution of a model at least.
pub(crate) struct Outcome {
    name: &'static str,
    seen: Mark,
}

impl Outcome {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self {
            name,
            seen: Mark::new(false),
        }
    }

    pub(crate) fn mark(&self) {
        self.seen.store(true, Ordering::Relaxed);
    }

    /// For the end of a test, after all executions.
    pub(crate) fn assert_seen(&self) {
        let seen = self.seen.load(Ordering::Relaxed);
        assert!(seen, "in no execution of the model: {}", self.name);
    }
}

/// Counts its wakes. None of loom's business: exact at every moment, and orders nothing.
#[derive(Default)]
pub(crate) struct Wakes(Count);

impl Wakes {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// An executor that starts a thread for each ticket, as long as it may start more.
#[derive(Clone)]
pub(crate) struct Threads {
    started: Arc<std::sync::Mutex<Vec<Started>>>,
    left: Arc<Count>,
}

impl Default for Threads {
    /// As many as loom can have, beside the one that polls the scope and a foreign one.
    fn default() -> Self {
        Self::at_most(3)
    }
}

/// The thread of a ticket, and whether the ticket has been run yet.
struct Started {
    thread: loom::thread::JoinHandle<()>,
    is_running: Arc<Mark>,
}

impl Threads {
    pub(crate) fn at_most(threads: usize) -> Self {
        Self {
            started: Arc::default(),
            left: Arc::new(Count::new(threads)),
        }
    }

    /// How many tickets are still to be run.
    pub(crate) fn late(&self) -> usize {
        let started = self.started.lock().unwrap();
        let is_late = |started: &&Started| !started.is_running.load(Ordering::Relaxed);
        started.iter().filter(is_late).count()
    }

    /// Joins them, and those that they start meanwhile; how many they were.
    pub(crate) fn join(&self) -> usize {
        let mut count = 0;
        while let Some(started) = self.take() {
            started.thread.join().unwrap();
            count += 1;
        }
        count
    }

    fn take(&self) -> Option<Started> {
        self.started.lock().unwrap().pop()
    }
}

impl Executor for Threads {
    fn dispatch(&self, ticket: Ticket) {
        let left = self.left.load(Ordering::Relaxed); // loom runs one thread at a time
        if left == 0 {
            return;
        }
        self.left.store(left - 1, Ordering::Relaxed);
        let is_running = Arc::new(Mark::new(false));
        let started = Started {
            is_running: Arc::clone(&is_running),
            thread: loom::thread::spawn(move || {
                is_running.store(true, Ordering::Relaxed);
                ticket.run();
            }),
        };
        self.started.lock().unwrap().push(started);
    }

    fn parallelism(&self) -> usize {
        2
    }
}

/// The body of a scope: done once it is told to be.
pub(crate) struct Body(Arc<AtomicBool>);

impl Future for Body {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0.load(Ordering::Acquire) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

/// A scope on the crate's own root future.
pub(crate) struct Scope {
    root: Pin<Box<Root<'static, Body, Body, ()>>>,
    body_may_finish: Arc<AtomicBool>,
}

impl Scope {
    /// A scope whose body is still busy.
    pub(crate) fn new() -> Self {
        let body_may_finish = Arc::new(AtomicBool::new(false));
        Self {
            root: Box::pin(Root::new(
                Body(Arc::clone(&body_may_finish)),
                Help::new(Some(0)),
            )),
            body_may_finish,
        }
    }

    /// A scope whose body is done at its first poll, and which gets its helpers from `executor`.
    pub(crate) fn helped_by(executor: Threads) -> Self {
        let body_may_finish = Arc::new(AtomicBool::new(true));
        let mut root = Root::new(Body(Arc::clone(&body_may_finish)), Help::new(None));
        root.set_source(Source::given(executor));
        Self {
            root: Box::pin(root),
            body_may_finish,
        }
    }

    /// A scope whose body is done at its first poll.
    pub(crate) fn with_finished_body() -> Self {
        let scope = Self::new();
        scope.body_may_finish.store(true, Ordering::Release);
        scope
    }

    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(self.root.shared())
    }

    /// Adds a child from the thread of the scope.
    pub(crate) fn spawn(&self, kind: Kind) -> Arc<Task> {
        let child = Task::new(&self.shared(), kind);
        assert!(child.add(), "the scope has not ended");
        child
    }

    /// What lets the body finish, from any thread.
    pub(crate) fn body_switch(&self) -> impl FnOnce() + use<> {
        let body_may_finish = Arc::clone(&self.body_may_finish);
        let waker = Waker::from(self.shared());
        move || {
            body_may_finish.store(true, Ordering::Release);
            waker.wake();
        }
    }

    /// Lets go of the scope without ending it. What this gives is for the end of the model, for
    /// loom takes everything for a leak that is there then.
    pub(crate) fn forget(self) -> impl Sized {
        self.root
    }

    /// Polls once; true if the scope is over.
    pub(crate) fn poll(&mut self, waker: &Waker) -> bool {
        let mut cx = Context::from_waker(waker);
        let poll = self.root.as_mut().poll(&mut cx, |body, _| body, |()| false);
        if poll.is_ready() {
            let panic = self.root.shared().take_panic();
            assert!(panic.is_none(), "something in the model has panicked");
        }
        poll.is_ready()
    }

    /// Polls to the end; how often the scope was idle before.
    pub(crate) fn run(&mut self) -> usize {
        self.run_until(|| false)
    }

    /// Polls until the scope is over or `enough`; how often it was idle before.
    pub(crate) fn run_until(&mut self, enough: impl Fn() -> bool) -> usize {
        let (sleeps, wakes) = run(|waker| self.poll(waker) || enough());
        // A failure can be seen by the poll that has just gone idle, and wakes it all the same.
        let slack = usize::from(self.root.shared().has_failed());
        assert!(
            (sleeps..=sleeps + slack).contains(&wakes),
            "woken once each time it was idle"
        );
        sleeps
    }
}

/// Polls until `poll` is done, asleep in between: a lost wake-up is a deadlock, which loom reports.
/// How often it slept, and how often it was woken.
pub(crate) fn run(mut poll: impl FnMut(&Waker) -> bool) -> (usize, usize) {
    let sleeper = Arc::new(Sleeper::default());
    let waker = Waker::from(Arc::clone(&sleeper));
    let mut sleeps = 0;
    while !poll(&waker) {
        sleeps += 1;
        sleeper.sleep();
    }
    (sleeps, sleeper.wakes())
}

/// After the end, once all other threads are done as well: nothing is left, nothing comes late.
pub(crate) fn assert_over(shared: &Arc<Shared>, children: &[&Task]) {
    for child in children {
        assert_eq!(child.drops(), 1, "each future is dropped once");
        child.lent().reclaim();
    }
    assert_eq!(shared.queue.len(), 0);
    let is_empty = |_| {
        let runnables = shared
            .queue
            .at_home_for_the_end(|| shared.queue.await_runnables());
        assert!(!runnables, "the ready queue is empty");
    };
    enter(shared, None, true, is_empty);
}

/// Data that a child borrows. loom reports a borrow that is not over before `reclaim`.
#[derive(Debug)]
pub(crate) struct Lent(UnsafeCell<()>);

// SAFETY: nothing is read or written through the cell, loom only checks who would have.
unsafe impl Sync for Lent {}

impl Lent {
    pub(crate) fn new() -> Self {
        Self(UnsafeCell::new(()))
    }

    /// What a child does in a poll and in its destructor.
    pub(crate) fn borrow(&self) {
        self.0.with(|_| ());
    }

    /// What the code after the scope may do.
    pub(crate) fn reclaim(&self) {
        self.0.with_mut(|_| ());
    }
}

/// Rings once, for whoever waits for it.
#[derive(Default)]
pub(crate) struct Bell {
    rung: Mutex<bool>,
    condvar: Condvar,
}

impl Bell {
    pub(crate) fn ring(&self) {
        *self.rung.lock().unwrap() = true;
        self.condvar.notify_one();
    }

    pub(crate) fn wait(&self) {
        let mut rung = self.rung.lock().unwrap();
        while !*rung {
            rung = self.condvar.wait(rung).unwrap();
        }
    }
}

/// The task that polls a scope, asleep: stands for an executor.
#[derive(Default)]
struct Sleeper {
    woken: Mutex<bool>,
    bell: Condvar,
    wakes: Count,
}

impl Sleeper {
    fn sleep(&self) {
        let mut woken = self.woken.lock().unwrap();
        while !*woken {
            woken = self.bell.wait(woken).unwrap();
        }
        *woken = false;
    }

    fn wakes(&self) -> usize {
        self.wakes.load(Ordering::Relaxed)
    }
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.wakes.fetch_add(1, Ordering::Relaxed);
        *self.woken.lock().unwrap() = true;
        self.bell.notify_one();
    }
}
