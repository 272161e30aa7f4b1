//! Whom a scope asks that was told nothing: trap 7. Every set of features has to pass this.

use std::mem;
use std::sync::{Arc, Mutex};
use std::thread::{ThreadId, current};

use taskpen::{Scope, scope};
use tokio::runtime::Builder;

use crate::meeting::work;
#[cfg(feature = "tokio")]
use crate::meeting::{Meeting, meet};

/// Children that are worth sharing, and what they have seen: the names of threads, or their
/// numbers.
async fn busy<'env>(s: Scope<'env>, seen: &'env Mutex<Vec<(ThreadId, String)>>) {
    for _ in 0..50 {
        s.spawn(async {
            work();
            let thread = current();
            let name = thread.name().unwrap_or("").to_string();
            seen.lock().unwrap().push((thread.id(), name));
        });
    }
}

/// R8: inside tokio no child is polled on a thread of async-std, whatever features are on. Its
/// threads are idle and would come if they were asked.
#[test]
fn tokio_children_stay_with_tokio() {
    async_std::task::block_on(async_std::task::spawn(async {})); // starts them
    let mut builder = Builder::new_multi_thread();
    let runtime = builder
        .thread_name("ours")
        .worker_threads(2)
        .build()
        .unwrap();
    let seen = Arc::<Mutex<Vec<_>>>::default();
    let lent = Arc::clone(&seen);
    let scoped = runtime.spawn(async move { scope(async |s| busy(s, &lent).await).await });
    runtime.block_on(scoped).unwrap();
    let seen = mem::take(&mut *seen.lock().unwrap());
    assert_eq!(seen.len(), 50);
    for (_, name) in seen {
        assert_eq!(name, "ours");
    }
}

/// R10: a runtime of tokio with one thread has nobody to lend, and is not asked: no task of its own
/// is ever there. A late ticket would run on the same thread, so the thread proves nothing.
#[test]
fn one_thread_of_tokio() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let seen = Mutex::new(Vec::new());
    runtime.block_on(async {
        let tasks = || runtime.metrics().num_alive_tasks();
        for workers in [None, Some(4)] {
            seen.lock().unwrap().clear();
            let mut scoped = scope(async |s| {
                busy(s.clone(), &seen).await;
                while seen.lock().unwrap().len() < 50 {
                    assert_eq!(tasks(), 0);
                    futures_lite::future::yield_now().await;
                }
            });
            if let Some(workers) = workers {
                scoped = scoped.helpers(workers); // no more than there are
            }
            scoped.await;
            assert_eq!(tasks(), 0);
        }
    });
    let home = current().id();
    assert!(seen.into_inner().unwrap().iter().all(|(id, _)| *id == home));
}

/// R10: nothing is detected in a bare `block_on`, and nobody is asked. (Unless all windows are
/// forced.)
#[cfg(not(taskpen_force_windows))]
#[test]
fn bare_block_on() {
    async_std::task::block_on(async_std::task::spawn(async {}));
    let seen = Mutex::new(Vec::new());
    futures_lite::future::block_on(scope(async |s| busy(s, &seen).await));
    let home = current().id();
    assert!(seen.into_inner().unwrap().iter().all(|(id, _)| *id == home));
}

/// R9: the workers of tokio help, also a scope that one of them polls: what it spawns last it keeps
/// for itself, and that must not be the only ticket.
#[cfg(feature = "tokio")]
#[test]
fn workers_of_tokio() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let helped = runtime.spawn(async {
        let meeting = Meeting::of(2);
        scope(async |s| meet(&s, &meeting)).helpers(1).await;
    });
    runtime.block_on(helped).unwrap();
}
