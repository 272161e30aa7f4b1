//! The end of a client that is awaited.
#![forbid(unsafe_code)]

mod support;

use std::pin::pin;

use client::RequestError;
use futures_lite::future::{poll_once, zip};

use support::{FILL, Script, ask, fill, lazy, lose, run};

/// How much of a client is alive when its task is gone.
const NO_TASK: usize = 1;

#[test]
fn answers_are_waited_for() {
    run(async {
        let (client, mut peer) = Script::new().await.client(lazy()).await;
        let alive = client.alive();
        let first = ask(&client, &mut peer, "a").await;
        let mut second = pin!(client.request("b"));
        assert_eq!(poll_once(&mut second).await, None); // may not have been written

        let mut close = pin!(client.close());
        assert_eq!(poll_once(&mut close).await, None);
        assert_eq!(client.request("c").await, Err(RequestError::Closed));

        assert_eq!(peer.line().await, "2 b");
        peer.say("2 B\n").await;
        assert_eq!(second.await, Ok("B".to_owned()));
        assert_eq!(poll_once(&mut close).await, None);
        peer.say("1 A\n").await;
        close.await;
        assert_eq!(alive.count(), NO_TASK);
        assert_eq!(first.await, Ok("A".to_owned()));
        peer.assert_end().await;
    });
}

#[test]
fn requests_that_are_dropped_are_not_waited_for() {
    run(async {
        let (client, mut peer) = Script::new().await.client(lazy()).await;
        let requests = fill(&client).await;
        let mut close = pin!(client.close());
        assert_eq!(poll_once(&mut close).await, None);
        // When the last of them is written the task knows of `close`, and finds them in the table.
        for tag in 1..=FILL {
            assert!(peer.line().await.starts_with(&format!("{tag} ")));
        }
        drop(requests);
        close.await;
    });
}

#[test]
fn the_connection_ends_first() {
    run(async {
        let (client, mut peer) = Script::new().await.client(lazy()).await;
        let request = ask(&client, &mut peer, "a").await;
        let mut close = pin!(client.close());
        assert_eq!(poll_once(&mut close).await, None);
        drop(peer);
        close.await;
        assert_eq!(request.await, Err(RequestError::Lost));
    });
}

#[test]
fn twice() {
    run(async {
        let (client, mut peer) = Script::new().await.client(lazy()).await;
        let mut request = pin!(client.request("a"));
        assert_eq!(poll_once(&mut request).await, None);
        let (mut first, mut second) = (pin!(client.close()), pin!(client.close()));
        assert_eq!(poll_once(&mut first).await, None);
        assert_eq!(poll_once(&mut second).await, None);
        assert_eq!(peer.line().await, "1 a");
        peer.say("1 A\n").await;
        zip(first, second).await;
        client.close().await;
    });
}

/// Dropping what waits for the answers cuts them off.
#[test]
fn impatient() {
    run(async {
        let (client, mut peer) = Script::new().await.client(lazy()).await;
        let request = ask(&client, &mut peer, "a").await;
        {
            let mut close = pin!(client.close());
            assert_eq!(poll_once(&mut close).await, None);
        }
        assert_eq!(request.await, Err(RequestError::Lost));
        peer.assert_end().await;
    });
}

#[test]
fn without_a_connection() {
    run(async {
        let (client, peer) = Script::new().await.client(lazy()).await;
        lose(&client, peer).await;
        let mut waiting = pin!(client.request("a"));
        assert_eq!(poll_once(&mut waiting).await, None);
        client.close().await;
        assert_eq!(waiting.await, Err(RequestError::Closed));
        assert_eq!(client.alive().count(), NO_TASK);
        assert_eq!(client.request("b").await, Err(RequestError::Closed));
    });
}
