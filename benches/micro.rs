//! taskpen alone, under criterion: for the history of each workload on one machine.
//!
//! ```sh
//! cargo bench -p taskpen-benches --bench micro
//! ```
//!
//! Times are those of the whole workload, the throughput counts children.

mod common;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{
    BatchSize, BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
    measurement::WallTime,
};
use futures_lite::future::block_on;

use common::IN_FLIGHT;
use common::bodies::{compute, steps_per_micro, value, yields};
use common::gates::{Tables, Wave};
use common::taskpen::Taskpen;

type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// A workload with `n` children, polled by a bare `block_on`.
macro_rules! bench {
    ($group:expr, $name:literal, $n:expr, $main:expr) => {{
        let n: usize = $n;
        $group.throughput(Throughput::Elements(n as u64));
        $group.bench_function(BenchmarkId::new($name, n), |bencher| {
            bencher.iter(|| black_box(block_on($main)));
        });
    }};
}

fn spawning(group: &mut Group<'_>) {
    for n in [1, 100, 10_000] {
        bench!(group, "spawn + join", n, <Taskpen>::join(n, value));
        bench!(group, "10 yields", n, <Taskpen>::join(n, |i| yields(i, 10)));
    }
    bench!(
        group,
        "nested, fan-out 8",
        512,
        <Taskpen>::join(8, |_| { <Taskpen>::join(8, |_| <Taskpen>::join(8, value)) })
    );
    bench!(group, "bounded, 32 in flight", 1_000, {
        <Taskpen>::bounded(1_000, IN_FLIGHT, |i| yields(i, 4))
    });
}

fn waiting(group: &mut Group<'_>) {
    for n in [100, 10_000] {
        bench!(group, "spawn, suspend, drop", n, async {
            let parent = <Taskpen>::suspend(n).await;
            <Taskpen>::end(parent).await;
        });
        group.bench_function(BenchmarkId::new("drop of suspended", n), |bencher| {
            bencher.iter_batched(
                || block_on(<Taskpen>::suspend(n)),
                |parent| block_on(<Taskpen>::end(parent)),
                BatchSize::PerIteration,
            );
        });
    }
    let wave = Wave::new(1_000);
    bench!(group, "cross-thread wake", 1_000, {
        <Taskpen>::join(1_000, move |i| wave.wait(i))
    });
    let tables = Tables::new(1, 100);
    bench!(group, "ping-pong, 100 rallies", 2, {
        <Taskpen>::join(2, move |i| tables.play(i))
    });
}

/// Children that helpers share, in a task of async-std.
fn computing(group: &mut Group<'_>) {
    for micros in [1, 10, 100] {
        let (n, steps) = (1_000, micros * steps_per_micro());
        group.throughput(Throughput::Elements(n as u64));
        group.bench_function(BenchmarkId::new("CPU, µs each", micros), |bencher| {
            bencher.iter_custom(|repeat| in_async_std(repeat, n, steps));
        });
    }
}

fn in_async_std(repeat: u64, n: usize, steps: u64) -> Duration {
    async_std::task::block_on(async_std::task::spawn(async move {
        let start = Instant::now();
        for _ in 0..repeat {
            black_box(<Taskpen>::join(n, |i| compute(i, steps)).await);
        }
        start.elapsed()
    }))
}

fn all(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("taskpen");
    spawning(&mut group);
    waiting(&mut group);
    computing(&mut group);
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(50);
    targets = all
}
criterion_main!(benches);
