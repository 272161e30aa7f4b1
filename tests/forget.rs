//! Scopes that are leaked: L4.
//!
//! Each test here leaks on purpose, so the leak checker skips this file, and no other.
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]

#[macro_use]
#[path = "support/life.rs"]
mod life;

use std::future::{pending, poll_fn};
use std::mem;
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::task::{Poll, Waker};
use std::thread;

use futures_lite::future::yield_now;
use life::{Counter, Gate, Wakes, poll_once, poll_with, run, settle};
use taskpen::scope;

/// Fires wakers as late and as foreign as can be: here by reference, then on other threads.
fn fire(wakers: Vec<Waker>) {
    wakers.iter().for_each(Waker::wake_by_ref);
    let threads = wakers.into_iter().map(|waker| {
        thread::spawn(move || {
            drop(waker.clone());
            waker.wake_by_ref();
            waker.wake();
        })
    });
    threads.for_each(|thread| thread.join().unwrap());
}

/// L4: a scope with a child in each state is forgotten, and what the children borrow is freed.
/// Wakers that fire later poll none of them and run no destructor.
each_form!(forgotten_scope, |scope, ok| {
    let (polls, drops) = (Counter::default(), Counter::default());
    let gates: [Gate; 3] = Default::default();
    let body = Gate::default();
    let borrowed = String::from("freed before the wakers fire").into_bytes();
    let mut scoped = Box::pin(scope(async |s| {
        for gate in &gates {
            let (guard, polls, gate) = (drops.guard(), polls.clone(), gate.wait());
            let borrowed = &borrowed;
            s.spawn(async move {
                let _guard = guard;
                let mut gate = pin!(gate);
                poll_fn(|cx| {
                    assert_eq!(borrowed[0], b'f');
                    polls.add();
                    gate.as_mut().poll(cx)
                })
                .await;
                ok(())
            });
        }
        yield_now().await;
        for _ in 0..1000 {
            let (guard, polls) = (drops.guard(), polls.clone());
            s.spawn_background(async move {
                let _guard = guard;
                polls.add();
                ok(pending::<()>().await)
            });
        }
        body.wait().await;
        ok(())
    }));
    assert!(poll_once(scoped.as_mut()).is_pending()); // some children ran, some did not
    gates[0].knock(); // one is suspended but woken
    let polled = polls.get();
    mem::forget(scoped);
    drop(borrowed);
    let mut wakers = gates.each_ref().map(Gate::take_waker).to_vec();
    wakers.push(body.take_waker());
    fire(wakers);
    assert_eq!((polls.get(), drops.get()), (polled, 0));
    assert_eq!(body.polls(), 1);
});

/// L4: the same by `Box::leak`. The caller's waker is woken in vain, at most once.
each_form!(leaked_scope, |scope, ok| {
    let (drops, gate) = (Counter::default(), Gate::default());
    let (wakes, waker) = Wakes::waker();
    let (guard, wait) = (drops.guard(), gate.wait());
    let leaked = Box::leak(Box::new(Box::pin(scope(async move |s| {
        s.spawn(async move {
            let _guard = guard;
            wait.await;
            ok(())
        })
        .await;
        ok(())
    }))));
    assert!(poll_with(leaked.as_mut(), &waker).is_pending());
    drop(waker);
    fire(vec![gate.waker(), gate.take_waker()]);
    assert_eq!((drops.get(), gate.polls()), (0, 1));
    assert_eq!(wakes.count(), 1);
});

/// L4: a scope is forgotten by the child that opened it, between two of its polls. What the inner
/// children borrow, in that child, dies before they are woken.
each_form!(scope_forgotten_by_a_child, |scope, ok| {
    let (drops, outer_drops) = (Counter::default(), Counter::default());
    let gates: [Gate; 4] = Default::default();
    let shared = (&gates, &drops);
    let outcome = run(scope(async |s| {
        let guard = outer_drops.guard();
        s.spawn(async move {
            let (gates, drops) = shared;
            let _guard = guard;
            let borrowed = String::from("a local of the child").into_bytes();
            let mut inner = Box::pin(scope(async |s| {
                for gate in gates {
                    let (guard, gate) = (drops.guard(), gate.wait());
                    s.spawn(async {
                        let _guard = guard;
                        gate.await;
                        ok(assert_eq!(borrowed[0], b'a'))
                    });
                }
                ok(())
            }));
            assert!(poll_fn(|cx| Poll::Ready(inner.as_mut().poll(cx).is_pending())).await);
            mem::forget(inner);
            yield_now().await;
            ok(())
        })
        .await;
        ok(())
    }));
    assert_eq!(outcome, ok(()));
    fire(gates.each_ref().map(Gate::take_waker).to_vec());
    assert_eq!((drops.get(), outer_drops.get()), (0, 1));
    assert!(gates.iter().all(|gate| gate.polls() == 1));
});

