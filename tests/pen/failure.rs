//! Panics in a pen.

use std::future::pending;
use std::panic::{AssertUnwindSafe, resume_unwind};

use crate::life::Counter;
use futures::FutureExt;
use taskpen::Cause;

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
