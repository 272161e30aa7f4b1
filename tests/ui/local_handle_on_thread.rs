//! C5: nor does a handle of it move to another thread.

use taskpen::LocalScope;

fn send<T: Send>(_: T) {}

fn check(s: LocalScope<'_>) {
    send(s);
}

fn main() {}
