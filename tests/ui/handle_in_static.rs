//! C3: a handle is for ever only if everything that the children borrow is.

use std::sync::Mutex;
use taskpen::{Scope, scope};

static KEPT: Mutex<Option<Scope<'static>>> = Mutex::new(None);

fn main() {
    let data = String::new();
    let _ = scope(async |s| {
        s.spawn(async { data.len() });
        *KEPT.lock().unwrap() = Some(s);
    });
}
