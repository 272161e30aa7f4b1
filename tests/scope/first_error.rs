//! F5 with helpers: which error is the first.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll};
use std::thread::{current, yield_now};

use futures_lite::future::block_on;
use taskpen::{TryScope, try_scope};

use crate::lenders::Pool;
use crate::meeting::work;

/// What body and child tell each other.
#[derive(Default)]
struct Signs {
    child_is_inside: AtomicBool,
    body_is_gone: AtomicBool,
}

/// A body that fails once a child is being polled on another thread, and tells when it was dropped:
/// after it has failed.
struct Body<'a>(&'a Signs);

impl Future for Body<'_> {
    type Output = Result<(), &'static str>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.0.child_is_inside.load(SeqCst) {
            return Poll::Ready(Err("body"));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Body<'_> {
    fn drop(&mut self) {
        self.0.body_is_gone.store(true, SeqCst);
    }
}

/// F5: the body fails while a helper polls a child, which fails in that poll, but later.
#[test]
fn body_before_a_child_on_a_helper() {
    let signs = Signs::default();
    let home = current().id();
    let failed = try_scope(|s: TryScope<'_, &'static str>| {
        for _ in 0..4 {
            s.spawn::<_, ()>(poll_fn(|cx| {
                if current().id() == home {
                    work();
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                signs.child_is_inside.store(true, SeqCst);
                while !signs.body_is_gone.load(SeqCst) {
                    yield_now();
                }
                Poll::Ready(Err("child"))
            }));
        }
        Body(&signs)
    });
    assert_eq!(block_on(failed.on(Pool::new(1))), Err("body"));
}
