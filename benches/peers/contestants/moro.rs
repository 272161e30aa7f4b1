//! moro-local: the form of moro that works on stable Rust.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;

use moro_local::async_scope;

use crate::common::bodies::{Suspended, never};

pub(crate) struct Moro;

impl Moro {
    pub(crate) async fn join<F>(n: usize, child: impl Fn(usize) -> F) -> u64
    where
        F: Future<Output = u64>,
    {
        async_scope!(|s| {
            let children: Vec<_> = (0..n).map(|i| s.spawn(child(i))).collect();
            let mut sum = 0_u64;
            for child in children {
                sum = sum.wrapping_add(child.await);
            }
            sum
        })
        .await
    }

    pub(crate) async fn bounded<F>(n: usize, most: usize, child: impl Fn(usize) -> F) -> u64
    where
        F: Future<Output = u64>,
    {
        async_scope!(|s| {
            let mut in_flight = VecDeque::with_capacity(most);
            let mut sum = 0_u64;
            for i in 0..n {
                if in_flight.len() == most {
                    if let Some(oldest) = in_flight.pop_front() {
                        sum = sum.wrapping_add(oldest.await);
                    }
                }
                in_flight.push_back(s.spawn(child(i)));
            }
            for child in in_flight {
                sum = sum.wrapping_add(child.await);
            }
            sum
        })
        .await
    }

    pub(crate) async fn suspend(n: usize) -> Pin<Box<impl Future<Output = ()>>> {
        Suspended::expect(n);
        let mut parent = Box::pin(async move {
            async_scope!(|s| {
                for i in 0..n {
                    // What it returns waits for the value; the child runs all the same.
                    drop(s.spawn(Suspended::new(i)));
                }
                never().await;
            })
            .await;
        });
        Suspended::poll_all(|cx| parent.as_mut().poll(cx).is_ready()).await;
        parent
    }

    pub(crate) async fn end(parent: impl Future) {
        drop(parent);
    }
}
