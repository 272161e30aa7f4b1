//! What happens inside of a pen: all that a scope can do.

use std::future::pending;

use crate::life::Counter;
use futures::StreamExt;
use futures::channel::oneshot;
use taskpen::{Cause, scope};

each_executor! {
    /// P7: handles outlive the pen; spawns are refused, and waits end.
    async fn handles(pen) {
        let pen = pen();
        let (s, token) = (pen.to_static(), pen.stop_token());
        let mut set = pen.join_set();
        set.spawn(pending::<u32>());
        let child = pen.spawn(pending::<u32>());
        drop(pen);
        assert_eq!(child.join().await, None);
        assert_eq!(set.join_next().await, None);
        assert!(s.is_ended() && s.spawn(async {}).is_cancelled());
        token.clone().await;
        assert_eq!(token.cause(), Some(Cause::Dropped));
    }
}

each_executor! {
    /// Sets, streams, stop requests and `cancel` of a handle.
    async fn sets(pen) {
        let pen = pen();
        let mut set = pen.join_set();
        set.extend((0..50).map(|n| async move { n }));
        let mut values: Vec<u32> = set.collect().await;
        values.sort_unstable();
        assert_eq!(values, (0..50).collect::<Vec<_>>());

        let ahead = pen.buffered(4, (0..50).map(|n| async move { n }));
        assert_eq!(ahead.collect::<Vec<u32>>().await, values);

        let dropped = Counter::default();
        let guard = dropped.guard();
        let child = pen.spawn(async move {
            let _guard = guard;
            pending::<()>().await;
        });
        assert_eq!(child.cancel().await, None);
        assert_eq!(dropped.get(), 1);

        let token = pen.stop_token();
        let asked = pen.spawn(async move {
            token.clone().await;
            token.cause()
        });
        pen.request_stop("enough");
        assert!(matches!(asked.await, Some(Cause::Requested { .. })));
        pen.close().await;
    }
}

each_executor! {
    /// P13: a scope in a child borrows from it, and is asked to stop with the pen.
    async fn scopes(pen) {
        let pen = pen();
        let (begin, has_begun) = oneshot::channel();
        let child = pen.spawn(async move {
            let words = ["one", "two"].map(String::from);
            scope(async |s| {
                let lengths = words.each_ref().map(|word| s.spawn(async { word.len() }));
                begin.send(()).unwrap();
                s.stop_token().await;
                let [one, two] = lengths;
                one.await + two.await
            })
            .await
        });
        has_begun.await.unwrap();
        pen.request_stop("enough");
        assert_eq!(child.await, 6);
    }
}
