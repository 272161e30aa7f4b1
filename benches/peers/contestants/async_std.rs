//! `async_std::task::spawn` and `.await` on its handle.

use std::collections::VecDeque;
use std::future::Future;

use async_std::task::{JoinHandle, spawn};
use futures::future::join_all;

use crate::common::bodies::Suspended;

pub(crate) struct AsyncStd;

impl AsyncStd {
    pub(crate) async fn join<F>(n: usize, child: impl Fn(usize) -> F) -> u64
    where
        F: Future<Output = u64> + Send + 'static,
    {
        let children: Vec<_> = (0..n).map(|i| spawn(child(i))).collect();
        let mut sum = 0_u64;
        for child in children {
            sum = sum.wrapping_add(child.await);
        }
        sum
    }

    pub(crate) async fn bounded<F>(n: usize, most: usize, child: impl Fn(usize) -> F) -> u64
    where
        F: Future<Output = u64> + Send + 'static,
    {
        let mut in_flight = VecDeque::with_capacity(most);
        let mut sum = 0_u64;
        for i in 0..n {
            if in_flight.len() == most {
                if let Some(oldest) = in_flight.pop_front() {
                    sum = sum.wrapping_add(oldest.await);
                }
            }
            in_flight.push_back(spawn(child(i)));
        }
        for child in in_flight {
            sum = sum.wrapping_add(child.await);
        }
        sum
    }

    pub(crate) async fn suspend(n: usize) -> Vec<JoinHandle<u64>> {
        Suspended::expect(n);
        let children = (0..n).map(|i| spawn(Suspended::new(i))).collect();
        Suspended::wait_for_all().await;
        children
    }

    pub(crate) async fn end(children: Vec<JoinHandle<u64>>) {
        // All at once: one after the other would wait for the other thread each time.
        join_all(children.into_iter().map(JoinHandle::cancel)).await;
    }
}
