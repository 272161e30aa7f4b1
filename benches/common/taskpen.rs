//! Children in a scope.

use std::collections::VecDeque;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use taskpen::{Scope, Scoped, scope};

use super::bodies::{Suspended, never};

/// Whom a scope may ask for helpers.
pub trait Lend: 'static {
    fn lend<'env, F, Fut: Future>(scoped: Scoped<'env, F, Fut>) -> Scoped<'env, F, Fut>
    where
        F: FnOnce(Scope<'env>) -> Fut;
}

/// Whoever is detected: async-std in its tasks, nobody in a bare `block_on`.
pub struct Ambient;

impl Lend for Ambient {
    fn lend<'env, F, Fut: Future>(scoped: Scoped<'env, F, Fut>) -> Scoped<'env, F, Fut>
    where
        F: FnOnce(Scope<'env>) -> Fut,
    {
        scoped
    }
}

/// Nobody.
pub struct Serial;

impl Lend for Serial {
    fn lend<'env, F, Fut: Future>(scoped: Scoped<'env, F, Fut>) -> Scoped<'env, F, Fut>
    where
        F: FnOnce(Scope<'env>) -> Fut,
    {
        scoped.serial()
    }
}

pub struct Taskpen<L = Ambient>(PhantomData<L>);

impl<L: Lend> Taskpen<L> {
    /// Spawns `n` children, keeps their handles, and awaits them.
    pub async fn join<F>(n: usize, child: impl Fn(usize) -> F + Send) -> u64
    where
        F: Future<Output = u64> + Send,
    {
        let joined = scope(async move |s: Scope<'_>| {
            let children: Vec<_> = (0..n).map(|i| s.spawn(child(i))).collect();
            let mut sum = 0_u64;
            for child in children {
                sum = sum.wrapping_add(child.await);
            }
            sum
        });
        L::lend(joined).await
    }

    /// Runs `n` children, no more than `most` at a time.
    pub async fn bounded<F>(n: usize, most: usize, child: impl Fn(usize) -> F + Send) -> u64
    where
        F: Future<Output = u64> + Send,
    {
        let joined = scope(async move |s: Scope<'_>| {
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
        });
        L::lend(joined).await
    }

    /// A parent with `n` children that are suspended.
    pub async fn suspend(n: usize) -> Pin<Box<impl Future<Output = ()>>> {
        Suspended::expect(n);
        let parent = scope(async move |s: Scope<'_>| {
            for i in 0..n {
                s.spawn(Suspended::new(i));
            }
            never().await;
        });
        let mut parent = Box::pin(L::lend(parent));
        Suspended::poll_all(|cx| parent.as_mut().poll(cx).is_ready()).await;
        parent
    }

    /// Drops a parent; its children are gone when this is.
    pub async fn end(parent: impl Future) {
        drop(parent);
    }
}
