//! Panics in a pen.

use std::future::pending;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::mpsc::{RecvTimeoutError, channel};

use crate::blocked::LIMIT;
use crate::lenders::Pool;
use crate::life::{Counter, watched};
use futures::FutureExt;
use futures::channel::oneshot;
use futures_lite::future::block_on;
use taskpen::{Cause, Pen};

each_executor! {
    /// P6: a panic cancels the others at once, and `close` raises it.
    async fn of_a_child(pen) {
        let pen = pen();
        let dropped = Counter::default();
        for _ in 0..100 {
            let guard = dropped.guard();
            pen.spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            });
        }
        let token = pen.stop_token();
        pen.spawn(async { resume_unwind(Box::new("oh")) });
        token.clone().await;
        assert!(matches!(token.cause(), Some(Cause::Panicked)));
        let payload = AssertUnwindSafe(pen.close()).catch_unwind().await.unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"oh"));
        assert_eq!(dropped.get(), 100);
    }
}

/// P6: also if the first of the others is in a slow poll, and that waits for them.
#[test]
fn beside_a_slow_child() {
    struct Fails;
    impl Drop for Fails {
        fn drop(&mut self) {
            resume_unwind(Box::new("oh"));
        }
    }

    watched(|| {
        let pen = Pen::on(Pool::new(2));
        let (gone, is_gone) = channel::<()>();
        let (begin, begun) = oneshot::channel::<()>();
        let (started, has_started) = channel();
        let (saw, seen) = channel();
        pen.spawn(async move {
            let _ = begun.await;
            started.send(()).unwrap();
            saw.send(is_gone.recv_timeout(LIMIT)).unwrap();
        });
        let fails = pen.spawn(async { Fails });
        pen.spawn(async move {
            let _gone = gone;
            pending::<()>().await;
        });
        block_on(pen.spawn(async {}));
        begin.send(()).unwrap();
        has_started.recv_timeout(LIMIT).expect("it starts");
        drop(fails); // with its value
        assert_eq!(seen.recv(), Ok(Err(RecvTimeoutError::Disconnected)));
        let payload = block_on(AssertUnwindSafe(pen.close()).catch_unwind()).unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"oh"));
    });
}
