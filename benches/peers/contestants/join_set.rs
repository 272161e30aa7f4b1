//! tokio's `JoinSet`, inside whichever runtime polls it.

use std::future::Future;

use tokio::task::{JoinError, JoinSet as Set};

use crate::common::bodies::Suspended;

pub(crate) struct JoinSet;

impl JoinSet {
    pub(crate) async fn join<F>(n: usize, child: impl Fn(usize) -> F) -> u64
    where
        F: Future<Output = u64> + Send + 'static,
    {
        let mut children = Set::new();
        for i in 0..n {
            children.spawn(child(i));
        }
        let mut sum = 0_u64;
        while let Some(joined) = children.join_next().await {
            sum = sum.wrapping_add(value(joined));
        }
        sum
    }

    pub(crate) async fn bounded<F>(n: usize, most: usize, child: impl Fn(usize) -> F) -> u64
    where
        F: Future<Output = u64> + Send + 'static,
    {
        let mut in_flight = Set::new();
        let mut sum = 0_u64;
        for i in 0..n {
            if in_flight.len() == most {
                if let Some(joined) = in_flight.join_next().await {
                    sum = sum.wrapping_add(value(joined));
                }
            }
            in_flight.spawn(child(i));
        }
        while let Some(joined) = in_flight.join_next().await {
            sum = sum.wrapping_add(value(joined));
        }
        sum
    }

    pub(crate) async fn suspend(n: usize) -> Set<u64> {
        Suspended::expect(n);
        let mut children = Set::new();
        for i in 0..n {
            children.spawn(Suspended::new(i));
        }
        Suspended::wait_for_all().await;
        children
    }

    pub(crate) async fn end(mut children: Set<u64>) {
        // Dropping the set would abort as well, but not wait until the futures are gone.
        children.shutdown().await;
    }
}

fn value(joined: Result<u64, JoinError>) -> u64 {
    joined.expect("no child panics or is cancelled")
}
