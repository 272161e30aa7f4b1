//! What happens when the connection is lost.
#![forbid(unsafe_code)]

mod support;

use std::pin::pin;
use std::time::{Duration, Instant};

use client::server::Server;
use client::{Client, Options, RequestError};
use futures_lite::future::{poll_once, zip};
use smol::Timer;

use support::{FOR_EVER, SHORT, Script, eager, exchange, lazy, lose, run};

#[test]
fn requests_in_flight_are_lost_and_later_ones_are_not() {
    run(async {
        let server = Server::start("127.0.0.1:0").await.unwrap();
        let client = Client::connect_with(server.address(), eager())
            .await
            .unwrap();
        for _ in 0..10 {
            let slow = client.request("sleep 1000000000");
            let (slow, quit) = zip(slow, client.request("quit")).await;
            assert_eq!(slow, Err(RequestError::Lost));
            assert_eq!(quit, Err(RequestError::Lost));
            let answer = client.request("upper here again").await;
            assert_eq!(answer, Ok("HERE AGAIN".to_owned()));
        }
    });
}

#[test]
fn nothing_is_repeated() {
    run(async {
        let script = Script::new().await;
        let (client, peer) = script.client(eager()).await;
        lose(&client, peer).await;
        let answer = async {
            let mut peer = script.accept().await;
            assert_eq!(peer.line().await, "2 b");
            peer.say("1 A\n2 B\n").await; // the first is too late
        };
        let (answer, ()) = zip(client.request("b"), answer).await;
        assert_eq!(answer, Ok("B".to_owned()));
    });
}

#[test]
fn requests_wait_while_there_is_no_server() {
    run(async {
        let script = Script::new().await;
        let address = script.address();
        let (client, peer) = script.client(eager()).await;
        drop(script); // from here on connections are refused
        lose(&client, peer).await;
        let mut request = pin!(client.request("echo hello"));
        assert_eq!(poll_once(&mut request).await, None);
        let _server = Server::start(address).await.unwrap();
        assert_eq!(request.await, Ok("hello".to_owned()));
    });
}

/// Without a connection, patience is all that ends a request.
#[test]
fn impatient_requests() {
    run(async {
        let (client, peer) = Script::new().await.client(impatient()).await;
        drop(peer);
        // Some may be written into the connection that is gone.
        let mut answer = client.request("a").await;
        while answer == Err(RequestError::Lost) {
            answer = client.request("a").await;
        }
        assert_eq!(answer, Err(RequestError::Unreachable));
        assert_eq!(client.pending(), 0);
    });
}

/// Patience is about being written, not about the answer: a request that the server has read does
/// not run out of it.
#[test]
fn patient_requests() {
    run(async {
        let (client, mut peer) = Script::new().await.client(impatient()).await;
        let slow = async {
            let line = peer.line().await;
            Timer::after(10 * SHORT).await;
            let tag = line.strip_suffix(" a").unwrap();
            peer.say(format!("{tag} A\n")).await;
        };
        let ask = async {
            let mut answer = client.request("a").await;
            // On a slow machine, not written in time; then the server has not read it.
            while answer == Err(RequestError::Unreachable) {
                answer = client.request("a").await;
            }
            answer
        };
        let (answer, ()) = zip(ask, slow).await;
        assert_eq!(answer, Ok("A".to_owned()));
    });
}

fn impatient() -> Options {
    Options {
        patience: SHORT,
        ..lazy()
    }
}

/// A timer is never early, so a slow machine passes this as well.
#[test]
fn pauses_grow() {
    run(async {
        let options = Options {
            longest_pause: FOR_EVER,
            ..eager()
        };
        let script = Script::new().await;
        let (_client, mut peer) = script.client(options).await;
        let begin = Instant::now();
        for _ in 0..7 {
            drop(peer);
            peer = script.accept().await;
        }
        let pauses = Duration::from_millis(1 + 2 + 4 + 8 + 16 + 32 + 64);
        assert!(begin.elapsed() >= pauses);
    });
}

/// Without the limit this would take as good as for ever.
#[test]
fn pauses_have_a_limit() {
    run(async {
        let options = Options {
            longest_pause: 2 * SHORT,
            ..eager()
        };
        let script = Script::new().await;
        let (_client, mut peer) = script.client(options).await;
        for _ in 0..40 {
            drop(peer);
            peer = script.accept().await;
        }
    });
}

/// Without the new beginning this would take as good as for ever.
#[test]
fn pauses_begin_anew_after_an_answer() {
    run(async {
        let options = Options {
            longest_pause: FOR_EVER,
            ..eager()
        };
        let script = Script::new().await;
        let (client, mut peer) = script.client(options).await;
        for tag in 1..40 {
            let (line, said) = (format!("{tag} a"), format!("{tag} A\n"));
            let answer = exchange(&client, &mut peer, &line, said).await;
            assert_eq!(answer, Ok("A".to_owned()));
            drop(peer);
            peer = script.accept().await;
        }
    });
}
