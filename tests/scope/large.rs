//! Futures that are large: they are put into a box before they are moved around. Without that these
//! tests overflow the stack, which aborts. `tests/sets/large.rs` is about children of a set.

use std::hint::black_box;
use std::thread;

use futures_lite::future::{block_on, yield_now};
use taskpen::{Scope, TryScope, local_scope, scope, try_scope};

/// So many bytes.
const SIZE: usize = 256 << 10;

/// A future that holds so many bytes while it is suspended, and gives one of them.
async fn large() -> Result<u8, ()> {
    let bytes = [7_u8; SIZE];
    yield_now().await;
    Ok(black_box(&bytes)[SIZE / 2])
}

/// Runs a program that spawns a large future on a stack that is eight times as large.
fn on_a_small_stack(program: fn() -> Result<u8, ()>) {
    let thread = thread::Builder::new().stack_size(8 * SIZE);
    assert_eq!(thread.spawn(program).unwrap().join().unwrap(), Ok(7));
}

#[test]
fn child() {
    on_a_small_stack(|| block_on(scope(async |s: Scope<'_>| s.spawn(large()).await)));
}

#[test]
fn background_child() {
    on_a_small_stack(|| {
        block_on(scope(async |s: Scope<'_>| {
            s.spawn_background(large()).await
        }))
    });
}

#[test]
fn child_of_a_fallible_scope() {
    on_a_small_stack(|| {
        block_on(try_scope(async |s: TryScope<'_, ()>| {
            Ok(s.spawn(large()).await)
        }))
    });
}

#[test]
fn child_of_a_local_scope() {
    on_a_small_stack(|| block_on(local_scope(async |s| s.spawn(large()).await)));
}
