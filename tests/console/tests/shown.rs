//! V5: tokio-console shows children under every runtime: their names, where they were spawned, how
//! often they were polled and woken, and for how long. The ids are those of `tests/README.md`.
#![cfg(console_without_tokio_unstable)]

use std::collections::HashMap;
use std::future::{Future, pending};
use std::net::{Ipv4Addr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use console_api::field::{Name, Value};
use console_api::instrument::InstrumentRequest;
use console_api::instrument::instrument_client::InstrumentClient;
use console_api::tasks::{Stats, Task};
use console_subscriber::ConsoleLayer;
use futures_lite::future::{block_on, yield_now};
use taskpen::{Scope, scope};
use tokio::runtime::Builder;

/// How often each child yields, and how long it is busy each time.
const TIMES: u64 = 10;
const BUSY: Duration = Duration::from_millis(1);

/// No test takes this long, unless something hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// A scope with a child that works, and one that waits until it is cancelled.
async fn work(runtime: &'static str) {
    scope(async move |s: Scope<'static>| {
        s.named(format!("{runtime}: works")).spawn(async {
            for _ in 0..TIMES {
                let start = Instant::now();
                while start.elapsed() < BUSY {}
                yield_now().await;
            }
        });
        s.named(format!("{runtime}: waits"))
            .spawn_background(pending::<()>());
    })
    .await;
}

/// What the console knows of the tasks.
#[derive(Default)]
struct Shown {
    tasks: HashMap<u64, Task>,
    stats: HashMap<u64, Stats>,
}

impl Shown {
    fn id_of(&self, name: &str) -> Option<u64> {
        let is_it = |task: &&Task| text(task, "task.name").as_deref() == Some(name);
        let found = self.tasks.values().find(is_it)?;
        found.id.as_ref().map(|id| id.id)
    }

    /// The task and its figures, once they say that it is gone.
    fn gone(&self, name: &str) -> Option<(&Task, &Stats)> {
        let id = self.id_of(name)?;
        let stats = self.stats.get(&id)?;
        stats
            .dropped_at
            .is_some()
            .then(|| (&self.tasks[&id], stats))
    }
}

/// A field of a task.
fn text(task: &Task, name: &str) -> Option<String> {
    task.fields
        .iter()
        .find_map(|field| match (&field.name, &field.value) {
            (Some(Name::StrName(it)), Some(Value::StrVal(value))) if it == name => {
                Some(value.clone())
            }
            (Some(Name::StrName(it)), Some(Value::DebugVal(value))) if it == name => {
                Some(value.trim_matches('"').to_owned())
            }
            _ => None,
        })
}

/// Reads what the console says until `is_enough`.
async fn read(port: u16, is_enough: impl Fn(&Shown) -> bool) -> Shown {
    let address = format!("http://127.0.0.1:{port}");
    let mut client = loop {
        match InstrumentClient::connect(address.clone()).await {
            Ok(client) => break client,
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await, // it is not there yet
        }
    };
    let updates = client.watch_updates(InstrumentRequest {}).await.unwrap();
    let mut updates = updates.into_inner();
    let mut shown = Shown::default();
    while !is_enough(&shown) {
        let update = updates.message().await.unwrap().expect("it goes on");
        if let Some(update) = update.task_update {
            let id = |task: &Task| task.id.as_ref().map_or(0, |id| id.id);
            let new = update.new_tasks.into_iter().map(|task| (id(&task), task));
            shown.tasks.extend(new);
            shown.stats.extend(update.stats_update);
        }
    }
    shown
}

fn driven<F: Future>(future: F) -> F::Output {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(LIMIT, future).await.expect("it hangs") })
}

#[test]
fn tasks() {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    ConsoleLayer::builder()
        .server_addr((Ipv4Addr::LOCALHOST, port))
        .publish_interval(Duration::from_millis(20))
        .init();

    block_on(work("no runtime"));
    async_std::task::block_on(work("async-std"));
    let threads = Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    threads.block_on(async { tokio::spawn(work("tokio")).await.unwrap() });
    smol::block_on(smol::spawn(work("smol")));

    let runtimes = ["no runtime", "async-std", "tokio", "smol"];
    let [works, waits] = ["works", "waits"].map(|name| runtimes.map(|it| format!("{it}: {name}")));
    let all = [works.clone(), waits.clone()].concat();
    let reader = thread::spawn(move || {
        driven(read(port, |shown| {
            all.iter().all(|name| shown.gone(name).is_some())
        }))
    });
    let shown = reader.join().unwrap();

    for name in works {
        let (task, stats) = shown.gone(&name).unwrap();
        let location = task.location.as_ref().unwrap();
        assert!(
            location.file.as_ref().unwrap().ends_with("shown.rs"),
            "{name}: {task:?}"
        );
        assert_eq!(text(task, "kind").as_deref(), Some("child"), "{name}");
        // console-subscriber 0.5 tells the parents of no task; the guide says so, while it is so.
        assert!(task.parents.is_empty(), "{name}: {task:?}");
        let polls = stats.poll_stats.as_ref().unwrap();
        assert_eq!(polls.polls, TIMES + 1, "{name}: {stats:?}");
        // A wake is told once the child stands in line: on another thread it may be over by then.
        let missed = TIMES - stats.wakes.min(TIMES);
        let may_miss = u64::from(!name.starts_with("no runtime"));
        assert!(
            stats.wakes <= TIMES && missed <= may_miss,
            "{name}: {stats:?}"
        );
        // If none were left the console would say that it is never woken again.
        assert!(stats.waker_clones > stats.waker_drops, "{name}: {stats:?}");
        let busy = polls.busy_time.as_ref().unwrap();
        let busy = Duration::new(busy.seconds as u64, busy.nanos as u32);
        assert!(busy >= BUSY * TIMES as u32, "{name}: {busy:?}");
    }
    for name in waits {
        let (task, _) = shown.gone(&name).unwrap();
        assert_eq!(text(task, "kind").as_deref(), Some("background"), "{name}");
    }
}
