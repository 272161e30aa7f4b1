//! C3: an error that borrows cannot come through a handle that can be stored anywhere.

use taskpen::TryScope;

fn store<'a>(s: &TryScope<'a, &'a str>) -> TryScope<'static, &'a str> {
    s.to_static()
}

fn main() {}
