//! Children in a `FuturesUnordered`: the fastest that one could write by hand. No handles, no spawn
//! from outside, no threads.

use std::future::Future;

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use super::bodies::Suspended;

pub struct Unordered;

impl Unordered {
    pub async fn join<F>(n: usize, child: impl Fn(usize) -> F) -> u64
    where
        F: Future<Output = u64>,
    {
        let mut children: FuturesUnordered<_> = (0..n).map(child).collect();
        let mut sum = 0_u64;
        while let Some(value) = children.next().await {
            sum = sum.wrapping_add(value);
        }
        sum
    }

    pub async fn bounded<F>(n: usize, most: usize, child: impl Fn(usize) -> F) -> u64
    where
        F: Future<Output = u64>,
    {
        let mut in_flight = FuturesUnordered::new();
        let mut sum = 0_u64;
        for i in 0..n {
            if in_flight.len() == most {
                if let Some(value) = in_flight.next().await {
                    sum = sum.wrapping_add(value);
                }
            }
            in_flight.push(child(i));
        }
        while let Some(value) = in_flight.next().await {
            sum = sum.wrapping_add(value);
        }
        sum
    }

    pub async fn suspend(n: usize) -> FuturesUnordered<Suspended> {
        Suspended::expect(n);
        let mut children: FuturesUnordered<_> = (0..n).map(Suspended::new).collect();
        Suspended::poll_all(|cx| children.poll_next_unpin(cx).is_ready()).await;
        children
    }

    pub async fn end(parent: FuturesUnordered<Suspended>) {
        drop(parent);
    }
}
