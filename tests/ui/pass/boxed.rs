//! Methods of traits, as `async_trait` writes them.

use futures_lite::future::block_on;
use std::future::Future;
use std::pin::Pin;
use taskpen::{Scope, scope};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

trait Fetch: Sync {
    fn fetch<'life0, 'life1, 'async_trait>(
        &'life0 self,
        url: &'life1 str,
    ) -> Boxed<'async_trait, usize>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        Self: 'async_trait;
}

struct Lengths {
    factor: usize,
}

impl Fetch for Lengths {
    fn fetch<'life0, 'life1, 'async_trait>(
        &'life0 self,
        url: &'life1 str,
    ) -> Boxed<'async_trait, usize>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            let result: usize = scope(async |s| {
                let length = s.spawn(async { url.len() });
                self.factor * length.await
            })
            .await;
            result
        })
    }
}

async fn all(fetch: &dyn Fetch, urls: &[&str]) -> usize {
    scope(async |s| {
        let pages: Vec<_> = urls.iter().map(|url| s.spawn(fetch.fetch(url))).collect();
        let mut sum = 0;
        for page in pages {
            sum += page.await;
        }
        sum
    })
    .await
}

/// The body itself may be boxed, too.
fn boxed_body<'env>(data: &'env str) -> Boxed<'env, usize> {
    Box::pin(scope(move |s: Scope<'env>| -> Boxed<'env, usize> {
        Box::pin(async move { s.spawn(async move { data.len() }).await })
    }))
}

fn main() {
    let boxed: Boxed<'_, usize> = Box::pin(all(&Lengths { factor: 2 }, &["a", "bc"]));
    assert_eq!(block_on(boxed), 6);
    assert_eq!(block_on(boxed_body("abc")), 3);
}
