//! Wakers that are legal and unusual.

use std::future::Future;
use std::pin::pin;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use futures_lite::future::pending;

static WOKEN: AtomicUsize = AtomicUsize::new(0);

/// A waker that owns a box of its own: no clone compares equal to what it was cloned from.
fn boxed() -> Waker {
    fn raw() -> RawWaker {
        RawWaker::new(Box::into_raw(Box::new(0_u8)).cast(), &VTABLE)
    }
    fn drop_box(data: *const ()) {
        // SAFETY: `data` is the box that `raw` made for this waker, and it is dropped once.
        drop(unsafe { Box::from_raw(data.cast::<u8>().cast_mut()) });
    }
    static VTABLE: RawWakerVTable = RawWakerVTable::new(
        |_| raw(),
        |data| {
            WOKEN.fetch_add(1, SeqCst);
            drop_box(data);
        },
        |_| {
            WOKEN.fetch_add(1, SeqCst);
        },
        drop_box,
    );
    // SAFETY: every function of the table keeps to the contract of `RawWakerVTable`.
    unsafe { Waker::from_raw(raw()) }
}

/// L5a: a waker whose clones are not `will_wake` of each other is no reason to poll for ever, and
/// the last clone is the one that is woken.
#[test]
fn clones_that_compare_unequal() {
    let waker = boxed();
    assert!(!waker.will_wake(&waker.clone()));
    let cx = &mut Context::from_waker(&waker);
    let handle = OnceLock::new();
    let mut scope = pin!(taskpen::scope(|s| {
        s.spawn_background(pending::<()>());
        handle.set(s).unwrap();
        pending::<()>()
    }));
    for _ in 0..3 {
        assert_eq!(scope.as_mut().poll(cx), Poll::Pending);
    }
    let before = WOKEN.load(SeqCst);
    handle.get().unwrap().spawn(async {});
    assert_eq!(WOKEN.load(SeqCst), before + 1);
}
