//! A slow poll holds nothing up while the executor has a thread to spare: N. Each slow poll here
//! blocks its thread until something else of the scope was polled. If that is held up, it hangs.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::blocked::{Blocking, LIMIT, be_slow, block_until};
use crate::lenders::{Decline, Hoard, Inline, Pool};
use crate::life::{Counter, Gate, settle, watched};
use futures_lite::future::{block_on, yield_now};
use taskpen::{Executor, Scope, Ticket, scope};

/// Opens the gate once the slow poll has begun, and has lasted for a while.
fn open_later(has_begun: Receiver<()>, gate: Gate) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        has_begun.recv_timeout(LIMIT).expect("it begins");
        be_slow();
        gate.open();
    })
}

/// N1: a child that is woken while another one blocks is polled meanwhile, on whatever thread that
/// is: already in the first slow poll, if it has lasted for a while, and in those that follow.
#[test]
fn woken_beside_a_slow_poll() {
    watched(|| {
        for is_first in [true, false] {
            let gate = Gate::default();
            let (blocking, has_begun, let_go) = Blocking::new();
            let opener = open_later(has_begun, gate.clone());
            let pool = Pool::new(1);
            block_on(
                scope(async |s: Scope<'_>| {
                    s.spawn(async move {
                        gate.wait().await;
                        let_go.send(()).unwrap();
                    });
                    s.spawn(async move {
                        yield_now().await; // the other one is suspended then
                        if !is_first {
                            be_slow();
                            yield_now().await;
                        }
                        blocking.block();
                    });
                })
                .on(pool.clone()),
            );
            opener.join().unwrap();
            assert!(pool.dispatched() > 0);
        }
    });
}

/// N1: from the second slow poll on, children that are ready with the slow one are not behind it.
#[test]
fn ready_beside_a_slow_poll() {
    watched(|| {
        let (blocking, _has_begun, let_go) = Blocking::new();
        block_on(
            scope(async |s: Scope<'_>| {
                let gate = Gate::default();
                let wait = gate.wait();
                s.spawn(async move {
                    wait.await;
                    let_go.send(()).unwrap();
                });
                s.spawn(async move {
                    be_slow();
                    yield_now().await;
                    gate.open(); // this thread makes it ready, and then blocks
                    blocking.block();
                });
            })
            .on(Pool::new(1)),
        );
    });
}

/// N1: so is one that is spawned meanwhile, from outside or by the slow child itself.
#[test]
fn spawned_beside_a_slow_poll() {
    watched(|| {
        for by_itself in [true, false] {
            let (blocking, has_begun, let_go) = Blocking::new();
            block_on(
                scope(async |s: Scope<'static>| {
                    s.spawn_background(pending::<()>());
                    let spawner = s.clone();
                    let spawn = move || {
                        spawner.spawn(async move { let_go.send(()).unwrap() });
                    };
                    let mut spawn = Some(spawn);
                    let outside = spawn.take_if(|_| !by_itself);
                    thread::spawn(move || {
                        has_begun.recv_timeout(LIMIT).expect("it begins");
                        be_slow();
                        if let Some(spawn) = outside {
                            spawn();
                        }
                    });
                    s.spawn(async move {
                        be_slow();
                        yield_now().await;
                        if let Some(spawn) = spawn {
                            spawn();
                        }
                        blocking.block();
                    });
                })
                .on(Pool::new(1)),
            );
        }
    });
}

/// N2: also if the slow poll is on the scope's own thread: a push calls a helper.
#[test]
fn slow_poll_on_the_scopes_thread() {
    watched(|| {
        let gate = Gate::default();
        let (blocking, has_begun, let_go) = Blocking::new();
        let tickets = Hoard::default();
        let helper = thread::spawn({
            let (tickets, gate) = (tickets.clone(), gate.clone());
            move || {
                has_begun.recv_timeout(LIMIT).expect("it begins");
                drop(tickets.empty()); // those that came before do not help
                be_slow();
                gate.open();
                let called = tickets.empty();
                assert!(!called.is_empty(), "the push has called");
                called.into_iter().for_each(Ticket::run);
            }
        });
        let here = thread::current().id();
        block_on(
            scope(async |s: Scope<'_>| {
                s.spawn(async move {
                    gate.wait().await;
                    assert_ne!(thread::current().id(), here);
                    let_go.send(()).unwrap();
                });
                s.spawn(async move {
                    yield_now().await;
                    assert_eq!(thread::current().id(), here);
                    blocking.block();
                });
            })
            .on(tickets.clone()),
        );
        helper.join().unwrap();
        drop(tickets.empty());
    });
}

/// N1: if it is on a helper, and there is no other, the scope's own thread serves the rest.
#[test]
fn slow_poll_on_a_helper() {
    watched(|| {
        let gate = Gate::default();
        let (blocking, has_begun, let_go) = Blocking::new();
        let opener = open_later(has_begun, gate.clone());
        let here = thread::current().id();
        block_on(
            scope(async |s: Scope<'_>| {
                s.spawn(async move {
                    gate.wait().await;
                    let_go.send(()).unwrap();
                });
                for _ in 0..3 {
                    s.spawn_background(async {
                        loop {
                            be_slow(); // so that help is called
                            yield_now().await;
                        }
                    });
                }
                s.spawn(async move {
                    while thread::current().id() == here {
                        yield_now().await;
                    }
                    blocking.block();
                });
            })
            .on(Pool::new(1)),
        );
        opener.join().unwrap();
    });
}

