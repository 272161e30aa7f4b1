//! Sets and streams in tasks, with borrows, closures over references, generics and errors.

use futures_lite::StreamExt;
use futures_lite::future::block_on;
use std::fmt::Display;
use std::future::Future;
use std::num::ParseIntError;
use taskpen::{ChildOf, JoinSet, Scope, TryScope, scope, try_scope};

fn need_send<T: Send>(value: T) -> T {
    value
}

async fn length(page: &str) -> usize {
    page.len()
}

/// A set, across awaits.
async fn in_a_set(pages: &[String]) -> usize {
    scope(async |s| {
        let mut set = s.join_set();
        for page in pages {
            set.spawn(length(page));
        }
        let mut sum = 0;
        while let Some(length) = set.next().await {
            sum += length;
        }
        sum
    })
    .await
}

/// A set that is filled with back-pressure, generic over what the children are about.
async fn limited<T: Display + Sync>(items: &[T]) -> usize {
    scope(async |s| {
        let mut set = s.join_set();
        for item in items {
            set.wait_below(1).await;
            set.spawn(async move { item.to_string().len() });
        }
        set.fold(0, |sum, length| sum + length).await
    })
    .await
}

/// Iterators over references, with closures, across awaits: where `StreamExt::buffered` of futures
/// meets "implementation of `FnOnce` is not general enough".
async fn in_streams(pages: &[String]) -> usize {
    scope(async |s| {
        let mut sum = 0;
        let mut ordered = s.buffered(2, pages.iter().map(|page| length(page)));
        while let Some(length) = ordered.next().await {
            sum += length;
        }
        let mut unordered = s.buffer_unordered(
            2,
            pages
                .iter()
                .filter(|page| !page.is_empty())
                .map(async |page| page.len()),
        );
        while let Some(length) = unordered.next().await {
            sum += length;
        }
        sum
    })
    .await
}

/// The error type is known, so a `?` in a child needs no annotation.
async fn fallible(texts: &[String]) -> Result<usize, ParseIntError> {
    try_scope(async |s: TryScope<'_, ParseIntError>| {
        let mut set = s.join_set();
        for text in texts {
            set.spawn(async move {
                let number: usize = text.parse()?;
                Ok(number)
            });
        }
        let mut other = s.join_set();
        other.extend([async { Ok("1".parse::<usize>()?) }]);
        let parse = |text: &'_ String| {
            let text = text.clone();
            async move { Ok(text.parse::<usize>()?) }
        };
        let mut stream = s.buffered(2, texts.iter().map(parse));
        let mut sum = 0;
        while let Some(number) = stream.next().await {
            sum += number;
        }
        while let Some(number) = set.next().await {
            sum += number;
        }
        Ok(sum + other.join_next().await.unwrap_or(0))
    })
    .await
}

/// In a struct, and as an argument.
struct Crew<'env> {
    set: JoinSet<'env, usize>,
    names: JoinSet<'env, &'env str>,
}

impl<'env> Crew<'env> {
    fn new(s: &Scope<'env>) -> Self {
        Self {
            set: s.join_set(),
            names: s.join_set(),
        }
    }

    async fn hire(&mut self, name: &'env str) {
        self.set.spawn(async move { name.len() });
        self.names.wait_below(2).await;
        self.names.spawn(async move { name });
    }
}

fn count<'env, F>(s: &Scope<'env>, work: F) -> impl Future<Output = usize> + Send + use<'env, F>
where
    F: Future<Output = usize> + Send + 'env,
{
    let mut set = s.join_set();
    set.spawn(work);
    async move { set.next().await.unwrap_or(0) }
}

/// Generic over the kind of scope, and over the futures.
async fn fill<'env, S, F, T>(set: &mut JoinSet<'env, T, S>, futures: Vec<F>)
where
    F: Future + ChildOf<'env, S, T>,
{
    for future in futures {
        set.wait_below(2).await;
        set.spawn(future);
    }
}

/// Types that only the scope, or only the value, tells.
async fn inferred() -> Result<u64, String> {
    let sum = scope(async |s| {
        let mut set = s.join_set();
        set.spawn(async { 1 });
        fill(&mut set, vec![std::future::ready(2)]).await;
        let mut sum = 0;
        while let Some(value) = set.join_next().await {
            sum += value;
        }
        sum
    })
    .await;
    try_scope(async |s: TryScope<'_, String>| {
        let mut set = s.join_set();
        set.spawn(async { Ok(1) });
        fill(&mut set, vec![async { Err("no".parse::<u64>().unwrap_err().to_string()) }]).await;
        let mut stream = s.buffer_unordered(2, [async { Ok(2) }]);
        let value: u64 = set.join_next().await.unwrap_or(0) + stream.next().await.unwrap_or(0);
        Ok(value + sum)
    })
    .await
}

fn main() {
    let pages = vec!["index".to_string(), "guide".to_string()];
    assert_eq!(block_on(need_send(in_a_set(&pages))), 10);
    assert_eq!(block_on(need_send(limited(&[1, 22]))), 3);
    assert_eq!(block_on(need_send(in_streams(&pages))), 20);
    let texts = vec!["1".to_string(), "2".to_string()];
    assert_eq!(block_on(need_send(fallible(&texts))), Ok(7));
    assert_eq!(block_on(need_send(inferred())), Err("invalid digit found in string".into()));
    let sum = block_on(need_send(scope(async |s| {
        let mut crew = Crew::new(&s);
        crew.hire("one").await;
        crew.hire("three").await;
        count(&s, async move { crew.set.next().await.unwrap() }).await
    })));
    assert!(sum == 3 || sum == 5);
}
