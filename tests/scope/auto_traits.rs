//! Which public types are `Send`, `Sync` and `Unpin`: decided by the compiler, so that this file
//! compiles is the test.
//!
//! Each rule has its positive and its negative half, with type parameters that are not `()`: for
//! `()` everything holds.

use std::cell::Cell;
use std::future::{Future, Ready};
use std::marker::{PhantomData, PhantomPinned};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use taskpen::{
    Buffered, Cause, Join, JoinHandle, JoinSet, Local, LocalScope, LocalScoped, Multi, Scope,
    Scoped, StopToken, TryLocalScope, TryLocalScoped, TryScope, TryScoped,
};

/// Asserts `Type: Trait` for each trait.
macro_rules! is {
    ($type:ty: $($bound:path),+) => {
        $(const _: fn() = || {
            fn check<T: ?Sized + $bound>() {}
            check::<$type>();
        };)+
    };
}

/// Asserts that `Type: Trait` does not hold, for each trait: if it did, two implementations would
/// fit, and the compiler could not choose.
macro_rules! is_not {
    ($type:ty: $($bound:path),+) => {
        $(const _: fn() = || {
            trait Fits<A> {
                fn fits() {}
            }
            struct Bound;
            impl<T: ?Sized> Fits<()> for T {}
            impl<T: ?Sized + $bound> Fits<Bound> for T {}
            <$type as Fits<_>>::fits();
        };)+
    };
}

/// Not `Send`, not `Sync`.
type Unsent = Rc<u8>;
/// `Send`, not `Sync`.
type Unshared = Cell<u8>;
/// What a body's closure may be; any type will do, for only its auto traits matter here.
type Entry = fn(u8);
type Env = &'static str;

