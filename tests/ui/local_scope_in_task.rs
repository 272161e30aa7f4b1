//! C5: a local scope stays on its thread, and so does the task that polls it.

use std::future::Future;
use taskpen::local_scope;

/// What the `spawn` of every multi-threaded runtime asks for.
fn spawn<F: Future + Send + 'static>(_: F) {}

fn main() {
    spawn(local_scope(async |_| ()));
}
