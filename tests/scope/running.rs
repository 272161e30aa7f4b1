//! When the body and the children are polled, and in which order: R1 to R4, R6 and R7.
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]

use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::task::Poll;
use std::thread;

use crate::life::{Counter, Gate, Log, Wakes, poll_once, poll_with, run, settle, watched};
use futures_lite::future::{block_on, yield_now};
use taskpen::scope;

/// R1: when `spawn` returns nothing of the child has run, in the body and in a child. It starts in
/// the same poll of the scope or in the next one.
each_form!(start_after_spawn, |scope, ok| {
    let log = Log::default();
    let mut scoped = pin!(
        scope(async |s| {
            let inner = log.clone();
            s.spawn_with(async move |s| {
                inner.note("child");
                let grandchild = inner.clone();
                s.spawn(async move {
                    grandchild.note("grandchild");
                    ok(())
                });
                inner.note("child goes on");
                ok(())
            });
            let background = log.clone();
            s.spawn_background(async move {
                background.note("background");
                ok(())
            });
            log.note("body goes on");
            pending::<()>().await;
            ok(())
        })
        .serial()
    );
    assert!(poll_once(scoped.as_mut()).is_pending());
    assert!(poll_once(scoped.as_mut()).is_pending());
    let mut events = log.events();
    assert_eq!(events[0], "body goes on");
    events.retain(|event| *event != "background");
    let order = ["body goes on", "child", "child goes on", "grandchild"];
    assert_eq!(events, order);
});

/// R2: children take turns: first in, first out, at their start and after each wake-up.
each_form!(first_in_first_out, |scope, ok| {
    let order = Mutex::new(Vec::new());
    let order = &order;
    let outcome = run(scope(async |s| {
        for index in 0..5 {
            s.spawn(async move {
                for _ in 0..4 {
                    order.lock().unwrap().push(index);
                    yield_now().await;
                }
                ok(())
            });
        }
        ok(())
    })
    .serial());
    assert_eq!(outcome, ok(()));
    let rounds = [0, 1, 2, 3, 4].repeat(4);
    assert_eq!(*order.lock().unwrap(), rounds);
});

/// R2: the order holds for more children than one poll of the scope runs, and for those that are
/// spawned while others wait: they queue up behind.
each_form!(first_in_first_out_over_many_polls, |scope, ok| {
    let order = Mutex::new(Vec::new());
    let order = &order;
    let outcome = run(scope(async |s| {
        for index in 0..2000 {
            s.spawn_with(async move |s| {
                order.lock().unwrap().push(index);
                s.spawn(async move {
                    order.lock().unwrap().push(2000 + index);
                    ok(())
                });
                ok(())
            });
        }
        ok(())
    })
    .serial());
    assert_eq!(outcome, ok(()));
    let expected: Vec<_> = (0..4000).collect();
    assert_eq!(*order.lock().unwrap(), expected);
});

/// R2: suspended children run in the order in which they were woken.
each_form!(first_woken_first_run, |scope, ok| {
    let gates: [Gate; 4] = Default::default();
    let order = Mutex::new(Vec::new());
    let shared = &order;
    let mut scoped = pin!(
        scope(async |s| {
            for (index, gate) in gates.iter().enumerate() {
                let gate = gate.wait();
                s.spawn(async move {
                    gate.await;
                    shared.lock().unwrap().push(index);
                    ok(())
                });
            }
            ok(())
        })
        .serial()
    );
    assert!(settle(scoped.as_mut()).is_pending());
    for index in [2, 0, 3, 1] {
        gates[index].open();
    }
    assert!(settle(scoped.as_mut()).is_ready());
    assert_eq!(*order.lock().unwrap(), [2, 0, 3, 1]);
});

/// R3, R4: an executor that polls without need gets no poll of a child or of the body out of it.
each_form!(polls_without_a_wake, |scope, ok| {
    let (child, background, body) = <(Gate, Gate, Gate)>::default();
    let mut scoped = pin!(scope(async |s| {
        let (child, background) = (child.wait(), background.wait());
        s.spawn(async move {
            child.await;
            ok(())
        });
        s.spawn_background(async move {
            background.await;
            ok(())
        });
        body.wait().await;
        ok(())
    }));
    for _ in 0..10 {
        assert!(poll_once(scoped.as_mut()).is_pending());
    }
    let polls = [&child, &background, &body].map(Gate::polls);
    assert_eq!(polls, [1, 1, 1]);
});