// Handles of a scope go everywhere; those of a local scope stay on its thread.
is!(Multi: Send, Sync, Unpin);
is!(Scope<'static>: Send, Sync, Unpin, Clone);
is_not!(Local: Send, Sync);
is_not!(LocalScope<'static>: Send, Sync);
is!(LocalScope<'static>: Unpin, Clone);

// An error is handed from one thread to another, one at a time: it has to be `Send`, not `Sync`.
is!(TryScope<'static, String>: Send, Sync, Unpin, Clone);
is!(TryScope<'static, Unshared>: Send, Sync);
is_not!(TryScope<'static, Unsent>: Send, Sync);
is_not!(TryLocalScope<'static, String>: Send, Sync);
is_not!(TryLocalScope<'static, Unsent>: Send, Sync);

// A handle of a child carries the value, and never the future; it can be polled anywhere.
is!(JoinHandle<'static, String>: Send, Sync, Unpin);
is!(JoinHandle<'static, Unshared>: Send);
is_not!(JoinHandle<'static, Unsent>: Send);
is!(JoinHandle<'static, PhantomPinned>: Unpin);
is_not!(JoinHandle<'static, String>: Clone);
is!(Join<'static, String>: Send, Sync, Unpin);
is!(Join<'static, Unshared>: Send);
is_not!(Join<'static, Unsent>: Send);
is!(Join<'static, PhantomPinned>: Unpin);

// A token goes everywhere, and borrows nothing.
is!(StopToken: Send, Sync, Unpin, Clone, Future<Output = ()>);
is!(Cause: Send, Sync, Unpin, Clone, std::error::Error);

// A panic is part of what handles and tokens are made for: a child that captures one can be caught.
is!(Scope<'static>: UnwindSafe, RefUnwindSafe);
is!(LocalScope<'static>: UnwindSafe, RefUnwindSafe);
is!(TryScope<'static, Unshared>: UnwindSafe, RefUnwindSafe);
is!(TryLocalScope<'static, Unsent>: UnwindSafe, RefUnwindSafe);
is!(JoinHandle<'static, Unshared>: UnwindSafe, RefUnwindSafe);
is!(Join<'static, Unshared>: UnwindSafe, RefUnwindSafe);
is!(StopToken: UnwindSafe, RefUnwindSafe);
is!(Cause: UnwindSafe, RefUnwindSafe);

// A set carries values from thread to thread, one at a time, and the handle of its scope. It may be
// moved, whatever the values are.
is!(JoinSet<'static, String>: Send, Sync, Unpin);
is!(JoinSet<'static, Unshared>: Send);
is_not!(JoinSet<'static, Unshared>: Sync);
is_not!(JoinSet<'static, Unsent>: Send, Sync);
is!(JoinSet<'static, PhantomPinned>: Unpin);
is_not!(JoinSet<'static, String>: Clone);
is!(JoinSet<'static, String, TryScope<'static, Unshared>>: Send, Sync);
is_not!(JoinSet<'static, String, TryScope<'static, Unsent>>: Send, Sync);
is_not!(JoinSet<'static, String, LocalScope<'static>>: Send, Sync);
is_not!(JoinSet<'static, String, TryLocalScope<'static, String>>: Send, Sync);
// A stream is as mobile as its iterator and its values; it never pins the iterator.
is!(Buffered<'static, Env, String>: Send, Sync, Unpin);
is!(Buffered<'static, Unshared, Unshared>: Send);
is!(Buffered<'static, PhantomPinned, PhantomPinned>: Unpin);
is_not!(Buffered<'static, Unshared, String>: Sync);
is_not!(Buffered<'static, Unsent, String>: Send, Sync);
is_not!(Buffered<'static, Env, Unsent>: Send);
is_not!(Buffered<'static, Env, String, LocalScope<'static>>: Send, Sync);

// The future of a scope is as mobile as the body: closure, future and value.
is!(Scoped<'static, Entry, Ready<String>>: Send, Sync);
is!(Scoped<'static, Unshared, Ready<Env>>: Send);
is_not!(Scoped<'static, Unshared, Ready<Env>>: Sync);
is_not!(Scoped<'static, Unsent, Ready<Env>>: Send, Sync);
is_not!(Scoped<'static, Entry, Ready<Unsent>>: Send, Sync);
is_not!(Scoped<'static, Entry, NotSend<String>>: Send, Sync);
is_not!(Scoped<'static, Entry, AlwaysSend<Unsent>>: Send);

// So is that of a fallible scope, whose error counts as well: also if the body itself does not
// carry it.
is!(TryScoped<'static, Entry, Ready<Result<u8, String>>, String>: Send, Sync);
is!(TryScoped<'static, Entry, Ready<Result<u8, Env>>, Unshared>: Send, Sync);
is_not!(TryScoped<'static, Entry, Ready<Result<u8, Env>>, Unsent>: Send, Sync);
is_not!(TryScoped<'static, Unsent, Ready<Result<u8, Env>>, Env>: Send, Sync);
is_not!(TryScoped<'static, Entry, Ready<Result<Unsent, Env>>, Env>: Send, Sync);

// It is pinned for good, whatever is in it: children borrow from where it is.
is_not!(Scoped<'static, Entry, Ready<String>>: Unpin);
is_not!(TryScoped<'static, Entry, Ready<Result<u8, Env>>, Env>: Unpin);
is_not!(LocalScoped<'static, Entry, Ready<String>>: Unpin);
is_not!(TryLocalScoped<'static, Entry, Ready<Result<u8, Env>>, Env>: Unpin);

// The future of a local scope runs children that are bound to its thread, whatever the body is.
is_not!(LocalScoped<'static, Entry, Ready<String>>: Send, Sync);
is_not!(TryLocalScoped<'static, Entry, Ready<Result<u8, Env>>, Env>: Send, Sync);

/// A future that is not `Send` and gives a value that is.
struct NotSend<T>(PhantomData<Rc<T>>);

/// A future that is `Send` and gives a value that need not be.
struct AlwaysSend<T>(PhantomData<fn() -> T>);

impl<T> Future for NotSend<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<T> {
        Poll::Pending
    }
}

impl<T> Future for AlwaysSend<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<T> {
        Poll::Pending
    }
}
