//! Helpers while something fails, or is cancelled.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use futures_lite::future::{block_on, pending, yield_now};
use taskpen::{scope, try_scope};

use crate::lenders::Pool;
use crate::meeting::{Meeting, work};

/// F8: when a child panics, siblings that run on helpers finish their poll, and none is being
/// polled when the payload leaves `poll`.
#[test]
fn panic_while_siblings_are_polled() {
    let inside = AtomicUsize::new(0);
    let meeting = Meeting::of(3);
    let failing = scope(async |s| {
        s.spawn(async { work() });
        for n in 0..3 {
            let (inside, meeting) = (&inside, &meeting);
            s.spawn(async move {
                inside.fetch_add(1, SeqCst);
                meeting.attend();
                if n == 0 {
                    inside.fetch_sub(1, SeqCst);
                    std::panic::resume_unwind(Box::new(7_u8));
                }
                work();
                inside.fetch_sub(1, SeqCst);
                pending::<()>().await;
            });
        }
    });
    let payload =
        catch_unwind(AssertUnwindSafe(|| block_on(failing.on(Pool::new(2))))).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&7_u8));
    assert_eq!(inside.load(SeqCst), 0);
}

/// F2, F8: a body that panics while helpers are inside.
#[test]
fn body_panic_while_children_are_polled() {
    let inside = AtomicUsize::new(0);
    let came = AtomicBool::new(false);
    let failing = scope(async |s| {
        let joined = s.spawn(async { work() });
        for _ in 0..2 {
            s.spawn(async {
                inside.fetch_add(1, SeqCst);
                came.store(true, SeqCst);
                work();
                inside.fetch_sub(1, SeqCst);
            });
        }
        joined.await;
        while !came.load(SeqCst) {
            yield_now().await;
        }
        std::panic::resume_unwind(Box::new("body"));
    });
    let payload =
        catch_unwind(AssertUnwindSafe(|| block_on(failing.on(Pool::new(2))))).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"body"));
    assert_eq!(inside.load(SeqCst), 0);
}

/// F5 with helpers: an `Err` on a helper ends the scope at once.
#[test]
fn error_on_a_helper() {
    let meeting = Meeting::of(3);
    let failing = try_scope(async |s: taskpen::TryScope<'_, u8>| {
        s.spawn(async {
            work();
            Ok(())
        });
        for n in 0..3 {
            let meeting = &meeting;
            s.spawn::<_, ()>(async move {
                meeting.attend();
                if n == 2 {
                    return Err(n);
                }
                pending().await
            });
        }
        pending::<Result<(), u8>>().await
    });
    assert_eq!(block_on(failing.on(Pool::new(2))), Err(2));
}

/// H2: a child that a helper is polling is cancelled after that poll.
#[test]
fn cancel_while_a_helper_polls() {
    let meeting = Meeting::of(2);
    let finished = AtomicBool::new(false);
    let cancelled = scope(async |s| {
        s.spawn(async { work() });
        let busy = s.spawn(async {
            meeting.attend();
            work();
            finished.store(true, SeqCst);
            pending::<()>().await;
        });
        let (tell, told) = futures::channel::oneshot::channel();
        s.spawn(async {
            meeting.attend();
            let _ = tell.send(());
        });
        told.await.unwrap();
        let value = busy.cancel().await;
        (value, finished.load(SeqCst))
    });
    assert_eq!(block_on(cancelled.on(Pool::new(2))), (None, true));
}
