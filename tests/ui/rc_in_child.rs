//! C4: a child of `scope` may move to another thread, with everything in it.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use taskpen::scope;

fn main() {
    let shared = Rc::new(0);
    let child = poll_fn(move |_| Poll::Ready(drop(Rc::clone(&shared))));
    let _ = scope(async |s| {
        s.spawn(child);
    });
}
