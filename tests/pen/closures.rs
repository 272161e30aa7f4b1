//! Closures on the blocking pool, in a pen.

use std::future::pending;
use std::sync::mpsc::channel;

use crate::blocked::{Blocked, LIMIT};
use futures::channel::oneshot;
use taskpen::scope;

each_executor! {
    /// B3, B4: `close` waits for closures, also for those of scopes that its children have dropped;
    /// a dropped pen leaves what runs to itself.
    async fn closures(pen) {
        let (owner, mut blocked, mut inner) = (pen(), Blocked::new(|| 7), Blocked::new(|| ()));
        let value = owner.spawn_blocking(blocked.1);
        let closure = inner.1;
        owner
            .spawn(async move {
                let mut nested = Box::pin(scope(async |s| {
                    s.spawn_blocking(closure);
                    pending::<()>().await;
                }));
                assert!(futures_lite::future::poll_once(&mut nested).await.is_none());
                inner.0.wait_for_start();
                drop(nested);
                inner.0.let_go();
            })
            .await;
        blocked.0.wait_for_start();
        blocked.0.let_go();
        owner.close().await;
        assert_eq!(value.await, 7);

        let (owner, (mut blocked, closure)) = (pen(), Blocked::new(|| ()));
        owner.spawn_blocking(closure);
        blocked.wait_for_start();
        drop(owner);
        assert!(!blocked.has_ended());
        blocked.let_go();
        blocked.wait_for_end();
    }
}

each_executor! {
    /// P1: children are run that a closure of the pen wakes or spawns, also while it waits for
    /// them: its thread is none of those that run them.
    async fn wakes_and_spawns(pen) {
        let pen = pen();
        let (wake, woken) = oneshot::channel();
        let (ran, has_run) = channel();
        let also_ran = ran.clone();
        pen.spawn(async move {
            woken.await.unwrap();
            ran.send(()).unwrap();
        });
        pen.spawn(async {}).await;
        let s = pen.to_static();
        pen.spawn_blocking(move || {
            wake.send(()).unwrap();
            has_run.recv_timeout(LIMIT).expect("it was woken");
            s.spawn(async move { also_ran.send(()).unwrap() });
            has_run.recv_timeout(LIMIT).expect("it was spawned");
        })
        .await;
        pen.close().await;
    }
}
