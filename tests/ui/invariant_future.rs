//! Trap 13: the future of a scope hands out handles for exactly its own lifetime and error.

use std::future::Ready;
use taskpen::{Scoped, TryScoped};

type Plain<'env, M> = Scoped<'env, fn(), Ready<()>, M>;
type Fallible<'e, M> = TryScoped<'static, fn(), Ready<()>, &'e u8, M>;

fn shrink<'a, 'long: 'a, M>(sc: Plain<'long, M>) -> Plain<'a, M> {
    sc
}

fn grow<'short, 'a: 'short, M>(sc: Plain<'short, M>) -> Plain<'a, M> {
    sc
}

fn shrink_error<'e, 'long: 'e, M>(sc: Fallible<'long, M>) -> Fallible<'e, M> {
    sc
}

fn main() {}
