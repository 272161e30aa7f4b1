//! Futures and values that fail on purpose, and what counts them.
//!
//! Shared by the test files about failures and handles; each uses a part of it.
#![allow(dead_code)]

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind, set_hook, take_hook};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Once};
use std::task::{Context, Poll, Waker};
use std::thread::panicking;

use futures_lite::future::pending;

/// A payload that is no string, so that only the original can be mistaken for it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Bang(pub(crate) &'static str);

/// A payload whose own destructor panics.
#[derive(Debug)]
pub(crate) struct Mine;

impl Drop for Mine {
    fn drop(&mut self) {
        bang("mine");
    }
}

/// Panics with a [`Bang`].
pub(crate) fn bang(name: &'static str) -> ! {
    quiet_hook();
    panic_any(Bang(name))
}

/// Panics with a [`Mine`].
pub(crate) fn lay_mine() -> ! {
    quiet_hook();
    panic_any(Mine)
}

thread_local! {
    /// True while this thread is about to raise a message that the test expects.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Keeps expected panics out of the output. Failed assertions are reported.
fn quiet_hook() {
    static ONCE: Once = Once::new();
    if panicking() {
        return; // too late to change the hook
    }
    ONCE.call_once(|| {
        let report = take_hook();
        set_hook(Box::new(move |info| {
            let payload = info.payload();
            if !payload.is::<Bang>() && !payload.is::<Mine>() && !EXPECTED.get() {
                report(info);
            }
        }));
    });
}

/// Runs `code`, which has to raise a [`Bang`], and gives its name.
pub(crate) fn raised<T>(code: impl FnOnce() -> T) -> &'static str {
    match catch_unwind(AssertUnwindSafe(code)) {
        Ok(_) => panic!("nothing was raised"),
        Err(payload) => match payload.downcast::<Bang>() {
            Ok(bang) => bang.0,
            Err(other) => resume_unwind(other),
        },
    }
}

/// Runs `code`, which has to raise a message, and gives it.
pub(crate) fn message<T>(code: impl FnOnce() -> T) -> String {
    quiet_hook();
    EXPECTED.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(code));
    EXPECTED.set(false);
    let Err(payload) = outcome else {
        panic!("nothing was raised");
    };
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => payload.downcast::<&str>().expect("a message").to_string(),
    }
}

/// Counts polls, drops or whatever happens more than once.
#[derive(Debug, Default)]
pub(crate) struct Tally(AtomicUsize);

impl Tally {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// A value that counts its drop.
    pub(crate) fn guard(&self) -> Guard<'_> {
        Guard(self)
    }

    /// A value that counts its drop and panics in it.
    pub(crate) fn bomb(&self, name: &'static str) -> Bomb<'_> {
        Bomb { drops: self, name }
    }

    /// A value that counts its drop and panics in it, with a payload that does so as well.
    pub(crate) fn miner(&self) -> Miner<'_> {
        Miner(self)
    }

    /// A future that stays pending and counts its drop.
    pub(crate) fn suspended(&self) -> impl Future<Output = ()> + Send + '_ {
        let guard = self.guard();
        async move {
            let _guard = guard;
            pending().await
        }
    }

    /// A future that stays pending, and in its destructor counts and panics.
    pub(crate) fn suspended_bomb(
        &self,
        name: &'static str,
    ) -> impl Future<Output = ()> + Send + '_ {
        let bomb = self.bomb(name);
        async move {
            let _bomb = bomb;
            pending().await
        }
    }

    /// A future that stays pending and keeps a [`Miner`].
    pub(crate) fn suspended_miner(&self) -> impl Future<Output = ()> + Send + '_ {
        let miner = self.miner();
        async move {
            let _miner = miner;
            pending().await
        }
    }

    /// A future that counts its polls and finishes at the first.
    pub(crate) async fn polled(&self) {
        self.add();
    }
}

/// See [`Tally::guard`].
#[derive(Debug)]
pub(crate) struct Guard<'a>(&'a Tally);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.add();
    }
}

/// See [`Tally::bomb`].
#[derive(Debug)]
pub(crate) struct Bomb<'a> {
    drops: &'a Tally,
    name: &'static str,
}

impl Drop for Bomb<'_> {
    fn drop(&mut self) {
        self.drops.add();
        bang(self.name);
    }
}

/// See [`Tally::miner`].
#[derive(Debug)]
pub(crate) struct Miner<'a>(&'a Tally);

impl Drop for Miner<'_> {
    fn drop(&mut self) {
        self.0.add();
        lay_mine();
    }
}

/// A future that counts its polls, leaves a waker at each, and never finishes.
pub(crate) fn sleeper<'a>(
    polls: &'a Tally,
    drops: &'a Tally,
    wakers: &'a Mutex<Vec<Waker>>,
) -> impl Future<Output = ()> + Send + 'a {
    let guard = drops.guard();
    poll_fn(move |cx| {
        let _inside = &guard;
        polls.add();
        wakers.lock().unwrap().push(cx.waker().clone());
        Poll::Pending
    })
}

/// A future that gives its value at once, and keeps `inside` until it is dropped.
pub(crate) struct ReadyWith<T, I> {
    value: Option<T>,
    _inside: I,
}

impl<T, I> ReadyWith<T, I> {
    pub(crate) fn new(value: T, inside: I) -> Self {
        Self {
            value: Some(value),
            _inside: inside,
        }
    }
}

impl<T, I> Unpin for ReadyWith<T, I> {}

impl<T, I> Future for ReadyWith<T, I> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<T> {
        Poll::Ready(self.value.take().expect("polled once"))
    }
}
