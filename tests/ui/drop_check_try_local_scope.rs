//! C8: `_sc` is dropped after `data`, and its children with it. The body captures nothing, so only
//! the drop check can see that.

use taskpen::{TryLocalScope, try_local_scope};

fn main() {
    let _sc;
    let data = String::new();
    let borrowed = &data;
    _sc = Box::pin(try_local_scope(move |s: TryLocalScope<'_, ()>| {
        s.spawn(async move { Ok(borrowed.len()) });
        async { Ok(()) }
    }));
}
