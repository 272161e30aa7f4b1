//! Pens, and the tasks of a runtime that one would detach without them.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::OnceLock;

use futures::FutureExt;
use futures::future::join_all;
use taskpen::Pen;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::common::bodies::Suspended;

/// A pen on a runtime.
pub(crate) struct PenOn<R>(PhantomData<R>);

/// A runtime that has a pen for as long as the program runs, as a value that lives long has one.
pub(crate) trait HasPen {
    fn make() -> Pen;
    fn pen() -> &'static Pen;
}

macro_rules! has_pen {
    ($name:ident, $make:expr) => {
        pub(crate) struct $name;

        impl HasPen for $name {
            fn make() -> Pen {
                $make
            }

            fn pen() -> &'static Pen {
                static PEN: OnceLock<Pen> = OnceLock::new();
                PEN.get_or_init(Self::make)
            }
        }
    };
}

has_pen!(OnAsyncStd, Pen::on(taskpen::AsyncStd));
has_pen!(OnSmol, Pen::on(taskpen::Smol));
has_pen!(OnTokioThreads, Pen::on(taskpen::Tokio::current()));

impl<R: HasPen> PenOn<R> {
    pub(crate) async fn join<F>(n: usize, child: impl Fn(usize) -> F) -> u64
    where
        F: Future<Output = u64> + Send + 'static,
    {
        let children: Vec<_> = (0..n).map(|i| R::pen().spawn(child(i))).collect();
        sum(children).await
    }

    pub(crate) async fn suspend(n: usize) -> Pen {
        Suspended::expect(n);
        let pen = R::make();
        for i in 0..n {
            pen.spawn(Suspended::new(i));
        }
        Suspended::wait_for_all().await;
        pen
    }

    pub(crate) async fn end(pen: Pen) {
        pen.cancel().await;
    }
}

/// `smol::spawn`.
pub(crate) struct SmolTasks;

impl SmolTasks {
    pub(crate) async fn join<F>(n: usize, child: impl Fn(usize) -> F) -> u64
    where
        F: Future<Output = u64> + Send + 'static,
    {
        let children: Vec<_> = (0..n).map(|i| smol::spawn(child(i))).collect();
        sum(children).await
    }

    pub(crate) async fn suspend(n: usize) -> Vec<smol::Task<u64>> {
        Suspended::expect(n);
        let children = (0..n).map(|i| smol::spawn(Suspended::new(i))).collect();
        Suspended::wait_for_all().await;
        children
    }

    pub(crate) async fn end(children: Vec<smol::Task<u64>>) {
        join_all(children.into_iter().map(smol::Task::cancel)).await;
    }
}

/// `tokio::spawn`.
pub(crate) struct TokioTasks;

impl TokioTasks {
    pub(crate) async fn join<F>(n: usize, child: impl Fn(usize) -> F) -> u64
    where
        F: Future<Output = u64> + Send + 'static,
    {
        let runtime = Handle::current();
        let children: Vec<_> = (0..n).map(|i| runtime.spawn(child(i))).collect();
        let value = |joined: Result<_, _>| joined.expect("no child panics or is cancelled");
        sum(children.into_iter().map(|child| child.map(value))).await
    }

    pub(crate) async fn suspend(n: usize) -> Vec<JoinHandle<u64>> {
        Suspended::expect(n);
        let runtime = Handle::current();
        let children = (0..n).map(|i| runtime.spawn(Suspended::new(i))).collect();
        Suspended::wait_for_all().await;
        children
    }

    pub(crate) async fn end(children: Vec<JoinHandle<u64>>) {
        children.iter().for_each(JoinHandle::abort);
        join_all(children).await;
    }
}

/// Awaits children one after the other, and adds up what they give.
async fn sum(children: impl IntoIterator<Item: Future<Output = u64>>) -> u64 {
    let mut sum = 0_u64;
    for child in children {
        sum = sum.wrapping_add(child.await);
    }
    sum
}
