//! What a set and a stream, and the futures of a set, may be used for: decided by the compiler, so
//! that this file compiles is the test. Which of the types are `Send`, `Sync` and `Unpin` stands
//! with those of the rest, in the tests of `scope`.

use std::cell::RefCell;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;

use crate::failing::{bang, raised};
use futures_lite::StreamExt;
use futures_lite::future::block_on;
use taskpen::{Buffered, JoinSet, LocalScope, Scope, TryLocalScope, TryScope, scope};

/// Neither `UnwindSafe` nor `RefUnwindSafe`.
type Unsafe = &'static RefCell<Rc<u8>>;

const fn survives_a_panic<T: UnwindSafe + RefUnwindSafe>() {}

// A panic of a child, of a value or of an iterator is part of what they promise to survive.
const _: () = {
    survives_a_panic::<JoinSet<'static, Unsafe>>();
    survives_a_panic::<JoinSet<'static, Unsafe, LocalScope<'static>>>();
    survives_a_panic::<JoinSet<'static, Unsafe, TryScope<'static, Unsafe>>>();
    survives_a_panic::<JoinSet<'static, Unsafe, TryLocalScope<'static, Unsafe>>>();
    survives_a_panic::<Buffered<'static, Unsafe, Unsafe>>();
    survives_a_panic::<Buffered<'static, Unsafe, Unsafe, TryLocalScope<'static, Unsafe>>>();
};

/// The futures of a set move to other threads if the set does.
#[allow(dead_code, reason = "it is only compiled")]
fn futures_are_send<T: Send>(mut set: JoinSet<'_, T>, mut other: JoinSet<'_, T, TryScope<'_, T>>) {
    fn send(_: impl Send) {}
    send(set.join_next());
    send(set.wait_below(1));
    send(other.join_next());
    send(other.wait_below(1));
    send(async move {
        set.wait_below(1).await;
        set.join_next().await
    });
}

/// S10: a set goes on after a panic that came out of an iterator it was extended by.
#[test]
fn set_after_a_panic() {
    let values = block_on(scope(async |s: Scope<'_>| {
        let mut set = s.join_set();
        let futures = (0..).map(|number| {
            if number == 2 {
                bang("iterator");
            }
            async move { number }
        });
        assert_eq!(raised(|| set.extend(futures)), "iterator");
        set.spawn(async { 7 });
        set.collect::<Vec<_>>().await
    }));
    assert_eq!(values.len(), 3);
    assert!(values.contains(&7));
}
