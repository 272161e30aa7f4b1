//! What the tests of a scope's life share: drop counters, wakers that count, gates that suspend a
//! child, and executors that poll by hand.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::convert::Infallible;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use futures_lite::future::yield_now;
use taskpen::{LocalScoped, TryLocalScoped};

/// Writes one test for each of the four functions that open a scope.
///
/// `|scope, ok|` names that function, and a function that makes a child's or a body's value: the
/// value itself, or an `Ok` with it.
#[allow(unused_macros, reason = "each test file uses a part of this")]
macro_rules! each_form {
    ($name:ident, |$scope:ident, $ok:ident| $test:block) => {
        #[allow(unused_imports)]
        #[allow(
            clippy::let_unit_value,
            clippy::unit_arg,
            clippy::unit_cmp,
            reason = "`ok(())` is a unit in plain scopes only"
        )]
        mod $name {
            use super::*;
            use crate::life::Serial as _;

            #[test]
            fn plain() {
                use crate::life::plain as $ok;
                use taskpen::scope as $scope;
                $test
            }

            #[test]
            fn fallible() {
                use crate::life::fallible as $ok;
                use taskpen::try_scope as $scope;
                $test
            }

            #[test]
            fn local() {
                use crate::life::plain as $ok;
                use taskpen::local_scope as $scope;
                $test
            }

            #[test]
            fn local_fallible() {
                use crate::life::fallible as $ok;
                use taskpen::try_local_scope as $scope;
                $test
            }
        }
    };
}

/// `.serial()` for local scopes, which are serial anyway: so that a test of every form can say so.
pub(crate) trait Serial: Sized {
    fn serial(self) -> Self {
        self
    }
}

impl<F, Fut: Future> Serial for LocalScoped<'_, F, Fut> {}
impl<F, Fut: Future, E> Serial for TryLocalScoped<'_, F, Fut, E> {}

/// A value of a plain scope.
pub(crate) fn plain<T>(value: T) -> T {
    value
}

/// A value of a scope whose children yield `Result`.
pub(crate) fn fallible<T>(value: T) -> Result<T, Infallible> {
    Ok(value)
}

/// Counts events, from any thread.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counter(Arc<AtomicUsize>);

impl Counter {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, SeqCst);
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(SeqCst)
    }

    /// A value that counts one when it is dropped.
    pub(crate) fn guard(&self) -> Guard {
        Guard(self.clone())
    }
}

/// See [`Counter::guard`].
#[derive(Debug)]
pub(crate) struct Guard(Counter);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.add();
    }
}

/// Calls a closure when it is dropped.
pub(crate) struct OnDrop<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> OnDrop<F> {
    pub(crate) fn new(code: F) -> Self {
        Self(Some(code))
    }
}

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if let Some(code) = self.0.take() {
            code();
        }
    }
}

/// What happened, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<&'static str>>>);

impl Log {
    pub(crate) fn note(&self, event: &'static str) {
        self.0.lock().unwrap().push(event);
    }

    pub(crate) fn events(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().clone()
    }

    /// A value that notes `event` when it is dropped.
    pub(crate) fn on_drop(&self, event: &'static str) -> impl Send + use<> {
        let log = self.clone();
        OnDrop::new(move || log.note(event))
    }
}

/// Suspends the one future that waits at it; counts its polls and keeps its last waker.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<Mutex<GateState>>);

#[derive(Debug, Default)]
struct GateState {
    open: bool,
    polls: usize,
    waker: Option<Waker>,
}

impl Gate {
    /// Pending until the gate is open.
    pub(crate) fn wait(&self) -> impl Future<Output = ()> + Send + use<> {
        let gate = self.clone();
        std::future::poll_fn(move |cx| {
            let mut state = gate.0.lock().unwrap();
            state.polls += 1;
            if state.open {
                return Poll::Ready(());
            }
            state.waker = Some(cx.waker().clone());
            Poll::Pending
        })
    }

    /// Opens the gate and wakes who waits at it.
    pub(crate) fn open(&self) {
        let waker = {
            let mut state = self.0.lock().unwrap();
            state.open = true;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Wakes who waits, and leaves the gate shut.
    pub(crate) fn knock(&self) {
        self.waker().wake();
    }

    /// The waker of who waits.
    pub(crate) fn waker(&self) -> Waker {
        let state = self.0.lock().unwrap();
        state.waker.clone().expect("somebody waits at the gate")
    }

    /// The waker of who waits; the gate keeps none.
    pub(crate) fn take_waker(&self) -> Waker {
        let waker = self.0.lock().unwrap().waker.take();
        waker.expect("somebody waits at the gate")
    }

    /// How often the future that waits was polled.
    pub(crate) fn polls(&self) -> usize {
        self.0.lock().unwrap().polls
    }
}

/// A caller's waker that counts. The strong count of the `Arc` tells who still holds it.
#[derive(Debug, Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    pub(crate) fn waker() -> (Arc<Self>, Waker) {
        let wakes = Arc::new(Self::default());
        (Arc::clone(&wakes), wakes.into())
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(SeqCst)
    }

    /// Wakes since the last call.
    pub(crate) fn take(&self) -> usize {
        self.0.swap(0, SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Polls once, with a waker of its own.
pub(crate) fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    poll_with(future, &Wakes::waker().1)
}

/// Polls once, with this waker.
pub(crate) fn poll_with<F: Future + ?Sized>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

/// Polls until the future has nothing to do: as long as it wakes its waker.
///
/// A future that wakes itself for ever fails the test instead of hanging it.
pub(crate) fn settle<F: Future + ?Sized>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    let (wakes, waker) = Wakes::waker();
    for _ in 0..100_000 {
        let poll = poll_with(future.as_mut(), &waker);
        if poll.is_ready() || wakes.take() == 0 {
            return poll;
        }
    }
    panic!("the future never settled");
}

/// Runs a future to its end on this thread, polling only when it was woken.
///
/// A lost wake-up therefore fails the test instead of hanging it.
pub(crate) fn run<F: Future>(future: F) -> F::Output {
    match settle(pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future is pending and nobody woke it"),
    }
}

/// Lets the children of a scope run that are ready. For its body.
pub(crate) async fn let_run() {
    for _ in 0..3 {
        yield_now().await;
    }
}

/// Runs a test on a thread of its own and fails if it hangs.
///
/// For tests whose failure is a hang. The limit decides nothing else: it is far above what the
/// test takes.
pub(crate) fn watched(test: impl FnOnce() + Send + 'static) {
    let (done, finished) = channel();
    let thread = thread::spawn(move || {
        test();
        done.send(()).unwrap();
    });
    match finished.recv_timeout(Duration::from_secs(30)) {
        Err(RecvTimeoutError::Timeout) => panic!("the test hangs"),
        _ => {
            if let Err(payload) = thread.join() {
                resume_unwind(payload);
            }
        }
    }
}
