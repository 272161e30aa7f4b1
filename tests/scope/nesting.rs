//! Scopes in scopes, as deep as the stack of one poll carries: L9.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;

use crate::life::{Counter, Gate, fallible, plain, poll_once, settle, watched};
use taskpen::{StopToken, local_scope, scope, try_local_scope, try_scope};

/// AddressSanitizer puts space around each local, and what is promised is not about its frames.
const MIB: usize = if cfg!(taskpen_sanitized) { 2 } else { 1 } * 1024 * 1024;

/// What all levels share.
#[derive(Clone, Copy)]
struct Inside<'a> {
    /// The innermost level waits here.
    gate: &'a Gate,
    /// Counts the levels that were dropped.
    drops: &'a Counter,
}

/// The scope of a level and all below it; gives the number of levels.
type Nested<'a> = Pin<Box<dyn Future<Output = usize> + Send + 'a>>;

/// The same for local scopes.
type LocalNested<'a> = Pin<Box<dyn Future<Output = usize> + 'a>>;

/// The value of a scope of any kind.
trait Value {
    fn value(self) -> usize;
}

impl Value for usize {
    fn value(self) -> usize {
        self
    }
}

impl Value for Result<usize, Infallible> {
    fn value(self) -> usize {
        self.unwrap_or_else(|error| match error {})
    }
}

