//! What a slow poll must not do to the other tasks of tokio, which drives its timers with the
//! threads that it lends, and limits what a task does in one poll.
#![cfg(feature = "tokio")]

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use crate::blocked::{Blocking, LIMIT, LONG, be_slow_for, block_until, slow_until_elsewhere};
use crate::life::{Gate, watched};
use futures::StreamExt;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use futures_lite::future::{block_on, yield_now};
use taskpen::{Executor, Scope, Ticket, Tokio, scope};
use tokio::runtime::{Builder, Runtime};
use tokio::task::consume_budget;
use tokio::task::coop::has_budget_remaining;

fn two_workers() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).build().unwrap()
}

/// N1: while the thread of the scope waits for a slow poll on a worker, it is no worker itself: the
/// runtime has the one that is left for its other tasks.
#[test]
fn waiting_takes_no_worker() {
    watched(|| {
        let runtime = two_workers();
        let (ask, asked) = channel::<Sender<()>>();
        let handle = runtime.handle().clone();
        let spawner = thread::spawn(move || {
            for answer in asked {
                handle.spawn(async move { answer.send(()) });
            }
        });
        let run = scope(async move |s: Scope<'static>| {
            s.spawn_background(pending::<()>());
            s.spawn(async move {
                for _ in 0..20 {
                    be_slow_for(LONG);
                    yield_now().await; // some of these polls are on the other worker
                    let (answer, is_answered) = channel();
                    ask.send(answer).unwrap();
                    is_answered.recv_timeout(LIMIT).expect("no worker is left");
                }
            });
        });
        runtime.block_on(runtime.spawn(run)).unwrap();
        spawner.join().unwrap();
    });
}

/// N1: a poll of the scope that cannot return, for a helper is in a slow poll, goes on with
/// children that use resources of tokio.
#[test]
fn without_a_limit_while_it_waits() {
    watched(|| {
        for is_task in [true, false] {
            let runtime = two_workers();
            let run = scope(async |s: Scope<'static>| {
                for _ in 0..20 {
                    let (blocking, has_begun, let_go) = Blocking::new();
                    let slow = s.spawn(async move {
                        be_slow_for(LONG);
                        yield_now().await;
                        blocking.block();
                    });
                    s.spawn(async move {
                        while has_begun.try_recv().is_err() {
                            yield_now().await;
                        }
                        // More than tokio allows a task in one poll.
                        for _ in 0..1_000 {
                            consume_budget().await;
                        }
                        let_go.send(()).unwrap();
                    });
                    slow.await;
                }
            });
            match is_task {
                true => runtime.block_on(runtime.spawn(run)).unwrap(),
                false => runtime.block_on(run),
            }
        }
    });
}

/// N1: nor does it need one, for others can go on meanwhile.
#[test]
fn a_child_that_yields_only_at_the_limit() {
    watched(|| {
        for _ in 0..5 {
            let runtime = two_workers();
            let run = scope(async move |s: Scope<'static>| {
                let gate = Gate::default();
                let wait = gate.wait();
                let flag = Arc::new(AtomicBool::new(false));
                let (is_set, sets) = (Arc::clone(&flag), Arc::clone(&flag));
                s.spawn(async move {
                    wait.await;
                    sets.store(true, SeqCst);
                });
                s.spawn(async move {
                    while !is_set.load(SeqCst) {
                        consume_budget().await;
                    }
                });
                s.spawn(async move {
                    for round in 0.. {
                        be_slow_for(LONG * 3);
                        if round == 1 {
                            gate.open(); // by now the scope waits
                        }
                        if flag.load(SeqCst) {
                            break;
                        }
                        yield_now().await;
                    }
                });
            });
            runtime.block_on(runtime.spawn(run)).unwrap();
        }
    });
}

/// What a scope asks for while it waits is done without a panic, whatever runs it.
#[test]
fn in_place_wherever_it_waits() {
    fn in_place(lent: &Runtime) -> bool {
        let mut is_done = false;
        Tokio::from(lent.handle().clone()).block_in_place(&mut || is_done = true);
        is_done
    }
    let lent = Arc::new(two_workers());
    let alone = Builder::new_current_thread().build().unwrap();

    assert!(in_place(&lent));
    assert!(lent.block_on(async { in_place(&lent) }));
    let in_task = Arc::clone(&lent);
    assert!(
        lent.block_on(lent.spawn(async move { in_place(&in_task) }))
            .unwrap()
    );
    assert!(alone.block_on(async { in_place(&lent) }));
    // The one runtime runs us, and the other one is current.
    alone.block_on(async {
        let _current = lent.enter();
        assert!(in_place(&lent));
    });
}

/// An executor that runs all tickets in one task, and takes the next without waiting.
#[derive(Clone)]
struct OneTask(UnboundedSender<Ticket>);

impl Executor for OneTask {
    fn dispatch(&self, ticket: Ticket) {
        self.0.unbounded_send(ticket).unwrap();
    }

    fn parallelism(&self) -> usize {
        2
    }
}

/// N1: also a ticket that begins where the limit of its task is reached runs a child.
#[test]
fn limit_of_the_task_that_runs_tickets() {
    watched(|| {
        let (tickets, taken) = unbounded::<Ticket>();
        let helper = thread::spawn(move || {
            let runtime = Builder::new_current_thread().build().unwrap();
            runtime.block_on(runtime.spawn(taken.for_each(async |ticket| ticket.run())))
        });
        let home = thread::current().id();
        let is_home = || thread::current().id() == home;
        let [is_reached, is_free] = [(); 2].map(|()| AtomicBool::new(false));
        let run = scope(async |s: Scope<'_>| {
            s.spawn_background(async {
                slow_until_elsewhere(home).await;
                while has_budget_remaining() {
                    consume_budget().await; // which waits for nothing until it is reached
                }
                is_reached.store(true, SeqCst);
            });
            s.spawn(async {
                while !is_reached.load(SeqCst) || !is_home() {
                    yield_now().await;
                }
                block_until(|| is_free.load(SeqCst));
            });
            s.spawn(async {
                while !is_reached.load(SeqCst) || is_home() {
                    yield_now().await;
                }
                is_free.store(true, SeqCst);
            });
        });
        block_on(run.on(OneTask(tickets)));
        helper.join().unwrap().unwrap();
    });
}
