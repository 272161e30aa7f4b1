//! A type that holds a handle of a scope and what its children share.

use futures_lite::future::block_on;
use std::sync::atomic::{AtomicUsize, Ordering};
use taskpen::{JoinHandle, Scope, scope};

fn need_send<T: Send>(value: T) -> T {
    value
}

struct Shared {
    pages: Vec<String>,
    done: AtomicUsize,
}

#[derive(Clone)]
struct Crawler<'env> {
    s: Scope<'env>,
    shared: &'env Shared,
}

impl<'env> Crawler<'env> {
    fn visit(&self, index: usize) -> JoinHandle<'env, Option<&'env str>> {
        let crawler = self.clone();
        self.s.spawn(async move { crawler.page(index).await })
    }

    async fn page(&self, index: usize) -> Option<&'env str> {
        let page = self.shared.pages.get(index)?;
        self.shared.done.fetch_add(1, Ordering::Relaxed);
        self.visit(index + 1);
        Some(page)
    }
}

async fn crawl(shared: &Shared) -> usize {
    scope(async |s| {
        let crawler = Crawler { s, shared };
        crawler.visit(0).await.unwrap().len()
    })
    .await
}

fn main() {
    let shared = Shared {
        pages: vec!["index".into(), "guide".into(), "end".into()],
        done: AtomicUsize::new(0),
    };
    assert_eq!(block_on(need_send(crawl(&shared))), 5);
    assert_eq!(shared.done.into_inner(), 3);
}
