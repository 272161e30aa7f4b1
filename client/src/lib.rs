//! A client for a line protocol with tags, as IMAP has them: a request is a line `<tag> <command>`,
//! its answer a line `<tag> <reply>`, and a slow command does not hold up a fast one.
//!
//! ```
//! use client::{Client, server::Server};
//! use futures_lite::future::zip;
//!
//! # smol::block_on(async {
//! let server = Server::start("127.0.0.1:0").await?;
//! let client = Client::connect(server.address()).await?;
//! let (slow, fast) = zip(client.request("sleep 20"), client.request("upper hello")).await;
//! assert_eq!(fast.unwrap(), "HELLO"); // came first
//! assert_eq!(slow.unwrap(), "slept 20");
//! client.close().await; // or drop it
//! # std::io::Result::Ok(()) }).unwrap();
//! ```
//!
//! # Who owns what
//!
//! ```text
//! Client ─ Pen ─ one task: the connection
//!        │         └ socket: read and written at the same time, or connected anew
//!        └ table of requests, shared with the task
//! request() ─ its entry in the table
//! ```
//!
//! * The **client** owns a [`Pen`](taskpen::Pen), and the pen owns the task.
//! * The **task** owns the socket, for as long as a connection lasts. It reads and writes by two
//!   futures of its own, not by two tasks, so they end together.
//! * A **request** borrows the client, and owns its entry in the table. It touches no socket: the
//!   task writes whole lines, one after the other, whatever becomes of the request meanwhile.
//!
//! # Why drop is enough
//!
//! Each thing has one owner, so there is no list of what to undo. Dropping the *client* drops the
//! pen, that the task, and that the socket; no request can be in flight then, for it would borrow
//! the client. Dropping a *request* drops its entry: if it had not been written it never will be,
//! and if it had, the answer finds no entry and is ignored. [`close`](Client::close) is for what
//! drop cannot do: wait for answers.
//!
//! # When the connection is lost
//!
//! Requests that were written fail with [`Lost`](RequestError::Lost): nobody knows whether the
//! server has executed them, so they are not repeated. The others wait for the next connection,
//! which the task tries to get, at intervals that grow.
//!
//! A server that sends what is not the protocol (a line without a tag, or not in UTF-8, or longer
//! than [`LONGEST`]) is treated as lost, too: after such a line no answer can be trusted. An answer
//! to a tag that is not in the table is ignored: its request was dropped, or never made.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod client;
mod connection;
mod lines;
pub mod server;
mod table;

pub use client::{Alive, Client, Options, RequestError};
pub use lines::LONGEST;
