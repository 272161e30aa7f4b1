//! A slow child holds up no others while the executor has a thread to spare: P10. And drop does not
//! wait for it: P4.

use std::future::pending;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use crate::blocked::LIMIT;
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

fn be_slow() {
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(2) {
        std::hint::spin_loop();
    }
}

/// P10: what is woken by a foreign thread while a child blocks is run meanwhile; from the second
/// slow poll on also what the child itself wakes.
#[test]
fn beside_a_slow_child() {
    watched(|| {
        for pen in pens() {
            for round in 0..5 {
                let (begin, begun) = channel();
                let (let_go, go_on) = channel();
                let (wake, woken) = oneshot::channel();
                pen.spawn(async move {
                    woken.await.unwrap();
                    let_go.send(()).unwrap();
                });
                let foreign = thread::spawn(move || {
                    begun.recv_timeout(LIMIT).expect("it begins");
                    be_slow();
                    wake.send(()).unwrap();
                });
                let s = pen.to_static();
                let slow = pen.spawn(async move {
                    begin.send(()).unwrap();
                    go_on.recv_timeout(LIMIT).expect("the other one is held up");
                    if round > 0 {
                        let (ran, has_run) = channel();
                        s.spawn(async move { ran.send(()).unwrap() });
                        has_run.recv_timeout(LIMIT).expect("its own is held up");
                    }
                });
                futures_lite::future::block_on(slow);
                foreign.join().unwrap();
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
