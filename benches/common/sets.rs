//! Children in a set of taskpen, and in its streams; and what futures has for the same.

use std::future::Future;
use std::marker::PhantomData;

use futures::StreamExt;
use futures::stream::iter;
use taskpen::{Scope, scope};

use super::taskpen::{Ambient, Lend};
use super::unordered::Unordered;

/// A `JoinSet` of taskpen.
pub struct Set<L = Ambient>(PhantomData<L>);

impl<L: Lend> Set<L> {
    pub async fn join<F>(n: usize, child: impl Fn(usize) -> F + Send) -> u64
    where
        F: Future<Output = u64> + Send,
    {
        let joined = scope(async move |s: Scope<'_>| {
            let mut children = s.join_set();
            for i in 0..n {
                children.spawn(child(i));
            }
            let mut sum = 0_u64;
            while let Some(value) = children.next().await {
                sum = sum.wrapping_add(value);
            }
            sum
        });
        L::lend(joined).await
    }

    pub async fn bounded<F>(n: usize, most: usize, child: impl Fn(usize) -> F + Send) -> u64
    where
        F: Future<Output = u64> + Send,
    {
        let joined = scope(async move |s: Scope<'_>| {
            let mut in_flight = s.join_set();
            let mut sum = 0_u64;
            for i in 0..n {
                if in_flight.len() == most {
                    if let Some(value) = in_flight.next().await {
                        sum = sum.wrapping_add(value);
                    }
                }
                in_flight.spawn(child(i));
            }
            while let Some(value) = in_flight.next().await {
                sum = sum.wrapping_add(value);
            }
            sum
        });
        L::lend(joined).await
    }
}

/// A set whose body waits for room before it spawns.
pub struct Limited<L = Ambient>(PhantomData<L>);

impl<L: Lend> Limited<L> {
    /// All are spawned before the first value is read.
    pub async fn bounded<F>(n: usize, most: usize, child: impl Fn(usize) -> F + Send) -> u64
    where
        F: Future<Output = u64> + Send,
    {
        let joined = scope(async move |s: Scope<'_>| {
            let mut children = s.join_set();
            for i in 0..n {
                children.wait_below(most).await;
                children.spawn(child(i));
            }
            let mut sum = 0_u64;
            while let Some(value) = children.next().await {
                sum = sum.wrapping_add(value);
            }
            sum
        });
        L::lend(joined).await
    }
}

/// The streams of taskpen; those of futures are with [`Unordered`].
pub struct Streams<L = Ambient>(PhantomData<L>);

impl<L: Lend> Streams<L> {
    pub async fn unordered<F>(n: usize, most: usize, child: impl Fn(usize) -> F + Send) -> u64
    where
        F: Future<Output = u64> + Send,
    {
        let joined = scope(async move |s: Scope<'_>| {
            let mut values = s.buffer_unordered(most, (0..n).map(child));
            let mut sum = 0_u64;
            while let Some(value) = values.next().await {
                sum = sum.wrapping_add(value);
            }
            sum
        });
        L::lend(joined).await
    }

    pub async fn ordered<F>(n: usize, most: usize, child: impl Fn(usize) -> F + Send) -> u64
    where
        F: Future<Output = u64> + Send,
    {
        let joined = scope(async move |s: Scope<'_>| {
            let mut values = s.buffered(most, (0..n).map(child));
            let mut sum = 0_u64;
            while let Some(value) = values.next().await {
                sum = sum.wrapping_add(value);
            }
            sum
        });
        L::lend(joined).await
    }
}

impl Unordered {
    pub async fn unordered<F>(n: usize, most: usize, child: impl Fn(usize) -> F) -> u64
    where
        F: Future<Output = u64>,
    {
        let mut values = iter((0..n).map(child)).buffer_unordered(most);
        let mut sum = 0_u64;
        while let Some(value) = values.next().await {
            sum = sum.wrapping_add(value);
        }
        sum
    }

    pub async fn ordered<F>(n: usize, most: usize, child: impl Fn(usize) -> F) -> u64
    where
        F: Future<Output = u64>,
    {
        let mut values = iter((0..n).map(child)).buffered(most);
        let mut sum = 0_u64;
        while let Some(value) = values.next().await {
            sum = sum.wrapping_add(value);
        }
        sum
    }
}
