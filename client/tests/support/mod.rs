//! What the tests share: a limit that only a hang exceeds, and a server that does what a test says.
#![allow(dead_code, reason = "no test needs all of it")]

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::LazyLock;
use std::time::Duration;

use client::{Client, LONGEST, Options, RequestError};
use futures_lite::future::{or, poll_once, zip};
use smol::Timer;
use smol::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use smol::net::{TcpListener, TcpStream};

/// No test takes this long, unless something hangs.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// A time that no test lives to see the end of.
pub(crate) const FOR_EVER: Duration = Duration::from_secs(1_000_000);

/// The shortest pause there is.
pub(crate) const SHORT: Duration = Duration::from_millis(1);

/// How many requests fill the buffers, and more.
pub(crate) const FILL: usize = 4000;

/// What fills them.
pub(crate) static LONG: LazyLock<String> = LazyLock::new(|| "x".repeat(LONGEST / 2));

type Answer = Result<String, RequestError>;

/// Reconnects quickly, and lets requests wait.
pub(crate) fn eager() -> Options {
    Options {
        first_pause: SHORT,
        longest_pause: SHORT,
        patience: FOR_EVER,
    }
}

/// Never reconnects.
pub(crate) fn lazy() -> Options {
    Options {
        first_pause: FOR_EVER,
        longest_pause: FOR_EVER,
        patience: FOR_EVER,
    }
}

/// Runs a test.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    let hung = async {
        Timer::after(LIMIT).await;
        panic!("this hangs")
    };
    smol::block_on(or(test, hung))
}

/// Waits for what another thread does, and nothing tells of.
pub(crate) async fn until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        Timer::after(SHORT).await;
    }
}

/// Makes a request, the first of this client. The server has read it when this returns.
pub(crate) async fn ask<'a>(
    client: &'a Client,
    peer: &mut Peer,
    command: &'a str,
) -> Pin<Box<impl Future<Output = Answer> + use<'a>>> {
    let mut request = Box::pin(client.request(command));
    assert_eq!(poll_once(&mut request).await, None);
    assert_eq!(peer.line().await, format!("1 {command}"));
    request
}

/// Makes a request, which the server reads as this line, and to which it says this.
pub(crate) async fn exchange(
    client: &Client,
    peer: &mut Peer,
    line: &str,
    said: impl AsRef<[u8]>,
) -> Answer {
    let (_, command) = line.split_once(' ').expect("a tag and a command");
    let serve = async {
        assert_eq!(peer.line().await, line);
        peer.say(said).await;
    };
    zip(client.request(command), serve).await.0
}

/// Has the server hang up. The client knows it when this returns.
pub(crate) async fn lose(client: &Client, mut peer: Peer) {
    let hang_up = async move {
        assert_ne!(peer.line().await, "");
    };
    let (answer, ()) = zip(client.request("in flight"), hang_up).await;
    assert_eq!(answer, Err(RequestError::Lost));
}

/// Makes more requests than the system buffers, of [`LONG`] each, so that the connection is stuck
/// in the middle of a line until the server reads.
pub(crate) async fn fill(client: &Client) -> Vec<impl Future<Output = Answer>> {
    let mut requests = Vec::new();
    for _ in 0..FILL {
        let mut request = Box::pin(client.request(&LONG));
        assert_eq!(poll_once(&mut request).await, None);
        requests.push(request);
    }
    requests
}

/// A server whose part the test plays.
pub(crate) struct Script {
    listener: TcpListener,
}

impl Script {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { listener }
    }

    pub(crate) fn address(&self) -> String {
        self.listener.local_addr().unwrap().to_string()
    }

    pub(crate) async fn accept(&self) -> Peer {
        let (stream, _) = self.listener.accept().await.unwrap();
        Peer(BufReader::new(stream))
    }

    /// A client, and the other end of its connection.
    pub(crate) async fn client(&self, options: Options) -> (Client, Peer) {
        let client = Client::connect_with(self.address(), options).await.unwrap();
        (client, self.accept().await)
    }
}

/// The server's end of a connection. Dropping it hangs up.
pub(crate) struct Peer(BufReader<TcpStream>);

impl Peer {
    /// The next line, without its end; empty after the last one.
    pub(crate) async fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }

    pub(crate) async fn say(&mut self, text: impl AsRef<[u8]>) {
        self.try_say(text).await.unwrap();
    }

    /// An error if the client has hung up.
    pub(crate) async fn try_say(&mut self, text: impl AsRef<[u8]>) -> io::Result<()> {
        self.0.get_mut().write_all(text.as_ref()).await
    }

    /// The client hangs up, and has said nothing before.
    pub(crate) async fn assert_end(mut self) {
        let mut byte = [0];
        // With answers unread, the connection is reset.
        assert_eq!(self.0.read(&mut byte).await.unwrap_or(0), 0);
    }
}
