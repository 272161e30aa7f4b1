//! Requests: which answer is whose, and what becomes of one that is dropped.
#![forbid(unsafe_code)]

mod support;

use std::io::ErrorKind;
use std::pin::pin;

use client::server::Server;
use client::{Client, LONGEST, RequestError};
use futures_lite::future::{poll_once, zip};
use smol::net::TcpListener;
use taskpen::{Smol, scope};

use support::{FILL, LONG, Script, ask, exchange, fill, lazy, lose, run};

#[test]
fn answers_out_of_order() {
    run(async {
        let (client, mut peer) = Script::new().await.client(lazy()).await;
        let (mut slow, mut fast) = (pin!(client.request("a")), pin!(client.request("b")));
        assert_eq!(poll_once(&mut slow).await, None);
        assert_eq!(poll_once(&mut fast).await, None);
        assert_eq!(peer.line().await, "1 a");
        assert_eq!(peer.line().await, "2 b");

        peer.say("2 B\n").await;
        assert_eq!(fast.await, Ok("B".to_owned()));
        assert_eq!(poll_once(&mut slow).await, None);
        peer.say("1 A\n").await;
        assert_eq!(slow.await, Ok("A".to_owned()));
        assert_eq!(client.pending(), 0);
    });
}

#[test]
fn a_slow_command_holds_up_none() {
    run(async {
        let server = Server::start("127.0.0.1:0").await.unwrap();
        let client = Client::connect(server.address()).await.unwrap();
        let mut slow = pin!(client.request("sleep 1000000000"));
        assert_eq!(poll_once(&mut slow).await, None);
        for word in ["a", "b", "c"] {
            let answer = client.request(&format!("echo {word}")).await;
            assert_eq!(answer.as_deref(), Ok(word));
        }
    });
}

#[test]
fn many_at_the_same_time() {
    run(async {
        let server = Server::start("127.0.0.1:0").await.unwrap();
        let client = &Client::connect(server.address()).await.unwrap();
        let ask = async |number: u32| {
            let pause = client.request("sleep 1").await;
            assert_eq!(pause, Ok("slept 1".to_owned()));
            let text = format!("{number}").repeat(100);
            let echo = client.request(&format!("echo {text}")).await;
            assert_eq!(echo, Ok(text));
        };
        let askers = scope(async |s| (0..500).for_each(|number| drop(s.spawn(ask(number)))));
        askers.on(Smol).await;
        assert_eq!(client.pending(), 0);
    });
}

#[test]
fn dropped_after_it_was_written() {
    run(async {
        let (client, mut peer) = Script::new().await.client(lazy()).await;
        {
            let _dropped = ask(&client, &mut peer, "a").await;
            assert_eq!(client.pending(), 1);
        }
        assert_eq!(client.pending(), 0);

        // Its answer is nobody's, and harms nobody.
        peer.say("1 A\n").await;
        let answer = exchange(&client, &mut peer, "2 b", "2 B\n").await;
        assert_eq!(answer, Ok("B".to_owned()));
    });
}

#[test]
fn dropped_before_it_was_written() {
    run(async {
        let (client, peer) = Script::new().await.client(lazy()).await;
        lose(&client, peer).await;
        for _ in 0..100 {
            assert_eq!(poll_once(client.request("b")).await, None);
            assert_eq!(client.pending(), 0);
        }
    });
}

/// More than the system buffers is on its way, so the connection is in the middle of a line. All of
/// it is dropped, and the server still sees nothing but whole lines.
#[test]
fn dropped_in_the_middle_of_a_line() {
    run(async {
        let (client, mut peer) = Script::new().await.client(lazy()).await;
        let requests = fill(&client).await;
        assert_eq!(peer.line().await, format!("1 {}", *LONG));
        drop(requests);
        assert_eq!(client.pending(), 0);

        let whole_lines = async {
            for tag in 2.. {
                let line = peer.line().await;
                if line == format!("{} last", FILL + 1) {
                    assert!(tag <= FILL, "nothing was left out");
                    return peer.say(format!("{} end\n", FILL + 1)).await;
                }
                assert!(line == format!("{tag} {}", *LONG), "{tag} is cut");
            }
        };
        let (answer, ()) = zip(client.request("last"), whole_lines).await;
        assert_eq!(answer, Ok("end".to_owned()));
    });
}

#[test]
fn commands_that_are_no_line() {
    run(async {
        let (client, mut peer) = Script::new().await.client(lazy()).await;
        let long = "x".repeat(LONGEST);
        for bad in ["a\nb", "a\r", &long] {
            assert_eq!(client.request(bad).await, Err(RequestError::Invalid));
        }
        let _good = ask(&client, &mut peer, &long[21..]).await;
    });
}

#[test]
fn nobody_listens() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = Client::connect(address).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn threads_can_share_a_client() {
    fn assert_both<T: Send + Sync>() {}
    fn assert_send<T: Send>(_: impl FnOnce(&'static Client) -> T) {}
    assert_both::<Client>();
    assert_send(|client| client.request(""));
    assert_send(|client| client.close());
}
