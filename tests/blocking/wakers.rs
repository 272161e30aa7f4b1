//! Tasks that act in the very `wake`, on the thread of a closure that ends: B7, and L5a of the
//! scope. The ids are those of `tests/README.md`.

use std::future::{Future, pending};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use crate::blocked::{Blocked, LIMIT};
use crate::life::{Gate, settle};
use taskpen::{Scope, scope};

/// A task that drops its future when it is woken, once it has one.
struct DropsIt {
    future: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    dropped: Mutex<Sender<()>>,
}

impl Wake for DropsIt {
    fn wake(self: Arc<Self>) {
        let future = self.future.lock().unwrap().take();
        if future.is_some() {
            drop(future);
            self.dropped.lock().unwrap().send(()).unwrap();
        }
    }
}

/// Has the end of the closure that `blocked` holds up wake a task which drops the scope.
fn dropped_in_the_wake(
    mut blocked: Blocked,
    started: &Gate,
    mut scoped: Pin<Box<dyn Future<Output = ()> + Send>>,
) {
    assert!(settle(scoped.as_mut()).is_pending());
    blocked.wait_for_start();
    started.open();
    assert!(settle(scoped.as_mut()).is_pending());
    let (dropped, was_dropped) = channel();
    let task = Arc::new(DropsIt {
        future: Mutex::new(None),
        dropped: Mutex::new(dropped),
    });
    let waker = Waker::from(Arc::clone(&task));
    let mut cx = Context::from_waker(&waker);
    assert!(scoped.as_mut().poll(&mut cx).is_pending());
    *task.future.lock().unwrap() = Some(scoped);
    blocked.let_go();
    let in_time = was_dropped.recv_timeout(LIMIT);
    assert!(in_time.is_ok(), "the closure's thread waits for itself");
}

fn awaits<T: Send + 'static>(last: impl FnOnce() -> T + Send + 'static) {
    let (blocked, closure) = Blocked::new(last);
    let body = async move |s: Scope<'_>| drop(s.spawn_blocking(closure).await);
    dropped_in_the_wake(blocked, &Gate::default(), Box::pin(scope(body)));
}

#[test]
fn scope_dropped_by_a_closure_that_returns() {
    awaits(|| ());
}

#[test]
fn scope_dropped_by_a_closure_that_panics() {
    awaits(|| resume_unwind(Box::new("closure")));
}

struct Bad;

impl Drop for Bad {
    fn drop(&mut self) {
        resume_unwind(Box::new("value"))
    }
}

/// Likewise if the child is gone, and the value of its closure panics when it is dropped.
#[test]
fn scope_dropped_by_a_value_that_panics() {
    let (blocked, closure) = Blocked::new(|| Bad);
    let started = Gate::default();
    let start = started.wait();
    let body = async move |s: Scope<'_>| {
        let child = s.spawn_blocking(closure);
        start.await;
        assert!(child.cancel().await.is_none());
        pending().await
    };
    dropped_in_the_wake(blocked, &started, Box::pin(scope(body)));
}
