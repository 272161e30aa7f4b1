//! C8: `_sc` is dropped after `data`, and its children with it. The body captures nothing, so only
//! the drop check can see that.

use taskpen::{TryScope, try_scope};

fn main() {
    let _sc;
    let data = String::new();
    let borrowed = &data;
    _sc = Box::pin(try_scope(move |s: TryScope<'_, ()>| {
        s.spawn(async move { Ok(borrowed.len()) });
        async { Ok(()) }
    }));
}
