//! C3: a handle that is kept keeps alive what its children may borrow.

use taskpen::scope;

fn main() {
    let mut kept = None;
    {
        let data = String::new();
        let _ = scope(async |s| {
            s.spawn(async { data.len() });
            kept = Some(s);
        });
    }
    drop(kept);
}
