//! Where contestants run, and how their time is taken.
//!
//! A peer runs in the place that suits it best, and taskpen is measured in each of those places, so
//! that a ratio compares what a user has the choice between:
//!
//! | place | taskpen against |
//! |---|---|
//! | a bare `block_on` | `FuturesUnordered`, moro-local, `LocalExecutor` |
//! | a tokio runtime with one thread | `JoinSet` |
//! | a task on tokio's multi-thread runtime | `JoinSet`; scopes may ask for helpers |
//! | a task of async-std | `async_std::task::spawn`; scopes may ask for helpers |
//! | a task of smol | `smol::spawn`, for pens |
//!
//! Runtimes are started before anything is measured. In the places with several threads the
//! measurement is itself a task of the runtime, so that spawning needs no way in from outside.

use std::future::Future;
use std::hint::black_box;
use std::sync::OnceLock;
use std::time::Instant;

use futures_lite::future::block_on;
use tokio::runtime::{Builder, Runtime};

use crate::contestants::LocalExecutor;
use crate::race::Run;

/// Awaits what `make` makes, `repeat` times; the nanoseconds that took.
pub(crate) async fn timed<F: Future<Output = u64>>(repeat: u64, make: impl Fn() -> F) -> f64 {
    let start = Instant::now();
    for _ in 0..repeat {
        black_box(make().await);
    }
    since(start)
}

/// Awaits what ends what `make` makes, `repeat` times; the nanoseconds that the end took.
pub(crate) async fn timed_end<T, F, E>(
    repeat: u64,
    make: impl Fn() -> F,
    end: impl Fn(T) -> E,
) -> f64
where
    F: Future<Output = T>,
    E: Future<Output = ()>,
{
    let mut sum = 0.0;
    for _ in 0..repeat {
        let made = make().await;
        let start = Instant::now();
        end(made).await;
        sum += since(start);
    }
    sum
}

/// The nanoseconds since then.
pub(crate) fn since(start: Instant) -> f64 {
    start.elapsed().as_nanos() as f64
}

/// Nothing but a thread.
pub(crate) fn alone<F: Future<Output = f64>>(main: impl Fn(u64) -> F + 'static) -> Run {
    Box::new(move |repeat| block_on(main(repeat)))
}

/// The same with the executor that [`LocalExecutor`] spawns on.
pub(crate) fn in_executor<F: Future<Output = f64>>(main: impl Fn(u64) -> F + 'static) -> Run {
    Box::new(move |repeat| LocalExecutor::run(main(repeat)))
}

/// tokio's runtime with one thread, which is ours.
pub(crate) fn in_tokio<F: Future<Output = f64>>(main: impl Fn(u64) -> F + 'static) -> Run {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| start(Builder::new_current_thread()));
    Box::new(move |repeat| runtime.block_on(main(repeat)))
}

/// tokio's multi-thread runtime, with a thread for each core.
pub(crate) fn in_tokio_threads<F>(main: impl Fn(u64) -> F + 'static) -> Run
where
    F: Future<Output = f64> + Send + 'static,
{
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| start(Builder::new_multi_thread()));
    Box::new(move |repeat| {
        let task = runtime.spawn(main(repeat));
        runtime.block_on(task).expect("no contestant panics")
    })
}

/// async-std, with a thread for each core.
pub(crate) fn in_async_std<F>(main: impl Fn(u64) -> F + 'static) -> Run
where
    F: Future<Output = f64> + Send + 'static,
{
    Box::new(move |repeat| async_std::task::block_on(async_std::task::spawn(main(repeat))))
}

/// smol, with as many threads as `SMOL_THREADS` says, or one.
pub(crate) fn in_smol<F>(main: impl Fn(u64) -> F + 'static) -> Run
where
    F: Future<Output = f64> + Send + 'static,
{
    Box::new(move |repeat| smol::block_on(smol::spawn(main(repeat))))
}

fn start(mut builder: Builder) -> Runtime {
    let started = builder.enable_time().build();
    started.expect("the system has threads to give")
}

/// Adds to a race all who can run the children of a workload, each in its place.
///
/// `$main` is one expression for all of them: a closure from the number of repetitions to a future
/// of what they cost. In it `$Peer` stands for the contestant, and `$Inner` for the same within
/// a child: scopes in a child inherit from whom to ask for helpers.
macro_rules! add_peers {
    ($race:expr, $units:expr, |$Peer:ident, $Inner:ident| $main:expr) => {
        add_peers!(@place $race, $units, |$Peer, $Inner| $main,
            (Taskpen<Ambient>, alone),
            (Unordered, alone, "FuturesUnordered"),
            (Moro, alone, "moro-local"),
            (LocalExecutor, in_executor, "LocalExecutor"));
        add_peers!(@place $race, $units, |$Peer, $Inner| $main,
            (Taskpen<Ambient>, in_tokio),
            (JoinSet, in_tokio, "JoinSet, one thread"));
        add_peers!(@place $race, $units, |$Peer, $Inner| $main,
            (Taskpen<OnTokio>, in_tokio_threads),
            (JoinSet, in_tokio_threads, "JoinSet, threads"));
        add_peers!(@place $race, $units, |$Peer, $Inner| $main,
            (Taskpen<Ambient>, in_async_std),
            (AsyncStd, in_async_std, "async-std"));
    };
    (@place $race:expr, $units:expr, |$Peer:ident, $Inner:ident| $main:expr,
     ($ours:ty, $our_place:ident), $(($theirs:ty, $place:ident, $name:literal)),+) => {
        $race.add(
            $units,
            {
                type $Peer = $ours;
                #[allow(dead_code)]
                type $Inner = Taskpen<Ambient>;
                crate::places::$our_place($main)
            },
            vec![$(($name, {
                type $Peer = $theirs;
                #[allow(dead_code)]
                type $Inner = $theirs;
                crate::places::$place($main)
            })),+],
        );
    };
}
pub(crate) use add_peers;
