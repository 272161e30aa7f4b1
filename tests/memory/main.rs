//! What a scope, a pen, a set or a stream holds while it runs and after its end: L10, P12, K10, S8,
//! T5.
//!
//! The allocator counts per thread, and a serial scope stays on its thread. So the tests of this
//! program don't disturb each other.

#[macro_use]
#[path = "../support/life.rs"]
mod life;

mod pens;
mod scopes;
mod sets;
mod stop;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, with a count of the bytes in use.
struct Counting;

thread_local! {
    /// Bytes that this thread allocated, less those that it freed.
    static LIVE: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    // A thread that is on its way out has nothing left to measure.
    let _ = LIVE.try_with(|live| live.set(live.get() + bytes));
}

// SAFETY: it hands everything to the system's allocator. The counting allocates nothing: the
// thread-local is constant and has no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: our caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: `pointer` came from `alloc` with this layout, that is from the system.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes in use by this thread.
fn live() -> isize {
    #[cfg(feature = "inspect")]
    {
        // A list that is for all scopes does not grow from here on.
        static GROWN: std::sync::Once = std::sync::Once::new();
        GROWN.call_once(|| {
            let open = || Box::pin(taskpen::scope(async |_| std::future::pending::<()>().await));
            let mut many: Vec<_> = (0..500).map(|_| open()).collect();
            for scope in &mut many {
                assert!(life::poll_once(scope.as_mut()).is_pending());
            }
        });
    }
    LIVE.get()
}

/// Children in a test that CI runs, and in one that nobody waits for.
const MANY: usize = if cfg!(debug_assertions) {
    200_000
} else {
    2_000_000
};
const TEN_MILLION: usize = 10_000_000;

/// Watches the memory of a scope in whose body children come and go.
#[derive(Default)]
struct Watch {
    rounds: usize,
    limit: isize,
}

impl Watch {
    /// To be called when all but a constant number of children are gone. What the first thousand
    /// needed is all there may ever be.
    fn look(&mut self) {
        self.rounds += 1;
        if self.rounds <= 1000 {
            self.limit = self.limit.max(live());
        } else {
            // A turn that the clock has cut short can need a little more than those before. If one
            // child were lost in each round it would be a thousand times that.
            let limit = self.limit + 4096;
            assert!(live() <= limit, "grew after {} children", self.rounds);
        }
    }
}
