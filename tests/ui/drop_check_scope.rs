//! C8: `_sc` is dropped after `data`, and its children with it. The body captures nothing, so only
//! the drop check can see that.

use taskpen::{Scope, scope};

fn main() {
    let _sc;
    let data = String::new();
    let borrowed = &data;
    _sc = Box::pin(scope(move |s: Scope<'_>| {
        s.spawn(async move { borrowed.len() });
        async { () }
    }));
}
