//! async-executor's `LocalExecutor`.
//!
//! One executor is kept for all measurements and drives them, as a program would have it. Only
//! `suspend` makes one: dropping it is how its tasks are cancelled together.

use std::collections::VecDeque;
use std::future::Future;

use async_executor::{LocalExecutor as Executor, Task};
use futures_lite::future::block_on;

use crate::common::bodies::Suspended;

thread_local! {
    static EXECUTOR: &'static Executor<'static> = Box::leak(Box::new(Executor::new()));
}

pub(crate) struct LocalExecutor;

impl LocalExecutor {
    /// Runs `main`, and what it spawns.
    pub(crate) fn run<T>(main: impl Future<Output = T>) -> T {
        block_on(executor().run(main))
    }

    pub(crate) async fn join<F>(n: usize, child: impl Fn(usize) -> F) -> u64
    where
        F: Future<Output = u64> + 'static,
    {
        let executor = executor();
        let children: Vec<_> = (0..n).map(|i| executor.spawn(child(i))).collect();
        let mut sum = 0_u64;
        for child in children {
            sum = sum.wrapping_add(child.await);
        }
        sum
    }

    pub(crate) async fn bounded<F>(n: usize, most: usize, child: impl Fn(usize) -> F) -> u64
    where
        F: Future<Output = u64> + 'static,
    {
        let executor = executor();
        let mut in_flight = VecDeque::with_capacity(most);
        let mut sum = 0_u64;
        for i in 0..n {
            if in_flight.len() == most {
                if let Some(oldest) = in_flight.pop_front() {
                    sum = sum.wrapping_add(oldest.await);
                }
            }
            in_flight.push_back(executor.spawn(child(i)));
        }
        for child in in_flight {
            sum = sum.wrapping_add(child.await);
        }
        sum
    }

    pub(crate) async fn suspend(n: usize) -> (Executor<'static>, Vec<Task<u64>>) {
        Suspended::expect(n);
        let executor = Executor::new();
        let children = (0..n).map(|i| executor.spawn(Suspended::new(i))).collect();
        while executor.try_tick() {}
        assert!(Suspended::are_all());
        (executor, children)
    }

    pub(crate) async fn end((executor, children): (Executor<'static>, Vec<Task<u64>>)) {
        drop(executor); // drops the futures, all in one go
        drop(children);
    }
}

fn executor() -> &'static Executor<'static> {
    EXECUTOR.with(|executor| *executor)
}
