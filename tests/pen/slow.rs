//! A slow child holds up no others while the executor has a thread to spare: P10. And drop does not
//! wait for it: P4.

use std::future::pending;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use crate::blocked::{LIMIT, be_slow};
use crate::lenders::Pool;
use crate::life::{Counter, watched};
use futures::channel::oneshot;
use futures_lite::future::yield_now;
use taskpen::Pen;

/// On executors with two threads at least.
fn pens() -> Vec<Pen> {
    vec![
        #[cfg(feature = "async-std")]
        Pen::on(taskpen::AsyncStd),
        Pen::on(Pool::new(2)),
    ]
}

/// P10: what is woken by a foreign thread while a child blocks is run meanwhile, and so is, once
/// slow polls are known, what the child itself wakes. (Not each time: the threads of an executor
/// are shared with the other tests, and some of those block as well.)
#[test]
fn beside_a_slow_child() {
    let moment = Duration::from_millis(200);
    watched(move || {
        for pen in pens() {
            let (foreign_ran, own_ran) = (Counter::default(), Counter::default());
            for _ in 0..20 {
                let (begin, begun) = channel();
                let (let_go, go_on) = channel();
                let (wake, woken) = oneshot::channel();
                pen.spawn(async move {
                    woken.await.unwrap();
                    let _ = let_go.send(()); // nobody may wait any more
                });
                let foreign = thread::spawn(move || {
                    begun.recv_timeout(LIMIT).expect("it begins");
                    be_slow();
                    wake.send(()).unwrap();
                });
                let s = pen.to_static();
                let (foreign_counts, own_counts) = (foreign_ran.clone(), own_ran.clone());
                let slow = pen.spawn(async move {
                    begin.send(()).unwrap();
                    if go_on.recv_timeout(moment).is_ok() {
                        foreign_counts.add();
                    }
                    let (ran, has_run) = channel();
                    s.spawn(async move {
                        let _ = ran.send(());
                    });
                    if has_run.recv_timeout(moment).is_ok() {
                        own_counts.add();
                    }
                });
                futures_lite::future::block_on(slow);
                foreign.join().unwrap();
                if foreign_ran.get() > 0 && own_ran.get() > 0 {
                    break;
                }
            }
            assert!(foreign_ran.get() > 0 && own_ran.get() > 0, "held up");
        }
    });
}

/// P10: what is woken when a thread has just looked for others does not wait for one slow poll
/// after the other, of a child that yields in between.
#[test]
fn beside_slow_polls_in_a_row() {
    let moment = Duration::from_millis(200);
    watched(move || {
        for pen in pens() {
            let ((begin, begun), (run, ran)) = (channel(), channel());
            let s = pen.to_static();
            let foreign = thread::spawn(move || {
                begun.recv_timeout(LIMIT).expect("it begins");
                s.spawn(async move {
                    let _ = run.send(()); // nobody may wait any more
                });
            });
            let slow = pen.spawn(async move {
                for _ in 0..100 {
                    yield_now().await; // all polls are short, it seems
                }
                begin.send(()).unwrap();
                for polls in 0..10 {
                    if ran.recv_timeout(moment).is_ok() {
                        return polls;
                    }
                    yield_now().await;
                }
                10
            });
            let polls = futures_lite::future::block_on(slow);
            assert!(polls <= 2, "held up in {polls} slow polls");
            foreign.join().unwrap();
        }
    });
}

/// P10: after any number of children, each alone and short, one blocks. What is pushed once
/// meanwhile is run elsewhere, although of many pushes only some read the clock.
#[test]
fn beside_a_lone_child_against_all_expectation() {
    watched(|| {
        for short in 40..100 {
            for pen in pens() {
                for _ in 0..short {
                    futures_lite::future::block_on(pen.spawn(async {}));
                }
                let ((begin, begun), (let_go, go_on)) = (channel(), channel());
                let slow = pen.spawn(async move {
                    begin.send(()).unwrap();
                    go_on.recv_timeout(LIMIT).is_ok()
                });
                begun.recv_timeout(LIMIT).expect("it begins");
                be_slow();
                let other = pen.spawn(async move {
                    let _ = let_go.send(()); // nobody may wait any more
                });
                assert!(
                    futures_lite::future::block_on(slow),
                    "held up after {short}"
                );
                futures_lite::future::block_on(other);
            }
        }
    });
}

/// P4: drop does not wait for a poll. What is not being polled has been dropped when it returns;
/// what is being polled is dropped when the poll returns, and not polled again.
#[test]
fn drop_beside_a_slow_child() {
    watched(|| {
        for pen in pens() {
            let [dropped, slow_dropped, polls] = [(); 3].map(|()| Counter::default());
            let mut suspended = Vec::new();
            for _ in 0..100 {
                let guard = dropped.guard();
                let (send, is_suspended) = oneshot::channel();
                suspended.push(is_suspended);
                pen.spawn(async move {
                    let _guard = guard;
                    send.send(()).unwrap();
                    pending::<()>().await;
                });
            }
            for is_suspended in suspended {
                futures_lite::future::block_on(is_suspended).unwrap();
            }
            let ((begin, begun), (let_go, go_on)) = (channel(), channel::<()>());
            let (guard, counted) = (slow_dropped.guard(), polls.clone());
            let slow = pen.spawn(async move {
                let _guard = guard;
                loop {
                    counted.add();
                    begin.send(()).unwrap();
                    let _ = go_on.recv_timeout(LIMIT);
                    yield_now().await;
                }
            });
            begun.recv_timeout(LIMIT).expect("it begins");
            drop(pen);
            // Another thread may not have put the last one down yet.
            assert!(dropped.get() >= 99, "{}", dropped.get());
            assert_eq!((slow_dropped.get(), polls.get()), (0, 1));
            let_go.send(()).unwrap();
            assert_eq!(futures_lite::future::block_on(slow.join()), None);
            assert_eq!((slow_dropped.get(), polls.get()), (1, 1));
        }
    });
}
