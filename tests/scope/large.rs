//! Futures that are large: they are put into a box before they are moved around. Without that these
//! tests overflow the stack, which aborts. The ids are those of `tests/README.md`.

use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;

use futures_lite::future::block_on;
use taskpen::{Scope, TryScope, local_scope, scope, try_scope};

/// So many bytes.
const SIZE: usize = 256 << 10;

/// A future of that size, which gives one of its bytes.
struct Large([u8; SIZE]);

impl Future for Large {
    type Output = Result<u8, ()>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(black_box(self.0[SIZE / 2])))
    }
}

/// Runs a program that spawns a large future on a stack that is eight times as large.
fn on_a_small_stack(program: fn() -> Result<u8, ()>) {
    let thread = thread::Builder::new().stack_size(8 * SIZE);
    assert_eq!(thread.spawn(program).unwrap().join().unwrap(), Ok(7));
}

#[test]
fn child() {
    on_a_small_stack(|| block_on(scope(async |s: Scope<'_>| s.spawn(Large([7; SIZE])).await)));
}

#[test]
fn background_child() {
    on_a_small_stack(|| {
        block_on(scope(async |s: Scope<'_>| {
            s.spawn_background(Large([7; SIZE])).await
        }))
    });
}

#[test]
fn child_of_a_fallible_scope() {
    on_a_small_stack(|| {
        block_on(try_scope(async |s: TryScope<'_, ()>| {
            Ok(s.spawn(Large([7; SIZE])).await)
        }))
    });
}

#[test]
fn child_of_a_local_scope() {
    on_a_small_stack(|| block_on(local_scope(async |s| s.spawn(Large([7; SIZE])).await)));
}

#[test]
fn child_of_a_set() {
    on_a_small_stack(|| {
        block_on(scope(async |s: Scope<'_>| {
            let mut set = s.join_set();
            set.spawn(Large([7; SIZE]));
            set.join_next().await.unwrap()
        }))
    });
}
