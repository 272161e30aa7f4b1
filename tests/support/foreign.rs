//! Wakers that do what no well-behaved waker does: hooks at each clone, wake and drop.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::sync::Arc;
use std::task::{RawWaker, RawWakerVTable, Waker};

/// What a waker does beside being one. Each hook may panic.
pub(crate) trait Hooks: Send + Sync + 'static {
    /// Whenever one of the others is called that has nothing else to do.
    fn on_each(&self) {}

    /// Before a waker is cloned.
    fn on_clone(&self) {
        self.on_each();
    }

    /// When a waker is woken.
    fn on_wake(&self) {
        self.on_each();
    }

    /// When a waker is dropped, or consumed by a wake.
    fn on_drop(&self) {
        self.on_each();
    }
}

/// A waker whose clones are equal, as those of most executors are.
pub(crate) fn waker<H: Hooks>(hooks: &Arc<H>) -> Waker {
    let data = Arc::into_raw(Arc::clone(hooks)).cast();
    // SAFETY: the functions of the table own the strong count that `data` stands for. They use
    // nothing of `H` but what `Hooks` demands to be `Send` and `Sync`.
    unsafe { Waker::from_raw(RawWaker::new(data, equal::table::<H>())) }
}

/// A waker of which no two clones are equal: `will_wake` is always false, as it may be.
pub(crate) fn waker_unlike_its_clones<H: Hooks>(hooks: &Arc<H>) -> Waker {
    let data = Box::into_raw(Box::new(Arc::clone(hooks)))
        .cast_const()
        .cast();
    // SAFETY: as above; the functions own the box that `data` points to.
    unsafe { Waker::from_raw(RawWaker::new(data, unlike::table::<H>())) }
}

/// Wakers whose data pointer is that of the `Arc`.
mod equal {
    use super::*;

    pub(super) fn table<H: Hooks>() -> &'static RawWakerVTable {
        const { &RawWakerVTable::new(clone::<H>, wake::<H>, wake_by_ref::<H>, drop::<H>) }
    }

    unsafe fn clone<H: Hooks>(data: *const ()) -> RawWaker {
        // SAFETY: `data` came from `Arc::into_raw` and its count is still ours.
        unsafe {
            (*data.cast::<H>()).on_clone();
            Arc::increment_strong_count(data.cast::<H>());
        }
        RawWaker::new(data, table::<H>())
    }

    unsafe fn wake<H: Hooks>(data: *const ()) {
        // SAFETY: likewise; this takes the count back.
        let hooks = unsafe { Arc::from_raw(data.cast::<H>()) };
        hooks.on_wake();
        hooks.on_drop();
    }

    unsafe fn wake_by_ref<H: Hooks>(data: *const ()) {
        // SAFETY: likewise; the count stays with the waker.
        unsafe { (*data.cast::<H>()).on_wake() };
    }

    unsafe fn drop<H: Hooks>(data: *const ()) {
        // SAFETY: likewise; this takes the count back.
        let hooks = unsafe { Arc::from_raw(data.cast::<H>()) };
        hooks.on_drop();
    }
}

/// Wakers with a box each, so that no two have the same data pointer.
mod unlike {
    use super::*;

    pub(super) fn table<H: Hooks>() -> &'static RawWakerVTable {
        const { &RawWakerVTable::new(clone::<H>, wake::<H>, wake_by_ref::<H>, drop::<H>) }
    }

    unsafe fn clone<H: Hooks>(data: *const ()) -> RawWaker {
        // SAFETY: `data` came from `Box::into_raw` and is still ours.
        let hooks = unsafe { &*data.cast::<Arc<H>>() };
        hooks.on_clone();
        let data = Box::into_raw(Box::new(Arc::clone(hooks)));
        RawWaker::new(data.cast_const().cast(), table::<H>())
    }

    unsafe fn wake<H: Hooks>(data: *const ()) {
        // SAFETY: likewise; this takes the box back.
        let hooks = unsafe { Box::from_raw(data.cast_mut().cast::<Arc<H>>()) };
        hooks.on_wake();
        hooks.on_drop();
    }

    unsafe fn wake_by_ref<H: Hooks>(data: *const ()) {
        // SAFETY: likewise; the box stays with the waker.
        unsafe { (*data.cast::<Arc<H>>()).on_wake() };
    }

    unsafe fn drop<H: Hooks>(data: *const ()) {
        // SAFETY: likewise; this takes the box back.
        let hooks = unsafe { Box::from_raw(data.cast_mut().cast::<Arc<H>>()) };
        hooks.on_drop();
    }
}
