//! The task of a client: it owns the socket, and gets another when that is lost.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_lite::future::{or, yield_now};
use smol::Timer;
use smol::io::{AsyncWriteExt, BufReader};
use smol::net::TcpStream;

use crate::lines::{read_line, split};
use crate::table::Table;

/// What the task owns beside the socket. When it is dropped, wherever the task stands, the requests
/// that are left fail.
#[derive(Debug)]
pub(crate) struct Connection {
    table: Arc<Table>,
    address: String,
    pauses: Pauses,
}

/// How it ended with a socket.
enum End {
    /// The client was closed, and everything is answered.
    Drained,
    Lost,
}

impl Connection {
    pub(crate) fn new(table: Arc<Table>, address: String, pauses: Pauses) -> Self {
        Self {
            table,
            address,
            pauses,
        }
    }

    /// Serves requests until the client is closed.
    pub(crate) async fn run(mut self, mut stream: TcpStream) {
        loop {
            match self.converse(stream).await {
                End::Drained => return,
                End::Lost => self.table.lose(),
            }
            stream = match self.reconnect().await {
                Some(stream) => stream,
                None => return,
            };
        }
    }

    /// Writes requests and reads answers until the socket is of no use any more, and closes it.
    async fn converse(&mut self, stream: TcpStream) -> End {
        let Self { table, pauses, .. } = self;
        let drained = async {
            table.drained().await;
            End::Drained
        };
        // Whichever ends first drops the other, and it does not matter why.
        let lost = async {
            let _ = or(write(table, stream.clone()), read(table, stream, pauses)).await;
            End::Lost
        };
        or(drained, lost).await
    }

    /// Tries until there is a connection; `None` if the client is closed first.
    async fn reconnect(&mut self) -> Option<TcpStream> {
        let closed = async {
            self.table.closed().await;
            None
        };
        let connected = async {
            loop {
                Timer::after(self.pauses.next()).await;
                if let Ok(stream) = connect(&self.address).await {
                    return Some(stream);
                }
            }
        };
        or(closed, connected).await
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.table.end();
    }
}

/// Writes a line after the other. Only the end of the connection can interrupt one, so no request
/// sees half of another.
async fn write(table: &Table, mut stream: TcpStream) -> io::Result<()> {
    loop {
        let line = table.next_line().await;
        stream.write_all(line.as_bytes()).await?;
    }
}

/// Hands answers to whom they belong.
async fn read(table: &Table, stream: TcpStream, pauses: &mut Pauses) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(line) = read_line(&mut reader).await? {
        let (tag, reply) = split(&line)?;
        table.answer(tag, reply);
        pauses.reset();
        // A server that never pauses must not keep the rest of the task from its turn.
        yield_now().await;
    }
    Ok(())
}

/// Connects to the first of the addresses of a name that can be had.
pub(crate) async fn connect(address: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?; // lines are short, and somebody waits for each
    Ok(stream)
}

/// How long to wait before a try to connect: twice as long each time, up to a limit. It begins anew
/// when the server has said something, and not when it has accepted: it may accept and hang up.
#[derive(Debug)]
pub(crate) struct Pauses {
    next: Duration,
    first: Duration,
    longest: Duration,
}

impl Pauses {
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        let first = first.min(longest);
        Self {
            next: first,
            first,
            longest,
        }
    }

    fn next(&mut self) -> Duration {
        let pause = self.next;
        self.next = pause.saturating_mul(2).min(self.longest);
        pause
    }

    fn reset(&mut self) {
        self.next = self.first;
    }
}
