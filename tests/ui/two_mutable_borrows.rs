//! C6: children run concurrently.

use taskpen::scope;

fn main() {
    let mut total = 0;
    let _ = scope(async |s| {
        s.spawn(async { total += 1 });
        s.spawn(async { total += 1 });
    });
}
