//! C4: children of sets may run on helpers.

use std::rc::Rc;
use taskpen::scope;

fn main() {
    let _ = scope(async |s| {
        let shared = Rc::new(0);
        let mut set = s.join_set();
        set.spawn(async move { drop(shared) });
    });
}
