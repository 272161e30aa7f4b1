//! Trap 13: the future of a scope hands out handles for exactly its own lifetime and error.

use std::future::Ready;
use taskpen::{LocalScoped, Scoped, TryScoped};

type Plain<'env> = Scoped<'env, fn(), Ready<()>>;
type Local<'env> = LocalScoped<'env, fn(), Ready<()>>;
type Fallible<'e> = TryScoped<'static, fn(), Ready<()>, &'e u8>;

fn shrink<'a, 'long: 'a>(sc: Plain<'long>) -> Plain<'a> {
    sc
}

fn grow<'short, 'a: 'short>(sc: Plain<'short>) -> Plain<'a> {
    sc
}

fn shrink_local<'a, 'long: 'a>(sc: Local<'long>) -> Local<'a> {
    sc
}

fn grow_local<'short, 'a: 'short>(sc: Local<'short>) -> Local<'a> {
    sc
}

fn shrink_error<'e, 'long: 'e>(sc: Fallible<'long>) -> Fallible<'e> {
    sc
}

fn main() {}