/// L4: handles that outlive a forgotten scope. It has not ended, so it takes children, and runs
/// none; asking for one to be cancelled is answered never; nothing breaks.
#[test]
fn handles_of_a_forgotten_scope() {
    let (polls, drops, gate) = (Counter::default(), Counter::default(), Gate::default());
    let escaped = Mutex::new(None);
    let mut scoped = Box::pin(scope(async |s| {
        let (guard, gate) = (drops.guard(), gate.wait());
        let child = s.spawn(async move {
            let _guard = guard;
            gate.await;
        });
        *escaped.lock().unwrap() = Some((s, child));
        pending::<()>().await;
    }));
    assert!(settle(scoped.as_mut()).is_pending());
    mem::forget(scoped);
    let (s, child) = escaped.into_inner().unwrap().unwrap();
    let (guard, polled) = (drops.guard(), polls.clone());
    let late = s.spawn(async move {
        let _guard = guard;
        polled.add();
    });
    assert_eq!((s.len(), s.is_ended()), (2, false));
    assert!(!late.is_finished());
    let mut cancel = child.cancel();
    assert!(poll_once(Pin::new(&mut cancel)).is_pending());
    assert!(poll_once(pin!(late.cancel())).is_pending());
    drop((s, cancel));
    fire(vec![gate.take_waker()]);
    assert_eq!((polls.get(), drops.get(), gate.polls()), (0, 0, 1));
}

/// L4: threads wake children while their scope is forgotten and what they borrow is freed.
#[test]
fn forgotten_while_woken() {
    for _ in 0..100 {
        let drops = Counter::default();
        let gates: [Gate; 8] = Default::default();
        let borrowed = vec![1; 64];
        let mut scoped = Box::pin(scope(async |s| {
            for gate in &gates {
                let (guard, gate) = (drops.guard(), gate.wait());
                let borrowed = &borrowed;
                s.spawn(async move {
                    let _guard = guard;
                    gate.await;
                    borrowed.len()
                });
            }
        }));
        assert!(settle(scoped.as_mut()).is_pending());
        let wakers = gates.each_ref().map(Gate::take_waker);
        let threads = wakers.map(|waker| thread::spawn(move || waker.wake()));
        mem::forget(scoped);
        drop(borrowed);
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert_eq!(drops.get(), 0);
        assert!(gates.iter().all(|gate| gate.polls() == 1));
    }
}

/// L1, L3, L4: forgetting anything *but* the scope's future changes nothing: handles of children
/// and of the scope, and wakers. The scope ends, and drops every future.
each_form!(forgotten_handles_and_wakers, |scope, ok| {
    for finish in [true, false] {
        let (drops, outputs) = (Counter::default(), Counter::default());
        let gates: [Gate; 4] = Default::default();
        let mut scoped = Box::pin(scope(async |s| {
            for gate in &gates {
                let (guard, output, gate) = (drops.guard(), outputs.guard(), gate.wait());
                mem::forget(s.spawn(async move {
                    let _guard = guard;
                    gate.await;
                    ok(output)
                }));
            }
            mem::forget(s.clone());
            mem::forget(s);
            ok(())
        }));
        assert!(settle(scoped.as_mut()).is_pending());
        gates.iter().for_each(|gate| mem::forget(gate.waker()));
        if finish {
            gates.iter().for_each(Gate::open);
            assert_eq!(settle(scoped.as_mut()), Poll::Ready(ok(())));
            assert_eq!(outputs.get(), 0); // they are in the handles
        } else {
            drop(scoped);
            assert_eq!(outputs.get(), 4);
        }
        assert_eq!(drops.get(), 4);
    }
});
