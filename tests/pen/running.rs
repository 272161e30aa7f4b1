//! The children of a pen run by themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use futures::StreamExt;
use futures::channel::{mpsc, oneshot};
use futures_lite::future::yield_now;

each_executor! {
    /// P1: a child runs although nobody polls the pen.
    async fn alone(pen) {
        let pen = pen();
        let (send, receive) = oneshot::channel();
        let child = pen.spawn(async move { send.send(7).unwrap() });
        assert_eq!(receive.await, Ok(7));
        child.await;
        assert_eq!(pen.len(), 0);
    }
}

each_executor! {
    /// P1: children wake each other, for as long as they like.
    async fn ping_pong(pen) {
        let pen = pen();
        let (mut to_pong, mut from_ping) = mpsc::channel(0);
        let (mut to_ping, mut from_pong) = mpsc::channel(0);
        let ping = pen.spawn(async move {
            for n in 0..10_000 {
                futures::SinkExt::send(&mut to_pong, n).await.unwrap();
                assert_eq!(from_pong.next().await, Some(n));
            }
        });
        pen.spawn(async move {
            while let Some(n) = from_ping.next().await {
                if futures::SinkExt::send(&mut to_ping, n).await.is_err() {
                    break;
                }
            }
        });
        ping.await;
        pen.close().await;
    }
}

each_executor! {
    /// P1: many children, spawned from outside and by each other, that yield.
    async fn many(pen) {
        let pen = pen();
        let count = Arc::new(AtomicUsize::new(0));
        for _ in 0..1_000 {
            let (s, count) = (pen.clone(), Arc::clone(&count));
            pen.spawn(async move {
                for _ in 0..3 {
                    let count = Arc::clone(&count);
                    yield_now().await;
                    s.spawn(async move {
                        yield_now().await;
                        count.fetch_add(1, SeqCst);
                    });
                }
            });
        }
        pen.close().await;
        assert_eq!(count.load(SeqCst), 3_000);
    }
}

each_executor! {
    /// P8: children that are woken from threads that know nothing of the executor.
    async fn foreign_wakes(pen) {
        let pen = pen();
        for _ in 0..100 {
            let (sends, receives): (Vec<_>, Vec<_>) = (0..10).map(|_| oneshot::channel()).unzip();
            let children: Vec<_> = receives
                .into_iter()
                .map(|receive| pen.spawn(async move { receive.await.unwrap() }))
                .collect();
            let thread = std::thread::spawn(move || {
                for send in sends {
                    send.send(()).unwrap();
                }
            });
            for child in children {
                child.await;
            }
            thread.join().unwrap();
        }
        assert!(pen.is_empty());
    }
}
