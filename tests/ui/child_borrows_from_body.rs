//! C1: the body may be gone before its children are.

use taskpen::scope;

fn main() {
    let _ = scope(async |s| {
        let local = String::new();
        s.spawn(async { local.len() });
    });
}
