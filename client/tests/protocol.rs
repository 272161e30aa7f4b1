//! Servers that do not do what they should.
#![forbid(unsafe_code)]

mod support;

use client::server::Server;
use client::{Client, LONGEST, RequestError};
use futures_lite::future::{poll_once, yield_now, zip};
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::TcpStream;

use support::{Peer, Script, eager, exchange, lazy, run, until};

async fn assert_served(client: &Client, peer: &mut Peer) {
    let answer = async {
        let line = peer.line().await;
        let tag = line.strip_suffix(" good").unwrap();
        peer.say(format!("{tag} GOOD\n")).await;
    };
    let (answer, ()) = zip(client.request("good"), answer).await;
    assert_eq!(answer, Ok("GOOD".to_owned()));
}

/// The client gives such a connection up, and gets another.
#[test]
fn lines_that_are_no_answers() {
    run(async {
        let long = format!("1 {}\n", "x".repeat(LONGEST));
        let bad: [&[u8]; 5] = [b"1\n", b"\n", b" 1 A\n", b"1 \xff\n", long.as_bytes()];
        for line in bad {
            let script = Script::new().await;
            let (client, mut peer) = script.client(eager()).await;
            let answer = async {
                assert_eq!(peer.line().await, "1 a");
                peer.say(line).await;
                peer.assert_end().await;
            };
            let (answer, ()) = zip(client.request("a"), answer).await;
            assert_eq!(answer, Err(RequestError::Lost));
            assert_served(&client, &mut script.accept().await).await;
        }
    });
}

/// Half an answer is none.
#[test]
fn a_line_without_an_end() {
    run(async {
        let (client, mut peer) = Script::new().await.client(lazy()).await;
        let answer = async move {
            assert_eq!(peer.line().await, "1 a");
            peer.say("1 A").await;
        };
        let (answer, ()) = zip(client.request("a"), answer).await;
        assert_eq!(answer, Err(RequestError::Lost));
    });
}

#[test]
fn answers_that_nobody_waits_for() {
    run(async {
        let (client, mut peer) = Script::new().await.client(lazy()).await;
        peer.say("* hello\n0 x\n18446744073709551616 x\n-1 x\n")
            .await;
        let answer = exchange(&client, &mut peer, "1 a", "2 x\n1 A\n1 x\n").await;
        assert_eq!(answer, Ok("A".to_owned()));
        assert_served(&client, &mut peer).await;
    });
}

/// It holds up neither what is to be written nor the end.
#[test]
fn a_server_that_never_pauses() {
    run(async {
        let (client, mut peer) = Script::new().await.client(lazy()).await;
        let alive = client.alive();
        let lines = "0 x\n".repeat(10_000);
        let flood = async { while peer.try_say(&lines).await.is_ok() {} };
        let use_client = async {
            for _ in 0..10 {
                // The flood goes on in the same task; so this yields to it.
                assert_eq!(poll_once(client.request("a")).await, None);
                yield_now().await;
            }
            drop(client);
            until(|| alive.count() == 0).await;
        };
        zip(flood, use_client).await;
    });
}

#[test]
fn clients_that_are_no_better() {
    run(async {
        let server = Server::start("127.0.0.1:0").await.unwrap();
        let client = Client::connect_with(server.address(), lazy())
            .await
            .unwrap();
        let long = "x".repeat(2 * LONGEST);
        let bad: [&[u8]; 5] = [
            b"1\n",
            b"1 \xff\n",
            long.as_bytes(),
            b"1 panic\n",
            b"1 quit\n",
        ];
        for line in bad {
            let mut stream = TcpStream::connect(server.address()).await.unwrap();
            stream.write_all(line).await.unwrap();
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await; // reset, where more was sent than read
            assert_eq!(rest, b"");
        }
        assert_eq!(client.request("echo hello").await, Ok("hello".to_owned()));
        until(|| server.connections() == 1).await;
    });
}

/// What has been asked before the end is answered.
#[test]
fn a_client_that_sends_no_more() {
    run(async {
        let server = Server::start("127.0.0.1:0").await.unwrap();
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(b"a sleep 1\n").await.unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut rest = String::new();
        stream.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "a slept 1\n");
    });
}
