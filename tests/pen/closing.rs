//! Ends of a pen that are awaited.

use std::future::pending;

use crate::life::Counter;
use futures_lite::future::yield_now;

each_executor! {
    /// P2: `close` waits for ordinary children and for those that they spawn; background children
    /// are cancelled then.
    async fn close(pen) {
        let pen = pen();
        let (ran, dropped) = (Counter::default(), Counter::default());
        let guard = dropped.guard();
        pen.spawn_background(async move {
            let _guard = guard;
            pending::<()>().await;
        });
        let (s, counted) = (pen.clone(), ran.clone());
        pen.spawn(async move {
            yield_now().await;
            s.spawn(async move {
                yield_now().await;
                counted.add();
            });
        });
        let handle = pen.clone();
        pen.close().await;
        assert_eq!((ran.get(), dropped.get()), (1, 1));
        assert!(handle.is_ended() && handle.is_empty());
        assert!(handle.spawn(async {}).is_cancelled());
    }
}

each_executor! {
    /// P3: `cancel` drops all of them, suspended or ready, before it returns.
    async fn cancel(pen) {
        let pen = pen();
        let dropped = Counter::default();
        for n in 0..1_000 {
            let guard = dropped.guard();
            pen.spawn(async move {
                let _guard = guard;
                match n % 2 {
                    0 => pending::<()>().await,
                    _ => loop {
                        yield_now().await;
                    },
                }
            });
        }
        pen.cancel().await;
        assert_eq!(dropped.get(), 1_000);
    }
}
