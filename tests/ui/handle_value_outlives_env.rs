//! H4: a value may borrow from what the children may borrow from, and lives no longer.

use taskpen::{JoinHandle, scope};

fn main() {
    let mut kept: Option<JoinHandle<'_, &str>> = None;
    {
        let data = String::new();
        let _ = scope(async |s| kept = Some(s.spawn(async { data.as_str() })));
    }
    drop(kept);
}
