//! What a scope, a set or a stream holds while it runs and after its end: L10, S8, T5.
//!
//! The allocator counts per thread, and a serial scope stays on its thread. So the tests of this
//! file don't disturb each other.
#![allow(
    unused_doc_comments,
    reason = "`each_form!` writes the tests it stands before"
)]

#[macro_use]
#[path = "support/life.rs"]
mod life;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Waker;

use futures_lite::StreamExt;
use futures_lite::future::{block_on, yield_now};
use life::{Gate, poll_once, run, settle};
use taskpen::{local_scope, scope};

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
            assert!(live() <= self.limit, "grew after {} children", self.rounds);
        }
    }
}

/// Runs `count` children one after the other, and awaits each. They are suspended once, so that
/// they are registered.
async fn awaited(count: usize) {
    let mut watch = Watch::default();
    scope(async |s| {
        for round in 0..count {
            let child = s.spawn(async move {
                let on_the_heap = Box::new(round);
                yield_now().await;
                *on_the_heap
            });
            assert_eq!(child.await, round);
            watch.look();
        }
    })
    .serial()
    .await;
    assert_eq!(watch.rounds, count);
}

/// L10: many children one after the other run in constant memory.
#[test]
fn children_one_after_the_other() {
    block_on(awaited(MANY));
}

/// L10: the full promise.
#[test]
#[ignore = "takes half a minute"]
fn ten_million_children_one_after_the_other() {
    block_on(awaited(TEN_MILLION));
}

/// L10: the same in each kind of scope, with children of both kinds whose handles are dropped, or
/// cancelled, or awaited.
each_form!(children_of_every_kind, |scope, ok| {
    let mut watch = Watch::default();
    let outcome = run(scope(async |s| {
        for round in 0..MANY / 40 {
            s.spawn(async move {
                yield_now().await;
                ok(Box::new(round))
            });
            s.spawn_background(async { ok(Box::new(0)) });
            s.spawn_with(async |s| {
                s.spawn(async { ok(()) }).await;
                ok(())
            })
            .await;
            let endless = s.spawn(async { ok(pending::<()>().await) });
            yield_now().await;
            assert_eq!(endless.cancel().await, None);
            yield_now().await;
            assert!(s.is_empty());
            watch.look();
        }
        ok(())
    })
    .serial());
    assert_eq!(outcome, ok(()));
    assert_eq!(watch.rounds, MANY / 40);
});

/// L10: what a child owns is freed when it finishes, though its handle is kept.
each_form!(children_whose_handles_are_kept, |scope, ok| {
    const OWNED: usize = 1024 * 1024;
    let outcome = run(scope(async |s| {
        let mut handles = Vec::new();
        let before = live();
        for _ in 0..100 {
            handles.push(s.spawn(async {
                let owned = vec![0_u8; OWNED];
                yield_now().await;
                ok(owned.len())
            }));
            while !s.is_empty() {
                yield_now().await;
            }
            assert!(live() - before < OWNED as isize);
        }
        let mut sum = 0;
        for handle in handles {
            sum += handle.await;
        }
        ok(sum)
    })
    .serial());
    assert_eq!(outcome, ok(100 * OWNED));
});

/// S8: a set from which everything is read runs in constant memory, whether its children are
/// suspended, finish at once or are cancelled.
each_form!(children_of_a_set, |scope, ok| {
    let mut watch = Watch::default();
    let outcome = run(scope(async |s| {
        let mut set = s.join_set();
        for round in 0..MANY / 40 {
            set.spawn(async move { ok(Box::new(round)) });
            set.spawn(async move {
                yield_now().await;
                ok(Box::new(round))
            });
            assert!(set.next().await.is_some());
            assert!(set.next().await.is_some());
            set.spawn(async { ok(Box::new(pending().await)) });
            yield_now().await;
            set.abort_all();
            assert!(set.next().await.is_none());
            yield_now().await;
            watch.look();
        }
        ok(())
    })
    .serial());
    assert_eq!(outcome, ok(()));
    assert_eq!(watch.rounds, MANY / 40);
});

/// S8: a child is freed when it has finished, though nobody has read its value; a value is freed
/// when it was read.
each_form!(children_that_nobody_reads, |scope, ok| {
    const OWNED: usize = 32 * 1024;
    let outcome = run(scope(async |s| {
        let mut set = s.join_set();
        let before = live();
        for _ in 0..100 {
            set.spawn(async {
                let within = [1_u8; OWNED];
                yield_now().await;
                ok(vec![within[0]])
            });
            while !s.is_empty() {
                yield_now().await;
            }
            assert!(live() - before < OWNED as isize);
        }
        set.spawn(async { ok(vec![1; OWNED]) });
        let mut sum = 0;
        while let Some(value) = set.next().await {
            sum += usize::from(value[0]);
        }
        assert!(set.is_empty());
        assert!(live() - before < OWNED as isize);
        ok(sum)
    }));
    assert_eq!(outcome, ok(101));
});

/// T5: a stream over an infinite iterator runs in constant memory.
each_form!(infinite_streams, |scope, ok| {
    let item = |round: usize| async move {
        if round % 3 == 0 {
            yield_now().await;
        }
        ok(Box::new(round))
    };
    let outcome = run(scope(async |s| {
        let mut watch = Watch::default();
        let mut ordered = s.buffered(5, (0..).map(item));
        for round in 0..MANY / 10 {
            assert_eq!(ordered.next().await.as_deref(), Some(&round));
            watch.look();
        }
        drop(ordered);
        let mut watch = Watch::default();
        let mut unordered = s.buffer_unordered(5, (0..).map(item));
        for _ in 0..MANY / 10 {
            assert!(unordered.next().await.is_some());
            watch.look();
        }
        ok(())
    })
    .serial());
    assert_eq!(outcome, ok(()));
});

