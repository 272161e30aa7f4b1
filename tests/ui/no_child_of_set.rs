//! What is no future, and a set of which the compiler does not know from what scope it is.

use taskpen::{JoinSet, scope};

fn fill<S>(set: &mut JoinSet<'_, usize, S>) {
    set.spawn(async { 1 });
}

fn main() {
    let _ = scope(async |s| {
        let mut set = s.join_set::<()>();
        set.spawn(async || {});
    });
}
