//! Stackful coroutines, L12: safe code that leaves the poll of a scope in the middle, on a stack of
//! its own, and does something else meanwhile.
//!
//! Each program that has to abort runs in a process of its own, which is this test program once
//! more. Where the coroutines do not work there are no tests.
#![cfg(all(unix, any(target_arch = "x86_64", target_arch = "aarch64")))]

#[path = "support/lenders.rs"]
mod lenders;

use std::env;
use std::future::Future;
use std::mem::forget;
use std::os::unix::process::ExitStatusExt;
use std::pin::{Pin, pin};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use futures_lite::future::{block_on, pending};
use generator::{Generator, Gn};
use taskpen::{local_scope, scope};

use lenders::Decline;

/// What is said when scopes are left in another order; see `src/run/frame.rs`.
const ORDER: &str = "scopes were left in another order than they were entered in";
/// What is said when a scope is touched in the middle of a poll; see `src/queue/home.rs`.
const MIDDLE: &str = "the future of a scope was polled or dropped in the middle of a poll";

/// Set in a process that is to run a program instead of looking at one.
const PROGRAM: &str = "TASKPEN_STACK_SWITCHING";

/// Runs `program` in a process of its own: this test of that name. It has to abort, and say why.
fn aborts(test: &str, why: &str, program: impl FnOnce()) {
    if env::var_os(PROGRAM).is_some() {
        return program();
    }
    let ended = Command::new(env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(PROGRAM, test)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said.contains(why), "{}: {said}", ended.status);
    const SIGABRT: i32 = 6; // everywhere
    assert_eq!(ended.status.signal(), Some(SIGABRT), "{said}");
}

type Coroutine<'a> = Generator<'a, (), ()>;

/// Runs `program` until it [leaves](leave) its coroutine for the first time.
#[expect(deprecated, reason = "the other kind is left through its handle")]
fn start<'a>(program: impl FnOnce() + Send + 'a) -> Coroutine<'a> {
    let mut coroutine = Gn::new(program);
    coroutine.resume();
    assert!(!coroutine.is_done(), "it was left in the middle");
    coroutine
}

/// Leaves the coroutine for now, whatever is on its stack.
#[expect(deprecated, reason = "as above")]
fn leave() {
    generator::yield_with(());
}

fn poll(work: Pin<&mut (impl Future + Send)>) {
    let _ = work.poll(&mut Context::from_waker(Waker::noop()));
}

/// A coroutine that is in the middle of polling a scope: in a child of it.
fn in_a_child<'a>() -> Coroutine<'a> {
    start(|| {
        let sum = block_on(local_scope(async |s| {
            let child = s.spawn(async {
                leave();
                20
            });
            child.await + s.spawn(async { 22 }).await
        }));
        assert_eq!(sum, 42);
    })
}

/// A coroutine that has left a poll of `work` in the middle, the first or a later one, and never
/// comes back.
fn poll_and_forget(mut work: Pin<&mut (impl Future + Send)>) {
    forget(start(|| (0..1_000).for_each(|_| poll(work.as_mut()))));
}

struct CallOnDrop(fn());

impl Drop for CallOnDrop {
    fn drop(&mut self) {
        self.0();
    }
}

/// L12: coroutines that are resumed in order, or dropped in order, do what they would do on one
/// stack.
#[test]
fn in_order() {
    let mut first = in_a_child();
    let mut second = in_a_child();
    let around = block_on(scope(async |s| s.spawn(async { 42 }).await));
    assert_eq!(around, 42);
    second.resume();
    first.resume();
    assert!(first.is_done() && second.is_done());

    let first = in_a_child();
    let second = in_a_child();
    drop(second);
    drop(first);
}

/// L12: the scope that was entered first is left first.
#[test]
fn in_another_order() {
    aborts("in_another_order", ORDER, || {
        let mut first = in_a_child();
        let _second = in_a_child();
        first.resume();
    });
}

/// L12: a coroutine is resumed in the middle of a scope that was entered later.
#[test]
fn within_a_scope_entered_later() {
    aborts("within_a_scope_entered_later", ORDER, || {
        let mut coroutine = in_a_child();
        block_on(local_scope(async |s| {
            s.spawn(async { coroutine.resume() });
        }));
    });
}

/// L12: a coroutine that is dropped unwinds its stack, and so leaves the scope on it.
#[test]
fn dropped_in_another_order() {
    aborts("dropped_in_another_order", ORDER, || {
        let first = in_a_child();
        let _second = in_a_child();
        drop(first);
    });
}

/// L12: the future is dropped while a child is in the middle of its poll.
#[test]
fn dropped_in_the_middle() {
    aborts("dropped_in_the_middle", MIDDLE, || {
        let mut work = Box::pin(scope(async |s| s.spawn(async { leave() }).await));
        poll_and_forget(work.as_mut());
        drop(work);
    });
}

/// L12: the future is polled on another thread while this one is in the middle of a poll.
#[test]
fn polled_in_the_middle() {
    aborts("polled_in_the_middle", MIDDLE, || {
        let mut work = pin!(scope(async |s| s.spawn(async { leave() }).await));
        poll_and_forget(work.as_mut());
        thread::scope(|threads| threads.spawn(|| poll(work)).join()).unwrap();
    });
}

/// L12: the future is dropped in the middle of its end, when the children are not gone.
#[test]
fn dropped_in_the_middle_of_the_end() {
    aborts("dropped_in_the_middle_of_the_end", MIDDLE, || {
        let borrowed = AtomicU32::new(0);
        let mut work = Box::pin(scope(async |s| {
            let _in_the_body = CallOnDrop(leave);
            s.spawn(async { panic!("this ends the scope") });
            s.spawn_background(async { borrowed.fetch_add(1, Relaxed) });
            pending::<()>().await;
        }));
        poll_and_forget(work.as_mut());
        drop(work);
    });
}

/// L12: the future is dropped in the middle of a poll whose window is open, so no thread is at
/// home.
#[test]
fn dropped_in_an_open_window() {
    aborts("dropped_in_an_open_window", MIDDLE, || {
        let mut work = Box::pin(
            scope(async |s| {
                for _ in 0..16 {
                    s.spawn(async { thread::sleep(Duration::from_micros(200)) });
                }
                s.spawn(async {}).await;
                leave();
            })
            .on(Decline::default()),
        );
        poll_and_forget(work.as_mut());
        drop(work);
    });
}

/// L12: a coroutine is resumed in a scope that was entered later, and leaves no scope meanwhile; a
/// child becomes suspended there. It does so as on any other thread: under the lock.
#[test]
fn suspended_within_a_scope_entered_later() {
    static RESUMED: AtomicU32 = AtomicU32::new(0);
    let mut coroutine = start(|| {
        let work = scope(async |s| {
            s.spawn(pending::<()>());
            s.spawn(async {
                leave();
                pending::<()>().await;
            });
            s.spawn(async { leave() });
            pending::<()>().await;
        });
        poll(pin!(work.serial())); // and drops it
    });
    block_on(local_scope(async |s| {
        s.spawn(async { coroutine.resume() });
        RESUMED.fetch_add(1, Relaxed);
    }));
    coroutine.resume();
    assert_eq!(RESUMED.load(Relaxed), 1);
}
