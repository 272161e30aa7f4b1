//! What a client leaves behind when it is dropped: no task, and no socket. A program of its own, in
//! which one test runs at a time, because the sockets are those of the process.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

mod support;

use std::fs;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};

use client::server::Server;
use client::{Alive, Client};
use futures_lite::future::poll_once;

use support::{LONG, Script, eager, fill, lazy, lose, run, until};

/// Held by the test that runs. It counts the sockets of the process before and after.
struct Alone {
    _lock: MutexGuard<'static, ()>,
    sockets: usize,
}

impl Alone {
    fn begin() -> Self {
        static LOCK: Mutex<()> = Mutex::new(());
        let _lock = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
        let sockets = sockets();
        Self { _lock, sockets }
    }

    /// The client is gone, and so is what the test has opened. What a thread polls while its pen is
    /// dropped goes a moment later.
    async fn assert_nothing_left(self, client: Alive) {
        until(|| client.count() == 0 && sockets() == self.sockets).await;
    }
}

fn sockets() -> usize {
    let descriptors = fs::read_dir("/proc/self/fd").unwrap();
    let targets = descriptors.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    let is_socket = |target: &std::path::PathBuf| target.to_string_lossy().starts_with("socket:");
    targets.filter(is_socket).count()
}

#[test]
fn idle() {
    let alone = Alone::begin();
    run(async {
        let server = Server::start("127.0.0.1:0").await.unwrap();
        let client = Client::connect(server.address()).await.unwrap();
        assert_eq!(client.request("echo a").await.as_deref(), Ok("a"));
        // The listener, and both ends of the connection; each end is held once.
        assert_eq!(sockets(), alone.sockets + 3);
        let alive = client.alive();
        assert_eq!(alive.count(), 2);

        drop(client);
        until(|| server.connections() == 0).await;
        until(|| sockets() == alone.sockets + 1).await;
        drop(server);
        alone.assert_nothing_left(alive).await;
    });
}

#[test]
fn with_requests_that_were_given_up() {
    let alone = Alone::begin();
    run(async {
        let server = Server::start("127.0.0.1:0").await.unwrap();
        let client = Client::connect(server.address()).await.unwrap();
        let alive = client.alive();
        for _ in 0..100 {
            assert_eq!(poll_once(client.request("sleep 1000000000")).await, None);
        }
        drop(client);
        // The server learns of it although it has commands that run.
        drop(server);
        alone.assert_nothing_left(alive).await;
    });
}

#[test]
fn in_the_middle_of_a_line() {
    let alone = Alone::begin();
    run(async {
        let (client, mut peer) = Script::new().await.client(lazy()).await;
        let alive = client.alive();
        let requests = fill(&client).await;
        assert_eq!(peer.line().await, format!("1 {}", *LONG));
        drop(requests);
        drop(client);
        until(|| alive.count() == 0).await;
        drop(peer);
        alone.assert_nothing_left(alive).await;
    });
}

#[test]
fn while_it_waits_to_reconnect() {
    let alone = Alone::begin();
    run(async {
        let (client, peer) = Script::new().await.client(lazy()).await;
        let alive = client.alive();
        lose(&client, peer).await;
        assert_eq!(alive.count(), 2);
        drop(client);
        alone.assert_nothing_left(alive).await;
    });
}

/// At any moment of connecting anew, over and over.
#[test]
fn while_it_reconnects() {
    let alone = Alone::begin();
    run(async {
        for _ in 0..50 {
            let script = Script::new().await;
            let (client, peer) = script.client(eager()).await;
            let alive = client.alive();
            lose(&client, peer).await;
            drop(client);
            until(|| alive.count() == 0).await;
        }
        let client = Script::new().await.client(lazy()).await.0;
        let alive = client.alive();
        drop(client);
        alone.assert_nothing_left(alive).await;
    });
}

#[test]
fn closed() {
    let alone = Alone::begin();
    run(async {
        let script = Script::new().await;
        let (client, peer) = script.client(lazy()).await;
        client.close().await;
        // Exactly: nothing is left to wait for.
        assert_eq!(client.alive().count(), 1);
        assert_eq!(sockets(), alone.sockets + 2, "the listener and the peer");
        let alive = client.alive();
        drop((client, script, peer));
        alone.assert_nothing_left(alive).await;
    });
}

/// A future that is polled by whoever wakes it, inside the wake.
struct Inline(Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>);

impl Wake for Inline {
    fn wake(self: Arc<Self>) {
        let Some(mut future) = self.0.lock().unwrap().take() else {
            return;
        };
        let waker = Waker::from(Arc::clone(&self));
        if future
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
        {
            *self.0.lock().unwrap() = Some(future);
        }
    }
}

/// Makes a request, and drops the client when it is answered or lost: in the wake, so in the middle
/// of a poll of the client's own task.
fn request_and_drop(client: Client) {
    let future = async move {
        let _ = client.request("a").await;
        drop(client);
    };
    Arc::new(Inline(Mutex::new(Some(Box::pin(future))))).wake();
}

#[test]
fn by_whom_an_answer_wakes() {
    let alone = Alone::begin();
    run(async {
        let (client, mut peer) = Script::new().await.client(lazy()).await;
        let alive = client.alive();
        request_and_drop(client);
        assert_eq!(peer.line().await, "1 a");
        peer.say("1 A\n").await;
        peer.assert_end().await;
        alone.assert_nothing_left(alive).await;
    });
}

#[test]
fn by_whom_a_loss_wakes() {
    let alone = Alone::begin();
    run(async {
        let (client, mut peer) = Script::new().await.client(eager()).await;
        let alive = client.alive();
        request_and_drop(client);
        assert_eq!(peer.line().await, "1 a");
        drop(peer);
        alone.assert_nothing_left(alive).await;
    });
}

/// Nobody is there to be connected to.
#[test]
fn not_connected() {
    let alone = Alone::begin();
    run(async {
        let script = Script::new().await;
        let address = script.address();
        drop(script);
        let before = sockets();
        Client::connect(address).await.unwrap_err();
        assert_eq!(sockets(), before);
        assert_eq!(before, alone.sockets);
    });
}

/// A connection that is given up while it is being made.
#[test]
fn not_waited_for() {
    let alone = Alone::begin();
    run(async {
        let script = Script::new().await;
        for _ in 0..50 {
            let mut connect = pin!(Client::connect(script.address()));
            let _ = poll_once(&mut connect).await;
        }
        drop(script);
        until(|| sockets() == alone.sockets).await;
    });
}
