//! C4: the value of a child may be read and dropped on another thread.

use std::rc::Rc;
use taskpen::scope;

fn main() {
    let shared = Rc::new(0);
    let _ = scope(async |s| {
        s.spawn(std::future::ready(shared));
    });
}
