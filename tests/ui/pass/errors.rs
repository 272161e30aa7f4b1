//! Fallible scopes, with the error named in the closure or inferred.

use futures_lite::future::block_on;
use std::io;
use taskpen::{TryLocalScope, Scope, TryScope, try_local_scope, try_scope};

fn need_send<T: Send>(value: T) -> T {
    value
}

async fn named(text: &str) -> io::Result<u32> {
    let number = try_scope(async |s: TryScope<'_, io::Error>| {
        let number = s.spawn(async { text.parse::<u32>().map_err(io::Error::other) });
        Ok(number.await)
    })
    .await?;
    Ok(number)
}

async fn inferred(text: &str) -> Result<u32, std::num::ParseIntError> {
    need_send(try_scope(async |s| {
        let number = s.spawn(async { text.parse::<u32>() });
        s.spawn_with(async |_| {
            text.parse::<u32>()?;
            Ok(())
        });
        Ok(number.await)
    }))
    .await
}

fn warm<'env>(s: &Scope<'env>, text: &'env str) {
    s.spawn(async { text.len() });
}

async fn both_kinds(text: &str) -> Result<(), ()> {
    try_scope(async |s| {
        warm(&s, text);
        Ok(())
    })
    .await
}

async fn local(text: &str) -> Result<u32, std::rc::Rc<str>> {
    try_local_scope(async |s: TryLocalScope<'_, std::rc::Rc<str>>| {
        Ok(s.spawn(async { text.parse().map_err(|_| text.into()) })
            .await)
    })
    .await
}

fn main() {
    assert_eq!(block_on(need_send(named("7"))).unwrap(), 7);
    assert!(block_on(need_send(inferred("x"))).is_err());
    assert_eq!(block_on(need_send(both_kinds("x"))), Ok(()));
    assert_eq!(block_on(local("7")), Ok(7));
}
