//! Trap 13: through another handle a child could borrow what dies before the scope.

use taskpen::{Scope, TryScope};

fn shrink<'a, 'long: 'a, M>(s: Scope<'long, M>) -> Scope<'a, M> {
    s
}

fn grow<'short, 'a: 'short, M>(s: Scope<'short, M>) -> Scope<'a, M> {
    s
}

fn shrink_try<'a, 'long: 'a, E, M>(s: TryScope<'long, E, M>) -> TryScope<'a, E, M> {
    s
}

fn grow_try<'short, 'a: 'short, E, M>(s: TryScope<'short, E, M>) -> TryScope<'a, E, M> {
    s
}

fn main() {}
