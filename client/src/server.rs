//! A small server that speaks the protocol, for the program and the tests.
//!
//! | command | |
//! |---|---|
//! | `echo TEXT` | answers `TEXT` |
//! | `upper TEXT` | answers `TEXT` in capitals |
//! | `sleep MILLIS` | answers later |
//! | `quit` | closes the connection at once, whatever is in flight |
//! | `panic` | panics, which costs this connection and no other |
//!
//! ```text
//! Server ─ Pen ─ accepts connections
//!              └ one child per connection: a scope ─ body: reads commands
//!                                                  └ one child per command, so that answers overtake
//! ```
//!
//! A connection belongs to the server, which is a value, hence the pen. A command belongs to the
//! connection, which is a block of code, hence the scope: its children borrow the socket.

use std::any::Any;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_lite::FutureExt;
use smol::Timer;
use smol::io::{AsyncWriteExt, BufReader};
use smol::lock::Mutex;
use smol::net::{TcpListener, TcpStream};
use taskpen::{Pen, Smol, TryScope, try_scope};

use crate::lines::{read_line, split};

/// How many commands of a connection may run at the same time. Further ones are not read.
const AT_ONCE: usize = 64;

/// How long the server waits when it cannot accept: what is scarce then comes back when a
/// connection closes.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A server, which accepts connections for as long as it is there.
///
/// **Drop** closes the port and all connections.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    pen: Pen,
}

impl Server {
    /// Listens at a host and port; port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// If the port cannot be had.
    pub async fn start(address: impl ToString) -> io::Result<Self> {
        let listener = TcpListener::bind(address.to_string()).await?;
        let address = listener.local_addr()?;
        let pen = Pen::on(Smol);
        pen.spawn_with(async move |pen| {
            loop {
                pen.spawn(survive(converse(accept(&listener).await)));
            }
        });
        Ok(Self { address, pen })
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the number of connections that are open.
    pub fn connections(&self) -> usize {
        self.pen.len().saturating_sub(1) // the child that accepts
    }

    /// Closes the port and all connections, and waits until they are gone.
    pub async fn stop(self) {
        self.pen.cancel().await;
    }
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(_) => {
                Timer::after(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Keeps what goes wrong with a connection from the others, for a panic of a child is one of the
/// whole pen. The panic has been reported by then, and an error is the other side's.
async fn survive(connection: impl Future<Output = io::Result<()>>) {
    let _: Result<io::Result<()>, Box<dyn Any + Send>> =
        AssertUnwindSafe(connection).catch_unwind().await;
}

/// Serves a connection until the other side ends it, or an error does: that cuts off the commands
/// which are running. After a normal end they are still answered.
async fn converse(stream: TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream.clone());
    // A child holds it for a line.
    let writer = &Mutex::new(stream);
    try_scope(async |s: TryScope<'_, io::Error>| {
        let mut commands = s.join_set();
        while let Some(line) = read_line(&mut reader).await? {
            let (_, command) = split(&line)?;
            if command == "quit" {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            commands.wait_below(AT_ONCE).await;
            commands.spawn(answer(line, writer));
        }
        commands.wait_below(1).await;
        Ok(())
    })
    .await
}

/// Executes the command of a line.
async fn answer(line: String, writer: &Mutex<TcpStream>) -> io::Result<()> {
    let (tag, command) = split(&line)?;
    let reply = execute(command).await;
    let answer = format!("{tag} {reply}\n");
    writer.lock().await.write_all(answer.as_bytes()).await
}

async fn execute(command: &str) -> String {
    match command.split_once(' ').unwrap_or((command, "")) {
        ("echo", text) => text.to_owned(),
        ("upper", text) => text.to_uppercase(),
        ("sleep", millis) => sleep(millis).await,
        ("panic", "") => panic!("a client asked for this"),
        (name, _) => format!("error: there is no command {name:?}"),
    }
}

async fn sleep(millis: &str) -> String {
    match millis.parse() {
        Ok(number) => {
            Timer::after(Duration::from_millis(number)).await;
            format!("slept {number}")
        }
        Err(_) => format!("error: `sleep` takes a number of milliseconds, not {millis:?}"),
    }
}
