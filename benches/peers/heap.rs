//! An allocator that counts live bytes, while it is told to.
//!
//! While it is not told to, as during every measurement of time, an allocation costs one more load
//! of a flag that never changes: the same for all contestants, and nothing beside what `malloc`
//! does.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering};

struct Counting;

#[global_allocator]
static HEAP: Counting = Counting;
static IS_COUNTING: AtomicBool = AtomicBool::new(false);
static LIVE: AtomicIsize = AtomicIsize::new(0);

/// Starts counting.
pub(crate) fn start() {
    LIVE.store(0, Ordering::SeqCst);
    IS_COUNTING.store(true, Ordering::SeqCst);
}

/// Stops counting: the bytes that were allocated since the start and not freed.
pub(crate) fn stop() -> f64 {
    IS_COUNTING.store(false, Ordering::SeqCst);
    LIVE.load(Ordering::SeqCst) as f64
}

fn count(bytes: isize) {
    if IS_COUNTING.load(Ordering::Relaxed) {
        LIVE.fetch_add(bytes, Ordering::Relaxed);
    }
}

// SAFETY: everything is left to the system's allocator, which is one; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promise is the one that is asked for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Brings the allocator to where it is in a program that has run for a while: glibc's returns freed
/// memory to the system at once, and takes it back page by page, until it has freed something
/// large. Without this the numbers of a workload would depend on those that ran before it.
pub(crate) fn settle() {
    const LARGE: usize = 30 << 20;
    drop(black_box(Vec::<u8>::with_capacity(LARGE)));
}