/// Writes a function that opens a scope whose child opens a scope whose child …
macro_rules! in_children {
    ($name:ident -> $nested:ident, $scope:ident, $ok:ident) => {
        fn $name(depth: usize, inside: Inside<'_>) -> $nested<'_> {
            Box::pin(async move {
                if depth == 0 {
                    inside.gate.wait().await;
                    return 0;
                }
                let _guard = inside.drops.guard();
                let outcome = $scope(async |s| {
                    let inner = s.spawn(async move { $ok($name(depth - 1, inside).await) });
                    $ok(1 + inner.await)
                });
                outcome.await.value()
            })
        }
    };
}

/// Writes a function that opens a scope whose body opens a scope whose body …
macro_rules! in_bodies {
    ($name:ident -> $nested:ident, $scope:ident, $ok:ident) => {
        fn $name(depth: usize, inside: Inside<'_>) -> $nested<'_> {
            Box::pin(async move {
                if depth == 0 {
                    inside.gate.wait().await;
                    return 0;
                }
                let _guard = inside.drops.guard();
                let outcome = $scope(async |_| $ok(1 + $name(depth - 1, inside).await));
                outcome.await.value()
            })
        }
    };
}

in_children!(children -> Nested, scope, plain);
in_children!(fallible_children -> Nested, try_scope, fallible);
in_children!(local_children -> LocalNested, local_scope, plain);
in_children!(fallible_local_children -> LocalNested, try_local_scope, fallible);
in_bodies!(bodies -> Nested, scope, plain);
in_bodies!(fallible_bodies -> Nested, try_scope, fallible);
in_bodies!(local_bodies -> LocalNested, local_scope, plain);
in_bodies!(fallible_local_bodies -> LocalNested, try_local_scope, fallible);

/// Opens `depth` scopes in each other on a stack of `stack` bytes: once the innermost is woken and
/// they return, once the outermost is dropped.
fn nest(depth: usize, stack: usize, open: for<'a> fn(usize, Inside<'a>) -> LocalNested<'a>) {
    let test = move || {
        for finish in [true, false] {
            let (gate, drops) = (Gate::default(), Counter::default());
            let inside = Inside {
                gate: &gate,
                drops: &drops,
            };
            let mut outermost = open(depth, inside);
            assert!(settle(outermost.as_mut()).is_pending());
            assert_eq!(drops.get(), 0);
            if finish {
                gate.open();
                assert_eq!(settle(outermost.as_mut()), Poll::Ready(depth));
            } else {
                gate.knock();
                drop(outermost);
            }
            assert_eq!(
                (gate.polls(), drops.get()),
                (1 + usize::from(finish), depth)
            );
        }
    };
    let thread = thread::Builder::new().stack_size(stack).spawn(test);
    thread.unwrap().join().unwrap();
}

/// L9: 300 levels on 2 MiB, and 1,000 on 8 MiB.
macro_rules! depths {
    ($($open:ident,)*) => {
        mod three_hundred_levels {
            use super::*;

            $(#[test]
            fn $open() {
                nest(300, 2 * MIB, |depth, inside| super::$open(depth, inside));
            })*
        }

        mod a_thousand_levels {
            use super::*;

            $(#[test]
            fn $open() {
                nest(1000, 8 * MIB, |depth, inside| super::$open(depth, inside));
            })*
        }
    };
}

depths! {
    children,
    fallible_children,
    local_children,
    fallible_local_children,
    bodies,
    fallible_bodies,
    local_bodies,
    fallible_local_bodies,
}

/// L5, L9: the innermost child is woken by another thread, whose stack carries the wake-ups of all
/// levels.
#[test]
fn wake_by_another_thread() {
    watched(|| {
        let (gate, drops) = (Gate::default(), Counter::default());
        let inside = Inside {
            gate: &gate,
            drops: &drops,
        };
        thread::scope(|threads| {
            let owner = thread::Builder::new().stack_size(8 * MIB);
            let (pending, woken) = std::sync::mpsc::channel();
            let owner = owner.spawn_scoped(threads, move || {
                let mut outermost = children(300, inside);
                assert!(settle(outermost.as_mut()).is_pending());
                pending.send(()).unwrap();
                futures_lite::future::block_on(outermost)
            });
            woken.recv().unwrap();
            let waking = thread::Builder::new().stack_size(2 * MIB);
            let waking = waking.spawn_scoped(threads, || gate.open());
            waking.unwrap().join().unwrap();
            assert_eq!(owner.unwrap().join().unwrap(), 300);
        });
        assert_eq!(drops.get(), 300);
    });
}

/// A scope that opens two, each of which opens two, and so on; some levels are only bodies.
fn tree(depth: usize, inside: Inside<'_>) -> Nested<'_> {
    Box::pin(async move {
        let _guard = inside.drops.guard();
        if depth == 0 {
            return std::future::pending().await;
        }
        scope(async |s| {
            let left = s.spawn(tree(depth - 1, inside));
            let right = scope(async |_| tree(depth - 1, inside).await).await;
            left.await + right
        })
        .await
    })
}

/// L3, L9: dropping the root drops a whole tree.
#[test]
fn drop_of_a_tree() {
    let (gate, drops) = (Gate::default(), Counter::default());
    let inside = Inside {
        gate: &gate,
        drops: &drops,
    };
    let mut root = tree(8, inside);
    assert!(settle(root.as_mut()).is_pending());
    assert_eq!(drops.get(), 0);
    drop(root);
    assert_eq!(drops.get(), (1 << 9) - 1);
}

/// L9: very many scopes, of which each began inside the one before and was taken out of it, end
/// from the innermost outwards. What they know of each other is not dropped by recursion.
#[test]
fn a_chain_of_scopes() {
    type Out = Arc<Mutex<Vec<Link>>>;

    struct Link {
        scoped: Pin<Box<dyn Future<Output = ()> + Send>>,
        /// Opened, the first has it begin the next one, and the second has it end.
        gates: [Gate; 2],
        token: StopToken,
    }

    impl Link {
        /// A scope that begins the next one inside and takes it out.
        fn new(out: Out) -> Self {
            let gates = [Gate::default(), Gate::default()];
            let [begin, end] = gates.clone();
            let scoped = scope(async move |_| {
                begin.wait().await;
                let mut next = Self::new(Arc::clone(&out));
                assert!(poll_once(next.scoped.as_mut()).is_pending());
                out.lock().unwrap().push(next);
                end.wait().await;
            });
            Self {
                token: scoped.stop_token(),
                scoped: Box::pin(scoped),
                gates,
            }
        }
    }

    watched(|| {
        let builder = thread::Builder::new().stack_size(MIB / 2);
        let chain = || {
            let out = Out::default();
            let mut all = vec![Link::new(Arc::clone(&out))];
            assert!(poll_once(all[0].scoped.as_mut()).is_pending());
            for _ in 0..10_000 {
                let last = all.last_mut().unwrap();
                last.gates[0].open();
                assert!(poll_once(last.scoped.as_mut()).is_pending());
                all.append(&mut out.lock().unwrap());
            }
            all.pop();
            // Keeps what the innermost one knew.
            let token = all.last().unwrap().token.clone();
            while let Some(mut last) = all.pop() {
                last.gates[1].open();
                assert!(poll_once(last.scoped.as_mut()).is_ready());
            }
            drop(token);
        };
        builder.spawn(chain).unwrap().join().unwrap();
    });
}
