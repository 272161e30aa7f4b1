//! The caller's waker may be one whose clones do not compare equal to it.
//!
//! `Waker::will_wake` is allowed to say no: it compares two pointers, and an executor may poll with
//! a waker on its stack that becomes another one when it is cloned. Even the address of a vtable
//! can differ from crate to crate.

use std::cell::Cell;
use std::future::{Future, pending};
use std::pin::pin;
use std::ptr;
use std::task::{Context, RawWaker, RawWakerVTable, Waker};

use crate::failing::bang;
use taskpen::{scope, try_local_scope};

thread_local! {
    static CLONES: Cell<usize> = const { Cell::new(0) };
}

static ON_THE_STACK: RawWakerVTable = RawWakerVTable::new(clone, ignore, ignore, ignore);
static CLONED: RawWakerVTable = RawWakerVTable::new(clone, ignore, ignore, ignore);

fn clone(_: *const ()) -> RawWaker {
    CLONES.set(CLONES.get() + 1);
    if CLONES.get() > 100 {
        bang("cloned without end");
    }
    RawWaker::new(ptr::null(), &CLONED)
}

fn ignore(_: *const ()) {}

/// L5a, L8: a scope that has nothing to do stores the clone and returns, instead of asking for one
/// that is equal.
#[test]
fn clone_that_is_not_its_original() {
    CLONES.set(0);
    // SAFETY: no function of the vtables touches the data.
    let waker = unsafe { Waker::from_raw(RawWaker::new(ptr::null(), &ON_THE_STACK)) };
    assert!(!waker.clone().will_wake(&waker));
    let mut cx = Context::from_waker(&waker);

    let mut sc = pin!(scope(async |s| {
        s.spawn(pending::<()>());
        pending::<()>().await;
    }));
    assert!(sc.as_mut().poll(&mut cx).is_pending());
    assert!(sc.as_mut().poll(&mut cx).is_pending());

    let mut sc = pin!(try_local_scope(|_| pending::<Result<(), ()>>()));
    assert!(sc.as_mut().poll(&mut cx).is_pending());
}
