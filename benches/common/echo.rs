//! A server whose connections are echoed by a child each, and its client.

use std::io::{Read, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use futures_lite::io::{AsyncReadExt, AsyncWriteExt};
use smol::Async;

/// Messages on each connection, in one go of all children.
pub const MESSAGES: usize = 20;

/// What is sent and comes back.
const LENGTH: usize = 64;

/// Connections, over the loopback device, and a thread that is the client of all of them. The
/// sockets are those of async-io, whatever the runtime: it polls in a thread of its own.
pub struct Connections {
    ends: Vec<Async<TcpStream>>,
    go: Sender<()>,
}

impl Connections {
    /// Starts the client; it lives as long as the process.
    pub fn new(n: usize) -> &'static Self {
        let (ends, clients) = (0..n)
            .map(|_| connect().expect("the loopback device is there"))
            .unzip();
        let (go, told) = channel();
        thread::spawn(move || {
            while told.recv().is_ok() {
                talk(&clients).expect("the children echo");
            }
        });
        Box::leak(Box::new(Self { ends, go }))
    }

    /// Child number `i`: echoes on its connection. The first one tells the client to begin.
    pub async fn echo(&'static self, i: usize) -> u64 {
        if i == 0 {
            self.go.send(()).expect("the client waits for this");
        }
        let mut end = &self.ends[i];
        let mut message = [0; LENGTH];
        for _ in 0..MESSAGES {
            end.read_exact(&mut message).await.expect("it is sent");
            end.write_all(&message).await.expect("it is read");
        }
        message[0].into()
    }
}

fn connect() -> Result<(Async<TcpStream>, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let (end, _) = listener.accept()?;
    for stream in [&client, &end] {
        stream.set_nodelay(true)?;
    }
    Ok((Async::new(end)?, client))
}

/// Sends on all connections before it reads from the first.
fn talk(clients: &Vec<TcpStream>) -> Result<()> {
    let mut message = [7; LENGTH];
    for _ in 0..MESSAGES {
        for mut client in clients {
            client.write_all(&message)?;
        }
        for mut client in clients {
            client.read_exact(&mut message)?;
        }
    }
    Ok(())
}
