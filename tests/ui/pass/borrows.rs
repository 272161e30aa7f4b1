//! Scopes whose children borrow are `Send`: in functions, in methods, in generic code.

use futures_lite::future::block_on;
use std::future::Future;
use taskpen::{JoinHandle, Scope, scope};

fn need_send<T: Send>(value: T) -> T {
    value
}

async fn lengths(pages: &[String], total: &mut usize) {
    need_send(scope(async |s| {
        let handles: Vec<_> = pages
            .iter()
            .map(|page| s.spawn(async { page.len() }))
            .collect();
        for handle in handles {
            *total += handle.await;
        }
    }))
    .await;
}

async fn shared_and_unique<'a, T: Sync>(
    data: &'a T,
    sums: &mut [u32],
    add: impl Fn(&T) -> u32 + Sync,
) {
    let add = &add;
    scope(|s: Scope<'_>| {
        for sum in sums {
            s.spawn(async move { *sum += add(data) });
        }
        async {}
    })
    .await;
}

async fn map<T, R, F>(items: &[T], f: impl Fn(&T) -> F + Sync) -> Vec<R>
where
    T: Sync,
    R: Send,
    F: Future<Output = R> + Send,
{
    let f = &f;
    scope(async |s| {
        let handles: Vec<JoinHandle<'_, R>> = items
            .iter()
            .map(|item| s.spawn(async move { f(item).await }))
            .collect();
        let mut results = Vec::new();
        for handle in handles {
            results.push(handle.await);
        }
        results
    })
    .await
}

struct Site {
    pages: Vec<String>,
    hits: u32,
}

impl Site {
    async fn size(&self) -> usize {
        scope(async |s| {
            let handle = s.spawn(async { self.pages.iter().map(String::len).sum() });
            handle.await
        })
        .await
    }

    async fn visit(&mut self) {
        scope(async |s| {
            s.spawn(async { self.hits += 1 });
        })
        .await;
    }
}

fn main() {
    block_on(need_send(async {
        let mut site = Site {
            pages: vec!["index".into(), "guide".into()],
            hits: 0,
        };
        let mut total = 0;
        need_send(lengths(&site.pages, &mut total)).await;
        assert_eq!(total, 10);
        assert_eq!(need_send(site.size()).await, 10);
        need_send(site.visit()).await;
        assert_eq!(site.hits, 1);

        let mut sums = [1, 2];
        need_send(shared_and_unique(&site, &mut sums, |site| site.hits)).await;
        assert_eq!(sums, [2, 3]);
        let lengths = need_send(map(&site.pages, |page| {
            let length = page.len();
            async move { length }
        }))
        .await;
        assert_eq!(lengths, [5, 5]);
    }));
}
