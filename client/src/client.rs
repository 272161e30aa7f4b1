//! [`Client`]: the value that owns the connection's task.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_lite::future::or;
use smol::Timer;
use smol::lock::Mutex;
use taskpen::{Pen, Smol};

use crate::connection::{Connection, Pauses, connect};
use crate::lines::LONGEST;
use crate::table::Table;

/// How many bytes a command may have: so many that there is room for a tag.
const LONGEST_COMMAND: usize = LONGEST - "18446744073709551615 ".len();

/// A client of a server that answers lines: makes requests, many at the same time, over one
/// connection, which it renews when it is lost.
///
/// **Drop** closes the socket and ends the task. No request can be in flight at that time, since
/// each borrows the client. When drop returns the task is gone, unless a thread is polling it just
/// then, which drops it when the poll returns. (The look-up of a *name* runs on a thread of its
/// own, which cannot be interrupted; it holds no socket.)
///
/// # Examples
///
/// ```
/// # use client::{Client, server::Server};
/// # smol::block_on(async {
/// # let server = Server::start("127.0.0.1:0").await?;
/// # let address = server.address();
/// let client = Client::connect(address).await?;
/// assert_eq!(client.request("echo hello").await.unwrap(), "hello");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct Client {
    table: Arc<Table>,
    patience: Duration,
    /// Owns the task. `None` once the client has been closed: a pen is closed by value, and a
    /// client while requests borrow it.
    pen: Mutex<Option<Pen>>,
}

/// How a client deals with a connection that is lost.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long to wait before the first try to reconnect. Each further pause is twice as long.
    pub first_pause: Duration,
    /// How long such a pause may become.
    pub longest_pause: Duration,
    /// How long a request may wait until it can be written.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            first_pause: Duration::from_millis(50),
            longest_pause: Duration::from_secs(10),
            patience: Duration::from_secs(30),
        }
    }
}

impl Client {
    /// Connects to a host and port, with the [`Options`] that are the default.
    ///
    /// # Errors
    ///
    /// If there is no connection; nothing is left behind then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind.
    pub async fn connect(address: impl ToString) -> io::Result<Self> {
        Self::connect_with(address, Options::default()).await
    }

    /// Connects to a host and port. See [`connect`](Self::connect).
    ///
    /// # Errors
    ///
    /// If there is no connection; nothing is left behind then.
    pub async fn connect_with(address: impl ToString, options: Options) -> io::Result<Self> {
        let address = address.to_string();
        // Before there is a task, so there is nothing to undo if it fails.
        let stream = connect(&address).await?;
        let table = Arc::<Table>::default();
        let pauses = Pauses::new(options.first_pause, options.longest_pause);
        let connection = Connection::new(Arc::clone(&table), address, pauses);
        let pen = Pen::on(Smol);
        pen.spawn(connection.run(stream));
        let (pen, patience) = (Mutex::new(Some(pen)), options.patience);
        Ok(Self {
            table,
            patience,
            pen,
        })
    }

    /// Sends a command, and waits for the answer. While there is no connection it waits for one.
    ///
    /// # Errors
    ///
    /// If there is no answer, or there will be none: see [`RequestError`].
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped the answer is ignored. If the command has not been written by
    /// then it never will be; otherwise the server executes it nevertheless.
    pub async fn request(&self, command: &str) -> Result<String, RequestError> {
        if command.len() > LONGEST_COMMAND || command.contains(['\n', '\r']) {
            return Err(RequestError::Invalid);
        }
        let mut request = self.table.enter(command)?;
        let answered = async { Some(request.answered().await) };
        let impatient = async {
            Timer::after(self.patience).await;
            None
        };
        match or(answered, impatient).await {
            Some(answer) => answer,
            None if request.withdraw() => Err(RequestError::Unreachable),
            None => request.answered().await,
        }
    }

    /// Takes no further requests, waits until those in flight are answered, and closes the
    /// connection. When it returns everything is over. A server that never answers is waited for,
    /// until the connection ends.
    ///
    /// Without a connection none is waited for, and requests that do so fail.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cuts the connection off, and requests in flight fail; so a time limit
    /// around it is one for the answers.
    pub async fn close(&self) {
        self.table.close();
        // Held to the end, so that a second caller waits as long.
        let mut pen = self.pen.lock().await;
        if let Some(pen) = pen.take() {
            pen.close().await;
        }
    }

    /// Returns the number of requests that wait for an answer.
    pub fn pending(&self) -> usize {
        self.table.len()
    }

    /// Returns what tells, in a test, how much of the client is still there.
    pub fn alive(&self) -> Alive {
        Alive(Arc::downgrade(&self.table))
    }
}

/// Tells how much of a client is still there: see [`Client::alive`].
#[derive(Clone, Debug)]
pub struct Alive(Weak<Table>);

impl Alive {
    /// Returns 2 for a client and its task, 1 if one of them is gone, and 0 if both are.
    pub fn count(&self) -> usize {
        self.0.strong_count()
    }
}

/// Why a request has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// The connection was lost before the answer came. The command may have been executed, or not.
    Lost,
    /// There was no connection for as long as [`patience`](Options::patience) says, or the server
    /// did not read. The command was not sent.
    Unreachable,
    /// The client is closed. The command was not sent.
    Closed,
    /// The command is not one line, or too long for one. It was not sent.
    Invalid,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost => write!(f, "the connection was lost before the answer came"),
            Self::Unreachable => write!(f, "there was no connection to send it over"),
            Self::Closed => write!(f, "the client is closed"),
            Self::Invalid => write!(
                f,
                "a command is one line of {LONGEST_COMMAND} bytes at most"
            ),
        }
    }
}

impl Error for RequestError {}
