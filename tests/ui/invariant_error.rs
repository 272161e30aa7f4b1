//! Trap 13: a child could hand in an error that dies before the scope gives it to the caller.

use taskpen::TryScope;

type Fallible<'e, M> = TryScope<'static, &'e u8, M>;

fn shrink<'e, 'long: 'e, M>(s: Fallible<'long, M>) -> Fallible<'e, M> {
    s
}

fn grow<'short, 'e: 'short, M>(s: Fallible<'short, M>) -> Fallible<'e, M> {
    s
}

fn main() {}
