//! What is called around the stay of a helper: N5.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use crate::lenders::Pool;
use crate::life::{Counter, watched};
use crate::meeting::{Meeting, work};
use futures_lite::future::{block_on, yield_now};
use taskpen::{Scope, scope};
use tracing::span::Id;
use tracing_subscriber::registry::{LookupSpan, Registry};

thread_local! {
    /// How many hooks this thread is inside of.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Counts the depth on its thread while it lasts.
fn enter(stay: &mut dyn FnMut()) {
    DEPTH.set(DEPTH.get() + 1);
    stay();
    DEPTH.set(DEPTH.get() - 1);
}

/// A child that is over once two of its kind have met, on two threads; it notes where it was, and
/// how deep, also in its destructor.
struct Noted {
    here: ThreadId,
    wrong: Counter,
}

impl Noted {
    fn check(&self) {
        let is_helper = thread::current().id() != self.here;
        if DEPTH.get() != u32::from(is_helper) {
            self.wrong.add();
        }
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        self.check();
    }
}

/// N5: the hook is called once for each stay, on the helper's thread, around all that it polls and
/// drops there; also for scopes inside, which have no other.
#[test]
fn around_each_stay() {
    watched(|| {
        for is_nested in [false, true] {
            let (wrong, stays) = (Counter::default(), Counter::default());
            let (here, seen) = (thread::current().id(), wrong.clone());
            let (pool, meeting, count) = (Pool::new(1), Arc::new(Meeting::of(2)), stays.clone());
            let children = async move |s: Scope<'_>| {
                s.spawn(async { work() });
                for _ in 0..2 {
                    let wrong = wrong.clone();
                    let noted = Noted { here, wrong };
                    let meeting = Arc::clone(&meeting);
                    s.spawn(async move {
                        noted.check();
                        meeting.attend();
                        noted.check();
                    });
                }
            };
            let hook = move |stay: &mut dyn FnMut()| {
                count.add();
                enter(stay);
            };
            block_on(
                scope(async move |s: Scope<'_>| match is_nested {
                    false => children(s).await,
                    true => scope(children).await,
                })
                .on(pool.clone())
                .around(hook),
            );
            assert_eq!(seen.get(), 0);
            assert!((1..=pool.dispatched()).contains(&stays.get()));
        }
    });
}

/// Runs children for ever, until this hook ends the scope; gives what is raised.
fn raised_with(hook: impl Fn(&mut dyn FnMut()) + Send + Sync + 'static) -> &'static str {
    let run = AssertUnwindSafe(|| {
        block_on(
            scope(async |s: Scope<'_>| {
                for _ in 0..4 {
                    s.spawn(async {
                        loop {
                            work();
                            yield_now().await;
                        }
                    });
                }
            })
            .on(Pool::new(1))
            .around(hook),
        );
    });
    let payload = catch_unwind(run).expect_err("only a panic ends it");
    payload.downcast_ref::<&str>().expect("it is one of ours")
}

/// N5: a hook that panics, before or after the stay, is a panic of the scope.
#[test]
fn panic_of_a_hook() {
    watched(|| {
        let before = |_: &mut dyn FnMut()| resume_unwind(Box::new("before"));
        assert_eq!(raised_with(before), "before");
        let after = |stay: &mut dyn FnMut()| {
            stay();
            resume_unwind(Box::new("after"))
        };
        assert_eq!(raised_with(after), "after");
    });
}

/// N5: if it does not call back nothing runs there, and the scope does without; if it does so twice
/// nothing happens the second time.
#[test]
fn calls_of_the_stay() {
    watched(|| {
        let threads = Arc::new(Mutex::new(Vec::new()));
        let here = thread::current().id();
        let run = |hook: fn(&mut dyn FnMut())| {
            let polls = Counter::default();
            block_on(
                scope(async |s: Scope<'_>| {
                    for _ in 0..20 {
                        let (threads, polls) = (Arc::clone(&threads), polls.clone());
                        s.spawn(async move {
                            work();
                            threads.lock().unwrap().push(thread::current().id());
                            polls.add();
                        });
                    }
                })
                .on(Pool::new(1))
                .around(hook),
            );
            assert_eq!(polls.get(), 20);
            std::mem::take(&mut *threads.lock().unwrap())
        };
        assert!(run(|_| {}).iter().all(|thread| *thread == here));
        run(|stay| {
            stay();
            stay();
        });
    });
}

/// Returns what `look` sees on the thread that polls the scope and on a helper, which are inside of
/// `hook`.
fn seen_by<T: Send + 'static>(
    hook: impl Fn(&mut dyn FnMut()) + Send + Sync + 'static,
    look: fn() -> T,
) -> [T; 2] {
    let meeting = Meeting::of(2);
    block_on(
        scope(async |s: Scope<'_>| {
            s.spawn(async { work() });
            let seen = [(); 2].map(|()| {
                s.spawn(async {
                    meeting.attend(); // so they are on two threads
                    look()
                })
            });
            let [one, other] = seen;
            [one.await, other.await]
        })
        .on(Pool::new(1))
        .around(hook),
    )
}

/// The outermost of the spans that are current: children may have spans of their own inside.
fn outermost_span() -> Option<Id> {
    tracing::dispatcher::get_default(|subscriber| {
        let registry: &Registry = subscriber.downcast_ref()?;
        let current = registry.span(&tracing::Span::current().id()?)?;
        current.scope().from_root().next().map(|span| span.id())
    })
}

/// The recipes under *What is current*: a span, a context, a runtime.
#[test]
fn recipes() {
    watched(|| {
        let subscriber = tracing_subscriber::registry();
        tracing::subscriber::set_global_default(subscriber).expect("nobody else sets one");
        let span = tracing::info_span!("request");
        let (current, id) = (span.clone(), span.id());
        let hook = move |stay: &mut dyn FnMut()| current.in_scope(&mut *stay);
        let seen = span.in_scope(|| seen_by(hook, outermost_span));
        assert!(id.is_some() && seen == [id.clone(), id]);

        let current = opentelemetry::Context::current_with_value(7);
        let _attached = current.clone().attach();
        let hook = move |stay: &mut dyn FnMut()| {
            let _context = current.clone().attach();
            stay();
        };
        let look = || opentelemetry::Context::current().get::<i32>().copied();
        assert_eq!(seen_by(hook, look), [Some(7); 2]);

        let runtime = tokio::runtime::Runtime::new().unwrap();
        let handle = runtime.handle().clone();
        let hook = move |stay: &mut dyn FnMut()| {
            let _inside = handle.enter();
            stay();
        };
        let _inside = runtime.enter();
        let look = || tokio::runtime::Handle::try_current().is_ok();
        assert_eq!(seen_by(hook, look), [true; 2]);
    });
}