/// R3: a child is polled once per wake, however often it is woken before; its siblings and the
/// body are not polled at all.
each_form!(one_poll_per_wake, |scope, ok| {
    let (woken, sibling, body) = <(Gate, Gate, Gate)>::default();
    let mut scoped = pin!(scope(async |s| {
        for gate in [&woken, &sibling] {
            let gate = gate.wait();
            s.spawn(async move {
                gate.await;
                ok(())
            });
        }
        body.wait().await;
        ok(())
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    for wakes in 1..5 {
        for _ in 0..wakes {
            woken.knock();
        }
        assert!(settle(scoped.as_mut()).is_pending());
        assert_eq!(woken.polls(), 1 + wakes);
    }
    assert_eq!((sibling.polls(), body.polls()), (1, 1));
});

/// R3: a child that wakes itself many times in one poll is polled once more for it.
each_form!(one_poll_per_wake_of_itself, |scope, ok| {
    let polls = Counter::default();
    let mut scoped = pin!(scope(async |s| {
        let polls = polls.clone();
        s.spawn(async move {
            poll_fn(|cx| {
                polls.add();
                if polls.get() == 1 {
                    (0..5).for_each(|_| cx.waker().wake_by_ref());
                }
                Poll::<()>::Pending
            })
            .await;
            ok(())
        });
        ok(())
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    assert_eq!(polls.get(), 2);
});

/// R4: the body is polled when it was woken, once, and not because children run.
each_form!(polls_of_the_body, |scope, ok| {
    let (body, busy) = (Gate::default(), Gate::default());
    let mut scoped = pin!(scope(async |s| {
        let busy = busy.wait();
        s.spawn(async move {
            for _ in 0..100 {
                yield_now().await;
            }
            busy.await;
            ok(())
        });
        body.wait().await;
        ok(())
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    assert_eq!(body.polls(), 1);
    for wakes in 1..5 {
        for _ in 0..wakes {
            body.knock();
        }
        busy.knock();
        assert!(settle(scoped.as_mut()).is_pending());
        assert_eq!((body.polls(), busy.polls()), (1 + wakes, 1 + wakes));
    }
    body.open();
    busy.open();
    assert_eq!(settle(scoped.as_mut()), Poll::Ready(ok(())));
});

/// R4: a body that is done is not polled again, though its waker is woken.
each_form!(wake_of_a_finished_body, |scope, ok| {
    let (body, child) = (Gate::default(), Gate::default());
    let mut scoped = pin!(scope(async |s| {
        let child = child.wait();
        s.spawn(async move {
            child.await;
            ok(())
        });
        body.wait().await;
        ok(())
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    let late = body.waker();
    body.open();
    assert!(settle(scoped.as_mut()).is_pending());
    late.wake();
    assert!(settle(scoped.as_mut()).is_pending());
    child.open();
    assert!(settle(scoped.as_mut()).is_ready());
    assert_eq!((body.polls(), child.polls()), (2, 2));
});

/// R6: a child spawns a sibling and awaits it, while another sibling is idle. This is where a
/// scope hangs that polls its children in the order of their handles.
each_form!(await_of_a_spawned_sibling, |scope, ok| {
    let (idle, awaited) = (Gate::default(), Counter::default());
    let mut scoped = pin!(scope(async |s| {
        let (idle, awaited) = (idle.wait(), awaited.clone());
        s.spawn(async move {
            idle.await;
            ok(())
        });
        s.spawn_with(async move |s| {
            let inner = s.spawn(async move {
                yield_now().await;
                ok(3)
            });
            assert_eq!(inner.await, 3);
            awaited.add();
            ok(())
        })
        .await;
        ok(())
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    assert_eq!(awaited.get(), 1);
    idle.open();
    assert_eq!(settle(scoped.as_mut()), Poll::Ready(ok(())));
});

/// R6: a thousand children, each of which awaits the one before it; the first one is idle for a
/// while.
each_form!(chain_of_awaits, |scope, ok| {
    let gate = Gate::default();
    let mut scoped = pin!(scope(async |s| {
        let gate = gate.wait();
        let mut last = s.spawn(async move {
            gate.await;
            ok(0)
        });
        for _ in 0..1000 {
            last = s.spawn(async move { ok(last.await + 1) });
        }
        ok(last.await)
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    gate.open();
    assert_eq!(settle(scoped.as_mut()), Poll::Ready(ok(1000)));
});

/// R7: a child that is spawned between two polls wakes the task that polls the scope, and nobody
/// polls it before that.
each_form!(spawn_between_polls, |scope, ok| {
    let (shown, polled) = (Mutex::new(None), Counter::default());
    let (wakes, waker) = Wakes::waker();
    let mut scoped = pin!(scope(async |s| {
        *shown.lock().unwrap() = Some(s);
        pending::<()>().await;
        ok(())
    }));
    for round in 0..3 {
        assert!(poll_with(scoped.as_mut(), &waker).is_pending());
        assert_eq!((wakes.count(), polled.get()), (0, round));
        let (s, polled) = (shown.lock().unwrap().clone().unwrap(), polled.clone());
        s.spawn_background(async move {
            polled.add();
            ok(())
        });
        assert_eq!(wakes.take(), 1);
    }
});

/// R7: another thread spawns into a scope that sleeps in its executor. Only that child can end it.
#[test]
fn spawn_by_another_thread() {
    watched(|| {
        for _ in 0..100 {
            let end = Gate::default();
            let (sender, receiver) = channel();
            let scoped = scope(async |s| {
                sender.send(s).unwrap();
                end.wait().await;
            });
            let end = end.clone();
            thread::scope(|threads| {
                threads.spawn(move || {
                    let s = receiver.recv().unwrap();
                    let here = thread::current().id();
                    drop(s.spawn(async move {
                        assert_ne!(thread::current().id(), here);
                        end.open();
                    }));
                });
                block_on(scoped);
            });
        }
    });
}
