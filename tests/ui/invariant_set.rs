//! Trap 13: through a set or a stream children are spawned too, and values and errors flow in.

use taskpen::{Buffered, JoinSet, Scope, TryScope};

type Set<'env, T, M> = JoinSet<'env, T, Scope<'env, M>>;
type TrySet<'e, M> = JoinSet<'static, u8, TryScope<'static, &'e u8, M>>;

fn shrink<'a, 'long: 'a, M>(set: Set<'long, u8, M>) -> Set<'a, u8, M> {
    set
}

fn grow<'short, 'a: 'short, M>(set: Set<'short, u8, M>) -> Set<'a, u8, M> {
    set
}

fn shrink_value<'a, 'long: 'a, M>(
    set: Set<'static, &'long u8, M>,
) -> Set<'static, &'a u8, M> {
    set
}

fn grow_value<'short, 'a: 'short, M>(
    set: Set<'static, &'short u8, M>,
) -> Set<'static, &'a u8, M> {
    set
}

fn shrink_error<'a, 'long: 'a, M>(set: TrySet<'long, M>) -> TrySet<'a, M> {
    set
}

fn shrink_stream<'a, 'long: 'a, I>(stream: Buffered<'long, I, u8>) -> Buffered<'a, I, u8> {
    stream
}

fn grow_stream<'short, 'a: 'short, I>(stream: Buffered<'short, I, u8>) -> Buffered<'a, I, u8> {
    stream
}

fn shrink_item<'a, 'long: 'a, I>(
    stream: Buffered<'static, I, &'long u8>,
) -> Buffered<'static, I, &'a u8> {
    stream
}

fn main() {}