/// N2: the same from inside: the slow poll is in a nested scope, and a sibling of that is woken.
#[test]
fn slow_poll_in_a_nested_scope() {
    watched(|| {
        let gate = Gate::default();
        let (blocking, has_begun, let_go) = Blocking::new();
        let opener = open_later(has_begun, gate.clone());
        block_on(
            scope(async |s: Scope<'_>| {
                s.spawn(async move {
                    gate.wait().await;
                    let_go.send(()).unwrap();
                });
                s.spawn(scope(async move |s: Scope<'_>| {
                    s.spawn(async move {
                        yield_now().await;
                        blocking.block();
                    });
                }));
            })
            .on(Pool::new(1)),
        );
        opener.join().unwrap();
    });
}

/// An executor with one thread, which says when a helper has left.
#[derive(Clone)]
struct Reporting(Arc<Mutex<Sender<()>>>);

impl Executor for Reporting {
    fn dispatch(&self, ticket: Ticket) {
        let left = Arc::clone(&self.0);
        thread::spawn(move || {
            ticket.run();
            let _ = left.lock().unwrap().send(());
        });
    }

    fn parallelism(&self) -> usize {
        2
    }
}

/// A helper does not wait for work: it leaves when nothing is ready, and a later push calls the
/// next one.
#[test]
fn helpers_leave() {
    watched(|| {
        let (left, has_left) = channel();
        let (gates, served) = ([(); 2].map(|()| Gate::default()), Counter::default());
        let (blocking, has_begun, let_go) = Blocking::new();
        let opener = thread::spawn({
            let (gates, served) = (gates.clone(), served.clone());
            move || {
                has_begun.recv_timeout(LIMIT).expect("it begins");
                be_slow();
                for (before, gate) in gates.iter().enumerate() {
                    while has_left.try_recv().is_ok() {} // helpers of earlier moments
                    gate.open();
                    block_until(|| served.get() > before);
                    has_left.recv_timeout(LIMIT).expect("the helper leaves");
                }
                let_go.send(()).unwrap();
            }
        });
        let here = thread::current().id();
        block_on(
            scope(async |s: Scope<'_>| {
                for gate in gates {
                    let served = served.clone();
                    s.spawn(async move {
                        gate.wait().await;
                        served.add();
                    });
                }
                s.spawn(async move {
                    yield_now().await;
                    while thread::current().id() != here {
                        yield_now().await; // helpers called because the machine was slow
                    }
                    blocking.block();
                });
            })
            .on(Reporting(Arc::new(Mutex::new(left)))),
        );
        opener.join().unwrap();
    });
}

/// A scope in which a slow poll was met, with a child that waits for the gate.
fn idle_scope(executor: impl Executor, gate: &Gate) -> Pin<Box<dyn Future<Output = ()>>> {
    let wait = gate.wait();
    let mut scoped = Box::pin(
        scope(async move |s: Scope<'_>| {
            s.spawn(wait);
            s.spawn(async {
                be_slow();
                yield_now().await;
                pending::<()>().await;
            });
        })
        .on(executor),
    );
    assert!(settle(scoped.as_mut()).is_pending());
    scoped
}

/// N4: pushes to a scope that is idle or dropped call nothing.
#[test]
fn nothing_is_called_in_vain() {
    let (executor, gate) = (Decline::default(), Gate::default());
    let mut scoped = idle_scope(executor.clone(), &gate);
    let before = executor.0.load(SeqCst);
    gate.open(); // while it is idle
    assert_eq!(executor.0.load(SeqCst), before);
    assert!(settle(scoped.as_mut()).is_pending());
    pushed_after(drop);
}

/// N4: nor do those to one that is forgotten.
#[test]
fn nothing_is_called_for_a_forgotten_scope() {
    pushed_after(std::mem::forget);
}

fn pushed_after(end: fn(Pin<Box<dyn Future<Output = ()>>>)) {
    let (executor, gate) = (Decline::default(), Gate::default());
    let scoped = idle_scope(executor.clone(), &gate);
    let before = executor.0.load(SeqCst);
    end(scoped);
    gate.open();
    assert_eq!(executor.0.load(SeqCst), before);
}

/// Children are not polled inside the waker of another one, whatever the executor does: the thread
/// that wakes may hold a lock which the child takes.
#[test]
fn no_poll_inside_a_wake() {
    watched(|| {
        let (gate, lock) = (Gate::default(), Arc::new(Mutex::new(())));
        let is_over = Arc::new(AtomicBool::new(false));
        let (blocking, has_begun, let_go) = Blocking::new();
        let waker = thread::spawn({
            let (gate, lock) = (gate.clone(), Arc::clone(&lock));
            move || {
                has_begun.recv_timeout(LIMIT).expect("it begins");
                be_slow();
                let held = lock.lock().unwrap();
                gate.open();
                drop(held);
                let_go.send(()).unwrap();
            }
        });
        let over = Arc::clone(&is_over);
        block_on(
            scope(async move |s: Scope<'_>| {
                s.spawn(async move {
                    gate.wait().await;
                    drop(lock.lock().unwrap());
                    over.store(true, SeqCst);
                });
                s.spawn(async move {
                    yield_now().await;
                    blocking.block();
                });
            })
            .on(Inline::default()),
        );
        waker.join().unwrap();
        assert!(is_over.load(SeqCst));
    });
}
