//! C2: siblings are dropped in no particular order.

use taskpen::{Scope, scope};

fn main() {
    let _ = scope(async |s| {
        s.spawn_with(async |s: Scope<'_>| {
            let local = String::new();
            s.spawn(async { local.len() });
        });
    });
}
