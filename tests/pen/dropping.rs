//! A pen that is dropped.

use std::future::pending;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use crate::blocked::LIMIT;
use crate::lenders::Pool;
use crate::life::{Counter, watched};
use futures::channel::oneshot;
use futures_lite::future::yield_now;
use taskpen::Pen;

each_executor! {
    /// P4: all children that are suspended have been dropped when drop returns.
    async fn suspended(pen) {
        let pen = pen();
        let (dropped, started) = (Counter::default(), Counter::default());
        for _ in 0..1_000 {
            let (guard, started) = (dropped.guard(), started.clone());
            pen.spawn(async move {
                let _guard = guard;
                started.add();
                pending::<()>().await;
            });
        }
        while started.get() < 1_000 {
            yield_now().await;
            std::thread::yield_now();
        }
        // The last one may still be in the hands of the thread that polled it.
        pen.spawn(async {}).await;
        drop(pen);
        assert!(dropped.get() >= 998, "{}", dropped.get());
        while dropped.get() < 1_000 {
            std::thread::yield_now();
            yield_now().await;
        }
    }
}

each_executor! {
    /// P5: a child drops its own pen, and goes when that poll returns.
    async fn by_its_own_child(pen) {
        let pen = Arc::new(Mutex::new(Some(pen())));
        let (gone, is_gone) = oneshot::channel::<()>();
        let (dropped, other) = (Counter::default(), Arc::clone(&pen));
        let guard = dropped.guard();
        let s = taskpen::Scope::clone(pen.lock().unwrap().as_ref().unwrap());
        s.spawn(async move {
            let _guard = guard;
            pending::<()>().await;
        });
        s.spawn(async move {
            let _gone = gone;
            yield_now().await;
            let pen = other.lock().unwrap().take();
            drop(pen);
            pending::<()>().await;
        });
        assert!(is_gone.await.is_err());
        assert_eq!(dropped.get(), 1);
        assert!(s.is_ended());
    }
}

each_executor! {
    /// P5: two pens whose children drop each other.
    async fn each_other(pen) {
        for _ in 0..200 {
            let pens = Arc::new([(); 2].map(|()| Mutex::new(Some(pen()))));
            let handle = |n: usize| taskpen::Scope::clone(pens[n].lock().unwrap().as_ref().unwrap());
            let handles = [handle(0), handle(1)];
            let gone = [0, 1].map(|n: usize| {
                let (gone, is_gone) = oneshot::channel::<()>();
                let pens = Arc::clone(&pens);
                handles[n].spawn(async move {
                    let _gone = gone;
                    yield_now().await;
                    let other = pens[1 - n].lock().unwrap().take();
                    drop(other);
                    pending::<()>().await;
                });
                is_gone
            });
            let [one, other] = gone;
            let _ = futures_lite::future::or(one, other).await;
            // The pen of the one that was first is in the hands of its own child.
            for pen in &*pens {
                drop(pen.lock().unwrap().take());
            }
            assert!(handles.iter().all(|handle| handle.is_ended()));
        }
    }
}

/// P4: also while another thread ends the pen, and is in the destructor of one of its children.
#[test]
fn while_it_is_being_ended() {
    /// Keeps the thread that ends the pen.
    struct Held(Sender<()>, Receiver<()>);
    impl Drop for Held {
        fn drop(&mut self) {
            self.0.send(()).unwrap();
            let _ = self.1.recv_timeout(LIMIT);
        }
    }

    watched(|| {
        let pen = Pen::on(Pool::new(1));
        let dropped = Counter::default();
        let (let_go, held) = channel();
        let (started, has_started) = channel();
        let (begin, has_begun) = channel();
        let mut held = Some(Held(begin, held));
        for _ in 0..100 {
            let (held, guard, started) = (held.take(), dropped.guard(), started.clone());
            pen.spawn(async move {
                let _held = (held, guard);
                started.send(()).unwrap();
                pending::<()>().await;
            });
        }
        (0..100).for_each(|_| has_started.recv_timeout(LIMIT).expect("it starts"));
        pen.spawn(async { resume_unwind(Box::new("so it ends")) });
        has_begun.recv_timeout(LIMIT).expect("it ends");
        drop(pen);
        assert!(dropped.get() >= 99, "{}", dropped.get());
        let_go.send(()).unwrap();
    });
}