/// L1, L3: a scope leaves nothing behind, whether it returns or is dropped at its first poll or
/// later; its wakers and handles may outlive it for a while.
each_form!(nothing_left_behind, |scope, ok| {
    let before = live();
    for finish in [true, false] {
        let gates: [Gate; 3] = Default::default();
        let mut scoped = Box::pin(
            scope(async |s| {
                for gate in &gates {
                    let gate = gate.wait();
                    s.spawn_with(async move |s| {
                        s.spawn_background(async { ok(pending::<()>().await) });
                        gate.await;
                        ok(Box::new(3))
                    });
                }
                for _ in 0..1000 {
                    s.spawn(async { ok(Box::new(4)) });
                }
                let kept = s.spawn(async { ok(Box::new(5)) });
                ok((s, kept))
            })
            .serial(),
        );
        assert!(poll_once(scoped.as_mut()).is_pending());
        assert!(settle(scoped.as_mut()).is_pending());
        let late = gates.each_ref().map(Gate::waker);
        if finish {
            gates.iter().for_each(Gate::open);
            let handles = settle(scoped.as_mut());
            assert!(handles.is_ready());
            drop(scoped);
            drop(handles);
        } else {
            drop(scoped);
        }
        late.into_iter().for_each(Waker::wake);
    }
    assert_eq!(live(), before);
});

/// L10: what a burst of pushes from elsewhere needs is given back. They come here from inside
/// another scope, while something is ready at home.
#[test]
fn burst_from_elsewhere() {
    const BURST: usize = MANY / 10;
    let before = live();
    let mut burst = pin!(
        scope(async |s| {
            s.spawn_with(async |s| {
                s.spawn(async {});
                scope(async |_| (0..BURST).for_each(|_| drop(s.spawn(async {})))).await;
            });
            s.spawn_background(pending::<()>());
            pending::<()>().await;
        })
        .serial()
    );
    for _ in 0..BURST {
        assert!(poll_once(burst.as_mut()).is_pending());
    }
    // A pointer for each would be eight times as much.
    let kept = live() - before;
    assert!(kept < BURST as isize, "{kept} bytes are kept");
}

/// K10, L10: scopes that come and go in a long-lived one, and waits for the cancellation of either,
/// run in constant memory, whether they end, are cancelled or are dropped.
#[test]
fn cancelled_scopes_one_after_the_other() {
    let mut watch = Watch::default();
    run(scope(async |outer| {
        for round in 0..MANY / 40 {
            let mut nested = Box::pin(scope(async |s| {
                let mut waits = [pin!(s.cancelled()), pin!(outer.cancelled())];
                for waits in &mut waits {
                    assert!(poll_once(waits.as_mut()).is_pending());
                }
                match round % 3 {
                    0 => {}
                    1 => s.cancel_because(String::from("round")),
                    _ => pending().await,
                }
            }));
            assert_eq!(poll_once(nested.as_mut()).is_pending(), round % 3 == 2);
            drop(nested);
            watch.look();
        }
    })
    .serial());
    assert_eq!(watch.rounds, MANY / 40);
}

/// S8: what a burst of values needed is given back when they were read.
each_form!(set_after_a_burst, |scope, ok| {
    let outcome = run(scope(async |s| {
        let mut set = s.join_set();
        let before = live();
        for _ in 0..2 {
            for _ in 0..1_000 {
                set.spawn(async { ok([0_u8; 1_024]) });
            }
            while !s.is_empty() {
                yield_now().await;
            }
            while set.next().await.is_some() {}
        }
        // Room of 64 KiB, twice.
        assert!(live() - before < 200_000, "keeps {}", live() - before);
        ok(())
    })
    .serial());
    assert_eq!(outcome, ok(()));
});

type Generation = (Gate, Pin<Box<dyn Future<Output = ()>>>);

/// A scope that opens its successor when it is told to, polls it once, hands it over, and ends.
fn generation(successor: &Rc<Cell<Option<Generation>>>, has_token: bool) -> Generation {
    let (gate, successor) = (Gate::default(), Rc::clone(successor));
    let told = gate.wait();
    let this = local_scope(async move |s| {
        let _token = has_token.then(|| s.cancel_token());
        told.await;
        let (gate, mut next) = generation(&successor, has_token);
        assert!(poll_once(next.as_mut()).is_pending());
        successor.set(Some((gate, next)));
    });
    (gate, Box::pin(this))
}

/// K10: each scope of a long row begins inside the one before. Only the last is alive, and it does
/// not keep the others; nor does its drop, which would have to drop them all, overflow the stack.
#[test]
fn relay() {
    for has_token in [false, true] {
        let last = |generations| {
            let before = live();
            let successor = Rc::default();
            let (mut gate, mut this) = generation(&successor, has_token);
            assert!(poll_once(this.as_mut()).is_pending());
            for _ in 0..generations {
                gate.open();
                run(this);
                (gate, this) = successor.take().unwrap();
            }
            (live() - before, this, gate)
        };
        let (short, ..) = last(10);
        let (long, ..) = last(20_000);
        assert!(long <= short, "{long} bytes instead of {short}");
    }
}
