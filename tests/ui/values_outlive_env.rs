//! H4: values in a set may borrow from what the children may borrow from, and live no longer.

use taskpen::{JoinSet, scope};

fn main() {
    let mut kept: Option<JoinSet<'_, &str>> = None;
    {
        let data = String::new();
        let _ = scope(async |s| {
            let mut set = s.join_set();
            set.spawn(async { data.as_str() });
            kept = Some(set);
        });
    }
    drop(kept);
}
