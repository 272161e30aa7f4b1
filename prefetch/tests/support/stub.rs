//! A web server whose answers a test decides, for the tests.
//!
//! It runs as a future beside the test: nothing of it is left when the test is over.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::HashMap;
use std::env;
use std::fs;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use async_std::future::timeout;
use async_std::net::{TcpListener, TcpStream};
use async_std::task;
use futures_lite::future::{or, yield_now};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;

/// No test takes this long, unless something hangs.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// What the server does when it is asked for a page.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// An HTML page with this text.
    Page(String),
    /// The same, once the test opens the gate for it.
    Gated(String),
    /// An HTML page that is not UTF-8.
    Latin1,
    /// Closes the connection.
    Silence,
    /// Keeps the connection open, and waits until the client closes it.
    Hang,
}

/// A page that links to each of `links`.
pub(crate) fn links(links: &[&str]) -> Answer {
    let links = links.iter().map(|link| format!("<a href=\"{link}\">x</a>"));
    Answer::Page(links.collect())
}

/// The server. Paths that it has no answer for are 404.
#[derive(Debug)]
pub(crate) struct Stub {
    listener: TcpListener,
    answers: HashMap<String, Answer>,
    gate: Semaphore,
    /// Requests that came in, those that are not answered yet, and the most there were of these.
    pub(crate) asked: AtomicUsize,
    pub(crate) busy: AtomicUsize,
    pub(crate) busiest: AtomicUsize,
    /// Connections that the client closed without an answer.
    pub(crate) hung_up: AtomicUsize,
}

impl Stub {
    pub(crate) async fn bind<'a>(answers: impl IntoIterator<Item = (&'a str, Answer)>) -> Self {
        let answers = answers.into_iter();
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            answers: answers
                .map(|(path, answer)| (path.to_owned(), answer))
                .collect(),
            gate: Semaphore::new(0),
            asked: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
            busiest: AtomicUsize::new(0),
            hung_up: AtomicUsize::new(0),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// Lets `n` gated requests pass, in the order in which they came.
    pub(crate) fn open_gate(&self, n: usize) {
        self.gate.add_permits(n);
    }

    /// Serves until it is dropped.
    pub(crate) async fn serve<T>(&self) -> T {
        taskpen::scope(async |s| {
            loop {
                let (stream, _) = self.listener.accept().await.unwrap();
                // An error is a client that went away.
                s.spawn(async { drop(self.answer(stream).await) });
            }
        })
        .await
    }

    async fn answer(&self, mut stream: TcpStream) -> io::Result<()> {
        let path = request_path(&mut stream).await?;
        self.asked.fetch_add(1, SeqCst);
        let busy = self.busy.fetch_add(1, SeqCst) + 1;
        self.busiest.fetch_max(busy, SeqCst);
        let answer = self.answers.get(&path);
        if let Some(Answer::Gated(_)) = answer {
            self.gate.acquire().await.unwrap().forget();
        }
        // Before the client can know of the answer, and ask for the next page.
        self.busy.fetch_sub(1, SeqCst);
        let body = match answer {
            None => return respond(&mut stream, "404 Not Found", b"").await,
            Some(Answer::Page(body) | Answer::Gated(body)) => body.as_bytes(),
            Some(Answer::Latin1) => b"caf\xe9",
            Some(Answer::Silence) => return Ok(()),
            Some(Answer::Hang) => {
                // The client has nothing more to send: this ends when it closes.
                let _ = stream.read(&mut [0]).await;
                self.hung_up.fetch_add(1, SeqCst);
                return Ok(());
            }
        };
        respond(&mut stream, "200 OK", body).await
    }
}

async fn respond(stream: &mut TcpStream, status: &str, body: &[u8]) -> io::Result<()> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await
}

/// Reads the head of a request, and gives its path.
async fn request_path(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).await?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    Ok(head.split(' ').nth(1).unwrap_or_default().to_owned())
}

/// Runs a test beside its server.
pub(crate) fn beside<'a, T>(
    answers: impl IntoIterator<Item = (&'a str, Answer)>,
    test: impl AsyncFnOnce(&Stub) -> T,
) -> T {
    block_on(async {
        let stub = Stub::bind(answers).await;
        or(test(&stub), stub.serve()).await
    })
}

/// Runs a future that does not take long.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    task::block_on(timeout(LIMIT, future)).expect("the test hangs")
}

/// Lets others run until `condition` holds.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        yield_now().await;
    }
}

/// A directory for one test, which must have a name of its own; removed when dropped.
#[derive(Debug)]
pub(crate) struct Directory(PathBuf);

impl Directory {
    /// Makes the directory, with these files in it.
    pub(crate) fn new(name: &str, files: &[(&str, &[u8])]) -> Self {
        let path = env::temp_dir().join(format!("taskpen-{}-{name}", process::id()));
        fs::create_dir_all(&path).unwrap();
        for (file, content) in files {
            let file = path.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        }
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
